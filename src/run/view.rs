//! What can be read of a run: the status of every node, recorded or derived from what stands above it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::pipeline::node::{NodeId, Tree};

use super::flow::{Ending, Progress, Tally};
use super::machine::Run;
use super::state::{AttemptId, CancelReason, Entry, Failure, RunId, SkipReason, State, Status, Success};

/// A node's status and the node whose record says so: itself, or one above or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The word.
    pub status: Status,
    /// Where it comes from.
    pub origin: NodeId,
}

/// What a node without a record of its own takes from the container around it.
enum Derived {
    Ends(Seen),
    Waits,
    AsAbove,
}

impl Run {
    /// The run's number.
    pub fn id(&self) -> RunId {
        self.id
    }

    /// The tree it executes.
    pub fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    /// A node's record.
    pub fn entry(&self, node: NodeId) -> &Entry {
        &self.entries[node.index()]
    }

    /// What is recorded of a node.
    pub fn state(&self, node: NodeId) -> &State {
        &self.entries[node.index()].state
    }

    /// The status of the run: its root's.
    pub fn status(&self) -> Status {
        self.seen(NodeId::ROOT).status
    }

    /// How far a started container has come.
    pub fn progress(&self, container: NodeId) -> Option<&Progress> {
        self.progress.get(&container)
    }

    /// How many of the leaves at and below a node have ended, and how.
    pub fn tally(&self, node: NodeId) -> Tally {
        match self.progress.get(&node) {
            Some(progress) => progress.leaves,
            None => self.unstarted_tally(node, self.seen(node).status),
        }
    }

    /// Failures that were suppressed at or below a node.
    pub fn suppressed(&self, node: NodeId) -> u32 {
        let below = self.progress.get(&node).map_or(0, |progress| progress.suppressed);
        let own = self.state(node).status() == Status::Failed && self.tree.options(node).suppress_errors;
        below + u32::from(own)
    }

    /// Leaves with a live attempt, in document order, with the attempt.
    pub fn live(&self) -> impl Iterator<Item = (NodeId, AttemptId)> + '_ {
        self.live.iter().filter_map(|&node| Some((node, self.state(node).attempt()?.0)))
    }

    /// Sensors that wait to be looked for, in document order.
    pub fn waiting(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.waiting.iter().copied()
    }

    /// Sensors whose command looks at this moment, in document order.
    pub fn poking(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.live.iter().copied().filter(|&node| matches!(self.state(node), State::Poking { .. }))
    }

    /// Leaves with a live attempt at or below a node.
    pub fn live_below(&self, node: NodeId) -> impl Iterator<Item = NodeId> + use<'_> {
        let range = self.tree.subtree(node);
        self.live.range(NodeId(range.start)..NodeId(range.end)).copied()
    }

    /// When the run next wants to be woken, if nothing else happens.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.timers.first().map(|&(due, _)| due)
    }

    /// A node's status. Costs the node's depth at most.
    pub fn seen(&self, node: NodeId) -> Seen {
        let own = Seen { status: self.state(node).status(), origin: node };
        if !matches!(self.state(node), State::Pending) {
            return own;
        }
        let mut below = node;
        for up in self.tree.ancestors(node) {
            match self.derive(up, below, self.progress.get(&up)) {
                Derived::Ends(seen) => return seen,
                Derived::Waits => return own,
                Derived::AsAbove => below = up,
            }
        }
        own
    }

    /// What `child`, which has no record, takes from `up`, given the counts of `up` if it has started.
    fn derive(&self, up: NodeId, child: NodeId, progress: Option<&Progress>) -> Derived {
        if let Some(culprit) = self.doom(up, child, progress) {
            return Derived::Ends(Seen { status: Status::UpstreamFailed, origin: culprit });
        }
        let ends = |status| Derived::Ends(Seen { status, origin: up });
        match self.state(up) {
            State::Open { halt: None, .. } => Derived::Waits,
            State::Open { halt: Some(halt), .. } => {
                Derived::Ends(Seen { status: Status::Cancelled, origin: halt.origin })
            }
            State::Pending
            | State::Deciding
            | State::Queued { .. }
            | State::Running { .. }
            | State::Waiting { .. }
            | State::Poking { .. }
            | State::Retrying { .. } => Derived::AsAbove,
            State::Succeeded { .. }
            | State::Failed { .. }
            | State::Skipped { .. }
            | State::UpstreamFailed { .. }
            | State::Cancelled { .. } => ends(below(self.state(up))),
        }
    }

    /// The earlier sibling because of which `child` can no longer run. In a container that was
    /// stopped from outside, what never ran is cancelled with it instead.
    fn doom(&self, up: NodeId, child: NodeId, progress: Option<&Progress>) -> Option<NodeId> {
        let culprit = progress?.culprit.filter(|culprit| *culprit < child)?;
        (!is_forced(self.state(up)) && self.dooms(culprit, child)).then_some(culprit)
    }

    /// What a node that has ended adds to its container, given the counts of the container so far.
    pub(super) fn ending_in(&self, up: NodeId, child: NodeId, progress: &Progress) -> Option<Ending> {
        let status = match self.state(child) {
            State::Pending => match self.derive(up, child, Some(progress)) {
                Derived::Ends(seen) => seen.status,
                Derived::Waits => return None,
                Derived::AsAbove => self.seen(child).status,
            },
            State::Deciding
            | State::Queued { .. }
            | State::Running { .. }
            | State::Waiting { .. }
            | State::Poking { .. }
            | State::Open { .. }
            | State::Retrying { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Skipped { .. }
            | State::UpstreamFailed { .. }
            | State::Cancelled { .. } => self.state(child).status(),
        };
        self.ending_as(child, status)
    }

    /// What a node that has ended means to others; `None` if it has not.
    pub(super) fn ending(&self, node: NodeId) -> Option<Ending> {
        self.ending_as(node, self.seen(node).status)
    }

    fn ending_as(&self, node: NodeId, status: Status) -> Option<Ending> {
        let suppressed = status == Status::Failed && self.tree.options(node).suppress_errors;
        let counted = if suppressed { Status::Succeeded } else { status };
        let progress = self.progress.get(&node);
        status.is_ended().then(|| Ending {
            counted,
            leaves: progress.map_or_else(|| self.unstarted_tally(node, status), |progress| progress.leaves),
            suppressed: progress.map_or(0, |progress| progress.suppressed) + u32::from(suppressed),
            chosen: self.is_choice(node),
        })
    }

    fn unstarted_tally(&self, node: NodeId, status: Status) -> Tally {
        let recorded = !self.tree.is_leaf(node) && self.state(node).is_ended();
        let status = if recorded { below(self.state(node)) } else { status };
        Tally::of(status, self.tree.leaves(node))
    }

    /// The record that would say of `child` what now only follows from the container around it, and will not when
    /// that has no record of its end any more. What follows from siblings does again in one that `reopens`.
    pub(super) fn derived(&self, child: NodeId, reopens: bool, now: Timestamp) -> Option<State> {
        let seen = self.seen(child);
        let up = self.tree.parent(child)?;
        let known = !matches!(self.state(child), State::Pending) || !seen.status.is_ended();
        if known || (reopens && self.doom(up, child, self.progress.get(&up)).is_some()) {
            return None;
        }
        let origin = self.state(seen.origin);
        if seen.status == Status::UpstreamFailed {
            return Some(State::UpstreamFailed { at: now, culprit: seen.origin });
        }
        if seen.status == Status::Skipped {
            let reason = Box::new(SkipReason::With(seen.origin));
            return Some(State::Skipped { at: now, reason });
        }
        let reason = if let State::Cancelled { reason, .. } = origin {
            reason.clone()
        } else if matches!(origin, State::Failed { failure, .. } if **failure == Failure::Timeout) {
            Box::new(CancelReason::Timeout(seen.origin))
        } else {
            Box::new(CancelReason::Marked(seen.origin))
        };
        Some(State::Cancelled { at: now, reason })
    }
}

/// Whether a container was ended, or is being ended, by something other than its children.
fn is_forced(container: &State) -> bool {
    match container {
        State::Open { halt, .. } => halt.is_some(),
        State::Succeeded { how, .. } => matches!(how, Success::Marked(_)),
        State::Failed { failure, .. } => !matches!(**failure, Failure::Child(_)),
        State::Skipped { reason, .. } => **reason != SkipReason::Children,
        State::Cancelled { reason, .. } => !matches!(**reason, CancelReason::Child(_)),
        State::UpstreamFailed { .. } => true,
        State::Pending
        | State::Deciding
        | State::Queued { .. }
        | State::Running { .. }
        | State::Waiting { .. }
        | State::Poking { .. }
        | State::Retrying { .. } => false,
    }
}

/// What a container's record says of the nodes below it that have none.
fn below(container: &State) -> Status {
    match container {
        // Only a container marked by hand ends well over children that never ran.
        State::Succeeded { .. } | State::Skipped { .. } => Status::Skipped,
        State::UpstreamFailed { .. } => Status::UpstreamFailed,
        State::Failed { failure, .. } if matches!(**failure, Failure::When(_)) => Status::UpstreamFailed,
        State::Failed { .. } | State::Cancelled { .. } => Status::Cancelled,
        State::Pending
        | State::Deciding
        | State::Queued { .. }
        | State::Running { .. }
        | State::Waiting { .. }
        | State::Poking { .. }
        | State::Open { .. }
        | State::Retrying { .. } => Status::Pending,
    }
}
