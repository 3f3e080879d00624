//! What a clear would reset. The dry run shows this plan, and the act is given the very same list.

use std::collections::{BTreeMap, BTreeSet};

use crate::pipeline::kind::Kind;
use crate::pipeline::node::NodeId;

use super::machine::Run;
use super::state::{SkipReason, State, Status};

/// What somebody wants to run again.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Nodes; each stands for its whole subtree.
    pub targets: Vec<NodeId>,
    /// Only tasks in these states; empty for all that have done, or are doing, anything.
    pub states: Vec<Status>,
    /// Also what comes after them: siblings that wait for theirs, `after` successors, and theirs.
    pub downstream: bool,
    /// Also what comes before them.
    pub upstream: bool,
}

/// What would run again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Every node that becomes pending, containers too, in document order.
    pub nodes: Vec<NodeId>,
}

impl Plan {
    /// The tasks among them, with the status each has now.
    pub fn tasks<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = (NodeId, Status)> + 'a {
        let leaves = self.nodes.iter().filter(|node| run.tree().is_leaf(**node));
        leaves.map(|&node| (node, run.seen(node).status))
    }

    /// The tasks that would have to be killed first.
    pub fn running<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = NodeId> + 'a {
        self.tasks(run).filter(|(_, status)| *status == Status::Running).map(|(node, _)| node)
    }
}

/// What `request` would reset in `run` as it is now.
pub fn plan(run: &Run, request: &Request) -> Plan {
    let mut reset = Reset::of(run);
    for &target in &request.targets {
        reset.add_target(target, &request.states);
    }
    loop {
        while let Some(node) = reset.fresh.pop() {
            reset.spread_from(node, request);
        }
        let freed = run.because_of(&reset.nodes);
        if freed.is_subset(&reset.nodes) {
            break;
        }
        for node in freed {
            reset.add_subtree(node);
        }
        if !request.downstream {
            reset.fresh.clear();
        }
    }
    Plan { nodes: reset.nodes.into_iter().collect() }
}

struct Reset<'a> {
    run: &'a Run,
    nodes: BTreeSet<NodeId>,
    /// Nodes whose successors have not been looked at.
    fresh: Vec<NodeId>,
    /// Nodes and containers around them whose successors have been.
    spread: BTreeSet<NodeId>,
    /// By container: the children from which on all later, and up to which all earlier ones have been added.
    swept: BTreeMap<NodeId, (NodeId, NodeId)>,
}

impl<'a> Reset<'a> {
    fn of(run: &'a Run) -> Self {
        let (nodes, spread) = (BTreeSet::new(), BTreeSet::new());
        Self { run, nodes, fresh: Vec::new(), spread, swept: BTreeMap::new() }
    }

    fn add_target(&mut self, target: NodeId, states: &[Status]) {
        let run = self.run;
        if states.is_empty() {
            self.add_subtree(target);
        } else {
            for node in run.tree().subtree(target).map(NodeId) {
                let seen = run.seen(node);
                let own_fact = seen.origin == node && run.progress(node).is_none();
                if states.contains(&seen.status) && (run.tree().is_leaf(node) || own_fact) {
                    self.add_subtree(node);
                }
            }
        }
        // Inside a container that never started, that container has to be considered again first.
        for up in run.tree().ancestors(target) {
            if run.progress(up).is_none() && run.state(up).is_ended() {
                self.nodes.insert(up);
                self.fresh.push(up);
            }
        }
    }

    fn add_subtree(&mut self, top: NodeId) {
        for node in self.run.tree().subtree(top).map(NodeId) {
            let untouched = matches!(self.run.seen(node).status, Status::Pending | Status::Queued);
            if !untouched && self.nodes.insert(node) {
                self.fresh.push(node);
            }
        }
    }

    fn spread_from(&mut self, node: NodeId, request: &Request) {
        let tree = self.run.tree();
        // What was generated is generated anew, and what was never generated is now.
        if let Some(execute) = tree.execute(node) {
            self.add_subtree(execute);
        } else if matches!(tree.kind(node), Kind::Awaited) {
            tree.forerunners(node).for_each(|generate| self.add_subtree(generate));
        }
        for at in std::iter::once(node).chain(tree.ancestors(node)) {
            let branch = tree.parent(at).filter(|up| matches!(tree.kind(*up), Kind::Branch(_)));
            // Its siblings come after, or before, what a branch does next only where it chooses anew.
            if let Some(branch) = branch.filter(|_| at == node) {
                self.sweep(branch, at, request);
            }
            if !self.spread.insert(at) {
                break;
            }
            if let Some(up) = tree.parent(at).filter(|_| branch.is_none()) {
                self.sweep(up, at, request);
            }
            let successors = tree.before(at).filter(|_| request.downstream);
            let predecessors = tree.after(at).filter(|_| request.upstream);
            for neighbour in successors.chain(predecessors) {
                self.add_subtree(neighbour);
            }
        }
    }

    /// Adds the siblings that wait for a child, and those that it waits for: each once, however often it is
    /// asked.
    fn sweep(&mut self, up: NodeId, at: NodeId, request: &Request) {
        let tree = self.run.tree();
        let end = NodeId(tree.subtree(up).end);
        let (from, upto) = self.swept.get(&up).copied().unwrap_or((end, NodeId(0)));
        if request.downstream && at < from {
            for sibling in tree.followers(at).take_while(|sibling| *sibling <= from) {
                self.add_subtree(sibling);
            }
        }
        if request.upstream && at > upto {
            for sibling in tree.forerunners(at).skip_while(|sibling| *sibling < upto) {
                self.add_subtree(sibling);
            }
        }
        self.swept.insert(up, (from.min(at), upto.max(at)));
    }
}

impl Run {
    /// Nodes that are `upstream_failed` because of one of `nodes`, by record or by their place, or that were
    /// skipped because of one, directly or through others.
    pub(super) fn because_of(&self, nodes: &BTreeSet<NodeId>) -> BTreeSet<NodeId> {
        let (mut blamed, mut decided) = (Blame::new(), Blame::new());
        for node in self.tree.ids() {
            if let State::UpstreamFailed { culprit, .. } = self.state(node) {
                blamed.entry(*culprit).or_default().push(node);
            } else if let Some(by) = skipped_by(self.state(node)) {
                decided.entry(by).or_default().push(node);
            }
        }
        let mut freed = BTreeSet::new();
        let mut asked = BTreeSet::new();
        let mut fresh: Vec<NodeId> = nodes.iter().copied().collect();
        while let Some(node) = fresh.pop() {
            let range = self.tree.subtree(node);
            let below = blamed.range(NodeId(range.start)..NodeId(range.end)).map(|(&culprit, _)| culprit);
            // What stands above one that has been asked for has been, too.
            let above = std::iter::once(node).chain(self.tree.ancestors(node));
            let above: Vec<NodeId> = above.take_while(|at| asked.insert(*at)).collect();
            let met: BTreeSet<NodeId> = below.chain(above.iter().copied()).collect();
            let recorded = met.into_iter().flat_map(|culprit| blamed.remove(&culprit).unwrap_or_default());
            let doomed = above.into_iter().flat_map(|at| self.doomed_by(at));
            // What was decided stands while something below or above it runs again.
            let skipped = decided.remove(&node).unwrap_or_default();
            for victim in recorded.chain(doomed).chain(skipped).collect::<Vec<_>>() {
                if freed.insert(victim) {
                    fresh.push(victim);
                }
            }
        }
        freed
    }

    /// The siblings that cannot run because of `culprit`.
    fn doomed_by(&self, culprit: NodeId) -> impl Iterator<Item = NodeId> + use<'_> {
        let up = self.tree.parent(culprit).and_then(|up| self.progress(up));
        let first = up.filter(|progress| progress.culprit == Some(culprit));
        first.into_iter().flat_map(move |_| self.tree.followers(culprit)).filter(move |&sibling| {
            let seen = self.seen(sibling);
            seen.origin == culprit && seen.status == Status::UpstreamFailed
        })
    }
}

/// Nodes by the one that is the reason why they did not run.
type Blame = BTreeMap<NodeId, Vec<NodeId>>;

/// The node that decided that this one was skipped.
pub(super) fn skipped_by(state: &State) -> Option<NodeId> {
    let State::Skipped { reason, .. } = state else { return None };
    match **reason {
        SkipReason::NotChosen(by) | SkipReason::NoTree(by) | SkipReason::Sensor(by) => Some(by),
        SkipReason::ByHand
        | SkipReason::When(_)
        | SkipReason::NothingFailed
        | SkipReason::Children
        | SkipReason::TimedOut
        | SkipReason::NoSlot(_)
        | SkipReason::With(_)
        | SkipReason::Marked(_) => None,
    }
}
