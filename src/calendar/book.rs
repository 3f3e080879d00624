//! All calendars that are known: those that come with the program, and the user's. Each is read and worked out
//! when it is first asked for. It never knows where files are kept.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

use crate::yaml::diagnostic::{Diagnostics, nearest};
use crate::yaml::report::SourceFile;

use super::calendar::Calendar;
use super::joint;
use super::making::make;
use super::read::file;
use super::session::Source;
use super::shelf::{Shelf, Text, Volume};
use super::table::Authored;
use super::tables::TABLES;

/// A code that is no calendar's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", match broken {
    Some(file) => format!("the calendar `{code}` cannot be used: {file} has mistakes"),
    None => format!("there is no calendar `{code}`"),
})]
pub struct UnknownCalendar {
    /// The code.
    pub code: String,
    /// The nearest that is one.
    pub meant: Option<String>,
    /// The file that was to define it, and has mistakes of its own.
    pub broken: Option<Arc<str>>,
}

/// All calendars that are known. A clone is the same book.
#[derive(Clone, Debug)]
pub struct Book(Arc<Inner>, Unknown);

/// What becomes of a code that is no calendar's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    IsAnError,
    HasNoDates,
}

#[derive(Debug)]
struct Inner {
    shelf: Shelf,
    /// By code in lower case, as they are asked for.
    calendars: BTreeMap<String, OnceLock<Option<Arc<Calendar>>>>,
    /// The user's files.
    sources: Arc<[SourceFile]>,
    version: OnceLock<String>,
}

impl Default for Book {
    fn default() -> Self {
        Self::embedded()
    }
}

impl Book {
    /// The calendars that come with the program.
    pub fn embedded() -> Self {
        Self::of(Shelf::embedded(), Arc::default())
    }

    /// The calendars that come with the program, with those of the user's files and what these change, a later
    /// file on top of an earlier one; and what was found in each file. Where there are errors, the book is for
    /// finding more of them only.
    pub fn with(files: &[SourceFile]) -> (Self, Vec<Diagnostics>) {
        let mut found: Vec<Diagnostics> = files.iter().map(|_| Diagnostics::default()).collect();
        let shelf = Shelf::with(files, &mut found);
        let book = Self::of(shelf, files.into());
        let shelf = &book.0.shelf;
        for (key, volume) in shelf.volumes.iter().filter(|(_, volume)| volume.is_the_users()) {
            let (calendar, remarks) = book.made(volume);
            for (layer, remark) in remarks {
                let of = |source: &Source| files.iter().position(|file| *file.path == *source.text());
                if let Some(found) = volume.file(layer).and_then(of).and_then(|file| found.get_mut(file)) {
                    found.push(remark);
                }
            }
            if let Some(slot) = book.0.calendars.get(key) {
                // Whoever was made of it may have asked for it before.
                let _ = slot.set(calendar);
            }
        }
        (book, found)
    }

    /// The same calendars, to be worked out anew: by zone data that have been replaced.
    #[must_use]
    pub fn fresh(&self) -> Self {
        Self::of(self.0.shelf.clone(), self.0.sources.clone())
    }

    fn of(shelf: Shelf, sources: Arc<[SourceFile]>) -> Self {
        let calendars = shelf.volumes.keys().map(|key| (key.clone(), OnceLock::new())).collect();
        Self(Arc::new(Inner { shelf, calendars, sources, version: OnceLock::new() }), Unknown::IsAnError)
    }

    /// The same calendars, for what was valid once: a code that is no calendar's any more is one's without dates.
    #[must_use]
    pub fn forgiving(&self) -> Self {
        Self(self.0.clone(), Unknown::HasNoDates)
    }

    /// The calendar of a code or an alias, in any case.
    pub fn get(&self, code: &str) -> Result<Arc<Calendar>, UnknownCalendar> {
        self.known(code).or_else(|unknown| match self.1 {
            Unknown::IsAnError => Err(unknown),
            Unknown::HasNoDates => Ok(Arc::new(joint::without_dates(code))),
        })
    }

    fn known(&self, code: &str) -> Result<Arc<Calendar>, UnknownCalendar> {
        let shelf = &self.0.shelf;
        let unknown = |broken| UnknownCalendar { code: code.to_owned(), meant: None, broken };
        let Some((key, volume)) = shelf.find(code) else {
            let broken = shelf.broken.get(&code.to_lowercase()).cloned();
            let meant = broken.is_none().then(|| self.meant(code)).flatten();
            return Err(UnknownCalendar { meant, ..unknown(broken) });
        };
        let slot = self.0.calendars.get(key).ok_or_else(|| unknown(None))?;
        let calendar = slot.get_or_init(|| self.made(volume).0);
        calendar.clone().ok_or_else(|| unknown(volume.file(0).map(|source| source.text().into())))
    }

    /// The codes of all calendars, in order, without aliases.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.shelf.volumes.values().map(|volume| &*volume.code)
    }

    /// The user's files that define a calendar or change it, by its code: in the order in which they count.
    pub fn files(&self, code: &str) -> Vec<&str> {
        let volume = self.0.shelf.find(code).map(|(_, volume)| volume);
        let layers = volume.into_iter().flat_map(|volume| (0..).map_while(|layer| volume.file(layer)));
        layers.filter(|source| **source != Source::Table).map(Source::text).collect()
    }

    /// The user's files, as they were read.
    pub fn sources(&self) -> &[SourceFile] {
        &self.0.sources
    }

    /// Which data these are: where the tables come from, a hash of them, and one of the user's files.
    pub fn version(&self) -> String {
        let version = self.0.version.get_or_init(|| {
            let origin = TABLES.first().and_then(|(_, text)| file::preface(text).origin);
            let tables = format!("tables {}", short(TABLES.iter().map(|(_, text)| *text)));
            // Not the directory, which is spelled now so, now so.
            let name = |file: &SourceFile| file.path.rsplit('/').next().unwrap_or_default().to_owned();
            let sources = self.0.sources.iter().flat_map(|file| [name(file), file.text.to_string()]);
            let files = (!self.0.sources.is_empty()).then(|| format!("files {}", short(sources)));
            let parts = origin.into_iter().chain([tables]).chain(files);
            parts.collect::<Vec<_>>().join(", ")
        });
        version.clone()
    }

    fn meant(&self, code: &str) -> Option<String> {
        let aliases: Vec<String> = self.0.shelf.aliases().map(str::to_uppercase).collect();
        nearest(code, self.codes().chain(aliases.iter().map(String::as_str))).map(str::to_owned)
    }

    /// A calendar, and what was found in the files that it is made from.
    fn made(&self, volume: &Volume) -> (Option<Arc<Calendar>>, Vec<super::remarks::Remark>) {
        let resolve = |code: &str| self.get(code).ok();
        let (calendar, remarks) = match &volume.text {
            Text::Own(own, source) => make(own, source, &volume.overrides, &resolve),
            Text::Embedded(text) => {
                let file = SourceFile::new(&*volume.code, *text);
                match file::read(&file, &mut Diagnostics::default()).authored {
                    Some(Authored::Own(own)) => make(&own, &Source::Table, &volume.overrides, &resolve),
                    Some(Authored::Override { .. }) | None => (None, Vec::new()),
                }
            }
        };
        (calendar.map(Arc::new), remarks)
    }
}

/// The first digits of a hash of texts.
fn short<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.as_ref().len().to_le_bytes());
        hash.update(text.as_ref());
    }
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
