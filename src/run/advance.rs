//! How a run moves on by itself: who is next in a container, whether a node may start, what a container
//! becomes. It decides; `machine` changes.

use jiff::Timestamp;

use crate::pipeline::kind::{Kind, Order};
use crate::pipeline::node::{NodeId, TriggerRule};

use super::effect::Effect;
use super::flow::{Outcome, Verdict};
use super::force::HaltReason;
use super::machine::{Run, Work, marked};
use super::state::{CancelReason, Failure, SkipReason, State, Status, Success};

impl Run {
    /// Considers the next children of a started container: one where the next waits for it, else as many as
    /// end at once or wait for an `after`, up to the first that waits for a place. So a million children
    /// stay unrecorded until there is room for them.
    pub(super) fn reach(&mut self, container: NodeId, now: Timestamp) {
        if !matches!(self.state(container), State::Open { halt: None, .. }) {
            return;
        }
        while let Some(progress) = self.progress.get(&container) {
            let Some(child) = progress.candidate() else { return };
            let alone = match self.tree.kind(container).order() {
                Order::InTurn => true,
                Order::AtOnce => false,
                Order::Led => self.tree.is_chooser(child),
            };
            if !alone && progress.queued > 0 {
                return;
            }
            self.consider(child, now);
            if alone && !self.seen(child).status.is_ended() {
                return;
            }
            let after = self.tree.next_sibling(child);
            let progress = self.progress.entry(container).or_default();
            progress.again.remove(&child);
            if progress.next == Some(child) {
                progress.next = after;
            }
        }
    }

    /// The node's place in the tree allows it to start. Do its predecessors, its rule and its `when`?
    pub(super) fn consider(&mut self, node: NodeId, now: Timestamp) {
        let up = self.tree.parent(node).map(|up| self.state(up));
        let here = matches!(self.state(node), State::Pending) && !self.seen(node).status.is_ended();
        if !here || !matches!(up, None | Some(State::Open { halt: None, .. })) {
            return;
        }
        // Cleared while it ran: it starts anew when the last of it has ended. What was generated is a part of
        // what generates it.
        let whole = self.tree.execute(node).and_then(|_| self.tree.parent(node)).unwrap_or(node);
        if self.live_below(whole).next().is_some() {
            return;
        }
        if let Some(reason) = self.passed_over(node) {
            self.skip(node, reason, now);
            return;
        }
        let missing = self.tree.after(node).find(|&before| !self.seen(before).status.is_ended());
        if let Some(missing) = missing {
            self.parked.entry(missing).or_default().push(node);
            return;
        }
        match self.verdict(node) {
            Verdict::Blocked(culprit) => self.set(node, State::UpstreamFailed { at: now, culprit }),
            Verdict::NothingFailed => self.skip(node, SkipReason::NothingFailed, now),
            Verdict::Run if self.tree.options(node).skip => self.skip(node, SkipReason::ByHand, now),
            Verdict::Run if self.tree.options(node).when.is_some() => {
                self.set(node, State::Deciding);
                self.effects.push(Effect::Evaluate(node));
            }
            Verdict::Run => self.free(node, now),
        }
    }

    /// Nothing speaks against the node any more: it needs a place, but for a sensor, which needs none.
    pub(super) fn free(&mut self, node: NodeId, now: Timestamp) {
        if self.tree.kind(node).sensor().is_some() {
            self.set(node, State::Waiting { since: now });
        } else {
            self.set(node, State::Queued { since: now });
        }
        if self.tree.parent(node).is_some_and(|up| matches!(self.tree.kind(up), Kind::Branch(_))) {
            self.pass_over_followers(node, now);
        }
    }

    fn verdict(&self, node: NodeId) -> Verdict {
        let up = self.tree.parent(node);
        let earlier = up.and_then(|up| self.progress.get(&up));
        let before = |child: Option<NodeId>| child.filter(|&child| self.tree.is_behind(node, child));
        let failed = earlier.and_then(|progress| before(progress.failed));
        let stopped = up.filter(|up| self.tree.options(*up).stop_on_error);
        let blocked = stopped.and(earlier).and_then(|progress| before(progress.culprit));
        let counted = |after: NodeId| self.ending(after).map(|ending| ending.counted);
        match self.tree.options(node).trigger_rule {
            TriggerRule::AllDone => Verdict::Run,
            TriggerRule::OneFailed => {
                let fails = |after| matches!(counted(after), Some(Status::Failed | Status::UpstreamFailed));
                let any = failed.is_some() || self.tree.after(node).any(fails);
                if any { Verdict::Run } else { Verdict::NothingFailed }
            }
            TriggerRule::AllSuccess => {
                let holds = |after: &NodeId| {
                    matches!(
                        counted(*after),
                        Some(Status::Failed | Status::UpstreamFailed | Status::Cancelled)
                    )
                };
                let culprit = blocked.or_else(|| self.tree.after(node).find(holds));
                culprit.map_or(Verdict::Run, Verdict::Blocked)
            }
        }
    }

    pub(super) fn start_container(&mut self, node: NodeId, now: Timestamp) {
        self.set(node, State::Open { since: now, halt: None });
        self.todo.push_back(Work::Reach(node));
        self.todo.push_back(Work::Settle(node));
        self.consider_sensors(node);
    }

    /// Ends a container whose children have all ended.
    pub(super) fn settle(&mut self, container: NodeId, now: Timestamp) {
        let State::Open { halt, .. } = self.state(container) else { return };
        let Some(children) = self.tree.kind(container).children() else { return };
        let Some(progress) = self.progress.get(&container) else { return };
        let living = self.live_below(container).next().is_some();
        if progress.children.total() < children.count || living {
            return;
        }
        let reason = halt.as_ref().map(|halt| (halt.origin, &halt.why));
        let cut_short = progress.children.cancelled > 0;
        let cancelled = |reason| State::Cancelled { at: now, reason: Box::new(reason) };
        let failed = |failure| State::Failed { at: now, failure: Box::new(failure) };
        let state = match (reason, progress.outcome(children.count)) {
            (Some((origin, HaltReason::Timeout)), _) if origin == container => failed(Failure::Timeout),
            (Some((origin, HaltReason::Mark(mark, by))), _) if origin == container => marked(*mark, by, now),
            (Some((_, HaltReason::Cancel(by))), _) if cut_short => cancelled(CancelReason::By(by.clone())),
            (Some((origin, HaltReason::Timeout)), _) if cut_short => cancelled(CancelReason::Timeout(origin)),
            (Some((origin, HaltReason::Mark(..))), _) if cut_short => cancelled(CancelReason::Marked(origin)),
            (_, Outcome::Succeeded) => State::Succeeded { at: now, how: Success::Done },
            (_, Outcome::Failed(child)) => failed(Failure::Child(child)),
            (_, Outcome::Cancelled(child)) => cancelled(CancelReason::Child(child)),
            (_, Outcome::Skipped) => State::Skipped { at: now, reason: Box::new(SkipReason::Children) },
        };
        self.set(container, state);
    }
}
