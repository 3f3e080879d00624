//! All calendars that are known: those that come with the program, and the user's. Each is read and worked out
//! when it is first asked for. It never knows where files are kept.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

use crate::yaml::diagnostic::{Diagnostics, nearest};
use crate::yaml::report::SourceFile;

use super::calendar::Calendar;
use super::making::{Said, make};
use super::read;
use super::session::Source;
use super::table::{Authored, Own};
use super::tables::TABLES;

/// A code that is no calendar's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no calendar `{code}`")]
pub struct UnknownCalendar {
    /// The code.
    pub code: String,
    /// The nearest that is one.
    pub meant: Option<String>,
}

/// All calendars that are known. A clone is the same book.
#[derive(Clone, Debug)]
pub struct Book(Arc<Shelf>);

#[derive(Debug)]
struct Shelf {
    /// By code in lower case.
    volumes: BTreeMap<String, Volume>,
    /// Codes in lower case, by alias in lower case.
    aliases: OnceLock<BTreeMap<String, String>>,
    /// The user's files, by their texts.
    files: Option<String>,
}

#[derive(Debug)]
struct Volume {
    code: Arc<str>,
    text: Text,
    overrides: Arc<[Said]>,
    calendar: OnceLock<Option<Arc<Calendar>>>,
}

#[derive(Clone, Debug)]
enum Text {
    Embedded(&'static str),
    Own(Arc<Own>, Source),
}

impl Default for Book {
    fn default() -> Self {
        Self::embedded()
    }
}

impl Book {
    /// The calendars that come with the program.
    pub fn embedded() -> Self {
        let volume = |(code, text): &(&str, &'static str)| {
            let volume = Volume {
                code: Arc::from(*code),
                text: Text::Embedded(text),
                overrides: Arc::from([]),
                calendar: OnceLock::new(),
            };
            (code.to_lowercase(), volume)
        };
        let volumes = TABLES.iter().map(volume).collect();
        Self(Arc::new(Shelf { volumes, aliases: OnceLock::new(), files: None }))
    }

    /// The calendars that come with the program, with those of the user's files and what they change, in the
    /// order of the files; and what was found in each.
    pub fn with(files: &[SourceFile]) -> (Self, Vec<Diagnostics>) {
        let found = files.iter().map(|_| Diagnostics::default()).collect();
        (Self::embedded(), found)
    }

    /// The same calendars, to be worked out anew: by zone data that have been replaced.
    #[must_use]
    pub fn fresh(&self) -> Self {
        let volumes = self.0.volumes.iter().map(|(key, volume)| {
            let volume = Volume {
                code: volume.code.clone(),
                text: volume.text.clone(),
                overrides: volume.overrides.clone(),
                calendar: OnceLock::new(),
            };
            (key.clone(), volume)
        });
        Self(Arc::new(Shelf {
            volumes: volumes.collect(),
            aliases: self.0.aliases.clone(),
            files: self.0.files.clone(),
        }))
    }

    /// The calendar of a code or an alias, in any case.
    pub fn get(&self, code: &str) -> Result<Arc<Calendar>, UnknownCalendar> {
        let shelf = &*self.0;
        let key = code.to_lowercase();
        let found = shelf.volumes.get(&key).or_else(|| shelf.volumes.get(shelf.aliases().get(&key)?));
        found
            .and_then(|volume| self.calendar(volume))
            .ok_or_else(|| UnknownCalendar { code: code.to_owned(), meant: self.meant(code) })
    }

    /// The codes of all calendars, in order, without aliases.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.volumes.values().map(|volume| &*volume.code)
    }

    /// Which data these are: where the tables come from, and for the user's files a hash of them.
    pub fn version(&self) -> String {
        let mut hash = Sha256::new();
        for (_, text) in TABLES {
            hash.update(text);
        }
        let tables = format!("tables {}", short(hash));
        match &self.0.files {
            Some(files) => format!("{tables}, files {files}"),
            None => tables,
        }
    }

    fn meant(&self, code: &str) -> Option<String> {
        let shelf = &*self.0;
        let aliases = shelf.aliases().keys().map(|alias| alias.to_uppercase()).collect::<Vec<_>>();
        nearest(code, self.codes().chain(aliases.iter().map(String::as_str))).map(str::to_owned)
    }

    fn calendar(&self, volume: &Volume) -> Option<Arc<Calendar>> {
        let make = || {
            let resolve = |code: &str| self.get(code).ok();
            match &volume.text {
                Text::Own(own, source) => make(own, source, &volume.overrides, &resolve).0.map(Arc::new),
                Text::Embedded(text) => {
                    let file = SourceFile::new(&*volume.code, *text);
                    let Some(Authored::Own(own)) = read::read(&file, &mut Diagnostics::default()) else {
                        return None;
                    };
                    make(&own, &Source::Table, &volume.overrides, &resolve).0.map(Arc::new)
                }
            }
        };
        volume.calendar.get_or_init(make).clone()
    }
}

impl Shelf {
    fn aliases(&self) -> &BTreeMap<String, String> {
        self.aliases.get_or_init(|| {
            let mut aliases = BTreeMap::new();
            for (key, volume) in &self.volumes {
                let own = match &volume.text {
                    Text::Own(own, _) => own.aliases.iter().map(|alias| alias.text.to_lowercase()).collect(),
                    Text::Embedded(text) => read::aliases(text),
                };
                aliases.extend(own.into_iter().map(|alias: String| (alias, key.clone())));
            }
            aliases
        })
    }
}

/// The first digits of a hash.
fn short(hash: Sha256) -> String {
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
