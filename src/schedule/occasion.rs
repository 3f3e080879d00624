//! One occasion that a schedule names: when it is, what a run of it would be for, and whether it can have one.
//! It never knows what became of it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::slot::Key;

/// An occasion. Those of one schedule are in the order of their keys, and their instants never go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// What makes it the one it is.
    pub key: Key,
    /// When it is due. That of a session's may be another tomorrow: the key stays.
    pub at: Timestamp,
    /// The date that its run is for.
    pub date: Date,
    /// Why it cannot fire, in a few words; `None` where it can.
    pub bar: Option<Box<str>>,
    /// What is unusual about it, in a few words; mostly nothing.
    pub remarks: Box<str>,
}

impl Occasion {
    /// One about which there is nothing to say.
    pub(super) fn plain(key: Key, at: Timestamp, date: Date) -> Self {
        Self { key, at, date, bar: None, remarks: Box::default() }
    }
}
