//! Who gets the next place. Places are counted from what is live, never kept in a counter.

use crate::pipeline::node::NodeId;

use super::force::{Kill, KillReason};
use super::machine::Run;
use super::state::State;

impl Run {
    /// The next queued node that may start when `free` places are left: the first in document order that
    /// no limit above it holds back. The caller steps the run with `Open` or `Start` and asks again.
    pub fn admissible(&self, free: usize) -> Option<NodeId> {
        if free == 0 || self.is_clearing() {
            return None;
        }
        let mut from = NodeId::ROOT;
        while let Some(&node) = self.ready.range(from..).next() {
            // Below a container that is full nothing else can start either.
            let Some(full) = self.full_limit(node) else { return Some(node) };
            from = NodeId(self.tree.subtree(full).end);
        }
        None
    }

    /// The container above the node whose `max_concurrent` is used up, if any.
    pub fn full_limit(&self, node: NodeId) -> Option<NodeId> {
        if self.tree.limited().is_empty() {
            return None;
        }
        self.tree.ancestors(node).find(|&up| {
            let limit = self.tree.options(up).max_concurrent;
            limit.is_some_and(|limit| {
                let taken = self.live_below(up).filter(|&leaf| self.takes_a_place(leaf)).count();
                taken >= limit.get() as usize
            })
        })
    }

    /// How many places this run takes.
    pub fn taken(&self) -> usize {
        self.live.iter().filter(|&&leaf| self.takes_a_place(leaf)).count()
    }

    /// Sensors take none, also while a command looks for them.
    fn takes_a_place(&self, leaf: NodeId) -> bool {
        matches!(self.state(leaf), State::Running { .. })
    }

    /// Whether attempts of cleared tasks are still being ended. Until they are gone nothing new starts in
    /// this run: what runs again must not meet its own past.
    pub fn is_clearing(&self) -> bool {
        let cleared = |kill: &Kill| kill.why == KillReason::Clear;
        let kills = self.live.iter().filter_map(|&leaf| self.state(leaf).attempt()?.1);
        kills.into_iter().any(cleared)
    }
}
