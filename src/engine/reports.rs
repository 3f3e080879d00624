//! What the executor has to say, and what follows from it for the runs.

use std::time::Duration;

use crate::executor::job::{Ended, Expected, Inventory, Report, Verdict};
use crate::run::event::{Event, Yield};
use crate::run::force::{Kill, KillReason};
use crate::run::state::Exit;
use crate::store::record::{AttemptEnd, Log, Usage};

use super::choice;
use super::flight::Flight;
use super::runner::Engine;
use super::turn::Turn;

impl Engine {
    pub(super) fn report(&mut self, report: Report, turn: &mut Turn) {
        match report {
            Report::Connected(inventory) => {
                self.connected = true;
                self.settle(&*inventory, turn);
            }
            Report::Spawned { attempt, pid, .. } => {
                if let Some(flight) = self.attempts.get_mut(&attempt) {
                    flight.pid = Some(pid);
                }
            }
            Report::Ended(ended) => self.ended(*ended, turn),
            Report::Unavailable { error } => {
                self.connected = false;
                tracing::error!(%error, "no attempt can be started: the keeper is not to be had");
            }
        }
    }

    /// Compares what the executor has with what is believed, after it has connected.
    fn settle(&mut self, inventory: &dyn Inventory, turn: &mut Turn) {
        turn.resumed = Some(inventory.connection());
        for attempt in inventory.attempts() {
            if !self.attempts.contains_key(&attempt) {
                // Its end is known here, or its run goes on without it: nothing of it may go on.
                turn.kills.push(attempt);
            }
        }
        for (attempt, flight) in self.attempts.clone() {
            let expected = Expected { attempt, created_at: flight.created_at, boot_id: &flight.boot_id };
            let killed = self.kill_of(&flight).is_some();
            match inventory.verdict(expected) {
                Verdict::Known if killed => turn.kills.push(attempt),
                Verdict::Known => {}
                Verdict::NeverStarted if killed => {
                    self.ended(Ended::unstarted(attempt, Exit::Killed), turn);
                }
                Verdict::NeverStarted => drop(turn.launches.insert(attempt)),
                Verdict::Lost(evidence) => {
                    self.ended(Ended::unstarted(attempt, Exit::Lost(evidence.into())), turn);
                }
            }
        }
    }

    fn kill_of(&self, flight: &Flight) -> Option<Kill> {
        self.runs.get(&flight.run)?.run.state(flight.node).attempt()?.1.cloned()
    }

    fn ended(&mut self, mut ended: Ended, turn: &mut Turn) {
        if let Some(alive) = self.disowned.get_mut(&ended.attempt) {
            // Nothing of it is committed: whoever takes its run up again is to hear of it.
            *alive = false;
            return;
        }
        let Some(flight) = self.attempts.remove(&ended.attempt) else {
            // An end that is known already is only acknowledged again.
            turn.acknowledged.push((ended.attempt, None));
            return;
        };
        turn.acknowledged.push((ended.attempt, Some(flight.run)));
        turn.launches.remove(&ended.attempt);
        let kill = self.kill_of(&flight);
        let Some(live) = self.runs.get_mut(&flight.run) else { return };
        let number = live.run.entry(flight.node).attempts;
        let path = live.run.tree().path(flight.node);
        let log = self.parts.places.log(&live.pipeline.name, flight.run, &path, number);
        let (bytes, dropped_bytes) = ended.log_bytes;
        let yields = match choice::yielded(live, flight.node, &ended, &self.parts.places.absolute(&log)) {
            Ok(yields) => yields,
            Err(what) => {
                ended.exit = Exit::BadChoice(what.into());
                Yield::Nothing
            }
        };
        let end = AttemptEnd {
            attempt: ended.attempt,
            started_at: ended.started_at,
            ended_at: ended.ended_at.unwrap_or(turn.now),
            exit: ended.exit.clone(),
            kill,
            pid: flight.pid,
            usage: ended.started_at.map(|_| Usage {
                cpu_user_ms: millis(ended.cpu.0),
                cpu_system_ms: millis(ended.cpu.1),
                max_rss_bytes: ended.max_rss,
            }),
            log: (bytes > 0).then(|| Log { path: log.display().to_string(), bytes, dropped_bytes }),
        };
        // Only a success speaks for its task, and not one that is being cleared; it speaks alone.
        let cleared = end.kill.as_ref().is_some_and(|kill| kill.why == KillReason::Clear);
        if ended.exit == Exit::Code(0) && !cleared && !ended.outputs.is_empty() {
            turn.batch.forget_outputs(&live.run, flight.node);
            turn.batch.outputs(&live.run, flight.node, ended.outputs.clone());
            live.set_outputs(&path, ended.outputs);
        }
        turn.batch.attempt_ended(&live.run, &end);
        let event = Event::Exited { node: flight.node, attempt: ended.attempt, exit: ended.exit, yields };
        if let Err(error) = self.happen(flight.run, event, turn) {
            tracing::error!(%error, run = %flight.run, "an exit did not fit the run");
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
