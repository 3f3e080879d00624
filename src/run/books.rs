//! The books of a run: counts of containers and the small sets of nodes at work. All of it follows from
//! the records: `account` keeps it in O(1) a change, `rebuild` makes it anew, a test compares the two.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::pipeline::kind::Kind;
use crate::pipeline::node::{NodeId, TriggerRule};

use super::flow::{Progress, is_chosen, is_counted};
use super::machine::{Run, Work};
use super::state::{SkipReason, State};

impl Run {
    /// Enters a node into the set that its state belongs to, and its timer.
    pub(super) fn index(&mut self, node: NodeId) {
        let (group, due) = (group(self.state(node)), self.due(node, self.state(node)));
        if let Some(set) = self.members(group) {
            set.insert(node);
        }
        self.timers.extend(due.map(|due| (due, node)));
    }

    /// Takes a node out of the set that its former state belonged to, and its timer.
    pub(super) fn unindex(&mut self, node: NodeId, old: &State) {
        if let Some(set) = self.members(group(old)) {
            set.remove(&node);
        }
        if let Some(due) = self.due(node, old) {
            self.timers.remove(&(due, node));
        }
    }

    fn members(&mut self, group: Group) -> Option<&mut BTreeSet<NodeId>> {
        match group {
            Group::Deciding => Some(&mut self.deciding),
            Group::Ready => Some(&mut self.ready),
            Group::Live => Some(&mut self.live),
            Group::Waiting => Some(&mut self.waiting),
            Group::TimedOut => Some(&mut self.timed_out),
            Group::Open => Some(&mut self.open),
            Group::None => None,
        }
    }

    /// When a node in this state wants to be woken.
    fn due(&self, node: NodeId, state: &State) -> Option<Timestamp> {
        match state {
            State::Retrying { until, .. } => Some(*until),
            State::Open { since, halt: None }
            | State::Waiting { since }
            | State::Poking { since, kill: None, .. } => {
                let timeout = self.tree.options(node).timeout?;
                Some(since.saturating_add(timeout).unwrap_or(Timestamp::MAX))
            }
            State::Open { halt: Some(_), .. }
            | State::Poking { kill: Some(_), .. }
            | State::Pending
            | State::Deciding
            | State::Queued { .. }
            | State::Running { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Skipped { .. }
            | State::UpstreamFailed { .. }
            | State::Cancelled { .. } => None,
        }
    }

    /// A node's state has changed: its container's counts follow, and whoever waited for that is looked at.
    pub(super) fn account(&mut self, node: NodeId, old: &State) {
        let new = self.state(node);
        let (was_waiting, is_waiting) = (is_waiting(old), is_waiting(new));
        let ends = new.is_ended() && !old.is_ended();
        if ends {
            self.release(node);
        }
        let Some(up) = self.tree.parent(node) else {
            if ends {
                self.todo.push_back(Work::Finish);
            }
            return;
        };
        let Some(mut progress) = self.progress.remove(&up) else {
            // Below a container that was cleared; one around it may have waited for this end.
            let open = self.tree.ancestors(up).find(|at| self.open.contains(at));
            self.todo.extend(open.filter(|_| ends).map(Work::Settle));
            return;
        };
        progress.queued = progress.queued + u32::from(is_waiting) - u32::from(was_waiting);
        let culprit = progress.culprit;
        if ends && let Some(ending) = self.ending(node) {
            progress.add(node, ending);
        }
        self.note_choice(up, node, &mut progress);
        if progress.culprit != culprit {
            self.doom_successors(up, &mut progress, culprit);
        }
        self.progress.insert(up, progress);
        if ends || (was_waiting && !is_waiting) {
            self.todo.push_back(Work::Reach(up));
        }
        if ends {
            self.todo.push_back(Work::Settle(up));
        }
    }

    /// Notes which child of a branch was chosen first.
    fn note_choice(&self, up: NodeId, child: NodeId, progress: &mut Progress) {
        if self.is_choice(child) {
            progress.chosen = Some(progress.chosen.map_or(child, |known| known.min(child)));
        } else if progress.chosen == Some(child) {
            // Cancelled, or marked: rare enough for a look at all of them.
            progress.chosen = self.tree.children(up).find(|&child| self.is_choice(child));
        }
    }

    /// Whether a branch has chosen this child of it.
    pub(super) fn is_choice(&self, child: NodeId) -> bool {
        let branch = self.tree.parent(child).filter(|up| matches!(self.tree.kind(*up), Kind::Branch(_)));
        branch.is_some() && is_chosen(self.state(child))
    }

    /// Those behind a child that can no longer run have ended with that: no records, one count.
    fn doom_successors(&mut self, up: NodeId, progress: &mut Progress, known: Option<NodeId>) {
        if !matches!(self.state(up), State::Open { halt: None, .. }) {
            return;
        }
        let Some(culprit) = progress.culprit else { return };
        let tree = self.tree.clone();
        for child in tree.followers(culprit) {
            let counted = known.is_some_and(|known| self.dooms(known, child));
            if self.dooms(culprit, child)
                && !counted
                && matches!(self.state(child), State::Pending)
                && let Some(ending) = self.ending_in(up, child, progress)
            {
                progress.add(child, ending);
                self.release(child);
            }
        }
    }

    /// Whether `culprit`, which did not succeed, keeps a sibling behind it from running.
    pub(super) fn dooms(&self, culprit: NodeId, sibling: NodeId) -> bool {
        let Some(up) = self.tree.parent(culprit) else { return false };
        self.tree.is_behind(sibling, culprit)
            && self.tree.options(up).stop_on_error
            && self.tree.options(sibling).trigger_rule == TriggerRule::AllSuccess
    }

    /// Nodes that waited for something at or below `node` are looked at again.
    pub(super) fn release(&mut self, node: NodeId) {
        if self.parked.is_empty() {
            return;
        }
        let range = self.tree.subtree(node);
        let within = NodeId(range.start)..NodeId(range.end);
        let met: Vec<NodeId> = self.parked.range(within).map(|(&missing, _)| missing).collect();
        for missing in met {
            for waiting in self.parked.remove(&missing).unwrap_or_default() {
                self.look_again(waiting);
            }
        }
    }

    /// A child that its container has passed over is to be looked at again.
    pub(super) fn look_again(&mut self, node: NodeId) {
        let Some(up) = self.tree.parent(node) else {
            self.todo.push_back(Work::Consider(node));
            return;
        };
        if let Some(progress) = self.progress.get_mut(&up) {
            progress.again.insert(node);
        }
        self.todo.push_back(Work::Reach(up));
        self.consider_sensor(node);
    }

    /// The counts of a started container, made anew from its children's records.
    pub(super) fn recounted(&self, container: NodeId) -> Progress {
        let mut progress = Progress { next: self.tree.first_child(container), ..Progress::default() };
        for child in self.tree.children(container) {
            let state = self.state(child);
            progress.queued += u32::from(is_waiting(state));
            if let Some(ending) = self.ending_in(container, child, &progress) {
                progress.add(child, ending);
            }
            self.note_choice(container, child, &mut progress);
        }
        progress
    }

    /// Writes a started container's counts anew.
    pub(super) fn recount(&mut self, container: NodeId) {
        let progress = self.recounted(container);
        self.progress.insert(container, progress);
    }

    /// Makes all books anew from the records, and has every open container looked at.
    pub(super) fn rebuild(&mut self) {
        self.progress = BTreeMap::new();
        self.open = BTreeSet::new();
        self.deciding = BTreeSet::new();
        self.ready = BTreeSet::new();
        self.live = BTreeSet::new();
        self.waiting = BTreeSet::new();
        self.timed_out = BTreeSet::new();
        self.timers = BTreeSet::new();
        self.parked = BTreeMap::new();
        self.todo.clear();
        let tree = self.tree.clone();
        // Backwards, so that a container is counted after everything below it.
        for node in tree.ids().rev() {
            self.index(node);
            if !tree.is_leaf(node) && is_counted(self.state(node)) {
                self.recount(node);
            }
        }
        if matches!(self.state(NodeId::ROOT), State::Pending) {
            self.todo.push_back(Work::Consider(NodeId::ROOT));
        } else if self.state(NodeId::ROOT).is_ended() {
            self.todo.push_back(Work::Finish);
        }
        for container in self.open.clone() {
            self.todo.push_back(Work::Reach(container));
            self.todo.push_back(Work::Settle(container));
            self.consider_sensors(container);
        }
    }

    /// Whether a container has been opened, as far as its children's records tell.
    pub(super) fn has_started(&self, container: NodeId) -> bool {
        let recorded = |child| !matches!(self.state(child), State::Pending);
        matches!(self.state(container), State::Open { .. })
            || (is_counted(self.state(container)) && self.tree.children(container).any(recorded))
    }
}

/// The sets of nodes at work, by what puts a node there.
#[derive(Clone, Copy)]
enum Group {
    Deciding,
    Ready,
    Live,
    Waiting,
    TimedOut,
    Open,
    None,
}

fn group(state: &State) -> Group {
    match state {
        State::Deciding => Group::Deciding,
        State::Queued { .. } => Group::Ready,
        State::Running { .. } | State::Poking { .. } => Group::Live,
        State::Waiting { .. } => Group::Waiting,
        State::Open { .. } => Group::Open,
        State::Skipped { reason, .. } if **reason == SkipReason::TimedOut => Group::TimedOut,
        State::Pending
        | State::Retrying { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Skipped { .. }
        | State::UpstreamFailed { .. }
        | State::Cancelled { .. } => Group::None,
    }
}

/// Waiting for its `when` or for a place.
fn is_waiting(state: &State) -> bool {
    matches!(state, State::Deciding | State::Queued { .. })
}
