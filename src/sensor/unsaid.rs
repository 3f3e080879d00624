//! What is known and has not been told: of each wait the last answer only, so that who is slow to listen hears
//! what is true now, and who listens is not interrupted for every vain look. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use super::answer::{Answer, Finding};
use super::lookout::Report;
use super::question::WatchId;

/// A vain look is told after this long, with whatever others there are by then.
const HOLD: Duration = Duration::from_secs(2);

/// What has not been told.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    due: Vec<WatchId>,
    answers: BTreeMap<WatchId, Answer>,
    /// When it is to be told.
    at: Option<Duration>,
}

impl Unsaid {
    /// It is time to ask; told at once.
    pub(super) fn due(&mut self, watch: WatchId, now: Duration) {
        self.due.push(watch);
        self.at = Some(now);
    }

    /// An answer. The first of a wait is told at once, as is the last.
    pub(super) fn answer(&mut self, answer: Answer, now: Duration) {
        let can_wait = matches!(answer.finding, Finding::NotYet { .. }) && answer.pokes > 1;
        let at = now.saturating_add(if can_wait { HOLD } else { Duration::ZERO });
        self.at = Some(self.at.map_or(at, |known| known.min(at)));
        self.answers.insert(answer.watch, answer);
    }

    /// There is nobody any more who would want to know.
    pub(super) fn forget(&mut self, watch: WatchId) {
        self.due.retain(|due| *due != watch);
        self.answers.remove(&watch);
    }

    /// When there is something to tell.
    pub(super) fn at(&self) -> Option<Duration> {
        self.at
    }

    /// All of it.
    pub(super) fn take(&mut self) -> Vec<Report> {
        self.at = None;
        let answers = std::mem::take(&mut self.answers).into_values().map(Report::Answered);
        self.due.drain(..).map(Report::Due).chain(answers).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn vain(watch: u64, pokes: u32) -> Answer {
        let (at, next) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
        let words = format!("look {pokes}").into();
        Answer { watch: WatchId(watch), pokes, at, words, finding: Finding::NotYet { next } }
    }

    #[test]
    fn vain_looks_are_told_together_and_each_wait_by_its_last() {
        let s = Duration::from_secs;
        let mut unsaid = Unsaid::default();
        assert_eq!(unsaid.at(), None);
        unsaid.answer(vain(1, 1), s(10));
        assert_eq!(unsaid.at(), Some(s(10)), "the first look is told at once");
        assert_eq!(unsaid.take(), [Report::Answered(vain(1, 1))]);
        for pokes in 2..5 {
            unsaid.answer(vain(1, pokes), s(18 + u64::from(pokes)));
            unsaid.answer(vain(2, pokes), s(18 + u64::from(pokes)));
        }
        unsaid.forget(WatchId(2));
        assert_eq!(unsaid.at(), Some(s(22)));
        unsaid.due(WatchId(3), s(21));
        assert_eq!(unsaid.at(), Some(s(21)));
        assert_eq!(unsaid.take(), [Report::Due(WatchId(3)), Report::Answered(vain(1, 4))]);
        assert_eq!((unsaid.at(), unsaid.take()), (None, vec![]));
        unsaid.answer(vain(1, 5), s(30));
        unsaid.answer(Answer { finding: Finding::Met, ..vain(2, 5) }, s(31));
        assert_eq!(unsaid.at(), Some(s(31)));
    }
}
