//! The tree of a pipeline: an arena of nodes in document order, shared by every run of a version.
//! It knows names, kinds and places. It never knows states, text files or time.

use std::num::NonZeroU32;
use std::ops::Range;
use std::time::Duration;

use super::kind::{Kind, Order};
use super::policy::Settings;

/// Containers around a node.
pub(crate) const MAX_DEPTH: usize = 1_000;
/// Nodes of a tree.
pub(crate) const MAX_NODES: usize = 4_000_000;

/// A node's place in document order; the root is 0. A node's descendants follow it without a gap, so
/// "is below" is a comparison and a subtree is a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The root of every tree.
    pub const ROOT: Self = Self(0);

    /// This id as an index into per-node tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// When a node may start, given how its predecessors ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TriggerRule {
    /// None of them failed, was `upstream_failed` or cancelled.
    #[default]
    AllSuccess,
    /// They have all ended, however.
    AllDone,
    /// At least one failed or was `upstream_failed`; otherwise the node is skipped.
    OneFailed,
}

/// What a node says for itself alone; nothing of it is inherited.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// One line: what it is for.
    pub description: Option<Box<str>>,
    /// Markdown for whoever has to mend it.
    pub doc: Option<Box<str>>,
    /// Free words for finding it.
    pub tags: Box<[Box<str>]>,
    /// The condition, an expression that has been compiled once to check it.
    pub when: Option<Box<str>>,
    /// When it may start.
    pub trigger_rule: TriggerRule,
    /// Skipped by hand.
    pub skip: bool,
    /// A failure of this node counts as success for everything around it.
    pub suppress_errors: bool,
    /// Sensor: of the whole wait. Other leaf: of each attempt. Container: from its start to its last child's end.
    pub timeout: Option<Duration>,
    /// Of a `serial`: whether an earlier child's failure holds the next one back.
    pub stop_on_error: bool,
    /// Of a container: how many leaves may run below it.
    pub max_concurrent: Option<NonZeroU32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            description: None,
            doc: None,
            tags: Box::default(),
            when: None,
            trigger_rule: TriggerRule::AllSuccess,
            skip: false,
            suppress_errors: false,
            timeout: None,
            stop_on_error: true,
            max_concurrent: None,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) parent: NodeId,
    /// This node and all below it.
    pub(super) size: u32,
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    /// Into `Tree::options`; 0 is the default that most nodes share.
    pub(super) options: u32,
    /// Into `Tree::settings`; a node that sets nothing shares its parent's.
    pub(super) settings: u32,
}

/// A pipeline's nodes. Made by [`TreeBuilder`]; changed only where a tree is grafted into it.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) options: Vec<Options>,
    pub(super) settings: Vec<Settings>,
    /// Every node but the root, grouped by parent and sorted by name inside the group; `starts` of a
    /// group is found through the parent, so a path is looked up by one binary search a step.
    pub(super) by_name: Vec<NodeId>,
    /// `(node, predecessor)`, sorted: the `after` lists.
    pub(super) after: Vec<(NodeId, NodeId)>,
    /// `(predecessor, node)`, sorted: the same edges seen from the other end.
    pub(super) before: Vec<(NodeId, NodeId)>,
    /// Containers with a `max_concurrent`, in document order.
    pub(super) limited: Vec<NodeId>,
}

impl Tree {
    /// Number of nodes, the root included; never 0.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Always false: a tree has at least its root.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All ids in document order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// The node's own name; the root's is the pipeline's.
    pub fn name(&self, id: NodeId) -> &str {
        &self.nodes[id.index()].name
    }

    /// What the node is.
    pub fn kind(&self, id: NodeId) -> &Kind {
        &self.nodes[id.index()].kind
    }

    /// Whether the node is a task when it runs.
    pub fn is_leaf(&self, id: NodeId) -> bool {
        self.kind(id).children().is_none()
    }

    /// The container around the node; `None` for the root.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        (id != NodeId::ROOT).then(|| self.nodes[id.index()].parent)
    }

    /// The containers around the node, the nearest first.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.parent(id), |&up| self.parent(up))
    }

    /// The ids of the node and all below it.
    pub fn subtree(&self, id: NodeId) -> Range<u32> {
        id.0..id.0 + self.nodes[id.index()].size
    }

    /// Whether `id` is `top` or stands below it.
    pub fn is_within(&self, id: NodeId, top: NodeId) -> bool {
        self.subtree(top).contains(&id.0)
    }

    /// The direct children in document order; empty for a leaf.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let end = self.subtree(id).end;
        let first = Some(NodeId(id.0 + 1)).filter(|first| first.0 < end);
        std::iter::successors(first, move |&child| self.next_sibling(child))
    }

    /// The first child of a container.
    pub fn first_child(&self, id: NodeId) -> Option<NodeId> {
        (self.nodes[id.index()].size > 1).then(|| NodeId(id.0 + 1))
    }

    /// The sibling after this node, if any.
    pub fn next_sibling(&self, id: NodeId) -> Option<NodeId> {
        let parent = self.parent(id)?;
        let next = self.subtree(id).end;
        (next < self.subtree(parent).end).then_some(NodeId(next))
    }

    /// Whether a node's place makes it wait for its sibling `earlier`.
    pub fn is_behind(&self, node: NodeId, earlier: NodeId) -> bool {
        let Some(up) = self.parent(node).filter(|up| self.parent(earlier) == Some(*up)) else { return false };
        match self.kind(up).order() {
            Order::InTurn => earlier < node,
            Order::AtOnce => false,
            Order::Led => earlier < node && self.first_child(up) == Some(earlier),
        }
    }

    /// The siblings that wait for this node, in document order.
    pub fn followers(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let next = self.next_sibling(id).filter(|&next| self.is_behind(next, id));
        std::iter::successors(next, |&sibling| self.next_sibling(sibling))
    }

    /// The siblings that this node waits for, in document order.
    pub fn forerunners(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let siblings = self.parent(id).into_iter().flat_map(|up| self.children(up));
        siblings.take_while(move |&sibling| self.is_behind(id, sibling))
    }

    /// The child of a branch that chooses among the others, if that is how it is done.
    pub fn chooser(&self, branch: NodeId) -> Option<NodeId> {
        self.first_child(branch).filter(|_| matches!(self.kind(branch), Kind::Choice(_)))
    }

    /// Whether the node chooses among its siblings.
    pub fn is_chooser(&self, id: NodeId) -> bool {
        self.parent(id).is_some_and(|up| self.chooser(up) == Some(id))
    }

    /// Leaves in the subtree; 1 for a leaf.
    pub fn leaves(&self, id: NodeId) -> u32 {
        self.kind(id).children().map_or(1, |children| children.leaves)
    }

    /// What the node says for itself.
    pub fn options(&self, id: NodeId) -> &Options {
        &self.options[self.nodes[id.index()].options as usize]
    }

    /// What holds for the node after inheritance.
    pub fn settings(&self, id: NodeId) -> &Settings {
        &self.settings[self.nodes[id.index()].settings as usize]
    }

    /// The node's `after` list.
    pub fn after(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        edges(&self.after, id).map(|&(_, predecessor)| predecessor)
    }

    /// Nodes whose `after` names this one.
    pub fn before(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        edges(&self.before, id).map(|&(_, node)| node)
    }

    /// Sets the `after` lists, `(node, predecessor)`: the paths in them can only be looked up in a finished
    /// tree, so they come once it is one.
    pub(super) fn set_after(&mut self, mut after: Vec<(NodeId, NodeId)>) {
        after.sort_unstable();
        after.dedup();
        self.before = after.iter().map(|&(node, predecessor)| (predecessor, node)).collect();
        self.before.sort_unstable();
        self.after = after;
    }

    /// Containers with a `max_concurrent`, in document order.
    pub fn limited(&self) -> &[NodeId] {
        &self.limited
    }

    /// The node's path: `/` for the root, otherwise names joined by `/`.
    pub fn path(&self, id: NodeId) -> String {
        if id == NodeId::ROOT {
            return "/".to_owned();
        }
        let mut names: Vec<&str> = self.ancestors(id).map(|up| self.name(up)).collect();
        names.pop();
        names.reverse();
        names.push(self.name(id));
        names.join("/")
    }

    /// How many containers stand around the node.
    pub fn depth(&self, id: NodeId) -> usize {
        self.ancestors(id).count()
    }

    /// The node at `path`; a leading `/` is allowed.
    pub fn find(&self, path: &str) -> Option<NodeId> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            return Some(NodeId::ROOT);
        }
        path.split('/').try_fold(NodeId::ROOT, |at, name| self.child(at, name))
    }

    /// The child of `parent` with this name.
    pub fn child(&self, parent: NodeId, name: &str) -> Option<NodeId> {
        let key = |id: &NodeId| (self.nodes[id.index()].parent, self.name(*id));
        let found = self.by_name.binary_search_by(|id| key(id).cmp(&(parent, name))).ok()?;
        Some(self.by_name[found])
    }
}

fn edges(sorted: &[(NodeId, NodeId)], from: NodeId) -> impl Iterator<Item = &(NodeId, NodeId)> {
    let first = sorted.partition_point(|edge| edge.0 < from);
    sorted[first..].iter().take_while(move |edge| edge.0 == from)
}

/// Builds a [`Tree`] in document order: `open` a container, add what is in it, `close` it.
#[derive(Clone, Debug, Default)]
pub struct TreeBuilder {
    nodes: Vec<Node>,
    options: Vec<Options>,
    settings: Vec<Settings>,
    open: Vec<NodeId>,
    after: Vec<(NodeId, NodeId)>,
}

impl TreeBuilder {
    /// A builder whose root inherits from `defaults`.
    pub fn new(defaults: Settings) -> Self {
        Self { options: vec![Options::default()], settings: vec![defaults], ..Self::default() }
    }

    /// What the next node inherits.
    pub fn inherited(&self) -> &Settings {
        &self.settings[self.inherited_index() as usize]
    }

    fn inherited_index(&self) -> u32 {
        self.open.last().map_or(0, |top| self.nodes[top.index()].settings)
    }

    /// Adds a leaf; `settings` is `None` where it sets nothing of its own.
    pub fn leaf(&mut self, name: &str, kind: Kind, options: Options, settings: Option<Settings>) -> NodeId {
        self.push(name, kind, options, settings)
    }

    /// Opens a container of this kind, without children; what is added from here on is counted into it.
    pub fn open(&mut self, name: &str, kind: Kind, options: Options, settings: Option<Settings>) -> NodeId {
        let id = self.push(name, kind, options, settings);
        self.open.push(id);
        id
    }

    /// Closes the innermost open container.
    ///
    /// # Panics
    /// If none is open.
    pub fn close(&mut self) {
        let id = self.open.pop().expect("close() without open()");
        let size = self.nodes.len() as u32 - id.0;
        self.nodes[id.index()].size = size;
        let leaves = self.leaves(id);
        if let Some(&parent) = self.open.last() {
            self.count(parent, 1, leaves);
        }
    }

    /// Says that `node` comes after `predecessor`, beyond what the tree says.
    pub fn after(&mut self, node: NodeId, predecessor: NodeId) {
        self.after.push((node, predecessor));
    }

    /// The finished tree. The caller has checked that sibling names differ and that nothing waits for itself.
    ///
    /// # Panics
    /// If nothing was added or a container is still open.
    pub fn finish(self) -> Tree {
        assert!(!self.nodes.is_empty() && self.open.is_empty(), "finish() with an open container or no node");
        let mut by_name: Vec<NodeId> = (1..self.nodes.len() as u32).map(NodeId).collect();
        by_name.sort_by(|a, b| {
            let (a, b) = (&self.nodes[a.index()], &self.nodes[b.index()]);
            (a.parent, &a.name).cmp(&(b.parent, &b.name))
        });
        let limited = (0..self.nodes.len() as u32)
            .map(NodeId)
            .filter(|id| self.options[self.nodes[id.index()].options as usize].max_concurrent.is_some())
            .collect();
        let Self { nodes, options, settings, after, .. } = self;
        let mut tree =
            Tree { nodes, options, settings, by_name, after: Vec::new(), before: Vec::new(), limited };
        tree.set_after(after);
        tree
    }

    fn push(&mut self, name: &str, kind: Kind, options: Options, settings: Option<Settings>) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let parent = self.open.last().copied().unwrap_or(NodeId::ROOT);
        let settings = match settings {
            Some(own) => intern(&mut self.settings, own),
            None => self.inherited_index(),
        };
        let options = if options == self.options[0] { 0 } else { intern(&mut self.options, options) };
        let leaf = kind.children().is_none();
        self.nodes.push(Node { parent, size: 1, name: name.into(), kind, options, settings });
        if leaf && id != parent {
            self.count(parent, 1, 1);
        }
        id
    }

    fn leaves(&self, id: NodeId) -> u32 {
        self.nodes[id.index()].kind.children().map_or(1, |children| children.leaves)
    }

    fn count(&mut self, parent: NodeId, count: u32, leaves: u32) {
        let children = self.nodes[parent.index()].kind.children_mut().expect("only containers are opened");
        children.count += count;
        children.leaves += leaves;
    }
}

/// Equal neighbours share an entry: a thousand siblings that say the same cost one.
fn intern<T: PartialEq>(table: &mut Vec<T>, value: T) -> u32 {
    if table.last() != Some(&value) {
        table.push(value);
    }
    table.len() as u32 - 1
}
