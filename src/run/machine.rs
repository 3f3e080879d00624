//! The one place where a state changes. `step` takes what happened and when, moves the run, and says what
//! to do about it; everything else about a run is read from here.
//!
//! Bookkeeping follows from `set`: it keeps the containers' counts and the small sets of nodes that are
//! at work, so that a step costs what it changes and never a walk over the tree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::pipeline::graft::Graft;
use crate::pipeline::node::{NodeId, Tree};

use super::effect::Effect;
use super::event::{Event, Holds, Yield};
use super::flow::{Progress, is_counted};
use super::force::{HaltReason, Kill, KillReason, Mark};
use super::retry::retry_delay;
use super::state::{
    AttemptId, CancelReason, Entry, Exit, Failure, RunId, SkipReason, State, Status, Success,
};

/// One execution of a tree.
#[derive(Clone, Debug)]
pub struct Run {
    pub(super) id: RunId,
    pub(super) tree: Arc<Tree>,
    pub(super) entries: Vec<Entry>,
    /// Of every container that has started; kept when it ends.
    pub(super) progress: BTreeMap<NodeId, Progress>,
    /// Containers that have started and not ended.
    pub(super) open: BTreeSet<NodeId>,
    /// Nodes whose `when` is being evaluated.
    pub(super) deciding: BTreeSet<NodeId>,
    /// Nodes that wait for a place, in the order in which they get one.
    pub(super) ready: BTreeSet<NodeId>,
    /// Leaves with a live attempt.
    pub(super) live: BTreeSet<NodeId>,
    /// Sensors that wait, but for those whose attempt is live.
    pub(super) waiting: BTreeSet<NodeId>,
    /// Sensors that were skipped because they had waited for long enough.
    pub(super) timed_out: BTreeSet<NodeId>,
    /// Retries, and timeouts of containers and sensors, by the time they are due.
    pub(super) timers: BTreeSet<(Timestamp, NodeId)>,
    /// Nodes whose turn has come but for an `after`, under the first one that is missing.
    pub(super) parked: BTreeMap<NodeId, Vec<NodeId>>,
    pub(super) todo: VecDeque<Work>,
    /// What the present step asks for, in the order in which it is to be performed.
    pub(super) effects: Vec<Effect>,
    /// Attempts of tasks whose paths were in a generated tree that is gone: they count on if they come back.
    pub(super) former: BTreeMap<Box<str>, u32>,
    changed: Vec<NodeId>,
}

/// What remains to be looked at inside one step. A queue, so that depth never becomes recursion.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Look at the container's next child.
    Reach(NodeId),
    /// See whether the container has ended.
    Settle(NodeId),
    /// See whether the node may start now.
    Consider(NodeId),
    /// The root has ended.
    Finish,
}

/// An event that does not fit the state it met. The run is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    /// The node's state does not allow the event.
    #[error("`{path}` is {status}: {event} does not apply")]
    State {
        /// Where.
        path: String,
        /// Its status.
        status: Status,
        /// The event's word.
        event: &'static str,
    },
    /// An exit of an attempt that is not the live one.
    #[error("`{path}` does not await attempt {attempt}", attempt = .attempt.0)]
    Attempt {
        /// Where.
        path: String,
        /// The attempt that was reported.
        attempt: AttemptId,
    },
    /// A success without what it is needed for, or with what nobody needs.
    #[error("`{path}` succeeded with something else than was asked of it")]
    Yield {
        /// Where.
        path: String,
    },
    /// A clear inside something that is being cancelled right now.
    #[error("`{path}` is being stopped: clear it when what still runs there has ended")]
    Halting {
        /// The container that is halted.
        path: String,
    },
}

impl Run {
    /// A run in which nothing has happened yet.
    pub fn new(id: RunId, tree: Arc<Tree>) -> Self {
        let entries = vec![Entry::NEW; tree.len()];
        Self {
            id,
            tree,
            entries,
            progress: BTreeMap::new(),
            open: BTreeSet::new(),
            deciding: BTreeSet::new(),
            ready: BTreeSet::new(),
            live: BTreeSet::new(),
            waiting: BTreeSet::new(),
            timed_out: BTreeSet::new(),
            timers: BTreeSet::new(),
            parked: BTreeMap::new(),
            todo: VecDeque::new(),
            effects: Vec::new(),
            former: BTreeMap::new(),
            changed: Vec::new(),
        }
    }

    /// A run as its records say it was. Attempts that were live still are: the caller finds out about them.
    pub fn restore(id: RunId, tree: Arc<Tree>, records: impl IntoIterator<Item = (NodeId, Entry)>) -> Self {
        let mut run = Self::new(id, tree);
        for (node, entry) in records {
            run.entries[node.index()] = entry;
        }
        run.rebuild();
        run
    }

    /// Moves the run. Effects are appended in the order in which they are to be performed.
    pub fn step(&mut self, event: &Event, now: Timestamp, effects: &mut Vec<Effect>) -> Result<(), Illegal> {
        match event {
            Event::Begin => {
                self.require(NodeId::ROOT, event, |state| matches!(state, State::Pending))?;
                self.todo.push_back(Work::Consider(NodeId::ROOT));
            }
            Event::Condition { node, holds } => {
                self.require(*node, event, |state| matches!(state, State::Deciding))?;
                match holds {
                    Holds::Yes => self.free(*node, now),
                    Holds::No(why) => self.skip(*node, SkipReason::When(why.clone()), now),
                    Holds::Error(error) => self.fail(*node, Failure::When(error.clone()), now),
                }
            }
            Event::Open { node } => {
                let container = !self.tree.is_leaf(*node);
                self.require(*node, event, |state| container && matches!(state, State::Queued { .. }))?;
                self.start_container(*node, now);
            }
            Event::Start { node, attempt } => {
                let leaf = self.tree.is_leaf(*node);
                self.require(*node, event, |state| leaf && matches!(state, State::Queued { .. }))?;
                self.entries[node.index()].attempts += 1;
                self.set(*node, State::Running { attempt: *attempt, since: now, kill: None });
                self.effects.push(Effect::Launch(*node, *attempt));
            }
            Event::Exited { node, attempt, exit, yields } => {
                let live = self.state(*node).attempt().filter(|(live, _)| live == attempt);
                let Some((_, kill)) = live else {
                    return Err(Illegal::Attempt { path: self.tree.path(*node), attempt: *attempt });
                };
                if !self.is_asked_of(*node, exit, yields) {
                    return Err(Illegal::Yield { path: self.tree.path(*node) });
                }
                let kill = kill.cloned();
                self.exited(*node, *attempt, exit, yields, kill.as_ref(), now);
            }
            Event::Sensed { node, sensed } => {
                self.require(*node, event, |state| matches!(state, State::Waiting { .. }))?;
                self.sensed(*node, sensed, now);
            }
            Event::Poke { node, attempt } => {
                let waits =
                    if let State::Waiting { since } = self.state(*node) { Some(*since) } else { None };
                let Some(since) = waits.filter(|_| self.looks_by_command(*node)) else {
                    return Err(self.illegal(*node, event));
                };
                // It is no try of a task, and so not one of those that are counted.
                self.entries[node.index()].attempts += 1;
                self.forgive(*node);
                self.set(*node, State::Poking { attempt: *attempt, since, kill: None });
                self.effects.push(Effect::Launch(*node, *attempt));
            }
            Event::Wake => self.wake(now),
            Event::Cancel { node, by } => self.cancel(*node, by, event, now)?,
            Event::Mark { node, mark, by } => self.mark(*node, *mark, by, event, now)?,
            Event::Clear { nodes, by } => self.clear(nodes, by, now)?,
        }
        self.work_off(now);
        effects.append(&mut self.effects);
        Ok(())
    }

    fn require(&self, node: NodeId, event: &Event, fits: impl FnOnce(&State) -> bool) -> Result<(), Illegal> {
        if fits(self.state(node)) { Ok(()) } else { Err(self.illegal(node, event)) }
    }

    fn work_off(&mut self, now: Timestamp) {
        while let Some(work) = self.todo.pop_front() {
            match work {
                Work::Reach(container) => self.reach(container, now),
                Work::Settle(container) => self.settle(container, now),
                Work::Consider(node) => self.consider(node, now),
                Work::Finish => self.effects.push(Effect::Finish),
            }
        }
    }

    fn exited(
        &mut self,
        node: NodeId,
        attempt: AttemptId,
        exit: &Exit,
        yields: &Yield,
        kill: Option<&Kill>,
        now: Timestamp,
    ) {
        let failure = match exit {
            Exit::Code(0) => None,
            Exit::Code(code) => Some(Failure::Code(*code)),
            Exit::Signal(signal) => Some(Failure::Signal(*signal)),
            Exit::TimedOut => Some(Failure::Timeout),
            Exit::Killed => Some(Failure::Lost("it was ended, and nobody of this run had asked".into())),
            Exit::NotStarted(what) => Some(Failure::NotStarted(what.clone())),
            Exit::Lost(evidence) => Some(Failure::Lost(evidence.clone())),
            Exit::BadOutput(what) => Some(Failure::BadOutput(what.clone())),
            Exit::BadChoice(what) => Some(Failure::BadChoice(what.clone())),
            Exit::BadTree(what) => Some(Failure::BadTree(what.clone())),
        };
        let poked = if let State::Poking { since, .. } = self.state(node) { Some(*since) } else { None };
        // A poke that fails says nothing but that it is not true yet.
        let ours = poked.is_some() || matches!(exit, Exit::Killed | Exit::Lost(_));
        match (kill.map(|kill| (&kill.why, &kill.by)), failure) {
            (Some((KillReason::Clear, _)), _) => {
                self.set(node, State::Pending);
                // By now its place in a serial may say that it cannot run: an end without a record.
                if let Some(up) = self.tree.parent(node).filter(|up| self.open.contains(up)) {
                    self.recount(up);
                    self.release(node);
                }
            }
            (Some((KillReason::Mark { node: origin, mark, .. }, by)), _) if *origin == node => {
                self.set(node, marked(*mark, by, now));
            }
            (Some((KillReason::Timeout(origin), _)), Some(_)) if *origin == node => self.time_out(node, now),
            (Some((why, by)), Some(_)) if ours => {
                let reason = match why {
                    KillReason::Timeout(container) => CancelReason::Timeout(*container),
                    KillReason::Mark { node, .. } => CancelReason::Marked(*node),
                    KillReason::Cancel | KillReason::Clear => CancelReason::By(by.clone()),
                };
                self.set(node, State::Cancelled { at: now, reason: Box::new(reason) });
            }
            // A natural exit in between keeps its true code; but nothing is tried again.
            (Some(_), Some(failure)) => self.fail(node, failure, now),
            (_, None) => self.succeed(node, yields, now),
            (None, Some(failure)) => match poked {
                Some(since) => self.poked(node, since, failure, now),
                None => self.failed(node, attempt, failure, now),
            },
        }
        // What is around it may have been halted, or cleared, and waited for this end.
        if let Some(open) = self.tree.ancestors(node).find(|up| self.open.contains(up)) {
            self.todo.push_back(Work::Settle(open));
        }
        let pending = |at: &NodeId| matches!(self.state(*at), State::Pending);
        let cleared = std::iter::once(node).chain(self.tree.ancestors(node)).filter(pending).last();
        if let Some(cleared) = cleared {
            self.look_again(cleared);
        }
    }

    fn succeed(&mut self, node: NodeId, yields: &Yield, now: Timestamp) {
        match yields {
            Yield::Nothing => self.set(node, State::Succeeded { at: now, how: Success::Done }),
            Yield::Tree(generated) => {
                if let Some(execute) = self.tree.execute(node) {
                    self.graft(execute, &generated.tree);
                }
                self.set(node, State::Succeeded { at: now, how: Success::Done });
            }
            Yield::Choice(chosen) => {
                let mut chosen = chosen.clone();
                chosen.sort_unstable();
                chosen.dedup();
                let how = Success::Chose(chosen.into());
                self.set(node, State::Succeeded { at: now, how });
                self.pass_over_followers(node, now);
            }
        }
    }

    /// An attempt has failed by itself: it is tried again, or that was it.
    fn failed(&mut self, node: NodeId, attempt: AttemptId, failure: Failure, now: Timestamp) {
        let retry = &self.tree.settings(node).retry;
        let spent = self.entries[node.index()].spent();
        if spent <= retry.limit && failure.is_retried_by(retry) {
            let delay = retry_delay(retry, self.id, attempt, spent);
            let until = now.saturating_add(delay).unwrap_or(now);
            self.set(node, State::Retrying { until, failure: Box::new(failure) });
        } else {
            self.fail(node, failure, now);
        }
    }

    fn wake(&mut self, now: Timestamp) {
        while let Some(&(due, node)) = self.timers.first()
            && due <= now
        {
            self.timers.pop_first();
            match self.state(node) {
                State::Retrying { .. } => self.set(node, State::Queued { since: now }),
                State::Open { .. } => self.halt(node, &HaltReason::Timeout, now),
                State::Waiting { .. } => self.time_out(node, now),
                State::Poking { .. } => {
                    let by = self.tree.path(node).into();
                    self.kill(node, Kill { why: KillReason::Timeout(node), by });
                }
                State::Pending
                | State::Deciding
                | State::Queued { .. }
                | State::Running { .. }
                | State::Succeeded { .. }
                | State::Failed { .. }
                | State::Skipped { .. }
                | State::UpstreamFailed { .. }
                | State::Cancelled { .. } => {}
            }
        }
    }

    pub(super) fn skip(&mut self, node: NodeId, reason: SkipReason, now: Timestamp) {
        self.set(node, State::Skipped { at: now, reason: Box::new(reason) });
    }

    pub(super) fn fail(&mut self, node: NodeId, failure: Failure, now: Timestamp) {
        self.set(node, State::Failed { at: now, failure: Box::new(failure) });
    }

    /// Writes a state down without its consequences; `rebuild` follows.
    pub(super) fn put(&mut self, node: NodeId, state: State) {
        if matches!(state, State::Pending) {
            self.progress.remove(&node);
        }
        let old = std::mem::replace(&mut self.entries[node.index()].state, state);
        self.changed.push(node);
        self.mind(node, &old);
    }

    /// The attempts made so far no longer count against the retry budget.
    pub(super) fn forgive(&mut self, node: NodeId) {
        let entry = &mut self.entries[node.index()];
        entry.forgiven = entry.attempts;
        self.changed.push(node);
    }

    /// The attempts that a task had before its tree was generated again, all of them forgiven.
    pub(super) fn go_on_counting(&mut self, node: NodeId, attempts: u32) {
        let entry = &mut self.entries[node.index()];
        (entry.attempts, entry.forgiven) = (attempts, attempts);
        self.changed.push(node);
    }

    /// The records follow the numbers of their nodes. What stands below a graft has none yet; at it only stays
    /// that somebody has ended it before its time.
    pub(super) fn renumber_records(&mut self, graft: &Graft) {
        let top = graft.at.index();
        let state = std::mem::replace(&mut self.entries[top].state, State::Pending);
        let gone = top..top + graft.removed as usize;
        self.entries.splice(gone, std::iter::repeat_n(Entry::NEW, graft.inserted as usize));
        if state.is_ended() {
            self.entries[top].state = state;
        }
        for entry in &mut self.entries {
            entry.state.renumber(|node| graft.moved(node).unwrap_or(graft.at));
        }
        self.changed = self.changed.iter().filter_map(|&node| graft.moved(node)).collect();
        self.changed.push(graft.at);
    }

    /// The only way by which a state changes in the course of things.
    pub(super) fn set(&mut self, node: NodeId, state: State) {
        let old = std::mem::replace(&mut self.entries[node.index()].state, state);
        self.changed.push(node);
        self.mind(node, &old);
        self.unindex(node, &old);
        self.index(node);
        let container = !self.tree.is_leaf(node);
        if container && is_counted(self.state(node)) && !self.progress.contains_key(&node) {
            self.recount(node);
        }
        self.account(node, &old);
    }

    /// The nodes whose records changed since this was last asked, in document order.
    pub fn take_changes(&mut self) -> Vec<NodeId> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    pub(super) fn illegal(&self, node: NodeId, event: &Event) -> Illegal {
        Illegal::State { path: self.tree.path(node), status: self.seen(node).status, event: event.word() }
    }
}

pub(super) fn marked(mark: Mark, by: &str, at: Timestamp) -> State {
    match mark {
        Mark::Succeeded => State::Succeeded { at, how: Success::Marked(by.into()) },
        Mark::Failed => State::Failed { at, failure: Box::new(Failure::Marked(by.into())) },
        Mark::Skipped => State::Skipped { at, reason: Box::new(SkipReason::Marked(by.into())) },
    }
}
