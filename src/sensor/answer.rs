//! What the world has answered, in words for people and without secrets.

use std::time::Duration;

use jiff::Timestamp;

use super::question::WatchId;

/// The answer to a question, at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// To which.
    pub watch: WatchId,
    /// How often it has been asked by now.
    pub pokes: u32,
    /// When.
    pub at: Timestamp,
    /// In words.
    pub words: Box<str>,
    /// What follows from it.
    pub finding: Finding,
}

/// What follows from an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is true.
    Met,
    /// Not yet.
    NotYet {
        /// When it is asked again, at the latest.
        next: Timestamp,
    },
    /// It can never be true: the question itself is wrong.
    Broken,
}

/// What one look has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is true.
    Met(String),
    /// Not yet; with when to look again.
    NotYet(String, Again),
    /// It can never be true.
    Broken(String),
}

/// When to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// At the sensor's own pace.
    Paced,
    /// At its pace, but no sooner than after this: a server has asked for it.
    NoSooner(Duration),
    /// After just this long: it may be true then.
    In(Duration),
}

impl Seen {
    /// Not yet.
    pub(super) fn not_yet(words: impl Into<String>) -> Self {
        Self::NotYet(words.into(), Again::Paced)
    }

    /// The same, its words changed.
    #[must_use]
    pub fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Met(words) => Self::Met(change(words)),
            Self::NotYet(words, again) => Self::NotYet(change(words), again),
            Self::Broken(words) => Self::Broken(change(words)),
        }
    }
}
