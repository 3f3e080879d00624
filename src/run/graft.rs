//! A generated tree comes into a run: in place of what was awaited, or of what was generated before. Node
//! numbers move, and everything that knows one moves with them; a path that is there again goes on counting
//! its attempts. It decides; `machine` changes.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use crate::pipeline::graft::Graft;
use crate::pipeline::kind::Kind;
use crate::pipeline::node::{NodeId, Tree};

use super::effect::Effect;
use super::flow::{Progress, is_counted};
use super::force::{Kill, KillReason};
use super::machine::{Run, Work};
use super::state::{CancelReason, Exit, Failure, SkipReason, State, Status, Success};

impl Run {
    /// Where the tree belongs that an attempt of this node has written, now that it has ended so: only a
    /// success writes one, and what is to be cleared, or marked, has written nothing.
    pub fn awaits_tree(&self, node: NodeId, exit: &Exit) -> Option<NodeId> {
        let execute = self.tree.execute(node).filter(|_| *exit == Exit::Code(0))?;
        let kill = self.state(node).attempt().and_then(|(_, kill)| kill);
        kill.is_none_or(|kill| !is_void(kill, node)).then_some(execute)
    }

    /// Attempts that tasks have had of whose paths the tree knows nothing any more.
    pub fn former(&self) -> impl Iterator<Item = (&str, u32)> {
        self.former.iter().map(|(path, attempts)| (&**path, *attempts))
    }

    /// The same, of a run that is restored.
    #[must_use]
    pub fn with_former(mut self, former: impl IntoIterator<Item = (String, u32)>) -> Self {
        self.former = former.into_iter().map(|(path, attempts)| (path.into(), attempts)).collect();
        self
    }

    /// Why an `execute` whose `generate` has ended has nothing to run, if so.
    pub(super) fn treeless(&self, execute: NodeId) -> Option<SkipReason> {
        let generate = self.tree.forerunners(execute).next()?;
        let none = match self.seen(generate).status {
            Status::Pending | Status::Queued | Status::Running | Status::Waiting | Status::Retrying => false,
            // It was marked, and so it has written nothing.
            Status::Succeeded => matches!(self.tree.kind(execute), Kind::Awaited),
            // Without its consent not even the tree of before runs.
            Status::Failed | Status::Skipped | Status::UpstreamFailed | Status::Cancelled => true,
        };
        none.then_some(SkipReason::NoTree(generate))
    }

    /// Puts a generated tree into the run's. Nothing at or below `at` is at work: its `generate` was.
    pub(super) fn graft(&mut self, at: NodeId, generated: &Tree) {
        for node in self.tree.subtree(at).map(NodeId) {
            let attempts = self.entry(node).attempts;
            if attempts > 0 {
                self.former.insert(self.tree.path(node).into(), attempts);
            }
        }
        let graft = Arc::make_mut(&mut self.tree).graft(at, generated);
        self.effects.push(Effect::Grafted(graft));
        self.renumber_books(&graft);
        self.renumber_records(&graft);
        self.recall(at);
        if !self.tree.is_leaf(at) && is_counted(self.state(at)) {
            self.recount(at);
        }
        self.recount_around(at);
    }

    /// What stands around a graft counts its leaves where it has ended: because it was stopped.
    fn recount_around(&mut self, at: NodeId) {
        let around: Vec<NodeId> = std::iter::once(at).chain(self.tree.ancestors(at)).collect();
        for pair in around.windows(2) {
            let [child, up] = *pair else { continue };
            let Some(known) = self.progress.get(&up).filter(|_| self.seen(child).status.is_ended()) else {
                continue;
            };
            let (next, again) = (known.next, known.again.clone());
            let progress = Progress { next, again, ..self.recounted(up) };
            self.progress.insert(up, progress);
        }
    }

    /// Tasks at and below `top` that were there before go on counting.
    fn recall(&mut self, top: NodeId) {
        let whole = self.tree.path(top);
        let known = self.former.range::<str, _>((Bound::Included(&*whole), Bound::Unbounded));
        let known = known.take_while(|(path, _)| path.starts_with(&whole));
        // What only begins alike is no part of it, and tasks alone have attempts.
        let found = known.filter_map(|(path, &attempts)| {
            let node = self.tree.find(path).filter(|&node| self.tree.is_within(node, top))?;
            self.tree.is_leaf(node).then(|| (path.clone(), node, attempts))
        });
        for (path, node, attempts) in found.collect::<Vec<_>>() {
            self.former.remove(&path);
            self.go_on_counting(node, attempts);
        }
    }

    fn renumber_books(&mut self, graft: &Graft) {
        let sets = [
            &mut self.open,
            &mut self.deciding,
            &mut self.ready,
            &mut self.live,
            &mut self.waiting,
            &mut self.timed_out,
        ];
        for set in sets {
            if set.last().is_some_and(|last| *last > graft.at) {
                *set = set.iter().filter_map(|&node| graft.moved(node)).collect();
            }
        }
        let moved = |(due, node)| Some((due, graft.moved(node)?));
        self.timers = std::mem::take(&mut self.timers).into_iter().filter_map(moved).collect();
        let parked = std::mem::take(&mut self.parked).into_iter();
        self.parked = parked
            .filter_map(|(missing, waiting)| {
                let waiting = waiting.into_iter().filter_map(|node| graft.moved(node)).collect();
                Some((graft.moved(missing)?, waiting))
            })
            .collect();
        // A run that was restored has work that nobody has come to yet.
        let todo = std::mem::take(&mut self.todo).into_iter();
        self.todo = todo.filter_map(|work| work.moved(graft)).collect();
        let progress = std::mem::take(&mut self.progress).into_iter();
        self.progress = progress
            .filter(|(container, _)| *container != graft.at)
            .filter_map(|(container, progress)| Some((graft.moved(container)?, renumbered(progress, graft))))
            .collect();
    }
}

impl Work {
    fn moved(self, graft: &Graft) -> Option<Self> {
        Some(match self {
            Self::Reach(node) => Self::Reach(graft.moved(node)?),
            Self::Settle(node) => Self::Settle(graft.moved(node)?),
            Self::Consider(node) => Self::Consider(graft.moved(node)?),
            Self::Finish => Self::Finish,
        })
    }
}

/// Whether what an attempt has done will count for nothing.
fn is_void(kill: &Kill, node: NodeId) -> bool {
    match kill.why {
        KillReason::Clear => true,
        KillReason::Mark { node: marked, .. } => marked == node,
        KillReason::Cancel | KillReason::Timeout(_) => false,
    }
}

fn renumbered(progress: Progress, graft: &Graft) -> Progress {
    let Progress { children, leaves, suppressed, queued, failed, cancelled, culprit, chosen, next, again } =
        progress;
    let moved = |node: Option<NodeId>| node.and_then(|node| graft.moved(node));
    let again: BTreeSet<NodeId> = again.into_iter().filter_map(|node| graft.moved(node)).collect();
    Progress {
        children,
        leaves,
        suppressed,
        queued,
        failed: moved(failed),
        cancelled: moved(cancelled),
        culprit: moved(culprit),
        chosen: moved(chosen),
        next: moved(next),
        again,
    }
}

impl State {
    /// Gives the nodes that this state speaks of their new numbers.
    pub(super) fn renumber(&mut self, moved: impl Fn(NodeId) -> NodeId) {
        let by_kill = |kill: &mut Kill| match &mut kill.why {
            KillReason::Timeout(node) | KillReason::Mark { node, .. } => *node = moved(*node),
            KillReason::Cancel | KillReason::Clear => {}
        };
        match self {
            Self::Pending | Self::Deciding | Self::Queued { .. } | Self::Waiting { .. } => {}
            Self::Running { kill, .. } | Self::Poking { kill, .. } => {
                kill.as_deref_mut().into_iter().for_each(by_kill);
            }
            Self::Open { halt, .. } => {
                if let Some(halt) = halt {
                    halt.origin = moved(halt.origin);
                }
            }
            Self::Retrying { failure, .. } | Self::Failed { failure, .. } => {
                if let Failure::Child(child) = &mut **failure {
                    *child = moved(*child);
                }
            }
            Self::Succeeded { how, .. } => {
                if let Success::Chose(chosen) = how {
                    chosen.iter_mut().for_each(|child| *child = moved(*child));
                }
            }
            Self::Skipped { reason, .. } => match &mut **reason {
                SkipReason::NotChosen(node)
                | SkipReason::Sensor(node)
                | SkipReason::NoTree(node)
                | SkipReason::With(node) => *node = moved(*node),
                SkipReason::ByHand
                | SkipReason::When(_)
                | SkipReason::NothingFailed
                | SkipReason::Children
                | SkipReason::TimedOut
                | SkipReason::NoSlot(_)
                | SkipReason::Marked(_) => {}
            },
            Self::UpstreamFailed { culprit, .. } => *culprit = moved(*culprit),
            Self::Cancelled { reason, .. } => match &mut **reason {
                CancelReason::Timeout(node) | CancelReason::Child(node) | CancelReason::Marked(node) => {
                    *node = moved(*node);
                }
                CancelReason::By(_) => {}
            },
        }
    }
}
