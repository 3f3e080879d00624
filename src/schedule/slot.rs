//! What became of a slot: one entry of the ledger. A slot that made no run says why, for good.

use jiff::Timestamp;

/// What makes a slot the one it is, among those of its schedule: it fires once in all time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The instant that a cron expression names.
    Instant(Timestamp),
    /// A boot of the machine, by its id.
    Boot(Box<str>),
    /// No slot: the machine's clock was set, and stood then at this instant.
    Clock(Timestamp),
}

impl Key {
    /// As it is kept.
    pub fn text(&self) -> String {
        match self {
            Self::Instant(at) => at.to_string(),
            Self::Boot(id) => format!("boot {id}"),
            Self::Clock(at) => format!("clock {at}"),
        }
    }
}

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It made a run.
    Fired,
    /// It was too late by more than `grace`, and `catchup` did not want it.
    Missed,
    /// It was older than `starting_deadline`, or came to be while it waited for its run to start.
    Expired,
    /// It was not to run: too many were under way, or its date was outside the pipeline's.
    Skipped,
    /// The pipeline was paused.
    Paused,
    /// The machine's clock was set, and what lies between is not replayed.
    Rebased,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 6] =
        [Self::Fired, Self::Missed, Self::Expired, Self::Skipped, Self::Paused, Self::Rebased];

    /// As it is written everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Missed => "missed",
            Self::Expired => "expired",
            Self::Skipped => "skipped",
            Self::Paused => "paused",
            Self::Rebased => "rebased",
        }
    }

    /// The decision of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.word() == word)
    }
}

/// A line of the ledger: a slot, or a stretch of slots of one schedule that came to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The schedule's name.
    pub schedule: Box<str>,
    /// Of the slot, or of the first of the stretch.
    pub key: Key,
    /// The slot's instant, or the first of the stretch.
    pub first: Timestamp,
    /// The last of the stretch; the same for a single slot.
    pub last: Timestamp,
    /// How many slots it speaks for. A clock that was set back has an entry and no slot.
    pub count: u64,
    /// What became of it.
    pub decision: Decision,
    /// Why, in a few words.
    pub reason: Box<str>,
}
