//! The seam between the engine and whoever looks out for it: what it is given and what it reports.

use std::time::Duration;

use super::answer::{Answer, Seen};
use super::question::{Question, WatchId};

/// What is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It is time to ask a question whose answer is one's own to find out.
    Due(WatchId),
    /// The world has answered.
    Answered(Answer),
}

/// Someone who looks out. Calls return at once; what is seen is reported.
pub trait Lookout: Send {
    /// Looks out for this from now on: at once, and then about every `interval`, less and less often.
    fn watch(&mut self, watch: WatchId, question: Question, interval: Duration);
    /// What was found out about a question that was due.
    fn found(&mut self, watch: WatchId, seen: Seen);
    /// Something has happened that may be the answer: looks now.
    fn hurry(&mut self, watch: WatchId);
    /// Looks no more.
    fn forget(&mut self, watch: WatchId);
}
