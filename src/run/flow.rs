//! What a container makes of its children: counts, verdicts and outcomes, each in O(1) a change.

use std::collections::BTreeSet;

use crate::pipeline::node::NodeId;

use super::state::{Failure, SkipReason, State, Status};

/// How many have ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ended well.
    pub succeeded: u32,
    /// Failed.
    pub failed: u32,
    /// Not meant to run.
    pub skipped: u32,
    /// Could not run.
    pub upstream_failed: u32,
    /// Stopped.
    pub cancelled: u32,
}

impl Tally {
    /// `count` nodes that all ended the same way; nothing for a status that is not an end.
    pub fn of(status: Status, count: u32) -> Self {
        let mut tally = Self::default();
        match status {
            Status::Pending | Status::Queued | Status::Running | Status::Waiting | Status::Retrying => {}
            Status::Succeeded => tally.succeeded = count,
            Status::Failed => tally.failed = count,
            Status::Skipped => tally.skipped = count,
            Status::UpstreamFailed => tally.upstream_failed = count,
            Status::Cancelled => tally.cancelled = count,
        }
        tally
    }

    /// Adds another tally to this one.
    pub fn add(&mut self, other: Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.upstream_failed += other.upstream_failed;
        self.cancelled += other.cancelled;
    }

    /// All that have ended.
    pub fn total(self) -> u32 {
        self.succeeded + self.failed + self.skipped + self.upstream_failed + self.cancelled
    }
}

/// What a child adds to its container when it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How it counts for others: a suppressed failure counts as success.
    pub counted: Status,
    /// The leaves at or below it, as they truly ended.
    pub leaves: Tally,
    /// Failures suppressed at or below it.
    pub suppressed: u32,
    /// Whether it was the choice of a branch: then the others are not kept from running by how it fared.
    pub chosen: bool,
}

/// How far a started container has come. Always derivable from its children's records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Direct children that have ended, as they count.
    pub children: Tally,
    /// Leaves below that have ended, as they truly did.
    pub leaves: Tally,
    /// Failures below that were suppressed.
    pub suppressed: u32,
    /// Children that wait for a place, or for their `when`.
    pub queued: u32,
    /// The first child in document order that counts as failed or `upstream_failed`.
    pub failed: Option<NodeId>,
    /// The first child in document order that was cancelled.
    pub cancelled: Option<NodeId>,
    /// The first child in document order that did not succeed, and so keeps `all_success` successors from
    /// running.
    pub culprit: Option<NodeId>,
    /// Of a branch: the first child in document order that was chosen, however it fared.
    pub chosen: Option<NodeId>,
    /// From where on children have not been looked at yet.
    pub next: Option<NodeId>,
    /// Children before that which are to be looked at again.
    pub again: BTreeSet<NodeId>,
}

impl Progress {
    /// A child has ended.
    pub fn add(&mut self, child: NodeId, ending: Ending) {
        self.children.add(Tally::of(ending.counted, 1));
        self.leaves.add(ending.leaves);
        self.suppressed += ending.suppressed;
        let first = match ending.counted {
            Status::Failed | Status::UpstreamFailed => &mut self.failed,
            Status::Cancelled => &mut self.cancelled,
            Status::Succeeded
            | Status::Skipped
            | Status::Pending
            | Status::Queued
            | Status::Running
            | Status::Waiting
            | Status::Retrying => return,
        };
        let earliest = |known: Option<NodeId>| Some(known.map_or(child, |known| known.min(child)));
        *first = earliest(*first);
        if !ending.chosen {
            self.culprit = earliest(self.culprit);
        }
    }

    /// The first child in document order that is to be looked at.
    pub fn candidate(&self) -> Option<NodeId> {
        self.again.first().copied().into_iter().chain(self.next).min()
    }

    /// What the container becomes when all of its `count` children have ended.
    pub fn outcome(&self, count: u32) -> Outcome {
        match (self.failed, self.cancelled) {
            (Some(child), _) => Outcome::Failed(child),
            (None, Some(child)) => Outcome::Cancelled(child),
            (None, None) if self.children.skipped == count => Outcome::Skipped,
            (None, None) => Outcome::Succeeded,
        }
    }
}

/// What a container's children make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// None failed, none was cancelled, not all were skipped.
    Succeeded,
    /// This child failed, or could not run, first in document order.
    Failed(NodeId),
    /// None failed, and this child was cancelled.
    Cancelled(NodeId),
    /// All were skipped.
    Skipped,
}

/// Whether a node whose predecessors have all ended may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Run,
    /// It cannot: this predecessor did not succeed.
    Blocked(NodeId),
    /// It need not: its rule is `one_failed`, and nothing failed.
    NothingFailed,
}

/// Whether a child of a branch in this state was chosen: its turn had come, and nothing spoke against it.
pub(super) fn is_chosen(child: &State) -> bool {
    match child {
        State::Queued { .. }
        | State::Running { .. }
        | State::Waiting { .. }
        | State::Poking { .. }
        | State::Open { .. }
        | State::Retrying { .. }
        | State::Succeeded { .. } => true,
        State::Failed { failure, .. } => !matches!(**failure, Failure::When(_)),
        State::Skipped { reason, .. } => {
            matches!(**reason, SkipReason::Children | SkipReason::TimedOut | SkipReason::NoSlot(_))
        }
        State::Pending | State::Deciding | State::UpstreamFailed { .. } | State::Cancelled { .. } => false,
    }
}

/// Whether a container in this state has counts: it is open, or it may have been before it ended.
pub(super) fn is_counted(container: &State) -> bool {
    match container {
        State::Pending
        | State::Deciding
        | State::Queued { .. }
        | State::Running { .. }
        | State::Waiting { .. }
        | State::Poking { .. }
        | State::Retrying { .. }
        | State::UpstreamFailed { .. } => false,
        State::Open { .. } | State::Succeeded { .. } | State::Cancelled { .. } => true,
        State::Failed { failure, .. } => !matches!(**failure, Failure::When(_)),
        State::Skipped { reason, .. } => {
            matches!(**reason, SkipReason::Children | SkipReason::Marked(_))
        }
    }
}
