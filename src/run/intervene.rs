//! What people and time limits do to a run: cancel, halt, mark, clear.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::pipeline::node::NodeId;

use super::clear::skipped_by;
use super::effect::Effect;
use super::event::Event;
use super::force::{Halt, HaltReason, Kill, KillReason, Mark};
use super::machine::{Illegal, Run, Work, marked};
use super::state::{CancelReason, SkipReason, State};

impl Run {
    pub(super) fn cancel(
        &mut self,
        node: NodeId,
        by: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), Illegal> {
        if self.seen(node).status.is_ended() {
            return Err(self.illegal(node, event));
        }
        match self.state(node) {
            State::Open { .. } => self.halt(node, &HaltReason::Cancel(by.into()), now),
            State::Running { .. } | State::Poking { .. } => {
                self.kill(node, Kill { why: KillReason::Cancel, by: by.into() });
            }
            State::Pending
            | State::Deciding
            | State::Queued { .. }
            | State::Waiting { .. }
            | State::Retrying { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Skipped { .. }
            | State::UpstreamFailed { .. }
            | State::Cancelled { .. } => {
                if self.live_below(node).next().is_some() {
                    // Attempts of a container that was cleared are still on their way out below it.
                    self.start_container(node, now);
                    self.halt(node, &HaltReason::Cancel(by.into()), now);
                } else {
                    let reason = Box::new(CancelReason::By(by.into()));
                    self.set(node, State::Cancelled { at: now, reason });
                }
            }
        }
        Ok(())
    }

    /// Nothing more starts below `container`; what runs there is ended, what waits there is cancelled.
    pub(super) fn halt(&mut self, container: NodeId, why: &HaltReason, now: Timestamp) {
        let (cause, reason, by) = match why {
            HaltReason::Cancel(by) => (KillReason::Cancel, CancelReason::By(by.clone()), by.clone()),
            HaltReason::Timeout => {
                let path = self.tree.path(container).into_boxed_str();
                (KillReason::Timeout(container), CancelReason::Timeout(container), path)
            }
            HaltReason::Mark(mark, by) => {
                let cause = KillReason::Mark { node: container, mark: *mark };
                (cause, CancelReason::Marked(container), by.clone())
            }
        };
        let range = self.tree.subtree(container);
        let within = NodeId(range.start)..NodeId(range.end);
        let open: Vec<NodeId> = self.open.range(within.clone()).copied().collect();
        for &node in &open {
            // What is being stopped already is being stopped for its own reason.
            let State::Open { since, halt: None } = *self.state(node) else { continue };
            let halt = Some(Box::new(Halt { origin: container, why: why.clone() }));
            self.set(node, State::Open { since, halt });
        }
        let waits = |run: &Self| -> Vec<NodeId> {
            let timers = run.timers.iter().map(|&(_, node)| node).filter(|node| within.contains(node));
            let retries = timers.filter(|&node| matches!(run.state(node), State::Retrying { .. }));
            let ready = run.ready.range(within.clone()).chain(run.deciding.range(within.clone()));
            retries.chain(ready.chain(run.waiting.range(within.clone())).copied()).collect()
        };
        for node in waits(self) {
            self.set(node, State::Cancelled { at: now, reason: Box::new(reason.clone()) });
        }
        for leaf in self.live_below(container).collect::<Vec<_>>() {
            self.kill(leaf, Kill { why: cause.clone(), by: by.clone() });
        }
        for &node in open.iter().rev() {
            self.recount(node);
            self.todo.push_back(Work::Settle(node));
        }
        // What was waiting below has ended with this, without a record of its own.
        self.release(container);
    }

    /// Has a live leaf ended. The first reason stands; but what was to be cleared may be stopped after all.
    pub(super) fn kill(&mut self, leaf: NodeId, kill: Kill) {
        let Some((attempt, known)) = self.state(leaf).attempt() else { return };
        if known.is_some_and(|known| known.why != KillReason::Clear || kill.why == KillReason::Clear) {
            return;
        }
        let mut state = self.state(leaf).clone();
        if let State::Running { kill: why, .. } | State::Poking { kill: why, .. } = &mut state {
            *why = Some(Box::new(kill));
        }
        self.set(leaf, state);
        self.effects.push(Effect::Kill(leaf, attempt));
    }

    pub(super) fn mark(
        &mut self,
        node: NodeId,
        mark: Mark,
        by: &str,
        event: &Event,
        now: Timestamp,
    ) -> Result<(), Illegal> {
        if self.state(node).attempt().is_some() {
            self.kill(node, Kill { why: KillReason::Mark { node, mark }, by: by.into() });
            return Ok(());
        }
        if let State::Open { halt: None, .. } = self.state(node) {
            self.halt(node, &HaltReason::Mark(mark, by.into()), now);
            return Ok(());
        }
        let halted = matches!(self.state(node), State::Open { .. });
        let up = self.tree.parent(node);
        let unreached =
            up.is_some_and(|up| !self.progress.contains_key(&up)) && self.seen(node).status.is_ended();
        if halted || unreached || self.live_below(node).next().is_some() {
            return Err(self.illegal(node, event));
        }
        // What is below the marked node stays as it was: only what waited for it outside is released. And a
        // branch has chosen, whatever is said of its choice.
        let chosen = |freed: NodeId| matches!(self.state(freed), State::Skipped { reason, .. } if matches!(**reason, SkipReason::NotChosen(_)));
        let freed = self.because_of(&BTreeSet::from([node]));
        let outside = freed.into_iter().filter(|&freed| !self.tree.is_within(freed, node) && !chosen(freed));
        let below = outside.flat_map(|top| self.tree.subtree(top).map(NodeId));
        let freed: BTreeSet<NodeId> = below.filter(|&freed| self.only_followed(freed)).collect();
        let freed: Vec<NodeId> = freed.into_iter().collect();
        self.revise(&freed, Some(node), now)?;
        self.put(node, marked(mark, by, now));
        self.rebuild();
        self.hold_back();
        Ok(())
    }

    /// Whether what became of a node followed from others alone: nothing was done there, or said of it.
    fn only_followed(&self, node: NodeId) -> bool {
        match self.state(node) {
            State::Pending
            | State::Deciding
            | State::Queued { .. }
            | State::Waiting { .. }
            | State::UpstreamFailed { .. } => true,
            State::Skipped { reason, .. } => {
                skipped_by(self.state(node)).is_some() || matches!(**reason, SkipReason::With(_))
            }
            State::Open { .. }
            | State::Running { .. }
            | State::Poking { .. }
            | State::Retrying { .. }
            | State::Succeeded { .. }
            | State::Failed { .. }
            | State::Cancelled { .. } => false,
        }
    }

    pub(super) fn clear(&mut self, nodes: &[NodeId], by: &str, now: Timestamp) -> Result<(), Illegal> {
        self.revise(nodes, None, now)?;
        for &node in nodes {
            self.kill(node, Kill { why: KillReason::Clear, by: by.into() });
            if self.tree.is_leaf(node) {
                self.forgive(node);
                self.effects.push(Effect::Forget(node));
            }
        }
        self.rebuild();
        self.hold_back();
        Ok(())
    }

    /// What waits, and whose turn has not come any more: what comes before it is to run again.
    fn hold_back(&mut self) {
        let waiting = self.ready.iter().chain(&self.deciding).chain(&self.waiting).copied();
        let early = waiting.filter(|&node| {
            let mut before = self.tree.forerunners(node).chain(self.tree.after(node));
            before.any(|before| !self.seen(before).status.is_ended())
        });
        for node in early.collect::<Vec<_>>() {
            self.set(node, State::Pending);
        }
    }

    /// Makes `nodes` pending and reopens what has to be open for them, and for `marked`; everything else
    /// keeps the status it had, for which what was derived from a reopened container is written down.
    fn revise(&mut self, nodes: &[NodeId], marked: Option<NodeId>, now: Timestamp) -> Result<(), Illegal> {
        let chosen: BTreeSet<NodeId> = nodes.iter().copied().chain(marked).collect();
        let above: BTreeSet<NodeId> = chosen.iter().flat_map(|&node| self.tree.ancestors(node)).collect();
        let above: Vec<NodeId> = above.difference(&chosen).copied().collect();
        let halted = |up: &&NodeId| matches!(self.state(**up), State::Open { halt: Some(_), .. });
        if let Some(&up) = above.iter().find(halted) {
            return Err(Illegal::Halting { path: self.tree.path(up) });
        }
        let containers = nodes.iter().copied().filter(|&node| !self.tree.is_leaf(node));
        let touched: BTreeSet<NodeId> = above.iter().copied().chain(containers).collect();
        // First everything is read, then it is written: what is derived depends on what stands above.
        let mut records: Vec<(NodeId, State)> = Vec::new();
        let mut reopened: BTreeSet<NodeId> = BTreeSet::new();
        for up in touched.into_iter().filter(|&up| self.seen(up).status.is_ended()) {
            // Below what is not open, or has to be considered again, everything has to be.
            let open = |at: NodeId| {
                let stays = matches!(self.state(at), State::Open { .. }) && !chosen.contains(&at);
                stays || reopened.contains(&at)
            };
            // Nor is it open while what comes before it is to run again.
            let over = |before: NodeId| {
                let reset = chosen.contains(&before) || above.binary_search(&before).is_ok();
                !reset && self.seen(before).status.is_ended()
            };
            let reopens = self.has_started(up)
                && !chosen.contains(&up)
                && self.tree.parent(up).is_none_or(open)
                && self.tree.forerunners(up).chain(self.tree.after(up)).all(over);
            if reopens {
                reopened.insert(up);
            }
            let kept = |child: &NodeId| !chosen.contains(child) && above.binary_search(child).is_err();
            let pinned = self.tree.children(up).filter(kept);
            records.extend(pinned.filter_map(|child| Some((child, self.derived(child, reopens, now)?))));
            records.push((up, if reopens { State::Open { since: now, halt: None } } else { State::Pending }));
        }
        for (node, state) in records {
            self.put(node, state);
        }
        for &node in nodes {
            if self.state(node).attempt().is_none() {
                self.put(node, State::Pending);
            }
            let range = self.tree.subtree(node);
            let within = NodeId(range.start)..NodeId(range.end);
            let ready = self.ready.range(within.clone()).chain(self.deciding.range(within.clone()));
            let waiting = ready.chain(self.waiting.range(within));
            for waiting in waiting.copied().collect::<Vec<_>>() {
                self.put(waiting, State::Pending);
            }
        }
        Ok(())
    }
}
