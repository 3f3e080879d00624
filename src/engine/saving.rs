//! The end of a turn: places are filled, everything is written in one transaction, then it is done and told.
//! A run whose facts the database refuses is halted by itself: the others go on.

use std::time::Duration;

use crate::control::Refused;
use crate::executor::job::{Ended, Report};
use crate::run::state::{Exit, RunId};
use crate::store::batch::{Batch, Part};
use crate::store::db::{CommitError, Store};

use super::launch;
use super::orders::Order;
use super::runner::Engine;
use super::turn::{Changes, Turn};

/// Between two tries of a commit that failed for want of space or a disk's patience.
const COMMIT_AGAIN: Duration = Duration::from_secs(1);

impl Engine {
    /// Admits, commits, performs, tells.
    pub(super) async fn finish_turn(&mut self, mut turn: Turn) -> Result<(), CommitError> {
        self.admit(&mut turn);
        self.poke(&mut turn);
        self.write_pokes(&mut turn, false);
        let mut changes = Changes::new();
        for &id in &turn.touched {
            if let Some(live) = self.runs.get_mut(&id) {
                let changed = live.run.take_changes();
                turn.batch.changes(&live.run, &changed);
                changes.push((id, changed));
            }
        }
        match self.commit(&turn.batch).await {
            Ok(()) => {}
            Err(error) if error.is_refusal() => self.commit_apart(&mut turn).await?,
            Err(error) => return Err(error),
        }
        self.perform(&mut turn);
        self.look_out(&mut turn, &changes);
        for (pipeline, entries) in &turn.decided {
            self.parts.watch.decided(pipeline, entries, turn.now);
        }
        for (id, graft) in &turn.grafts {
            if let Some(live) = self.runs.get(id) {
                self.parts.watch.grafted(live, graft);
            }
        }
        for (id, changed) in changes {
            if let Some(live) = self.runs.get(&id) {
                self.parts.watch.changed(live, &changed, turn.now);
            }
        }
        for (run, node, poke) in &turn.poked {
            if let Some(live) = self.runs.get(run) {
                self.parts.watch.poked(live, *node, poke);
            }
        }
        for id in turn.finished {
            // Finished, unless something of the same turn has reopened it.
            if self.runs.get(&id).is_some_and(|live| live.run.status().is_ended())
                && let Some(live) = self.runs.remove(&id)
            {
                self.scheduler.freed = true;
                self.parts.watch.finished(&live, turn.now);
            }
        }
        for (_, answer) in turn.answers {
            answer.give();
        }
        Ok(())
    }

    pub(super) async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.write(async |store| store.commit(batch).await).await
    }

    /// Writes until the disk takes it. After a transient error the daemon was told to end meanwhile.
    pub(super) async fn write<T>(
        &mut self,
        write: impl AsyncFn(&mut Store) -> Result<T, CommitError>,
    ) -> Result<T, CommitError> {
        loop {
            match write(&mut self.parts.store).await {
                Err(error @ CommitError::Transient(_)) => self.wait_for_the_disk(error).await?,
                done => return done,
            }
        }
    }

    async fn wait_for_the_disk(&mut self, error: CommitError) -> Result<(), CommitError> {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        tracing::error!(error = %cause, "the database cannot be written; nothing is started until it can");
        self.show_life();
        tokio::select! {
            biased;
            Some(order) = self.parts.orders.recv() => match order {
                Order::Stop { drain } => self.stopping = Some(drain),
                Order::Enact(..) => self.postponed.push_back(order),
            },
            () = self.parts.clock.sleep(COMMIT_AGAIN) => {}
        }
        if self.stopping == Some(false) { Err(error) } else { Ok(()) }
    }

    /// Finds out whose facts were refused. What is committed here needs no second look: rows of one part
    /// never refer to another's.
    async fn commit_apart(&mut self, turn: &mut Turn) -> Result<(), CommitError> {
        for (part, batch) in turn.batch.apart() {
            match (self.commit(&batch).await, part) {
                (Ok(()), _) => {}
                (Err(error), Part::Run(run)) if error.is_refusal() => {
                    // If that is refused too, it has a line: it has fired before.
                    match self.commit(&batch.without_runs("the database refused its run")).await {
                        Err(error) if !error.is_refusal() => return Err(error),
                        Ok(()) | Err(_) => self.halt(run, error, turn),
                    }
                }
                (Err(error), Part::Pipeline(pipeline)) if error.is_refusal() => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, pipeline = pipeline.0, "what became of slots was refused");
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lets go of a run that is no longer what the database says it is. It stays there as it was last
    /// committed, for the next start to take up; nothing of it goes on meanwhile.
    fn halt(&mut self, id: RunId, error: CommitError, turn: &mut Turn) {
        tracing::error!(error = &error as &dyn std::error::Error, run = %id, "the run is halted");
        self.forget_sensors(id);
        self.runs.remove(&id);
        self.scheduler.freed = true;
        let own = self.attempts.extract_if(|_, flight| flight.run == id);
        for (attempt, flight) in own.collect::<Vec<_>>() {
            if flight.ended.is_some() {
                self.disowned.insert(attempt, false);
                continue;
            }
            // What this very turn would have launched is in no hands yet, unless an inventory said so.
            if !turn.launches.remove(&attempt) {
                turn.kills.push(attempt);
                self.disowned.insert(attempt, true);
            }
        }
        turn.acknowledged.retain(|&(attempt, of)| {
            let kept = of == Some(id);
            if kept {
                self.disowned.insert(attempt, false);
            }
            !kept
        });
        let (refused, answers) = std::mem::take(&mut turn.answers).into_iter().partition(|(of, _)| *of == id);
        turn.answers = answers;
        let refuse = |(_, answer): (_, super::turn::Answer)| (id, answer.refuse(Refused::Halted(id)));
        turn.answers.extend(Vec::into_iter(refused).map(refuse));
        self.halted.insert(id, error);
    }

    fn perform(&mut self, turn: &mut Turn) {
        if let Some(connection) = turn.resumed {
            self.parts.executor.resume(connection);
        }
        // In growing order: a token fences off all that are smaller and unknown.
        for &attempt in &turn.launches {
            let Some(flight) = self.attempts.get(&attempt) else { continue };
            let Some(live) = self.runs.get_mut(&flight.run) else { continue };
            live.scope.is_latest = self.scheduler.is_latest(live, turn.now);
            let (places, around) = (&self.parts.places, &self.parts.surroundings);
            let lazy_limit = self.parts.lazy_limit;
            match launch::job(live, flight.node, attempt, places, around, lazy_limit, turn.now) {
                Ok(job) => self.parts.executor.launch(job),
                Err(what) => {
                    let ended = Ended::unstarted(attempt, Exit::NotStarted(what.into()));
                    self.own.push_back(Report::Ended(Box::new(ended)));
                }
            }
        }
        for &attempt in &turn.kills {
            self.parts.executor.kill(attempt);
        }
        for &(attempt, _) in &turn.acknowledged {
            self.parts.executor.acknowledge(attempt);
        }
        for reading in turn.readings.drain(..).filter(|reading| self.attempts.contains_key(&reading.attempt))
        {
            self.parts.executor.read(reading);
        }
    }
}
