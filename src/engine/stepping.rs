//! One event to the law: what follows of it is noted for the commit, and for what is done after. Free places are
//! filled the same way.

use std::collections::VecDeque;

use crate::run::effect::Effect;
use crate::run::event::Event;
use crate::run::machine::Illegal;
use crate::run::state::RunId;

use super::flight::Flight;
use super::launch;
use super::runner::Engine;
use super::turn::Turn;

impl Engine {
    /// Steps a run, answers its conditions, and notes what is to be written and done.
    pub(super) fn happen(&mut self, id: RunId, event: Event, turn: &mut Turn) -> Result<(), Illegal> {
        let Some(live) = self.runs.get_mut(&id) else { return Ok(()) };
        turn.touched.insert(id);
        let mut events = VecDeque::from([event]);
        let mut effects = Vec::new();
        while let Some(event) = events.pop_front() {
            live.run.step(&event, turn.now, &mut effects)?;
            turn.batch.event(&live.run, turn.now, &event);
            live.cleared |= matches!(event, Event::Clear { .. });
            for effect in effects.drain(..) {
                match effect {
                    Effect::Evaluate(node) => {
                        live.scope.is_latest = self.scheduler.is_latest(live, turn.now);
                        let holds = launch::condition(live, node);
                        events.push_back(Event::Condition { node, holds });
                    }
                    Effect::Launch(node, attempt) => {
                        turn.batch.attempt_started(&live.run, node, attempt, turn.now);
                        let boot_id = self.parts.boot_id.clone();
                        let flight =
                            Flight { run: id, node, created_at: turn.now, boot_id, pid: None, ended: None };
                        self.attempts.insert(attempt, flight);
                        turn.launches.insert(attempt);
                    }
                    Effect::Kill(_, attempt) => turn.kills.push(attempt),
                    Effect::Sense(node) => turn.sensing.push(((id, node), true)),
                    Effect::Rest(node) => turn.sensing.push(((id, node), false)),
                    Effect::Grafted(graft) => {
                        turn.batch.grafted(&live.run, graft.at);
                        turn.grafted(id, graft);
                        let own = self.attempts.values_mut().filter(|flight| flight.run == id);
                        own.for_each(|flight| flight.renumber(&graft));
                        for watch in self.sensing.grafted(id, &graft) {
                            self.parts.lookout.forget(watch);
                        }
                    }
                    Effect::Forget(node) => {
                        turn.batch.forget_outputs(&live.run, node);
                        let path = live.run.tree().path(node);
                        live.forget_outputs(&path);
                    }
                    Effect::Finish => drop(turn.finished.insert(id)),
                }
            }
        }
        Ok(())
    }

    /// Fills the free places: older runs first, each in document order.
    pub(super) fn admit(&mut self, turn: &mut Turn) {
        if !self.connected || self.stopping.is_some() {
            return;
        }
        let dying = self.disowned.values().filter(|alive| **alive).count();
        let mut taken: usize = self.runs.values().map(|live| live.run.taken()).sum();
        for id in self.runs.keys().copied().collect::<Vec<_>>() {
            loop {
                let free = self.parts.parallelism.saturating_sub(taken + dying);
                let Some(live) = self.runs.get(&id) else { break };
                let Some(node) = live.run.admissible(free) else { break };
                let event = if live.run.tree().is_leaf(node) {
                    taken += 1;
                    Event::Start { node, attempt: self.next_attempt() }
                } else {
                    Event::Open { node }
                };
                if let Err(error) = self.happen(id, event, turn) {
                    tracing::error!(%error, run = %id, "an admissible node did not start");
                    break;
                }
            }
        }
    }
}
