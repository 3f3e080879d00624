//! What a calendar keeps of its dates, packed: it has ten thousand of them.

use std::sync::Arc;

use jiff::civil::Date;

use super::hours::Times;
use super::session::Source;

/// The hours of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// In seconds from 1970.
    pub(super) open: i64,
    /// The rest in seconds after the open.
    close: u32,
    /// Both zero: none.
    pause: (u32, u32),
    pub(super) early_close: bool,
    pub(super) late_open: bool,
}

/// A date that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shut {
    pub(super) label: Date,
    pub(super) name: Option<Arc<str>>,
    pub(super) ad_hoc: bool,
    /// The hours it would have had.
    pub(super) times: Times,
}

/// What is said of a date that is not as its week has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) date: Date,
    /// Of the closure, or of what is special about the session.
    pub(super) names: Box<[Arc<str>]>,
    pub(super) source: Source,
}

impl Row {
    /// These hours, where the regular ones would be `regular`.
    pub(super) fn new(times: Times, regular: Times) -> Self {
        let after = |second: i64| u32::try_from(second - times.open).unwrap_or_default();
        Self {
            open: times.open,
            close: after(times.close),
            pause: times.pause.map_or((0, 0), |(from, to)| (after(from), after(to))),
            early_close: times.close < regular.close,
            late_open: times.open > regular.open,
        }
    }

    pub(super) fn times(self) -> Times {
        let after = |seconds: u32| self.open + i64::from(seconds);
        let pause = (self.pause != (0, 0)).then(|| (after(self.pause.0), after(self.pause.1)));
        Times { open: self.open, close: after(self.close), pause }
    }
}
