//! What the executor has to say, and what follows from it for the runs.

use std::sync::Arc;
use std::time::Duration;

use crate::executor::job::{Ended, Expected, Inventory, Report, Verdict};
use crate::executor::trees::{Read, Reading, Wanted};
use crate::mask::Masker;
use crate::pipeline::generated::Generated;
use crate::pipeline::node::NodeId;
use crate::run::event::{Event, Yield};
use crate::run::force::{Kill, KillReason};
use crate::run::live::Live;
use crate::run::state::Exit;
use crate::run::why::exit_words;
use crate::store::record::{AttemptEnd, Log, Usage};

use super::choice;
use super::flight::Flight;
use super::runner::Engine;
use super::surroundings::Secrets;
use super::turn::Turn;

/// Bytes of words about an end; a command may have written anything.
const MOST_WORDS: usize = 2_000;

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
            Report::Read(read) => self.read(*read, turn),
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
        // Whose end is known already is in nobody's hands any more.
        let open = self.attempts.iter().filter(|(_, flight)| flight.ended.is_none());
        for (attempt, flight) in open.map(|(&attempt, flight)| (attempt, flight.clone())).collect::<Vec<_>>()
        {
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

    fn ended(&mut self, ended: Ended, turn: &mut Turn) {
        if let Some(alive) = self.disowned.get_mut(&ended.attempt) {
            // Nothing of it is committed: whoever takes its run up again is to hear of it.
            *alive = false;
            return;
        }
        let Some(flight) = self.attempts.get(&ended.attempt) else {
            // An end that is known already is only acknowledged again.
            turn.acknowledged.push((ended.attempt, None));
            return;
        };
        if flight.ended.is_some() {
            return;
        }
        turn.launches.remove(&ended.attempt);
        match self.reading_of(flight, &ended) {
            None => self.conclude(ended, None, turn),
            Some(reading) => {
                turn.readings.push(reading);
                if let Some(flight) = self.attempts.get_mut(&ended.attempt) {
                    flight.ended = Some(Box::new(ended));
                }
            }
        }
    }

    /// What is to be read of what an attempt has left, if something is: the tree that it has written, or what it
    /// printed in place of one.
    fn reading_of(&self, flight: &Flight, ended: &Ended) -> Option<Reading> {
        let live = self.runs.get(&flight.run)?;
        let tree = live.run.tree();
        // Of what writes no tree there is nothing to read: most attempts go no further.
        tree.execute(flight.node)?;
        let (path, number) = (tree.path(flight.node), live.run.entry(flight.node).attempts);
        let wanted = if live.run.awaits_tree(flight.node, &ended.exit).is_some() {
            Wanted::Tree {
                origin: format!("output of {path}"),
                pipeline: live.pipeline.clone(),
                inherited: Box::new(tree.settings(tree.parent(flight.node).unwrap_or(flight.node)).clone()),
                limit: self.parts.lazy_limit,
                declared: self.parts.surroundings.secrets.names(),
            }
        } else if has_failed(&ended.exit) {
            Wanted::LastWords
        } else {
            return None;
        };
        let log = self.parts.places.log(&live.pipeline.name, flight.run, &path, number);
        Some(Reading {
            attempt: ended.attempt,
            wanted,
            cut: ended.cut.clone(),
            secrets: self.parts.surroundings.secrets.named(),
            log: (self.parts.places.absolute(&log), ended.log_bytes.0),
            at: ended.ended_at.unwrap_or_else(|| self.now()),
        })
    }

    fn read(&mut self, read: Read, turn: &mut Turn) {
        let ended = self.attempts.get_mut(&read.attempt).and_then(|flight| flight.ended.take());
        // Its run may have been let go meanwhile.
        if let Some(mut ended) = ended {
            ended.log_bytes.0 = read.log_bytes;
            self.conclude(*ended, read.tree, turn);
        }
    }

    /// An attempt is over, and what it has left is known.
    fn conclude(&mut self, mut ended: Ended, tree: Option<Written>, turn: &mut Turn) {
        let Some(flight) = self.attempts.remove(&ended.attempt) else { return };
        turn.acknowledged.push((ended.attempt, Some(flight.run)));
        let kill = self.kill_of(&flight);
        let Some(live) = self.runs.get_mut(&flight.run) else { return };
        let number = live.run.entry(flight.node).attempts;
        let path = live.run.tree().path(flight.node);
        let log = self.parts.places.log(&live.pipeline.name, flight.run, &path, number);
        let (bytes, dropped_bytes) = ended.log_bytes;
        let yields = if let Some(execute) = live.run.awaits_tree(flight.node, &ended.exit) {
            fitting(live, execute, tree).map_err(|why| Exit::BadTree(why.into()))
        } else {
            let (log, secrets) = (self.parts.places.absolute(&log), &*self.parts.surroundings.secrets);
            let yields = choice::yielded(live, flight.node, &ended, &log, secrets);
            yields.map_err(|why| Exit::BadChoice(why.into()))
        };
        let yields = yields.unwrap_or_else(|exit| {
            ended.exit = exit;
            Yield::Nothing
        });
        hide(&mut ended, &*self.parts.surroundings.secrets);
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
        self.poke_ended((flight.run, flight.node), exit_words(&ended.exit));
        let event = Event::Exited { node: flight.node, attempt: ended.attempt, exit: ended.exit, yields };
        if let Err(error) = self.happen(flight.run, event, turn) {
            tracing::error!(%error, run = %flight.run, "an exit did not fit the run");
        }
    }
}

/// Whether a command has come to a bad end by itself, and may have said why.
fn has_failed(exit: &Exit) -> bool {
    match exit {
        Exit::Code(code) => *code != 0,
        Exit::Signal(_) | Exit::TimedOut | Exit::BadOutput(_) => true,
        Exit::Killed | Exit::NotStarted(_) | Exit::Lost(_) | Exit::BadChoice(_) | Exit::BadTree(_) => false,
    }
}

/// What was written, or why it is no tree, in words.
type Written = Result<Arc<Generated>, String>;

/// A tree that fits where it belongs, or why there is none, in words.
fn fitting(live: &Live, execute: NodeId, tree: Option<Written>) -> Result<Yield, String> {
    let generated = tree.unwrap_or_else(|| Err("it was not read".to_owned()))?;
    match live.run.tree().misfit(execute, &generated.tree) {
        None => Ok(Yield::Tree(generated)),
        Some(misfit) => Err(misfit.to_string()),
    }
}

/// What a task leaves behind is kept and shown, and no place for a secret, nor for a part of one: words are cut
/// when nothing in them is secret any more.
fn hide(ended: &mut Ended, secrets: &dyn Secrets) {
    let words = match &mut ended.exit {
        Exit::NotStarted(words)
        | Exit::Lost(words)
        | Exit::BadOutput(words)
        | Exit::BadChoice(words)
        | Exit::BadTree(words) => Some(words),
        Exit::Code(_) | Exit::Signal(_) | Exit::TimedOut | Exit::Killed => None,
    };
    if words.is_some() || !ended.outputs.is_empty() {
        let secrets = secrets.values();
        if let Some(words) = words {
            *words = cut(Masker::text(&secrets, words)).into();
        }
        for value in ended.outputs.values_mut() {
            *value = Masker::text(&secrets, value);
        }
    }
}

fn cut(mut words: String) -> String {
    if words.len() > MOST_WORDS {
        words.truncate(words.floor_char_boundary(MOST_WORDS));
        words.push('…');
    }
    words
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
