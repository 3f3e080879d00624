//! What became of a slot: one entry of the ledger. A slot that made no run says why, for good.

use std::num::NonZeroU32;

use jiff::Timestamp;
use jiff::civil::Date;

/// What makes a slot the one it is, among those of its schedule: it fires once in all time. The keys of one
/// schedule are in the order of its slots.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The instant that a cron expression names, whenever that slot is to fire.
    Instant(Timestamp),
    /// A date of an exchange, and which of its slots, from 0. Their instants may move.
    Session {
        /// The session's label, or the date of a closure.
        label: Date,
        /// 0 where there is one slot a session.
        ordinal: u32,
    },
    /// A boot of the machine, by its id.
    Boot(Box<str>),
    /// No slot: the machine's clock was set, and stood then at this instant.
    Clock(Timestamp),
}

const SESSION: &str = "session ";
const BOOT: &str = "boot ";
const CLOCK: &str = "clock ";

impl Key {
    /// As it is kept.
    pub fn text(&self) -> String {
        match self {
            Self::Instant(at) => at.to_string(),
            Self::Session { label, ordinal } => match NonZeroU32::new(*ordinal) {
                None => format!("{SESSION}{label}"),
                Some(ordinal) => format!("{SESSION}{label} #{ordinal}"),
            },
            Self::Boot(id) => format!("{BOOT}{id}"),
            Self::Clock(at) => format!("{CLOCK}{at}"),
        }
    }

    /// The key that is kept as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        if let Some(session) = text.strip_prefix(SESSION) {
            let (label, ordinal) = session.split_once(" #").unwrap_or((session, "0"));
            return Some(Self::Session { label: label.parse().ok()?, ordinal: ordinal.parse().ok()? });
        }
        if let Some(id) = text.strip_prefix(BOOT) {
            return Some(Self::Boot(id.into()));
        }
        match text.strip_prefix(CLOCK) {
            Some(at) => Some(Self::Clock(at.parse().ok()?)),
            None => Some(Self::Instant(text.parse().ok()?)),
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
    /// The logical date of the slot, or of the first of the stretch.
    pub date: Date,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_kept() {
        let at: Timestamp = "2026-11-21T02:30:00Z".parse().unwrap();
        let label = jiff::civil::date(2026, 11, 27);
        for (key, text) in [
            (Key::Instant(at), "2026-11-21T02:30:00Z"),
            (Key::Session { label, ordinal: 0 }, "session 2026-11-27"),
            (Key::Session { label, ordinal: 26 }, "session 2026-11-27 #26"),
            (Key::Boot("a1 b".into()), "boot a1 b"),
            (Key::Clock(at), "clock 2026-11-21T02:30:00Z"),
        ] {
            assert_eq!(key.text(), text);
            assert_eq!(Key::from_text(text), Some(key));
        }
        for text in ["", "session", "session 2026-11-31", "session 2026-11-27 #x", "clock", "noon"] {
            assert_eq!(Key::from_text(text), None, "{text}");
        }
    }
}
