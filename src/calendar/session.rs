//! What a date is on an exchange: a session with its instants, a closure with its name, or no day of it at all.
//! It never knows how that was found out.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

/// A session. It is half-open: at `close` it is over, and where sessions touch the next one has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The date it is called by. It may open the evening before, and its date in UTC may be another.
    pub label: Date,
    /// When trading begins.
    pub open: Timestamp,
    /// When the continuous trading ends.
    pub close: Timestamp,
    /// From when to when trading rests in between. A scheduler's session goes on meanwhile.
    pub pause: Option<(Timestamp, Timestamp)>,
    /// It closes before the regular close of its weekday at that time.
    pub early_close: bool,
    /// It opens after the regular open of its weekday at that time.
    pub late_open: bool,
    /// The table goes beyond what has been announced, and the date is extrapolated.
    pub projected: bool,
}

impl Session {
    /// Whether an instant lies in it: from its open on, and before its close; its break is part of it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.open <= at && at < self.close
    }

    /// Whether there is trading at an instant: it lies in the session, and not in its break.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.contains(at) && self.pause.is_none_or(|(from, to)| at < from || to <= at)
    }
}

/// A date that the exchange trades on by its week, or was to trade on, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// The holiday, where it is known.
    pub name: Option<Arc<str>>,
    /// It is no holiday of the exchange's rules: a storm, a day of mourning.
    pub ad_hoc: bool,
    /// When it would have opened.
    pub would_open: Timestamp,
    /// When it would have closed.
    pub would_close: Timestamp,
    /// The table goes beyond what has been announced, and the date is extrapolated.
    pub projected: bool,
}

/// What a date is to an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Day {
    /// It trades.
    Session(Session),
    /// It would, but for a holiday or something unforeseen.
    Closed(Closure),
    /// No weekday of this exchange.
    Off,
    /// Before the table begins: nobody knows.
    Before,
    /// Behind the table's end: nobody knows yet.
    Beyond,
}

/// Who says so of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The table that comes with the program.
    Table,
    /// A file of the user's, by its path.
    File(Arc<str>),
}

impl Source {
    /// `table`, or the file's path.
    pub fn text(&self) -> &str {
        match self {
            Self::Table => "table",
            Self::File(path) => path,
        }
    }
}

/// A stretch of dates whose sessions are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// From the first weekday that the exchange trades on after its weekend.
    Week,
    /// A month.
    Month,
    /// Three months, from January, April, July or October.
    Quarter,
    /// A year.
    Year,
}
