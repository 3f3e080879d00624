//! One look at the files of a pattern: what matches, what stands in the way, and which directories would show
//! a change. Each directory is watched before it is looked into, so that nothing slips in between. It blocks.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, FileType, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::inotify::{Place, Planter};
use super::interests::Interest;
use super::pattern::{Part, Pattern, is_like};
use super::stillness::Print;

/// Directory entries that one look goes through.
const MOST_ENTRIES: usize = 100_000;
/// Directories that are watched for one sensor; more are only looked at.
const MOST_WATCHED: usize = 64;
/// As often a directory may come to be while the one above it is being taken for the nearest.
const MOST_CLIMBS: usize = 8;

/// What a look has found.
#[derive(Debug, Default)]
pub(super) struct Sight {
    /// The files that match.
    pub(super) files: BTreeMap<PathBuf, Print>,
    /// A directory that would have to be there.
    pub(super) missing: Option<PathBuf>,
    /// What matches and is no file, and whether it is a directory.
    pub(super) no_file: Option<(PathBuf, bool)>,
    /// What could not be looked into.
    pub(super) trouble: Option<(PathBuf, io::Error)>,
    /// Whether there was more to go through than is gone through.
    pub(super) cut: bool,
    /// Directories that are watched for it.
    pub(super) watched: Vec<(Place, Interest)>,
}

/// Looks.
pub(super) fn look(pattern: &Pattern, planter: Option<&Planter>) -> Sight {
    let mut walk = Walk { planter, sight: Sight::default(), entries: 0 };
    let mut ahead = vec![(PathBuf::from("/"), 0)];
    while let Some((directory, at)) = ahead.pop() {
        let rest = &pattern.parts[at..];
        let names: Vec<&OsString> = rest.iter().map_while(Part::name).collect();
        match &rest[names.len()..] {
            [] => walk.one(&directory, &names),
            [part, behind @ ..] if names.is_empty() => {
                let last = behind.is_empty();
                let deep = *part == Part::Deep;
                for (path, kind) in walk.list(&directory, part) {
                    if last {
                        walk.file(path);
                    } else if deep && kind.is_dir() {
                        // Not through links: they may lead round in a circle.
                        ahead.push((path, at));
                    } else if !deep && path.is_dir() {
                        ahead.push((path, at + 1));
                    }
                }
                if deep {
                    ahead.push((directory, at + 1));
                }
            }
            [_, ..] => {
                if walk.ground(&directory, &names) {
                    let path = names.iter().fold(directory, |path, name| path.join(name));
                    ahead.push((path, at + names.len()));
                }
            }
        }
    }
    walk.sight
}

struct Walk<'w> {
    planter: Option<&'w Planter>,
    sight: Sight,
    entries: usize,
}

impl Walk<'_> {
    /// The one file of this name.
    fn one(&mut self, directory: &Path, names: &[&OsString]) {
        let Some((last, above)) = names.split_last() else { return };
        if self.ground(directory, above) {
            let parent = above.iter().fold(directory.to_owned(), |path, name| path.join(name));
            self.watch(&parent, Interest::Name((*last).clone())).ok();
            self.file(parent.join(last));
        }
    }

    /// Whether a directory is there, this far below another that is. Else the nearest above it that is there
    /// is watched for the next name.
    fn ground(&mut self, directory: &Path, names: &[&OsString]) -> bool {
        let steps = names.iter().scan(directory.to_owned(), |path, name| {
            path.push(name);
            Some(path.clone())
        });
        let steps: Vec<PathBuf> = std::iter::once(directory.to_owned()).chain(steps).collect();
        let mut there = 0;
        for _ in 0..MOST_CLIMBS {
            there = steps.iter().rposition(|step| step.is_dir()).unwrap_or(0);
            let Some(next) = names.get(there) else { return true };
            let watched = self.watch(&steps[there], Interest::Name((*next).clone()));
            // It may have come to be before it was watched for, or gone.
            if watched.is_ok() && !steps[there + 1].is_dir() {
                break;
            }
        }
        match steps.get(there + 1).map(|step| (step, fs::metadata(step))) {
            Some((step, Err(error))) if error.kind() == ErrorKind::PermissionDenied => {
                self.trouble(step, error);
            }
            Some((step, _)) => drop(self.sight.missing.get_or_insert_with(|| step.clone())),
            None => {}
        }
        false
    }

    /// The entries of a directory that may be meant, with what they are.
    fn list(&mut self, directory: &Path, part: &Part) -> Vec<(PathBuf, FileType)> {
        let interest = match part {
            Part::Like(like) => Interest::Like(like.clone()),
            Part::Deep => Interest::Any,
            Part::Name(name) => Interest::Name(name.clone()),
        };
        self.watch(directory, interest).ok();
        let mut found = Vec::new();
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) => {
                self.trouble(directory, error);
                return found;
            }
        };
        for entry in entries {
            if self.entries >= MOST_ENTRIES {
                self.sight.cut = true;
                break;
            }
            self.entries += 1;
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.trouble(directory, error);
                    break;
                }
            };
            let name = entry.file_name();
            let is_meant = match part {
                Part::Like(like) => is_like(like, &name),
                Part::Deep => !name.as_encoded_bytes().starts_with(b"."),
                Part::Name(other) => name == *other,
            };
            if let Some(kind) = entry.file_type().ok().filter(|_| is_meant) {
                found.push((entry.path(), kind));
            }
        }
        found
    }

    fn file(&mut self, path: PathBuf) {
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => drop(self.sight.files.insert(path, print(&metadata))),
            Ok(metadata) => self.sight.no_file = Some((path, metadata.is_dir())),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => self.trouble(&path, error),
        }
    }

    fn watch(&mut self, directory: &Path, interest: Interest) -> io::Result<()> {
        let Some(planter) = self.planter.filter(|_| self.sight.watched.len() < MOST_WATCHED) else {
            return Ok(());
        };
        match planter.plant(directory) {
            Ok(place) => {
                let watched = (place, interest);
                if !self.sight.watched.contains(&watched) {
                    self.sight.watched.push(watched);
                }
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Err(error)
            }
            // There are too many, or it may not be read: it is looked at by the sensor's pace.
            Err(_) => Ok(()),
        }
    }

    fn trouble(&mut self, path: &Path, error: io::Error) {
        if error.kind() != ErrorKind::NotFound {
            self.sight.trouble.get_or_insert_with(|| (path.to_owned(), error));
        }
    }
}

fn print(metadata: &Metadata) -> Print {
    let nanos = i32::try_from(metadata.mtime_nsec()).unwrap_or_default();
    let modified = Timestamp::new(metadata.mtime(), nanos).unwrap_or(Timestamp::MIN);
    Print { device: metadata.dev(), inode: metadata.ino(), size: metadata.size(), modified }
}
