//! What there is to be seen in the simulated world: files that come at some time, or never can. Who finds out
//! by itself is told when it is time to.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sexton::sensor::answer::{Answer, Finding};
use sexton::sensor::lookout::Report;
use sexton::sensor::question::{Subject, WatchId};
use tokio::sync::mpsc;

use super::chance::Chance;

#[derive(Default)]
pub(super) struct Sights {
    /// The daemon, while it lives.
    told: Option<mpsc::Sender<Vec<Report>>>,
    waits: BTreeMap<WatchId, Wait>,
    /// How often somebody was told to look now.
    pub(super) hurried: u32,
}

struct Wait {
    interval: Duration,
    pokes: u32,
    /// The next look; `None` while its answer is awaited.
    at: Option<Timestamp>,
    /// Of what the world answers: after so many looks, and whether it is true then or never can be.
    comes: Option<(u32, Finding)>,
}

impl Sights {
    pub(super) fn told_to(told: mpsc::Sender<Vec<Report>>) -> Self {
        Self { told: Some(told), ..Self::default() }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.waits.values().filter_map(|wait| wait.at).min()
    }

    pub(super) fn happen(&mut self, now: Timestamp) {
        let mut reports = Vec::new();
        for (&watch, wait) in self.waits.iter_mut().filter(|(_, wait)| wait.at.is_some_and(|at| at <= now)) {
            wait.pokes += 1;
            let Some((pokes, finding)) = wait.comes else {
                wait.at = None;
                reports.push(Report::Due(watch));
                continue;
            };
            let next = now + wait.interval;
            let final_one = wait.pokes >= pokes;
            wait.at = (!final_one).then_some(next);
            let finding = if final_one { finding } else { Finding::NotYet { next } };
            let words = format!("look {}", wait.pokes).into();
            reports.push(Report::Answered(Answer { watch, pokes: wait.pokes, at: now, words, finding }));
        }
        if let Some(told) = self.told.as_ref().filter(|_| !reports.is_empty()) {
            // Nobody hears when the daemon has just died.
            let told = told.try_send(reports);
            assert!(!matches!(told, Err(mpsc::error::TrySendError::Full(_))), "more reports than may wait");
        }
    }

    pub(super) fn watch(&mut self, watch: WatchId, subject: &Subject, interval: Duration, now: Timestamp) {
        let mut chance = Chance(watch.0 ^ now.as_millisecond().cast_unsigned());
        let finding = if chance.once_in(5) { Finding::Broken } else { Finding::Met };
        let comes = match subject {
            Subject::Own => None,
            Subject::File(files) if files.pattern.ends_with("/surely") => Some((2, Finding::Met)),
            Subject::File(files) if files.pattern.ends_with("/never") => Some((u32::MAX, Finding::Met)),
            // It comes at five past four.
            Subject::File(files) if files.pattern.ends_with("/five-past") => {
                let is_there = now.as_second() % 3600 >= 300;
                Some((if is_there { 1 } else { u32::MAX }, Finding::Met))
            }
            Subject::File(_) | Subject::Http(_) | Subject::Object(_) => {
                Some((1 + chance.below(4) as u32, finding))
            }
        };
        self.waits.insert(watch, Wait { interval, pokes: 0, at: Some(now), comes });
    }

    pub(super) fn found(&mut self, watch: WatchId, now: Timestamp) {
        if let Some(wait) = self.waits.get_mut(&watch) {
            assert_eq!(wait.at, None, "it was not asked for");
            wait.at = Some(now + wait.interval);
        }
    }

    pub(super) fn hurry(&mut self, watch: WatchId, now: Timestamp) {
        self.hurried += 1;
        if let Some(at) = self.waits.get_mut(&watch).and_then(|wait| wait.at.as_mut()) {
            *at = now;
        }
    }

    pub(super) fn forget(&mut self, watch: WatchId) {
        self.waits.remove(&watch);
    }
}
