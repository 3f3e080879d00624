//! Runs that a slot has made and that have not begun: they wait for others of their pipeline to end, and not
//! for ever. They go by the rules that are in force now, not by those of their own version.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::duration;
use crate::pipeline::node::NodeId;
use crate::run::event::Event;
use crate::run::force::Mark;
use crate::run::live::{Live, RunKind};
use crate::run::state::Status;
use crate::schedule::definition::Policy;
use crate::schedule::slot::Decision;

use super::runner::Engine;
use super::turn::Turn;

impl Engine {
    /// After how long something is to be decided about slots, or about runs that wait; `None` where nothing
    /// is.
    pub(super) fn next_decision(&self, now: Timestamp) -> Option<Duration> {
        let scheduler = &self.scheduler;
        if scheduler.freed && !scheduler.waiting.is_empty() {
            return Some(Duration::ZERO);
        }
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        let next = [scheduler.next_slot(), self.next_expiry()].into_iter().flatten().min();
        self.clocks.held().or_else(|| next.map(until))
    }

    /// When the slot of a waiting run is next too old to begin.
    fn next_expiry(&self) -> Option<Timestamp> {
        let waiting = self.scheduler.waiting.iter().filter_map(|run| self.runs.get(run));
        let expiry = |live| expiry(live, self.policy(live));
        waiting.filter_map(|live| expiry(live)?.checked_add(SignedDuration::from_millis(1)).ok()).min()
    }

    fn policy<'a>(&'a self, live: &'a Live) -> &'a Policy {
        self.scheduler.policy(&live.pipeline.name).unwrap_or(&live.pipeline.timetable.policy)
    }

    /// Begins runs that have waited for others of their pipeline, oldest first, and lets go of those whose
    /// slot has grown too old.
    pub(super) fn begin_waiting(&mut self, turn: &mut Turn) {
        self.scheduler.freed = false;
        // Before there are files to go by, nobody knows how many may go at once, nor what time it is.
        if self.scheduler.waiting.is_empty() || !self.clocks.are_watched() {
            return;
        }
        let mut under_way: BTreeMap<Box<str>, usize> = BTreeMap::new();
        for live in self.runs.values() {
            if !matches!(live.run.status(), Status::Pending) && !live.run.status().is_ended() {
                *under_way.entry(live.pipeline.name.clone()).or_default() += 1;
            }
        }
        for id in self.scheduler.waiting.clone() {
            let Some(live) = self.runs.get(&id).filter(|live| live.run.status() == Status::Pending) else {
                self.scheduler.waiting.remove(&id);
                continue;
            };
            let policy = self.policy(live);
            let under_way = under_way.entry(live.pipeline.name.clone()).or_default();
            let event = if expiry(live, policy).is_some_and(|expiry| expiry < turn.now) {
                let deadline = duration::show(policy.starting_deadline.unwrap_or_default());
                let why = format!("it waited for longer than starting_deadline ({deadline})");
                turn.batch.slot_of_run(id, Decision::Expired, &why);
                Event::Mark { node: NodeId::ROOT, mark: Mark::Skipped, by: "starting_deadline".into() }
            } else if *under_way < policy.max_active_runs.get() as usize {
                *under_way += 1;
                Event::Begin
            } else {
                continue;
            };
            self.scheduler.waiting.remove(&id);
            if let Err(error) = self.happen(id, event, turn) {
                tracing::error!(%error, run = %id, "a waiting run did not begin");
            }
        }
    }
}

/// The last instant at which a waiting run may begin.
fn expiry(live: &Live, policy: &Policy) -> Option<Timestamp> {
    let deadline = policy.starting_deadline?;
    let after = |since: Timestamp| since.checked_add(deadline).ok();
    let expiry = after(live.scope.scheduled_at)?;
    // The slot of a session may have been moved into the past: too old when it fired, it fired all the same.
    let moved = live.scope.calendar.is_some() && expiry < live.created_at;
    let expiry = if moved { after(live.created_at)? } else { expiry };
    (live.kind == RunKind::Scheduled).then_some(expiry)
}
