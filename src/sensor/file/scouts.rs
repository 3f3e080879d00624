//! Those who look at files: a thread a file system at a time, an ear for changes, and what has been found out
//! about each wait so far.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{Id, JoinSet};

use crate::clock::Clock;
use crate::duration;
use crate::sensor::answer::{Again, Seen};
use crate::sensor::question::{Files, WatchId};

use super::early::{Early, Look};
use super::inotify::{Heard, Listener, Place, Planter};
use super::interests::Interests;
use super::lanes::Lanes;
use super::look::{Sight, look};
use super::mounts::Mounts;
use super::pattern::Pattern;
use super::stillness::{Now, Stillness, Verdict};

/// Those who look at files.
pub(in crate::sensor) struct Scouts {
    clock: Arc<dyn Clock>,
    kept: HashMap<WatchId, Kept>,
    lanes: Lanes,
    mounts: Mounts,
    ear: Ear,
    interests: Interests<Place>,
    early: Early<Place>,
    away: JoinSet<Vec<(WatchId, Sight)>>,
    batches: HashMap<Id, Batch>,
}

/// Those who are out, and where.
struct Batch {
    mount: PathBuf,
    watches: Vec<WatchId>,
    look: Look,
}

struct Kept {
    pattern: Arc<Pattern>,
    files: Files,
    base: PathBuf,
    stillness: Stillness,
}

enum Ear {
    /// Nobody has waited for a file yet.
    Unused,
    Open(Listener, Planter),
    /// The kernel has none left for us.
    Deaf,
}

/// What scouts bring.
#[derive(Debug)]
pub(in crate::sensor) enum News {
    /// What looks have found.
    Seen(Vec<(WatchId, Seen)>),
    /// Something has happened that concerns these.
    Stirred(Vec<WatchId>),
}

impl Scouts {
    pub(in crate::sensor) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            kept: HashMap::new(),
            lanes: Lanes::default(),
            mounts: Mounts::default(),
            ear: Ear::Unused,
            interests: Interests::default(),
            early: Early::default(),
            away: JoinSet::new(),
            batches: HashMap::new(),
        }
    }

    /// Takes on a wait, or says why there can be nothing to wait for.
    pub(in crate::sensor) fn add(&mut self, watch: WatchId, files: &Files) -> Result<(), String> {
        let pattern = Pattern::new(&files.pattern).map_err(|invalid| invalid.to_string())?;
        if let Ear::Unused = self.ear {
            self.ear = Listener::new().map_or_else(
                |error| {
                    tracing::warn!(%error, "changes of directories cannot be heard of; files are looked for at each poke_interval");
                    Ear::Deaf
                },
                |(listener, planter)| Ear::Open(listener, planter),
            );
        }
        let base = pattern.base();
        let stillness = Stillness::default();
        self.kept.insert(watch, Kept { pattern: Arc::new(pattern), files: files.clone(), base, stillness });
        Ok(())
    }

    pub(in crate::sensor) fn forget(&mut self, watch: WatchId) {
        self.kept.remove(&watch);
        self.interests.forget(watch);
        self.uproot();
    }

    /// Looks as soon as its file system's turn comes.
    pub(in crate::sensor) fn queue(&mut self, watch: WatchId) {
        if let Some(kept) = self.kept.get(&watch) {
            let mount = self.mounts.of(&kept.base, self.clock.since_boot());
            self.lanes.queue(watch, mount);
        }
    }

    /// Sends out who can go.
    pub(in crate::sensor) fn start(&mut self) {
        while let Some((mount, watches)) = self.lanes.start(self.clock.since_boot()) {
            let planter = match &self.ear {
                Ear::Open(_, planter) => Some(planter.clone()),
                Ear::Unused | Ear::Deaf => None,
            };
            let patterns =
                watches.iter().filter_map(|watch| Some((*watch, self.kept.get(watch)?.pattern.clone())));
            let patterns: Vec<_> = patterns.collect();
            let task = self.away.spawn_blocking(move || {
                let look = |(watch, pattern): (_, Arc<Pattern>)| (watch, look(&pattern, planter.as_ref()));
                patterns.into_iter().map(look).collect()
            });
            let look = self.early.begin();
            self.batches.insert(task.id(), Batch { mount, watches, look });
        }
    }

    /// Waits for news. May be dropped and called again; nothing gets lost.
    pub(in crate::sensor) async fn news(&mut self) -> News {
        let Self { ear, away, .. } = self;
        let listening = async {
            match ear {
                Ear::Open(listener, _) => listener.hear().await,
                Ear::Unused | Ear::Deaf => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(back) = away.join_next_with_id() => match back {
                Ok((id, sights)) => self.back(id, sights),
                Err(error) => {
                    tracing::error!(%error, "a look at files went wrong");
                    self.back(error.id(), Vec::new())
                }
            },
            heard = listening => match heard {
                Ok(heard) => self.heard(heard),
                Err(error) => {
                    tracing::warn!(%error, "changes of directories can be heard of no more");
                    self.ear = Ear::Deaf;
                    News::Stirred(Vec::new())
                }
            },
        }
    }

    fn back(&mut self, id: Id, sights: Vec<(WatchId, Sight)>) -> News {
        let Some(Batch { mount, watches, look }) = self.batches.remove(&id) else {
            return News::Stirred(Vec::new());
        };
        self.lanes.finish(&mount);
        let now = Now { since_boot: self.clock.since_boot(), wall: self.clock.now() };
        let mut seen = Vec::new();
        let mut sights: HashMap<WatchId, Sight> = sights.into_iter().collect();
        for watch in watches {
            let Some(kept) = self.kept.get_mut(&watch) else { continue };
            let Some(mut sight) = sights.remove(&watch) else {
                seen.push((
                    watch,
                    Seen::not_yet("the look at the files went wrong; the daemon's log says more"),
                ));
                continue;
            };
            let missed = self.early.concerns(&sight.watched, look);
            self.interests.set(watch, std::mem::take(&mut sight.watched));
            let found = kept.judge(sight, now);
            seen.push((
                watch,
                match found {
                    Seen::NotYet(words, Again::Paced) if missed => {
                        Seen::NotYet(words, Again::In(Duration::ZERO))
                    }
                    found @ (Seen::Met(_) | Seen::NotYet(..) | Seen::Broken(_)) => found,
                },
            ));
        }
        self.early.forget_before(self.batches.values().map(|batch| batch.look).min());
        self.uproot();
        News::Seen(seen)
    }

    fn heard(&mut self, heard: Vec<Heard>) -> News {
        let mut stirred = HashSet::new();
        for heard in heard {
            match heard {
                Heard::Name(place, name) => {
                    stirred.extend(self.interests.concerned(&place, &name));
                    self.early.name(place, name);
                }
                Heard::Gone(place) => {
                    stirred.extend(self.interests.lose(&place));
                    self.early.whole(place);
                }
                Heard::TooMuch => stirred.extend(self.kept.keys()),
            }
        }
        if self.batches.is_empty() {
            self.early.forget_before(None);
        }
        News::Stirred(stirred.into_iter().collect())
    }

    /// Directories that matter to nobody any more are not watched. Only while nobody is out who may just be
    /// watching one of them anew.
    fn uproot(&mut self) {
        if !self.lanes.is_idle() {
            return;
        }
        while let Some(place) = self.interests.take_unused() {
            if let Ear::Open(listener, _) = &self.ear {
                listener.uproot(place);
            }
        }
    }

    /// What can be said of those whose file system does not answer.
    pub(in crate::sensor) fn stuck(&mut self) -> Option<(Vec<WatchId>, String, Duration)> {
        let stuck = self.lanes.stuck(self.clock.since_boot())?;
        let (mount, waited) = (stuck.mount.display(), duration::show(stuck.for_long));
        Some((
            stuck.watches,
            format!("the file system at {mount} has not answered for {waited}"),
            stuck.again,
        ))
    }

    /// When there may be something to say of that kind.
    pub(in crate::sensor) fn next_stuck(&self) -> Option<Duration> {
        self.lanes.next_stuck()
    }
}

impl Kept {
    fn judge(&mut self, sight: Sight, now: Now) -> Seen {
        let Files { pattern, stable_for } = &self.files;
        let count = sight.files.len();
        if count == 0 {
            self.stillness = Stillness::default();
            return Seen::not_yet(nothing(pattern, &sight));
        }
        let verdict = self.stillness.judge(sight.files, *stable_for, now);
        let still = duration::show(*stable_for);
        match verdict {
            Verdict::Still => {
                let what = match self.stillness.paths().next() {
                    Some(path) if count == 1 => format!("{} is there", path.display()),
                    Some(_) | None => format!("{count} files match {pattern}"),
                };
                Seen::Met(if stable_for.is_zero() { what } else { format!("{what}, still for {still}") })
            }
            Verdict::Restless { path, changed, left } => {
                let what = restless(self.pattern.short(&path), changed, *stable_for);
                let several = if count == 1 { String::new() } else { format!("{count} files match; ") };
                Seen::NotYet(format!("{several}{what}"), Again::In(left))
            }
        }
    }
}

fn restless(path: &Path, changed: Duration, stable_for: Duration) -> String {
    let (path, still) = (path.display(), duration::show(stable_for));
    match changed {
        changed if changed >= stable_for => {
            format!("{path} is there; another look makes sure that it is still")
        }
        changed if changed.as_secs() == 0 => format!("{path} changed just now, must be still for {still}"),
        changed => format!("{path} changed {} ago, must be still for {still}", duration::show(changed)),
    }
}

/// Why no file matches.
fn nothing(pattern: &str, sight: &Sight) -> String {
    if let Some((path, is_directory)) = &sight.no_file {
        let path = path.display();
        return match is_directory {
            true => format!("{path} is a directory; a sensor waits for files, such as {path}/*"),
            false => format!("{path} is no regular file"),
        };
    }
    if let Some((path, error)) = &sight.trouble {
        return format!("{} cannot be looked at: {}", path.display(), error.kind());
    }
    if sight.cut {
        return format!("too many files to look through for {pattern}; name its directories more closely");
    }
    match &sight.missing {
        Some(directory) => {
            format!("no file matches {pattern}: there is no directory {}", directory.display())
        }
        None => format!("no file matches {pattern}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    use tempfile::TempDir;

    use super::*;
    use crate::clock::System;

    const WATCH: WatchId = WatchId(1);

    /// Scouts that wait for a file of this pattern below a directory.
    fn scouts(dir: &TempDir, pattern: &str) -> Scouts {
        let mut scouts = Scouts::new(Arc::new(System));
        let pattern = dir.path().join(pattern).display().to_string();
        scouts.add(WATCH, &Files { pattern, stable_for: Duration::ZERO }).unwrap();
        scouts
    }

    async fn look(scouts: &mut Scouts) -> Seen {
        scouts.queue(WATCH);
        scouts.start();
        loop {
            if let News::Seen(seen) = scouts.news().await {
                return seen.into_iter().next().unwrap().1;
            }
        }
    }

    async fn stirred(scouts: &mut Scouts) {
        while !matches!(scouts.news().await, News::Stirred(watches) if watches == [WATCH]) {}
    }

    #[tokio::test]
    async fn one_who_does_not_come_back_has_nobody_else_look_again_and_again() {
        let dir = TempDir::new().unwrap();
        let mut scouts = scouts(&dir, "*.zip");
        // Somebody is out on a file server that does not answer.
        scouts.lanes.queue(WatchId(2), "/nowhere".into());
        let (mount, watches) = scouts.lanes.start(Duration::ZERO).unwrap();
        let never = scouts.away.spawn(std::future::pending()).id();
        let look_of_his = scouts.early.begin();
        scouts.batches.insert(never, Batch { mount, watches, look: look_of_his });
        assert!(matches!(look(&mut scouts).await, Seen::NotYet(_, Again::Paced)));
        fs::write(dir.path().join("a.zip"), "").unwrap();
        fs::remove_file(dir.path().join("a.zip")).unwrap();
        stirred(&mut scouts).await;
        let seen = look(&mut scouts).await;
        assert!(matches!(seen, Seen::NotYet(_, Again::Paced)), "{seen:?}");
    }

    /// Whether this process watches a directory, by the kernel's own list.
    fn is_watched(inode: u64) -> bool {
        let wanted = format!(" ino:{inode:x} ");
        let infos = fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
        infos.filter_map(|info| fs::read_to_string(info.path()).ok()).any(|info| info.contains(&wanted))
    }

    #[tokio::test]
    async fn a_directory_that_is_moved_away_is_not_watched_any_more() {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        let inode = fs::metadata(dir.path().join("in")).unwrap().ino();
        let mut scouts = scouts(&dir, "in/a.zip");
        look(&mut scouts).await;
        assert!(is_watched(inode));
        fs::rename(dir.path().join("in"), dir.path().join("old")).unwrap();
        stirred(&mut scouts).await;
        look(&mut scouts).await;
        assert!(!is_watched(inode));
    }
}
