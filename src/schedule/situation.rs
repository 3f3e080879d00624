//! What is so when slots are decided, beyond the schedule and the time.

use jiff::Timestamp;

/// A run of the pipeline that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its number.
    pub run: i64,
    /// Whether a schedule made it.
    pub scheduled: bool,
    /// Whether it has begun; otherwise it waits for others to end.
    pub begun: bool,
}

/// What is so when slots are decided.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The present.
    pub now: Timestamp,
    /// Who has paused the pipeline, if it is.
    pub paused_by: Option<&'a str>,
    /// Its runs, oldest first.
    pub active: &'a [Active],
    /// While the daemon was last away: from, to.
    pub absence: Option<(Timestamp, Timestamp)>,
}
