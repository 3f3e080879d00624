//! What comes before what: resolves `after`, and finds circles through it and the order of the tree. It
//! never evaluates anything and never recurses.

use std::collections::HashSet;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use crate::yaml::document::{Document, ValueId, View};

use super::kind::{Kind, Order};
use super::lower::Lowered;
use super::node::{NodeId, Tree};

/// Circles that are told: one mistake can close thousands.
const MAX_CIRCLES: usize = 10;

/// An `after` entry that has been resolved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct After {
    pub(crate) node: NodeId,
    pub(crate) predecessor: NodeId,
    span: Span,
}

/// Resolves the `after` lists of a tree. Paths are from the root.
pub(crate) fn resolve(document: &Document<'_>, lowered: &Lowered, found: &mut Diagnostics) -> Vec<After> {
    let tree = &lowered.tree;
    let mut all = Vec::new();
    for &(node, value) in &lowered.afters {
        let one = [value];
        let items: &[ValueId] = match document.view(value) {
            View::List(items) => items,
            View::Scalar { .. } | View::Mapping(_) => &one,
        };
        if items.is_empty() {
            found.push(Diagnostic::error(document.span(value), "`after` names nothing").help("leave it out"));
        }
        for &item in items {
            let Some(path) = document.text(item) else {
                let message =
                    format!("`after` must be a path or a list of paths, found {}", document.describe(item));
                found.push(Diagnostic::error(document.span(item), message));
                continue;
            };
            let span = document.span(item);
            if lowered.generated && path.starts_with('/') {
                let message = "a generated tree waits for nothing outside of it";
                let help = "paths in its `after` are from its own root, without a `/` before them";
                found.push(Diagnostic::error(span, message).help(help));
                continue;
            }
            match tree.find(path) {
                Some(predecessor) => match relation(tree, node, predecessor) {
                    None => all.push(After { node, predecessor, span }),
                    Some(relation) => {
                        let message = format!("`{}` cannot come after {relation}", tree.path(node));
                        let error = Diagnostic::error(span, message);
                        found.push(error.beside(lowered.places[predecessor.index()], "declared here"));
                    }
                },
                None => found.push_error(|| match generated(tree, path) {
                    Some(lazy) => not_there_yet(path, span)
                        .beside(lowered.places[lazy.index()], "its tree is written when it runs")
                        .help(format!("wait for all of it: `after: {}`", tree.path(lazy))),
                    None => unknown(tree, node, path, span),
                }),
            }
        }
    }
    all
}

fn relation(tree: &Tree, node: NodeId, predecessor: NodeId) -> Option<&'static str> {
    if node == predecessor {
        Some("itself")
    } else if tree.is_within(node, predecessor) {
        Some("a container around it: that ends only when this has ended")
    } else if tree.is_within(predecessor, node) {
        Some("what it contains: that starts only when this has started")
    } else {
        None
    }
}

fn unknown(tree: &Tree, node: NodeId, path: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::error(span, format!("there is no node `{path}`"));
    let sibling = tree.parent(node).and_then(|parent| tree.child(parent, path));
    if let Some(sibling) = sibling {
        let full = tree.path(sibling);
        return error.label(format!("did you mean `{full}`?")).help("paths in `after` are from the root");
    }
    match near_path(tree, path) {
        Some(meant) => error.label(format!("did you mean `{meant}`?")),
        None => error.help("paths are names joined by `/`, from the root: `ingest/fundamentals`"),
    }
}

/// The lazy node in whose tree `path` would be, if it is inside of one.
pub(crate) fn generated(tree: &Tree, path: &str) -> Option<NodeId> {
    let above = path.rmatch_indices('/').find_map(|(at, _)| tree.find(&path[..at]))?;
    tree.parent(above).filter(|_| matches!(tree.kind(above), Kind::Awaited))
}

/// Says that a path leads below a lazy node's `execute`.
pub(crate) fn not_there_yet(path: &str, span: Span) -> Diagnostic {
    Diagnostic::error(span, format!("nothing outside can name `{path}`: its tree is not there yet"))
}

/// The path most like `path`: a node of the last name somewhere else, or one of a similar path.
pub(crate) fn near_path(tree: &Tree, path: &str) -> Option<String> {
    let last = path.rsplit('/').next().unwrap_or(path);
    let ids = || tree.ids().skip(1).take(5_000);
    let same_name = ids().find(|&id| tree.name(id) == last).map(|id| tree.path(id));
    let paths: Vec<String> = ids().filter(|&id| tree.depth(id) <= 20).map(|id| tree.path(id)).collect();
    nearest(path, paths.iter().map(String::as_str)).map(str::to_owned).or(same_name)
}

/// A node's start (even) or end (odd).
type Vertex = u32;

fn start(node: NodeId) -> Vertex {
    node.0 * 2
}

fn end(node: NodeId) -> Vertex {
    node.0 * 2 + 1
}

/// Reports every circle that `after` entries close.
pub(crate) fn circles(lowered: &Lowered, afters: &[After], found: &mut Diagnostics) {
    if afters.is_empty() {
        return;
    }
    let mut edges: Vec<After> = afters.to_vec();
    edges.sort_by_key(|edge| edge.predecessor);
    let search = Search { tree: &lowered.tree, edges: &edges };
    let mut seen: Vec<Span> = Vec::new();
    for circle in search.circles() {
        let used = search.used(&circle);
        let Some(first) = used.first() else { continue };
        // One circle an entry: the same mistake closes many.
        if seen.contains(&first.span) {
            continue;
        }
        seen.push(first.span);
        let chain = search.chain(&circle);
        let mut error =
            Diagnostic::error(first.span, format!("these wait for each other: {}", chain.join(" → ")))
                .label(format!("`{}` waits for this", lowered.tree.path(first.node)));
        for edge in used[1..].iter().take(10) {
            error = error.beside(edge.span, format!("`{}` waits for this", lowered.tree.path(edge.node)));
        }
        found.push(error.help("each waits for the one after the arrow, by `after` or by its place in a `serial`; remove one `after`"));
    }
}

struct Search<'a> {
    tree: &'a Tree,
    edges: &'a [After],
}

impl Search<'_> {
    /// What can only happen after this vertex; `step` counts through them.
    fn next(&self, vertex: Vertex, step: &mut Step) -> Option<Vertex> {
        let node = NodeId(vertex / 2);
        if vertex.is_multiple_of(2) {
            // A start: the first child's start (the rest of a `serial` follows from that), or the leaf's end.
            let child = match *step {
                Step::First => self.tree.first_child(node),
                // Where one leads the others, they wait for nothing that it has not waited for.
                Step::Child(child) if self.tree.kind(node).order() != Order::InTurn => {
                    self.tree.next_sibling(child)
                }
                Step::Child(_) | Step::Edge(_) | Step::Done => None,
            };
            if let Some(child) = child {
                *step = Step::Child(child);
                return Some(start(child));
            }
            let leaf = *step == Step::First;
            *step = Step::Done;
            return leaf.then(|| end(node));
        }
        let from = self.edges.partition_point(|edge| edge.predecessor < node);
        let at = match *step {
            Step::First => {
                *step = Step::Edge(from);
                return self.follower(node);
            }
            Step::Edge(at) => at,
            Step::Child(_) | Step::Done => return None,
        };
        let edge = self.edges.get(at).filter(|edge| edge.predecessor == node)?;
        *step = Step::Edge(at + 1);
        Some(start(edge.node))
    }

    /// What the tree itself holds back until `node` has ended. Every end leads to the container's end, in a
    /// `serial` by way of the siblings.
    fn follower(&self, node: NodeId) -> Option<Vertex> {
        let parent = self.tree.parent(node)?;
        let in_turn = self.tree.kind(parent).order() == Order::InTurn;
        let sibling = self.tree.next_sibling(node).filter(|_| in_turn);
        Some(sibling.map_or_else(|| end(parent), start))
    }

    /// Depth first; an edge back into the open path closes a circle.
    fn circles(&self) -> Vec<Vec<Vertex>> {
        let mut circles = Vec::new();
        let mut colour = vec![Colour::New; self.tree.len() * 2];
        let mut path: Vec<(Vertex, Step)> = Vec::new();
        for root in 0..colour.len() as Vertex {
            if colour[root as usize] != Colour::New {
                continue;
            }
            colour[root as usize] = Colour::Open;
            path.push((root, Step::First));
            while let Some((vertex, step)) = path.last_mut() {
                let vertex = *vertex;
                let next = self.next(vertex, step);
                let finished = next.is_none()
                    && matches!(step, Step::Done | Step::Edge(_))
                    && self.is_last(vertex, *step);
                match next.map(|next| (next, colour[next as usize])) {
                    Some((next, Colour::New)) => {
                        colour[next as usize] = Colour::Open;
                        path.push((next, Step::First));
                    }
                    Some((next, Colour::Open)) if circles.len() < MAX_CIRCLES => {
                        let from = path.iter().position(|&(open, _)| open == next).unwrap_or_default();
                        circles.push(path[from..].iter().map(|&(vertex, _)| vertex).collect());
                    }
                    None if finished => {
                        colour[vertex as usize] = Colour::Closed;
                        path.pop();
                    }
                    Some((_, Colour::Open | Colour::Closed)) | None => {}
                }
            }
        }
        circles
    }

    fn is_last(&self, vertex: Vertex, step: Step) -> bool {
        match step {
            Step::Done => true,
            Step::Edge(at) => self.edges.get(at).is_none_or(|edge| edge.predecessor != NodeId(vertex / 2)),
            Step::First | Step::Child(_) => false,
        }
    }

    /// The `after` entries of a circle.
    fn used(&self, circle: &[Vertex]) -> Vec<After> {
        let pairs = circle.iter().zip(circle.iter().cycle().skip(1));
        pairs
            .filter_map(|(&from, &to)| {
                let (from_node, to_node) = (NodeId(from / 2), NodeId(to / 2));
                let by_after = from % 2 == 1 && to % 2 == 0 && self.follower(from_node) != Some(to);
                let first = self.edges.partition_point(|edge| edge.predecessor < from_node);
                let group = self.edges[first..].iter().take_while(|edge| edge.predecessor == from_node);
                let edge = group.into_iter().find(|edge| edge.node == to_node);
                edge.filter(|_| by_after).copied()
            })
            .collect()
    }

    /// The nodes of a circle, each waiting for the next; containers that are only passed are left out.
    fn chain(&self, circle: &[Vertex]) -> Vec<String> {
        let named: HashSet<NodeId> =
            self.used(circle).iter().flat_map(|edge| [edge.node, edge.predecessor]).collect();
        let mut nodes: Vec<NodeId> = Vec::new();
        for &vertex in circle {
            let node = NodeId(vertex / 2);

            if nodes.last() != Some(&node) && (named.contains(&node) || self.tree.is_leaf(node)) {
                nodes.push(node);
            }
        }
        if nodes.len() > 1 && nodes.first() == nodes.last() {
            nodes.pop();
        }
        nodes.reverse();
        nodes.extend(nodes.first().copied());
        let mut paths: Vec<String> =
            nodes.iter().map(|&node| format!("`{}`", self.tree.path(node))).collect();
        if paths.len() > 12 {
            paths.splice(6..paths.len() - 5, ["…".to_owned()]);
        }
        paths
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    First,
    Child(NodeId),
    Edge(usize),
    Done,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    New,
    Open,
    Closed,
}
