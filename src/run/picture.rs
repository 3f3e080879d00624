//! A run as an indented text tree: what `sexton run` prints at its end, and the golden files of the law.

use std::fmt::Write as _;

use crate::pipeline::node::NodeId;

use super::machine::Run;
use super::state::Status;
use super::why;

/// Draws the tree below `top`: a line a node with its status and what is behind it. Stretches of more than
/// `fold` neighbours that ended alike and have nothing to tell become one line; so do the insides of
/// containers that never started.
pub fn picture(run: &Run, top: NodeId, fold: usize) -> String {
    let mut drawing = Drawing { run, lines: Vec::new() };
    drawing.draw(top, fold);
    let width = drawing.lines.iter().map(|line| line.label.chars().count()).max().unwrap_or(0);
    let words = drawing.lines.iter().map(|line| line.status.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in drawing.lines {
        let told = format!("{:width$}  {:words$}  {}", line.label, line.status, line.reason);
        let _ = writeln!(text, "{}", told.trim_end());
    }
    text
}

struct Line {
    label: String,
    status: &'static str,
    reason: String,
}

struct Drawing<'a> {
    run: &'a Run,
    lines: Vec<Line>,
}

impl Drawing<'_> {
    fn draw(&mut self, top: NodeId, fold: usize) {
        let tree = self.run.tree().clone();
        let mut stack = vec![Item { node: top, depth: 0, more: 0 }];
        while let Some(Item { node, depth, more }) = stack.pop() {
            if more > 0 {
                self.folded(node, depth, more);
                continue;
            }
            self.node(node, depth);
            if self.tells_for_all(node) {
                continue;
            }
            let children: Vec<NodeId> = tree.children(node).collect();
            let below = stack.len();
            for stretch in children.chunk_by(|a, b| self.alike(*a, *b)) {
                let (shown, rest) = stretch.split_at(stretch.len().min(fold));
                stack.extend(shown.iter().map(|&node| Item { node, depth: depth + 1, more: 0 }));
                stack.extend(rest.first().map(|&node| Item { node, depth: depth + 1, more: rest.len() }));
            }
            stack[below..].reverse();
        }
    }

    fn folded(&mut self, node: NodeId, depth: usize, more: usize) {
        let status = self.run.seen(node).status.word();
        let label = format!("{:1$}… {more} more", "", depth * 2);
        self.lines.push(Line { label, status, reason: String::new() });
    }

    fn node(&mut self, node: NodeId, depth: usize) {
        let name = self.run.tree().name(node);
        let status = self.run.seen(node).status.word();
        let reason = why::reason(self.run, node);
        self.lines.push(Line { label: format!("{:1$}{name}", "", depth * 2), status, reason });
    }

    /// Whether a container's own line says all there is to say about what is below it.
    fn tells_for_all(&self, node: NodeId) -> bool {
        let seen = self.run.seen(node);
        seen.status.is_ended() && !self.run.has_started(node)
    }

    fn alike(&self, a: NodeId, b: NodeId) -> bool {
        let status = self.run.seen(a).status;
        let plain = |node| self.run.tree().is_leaf(node) && why::reason(self.run, node).is_empty();
        status == self.run.seen(b).status && status != Status::Failed && plain(a) && plain(b)
    }
}

/// What is still to be drawn: a node with what is below it, or `more` nodes alike, of which this is the first.
struct Item {
    node: NodeId,
    depth: usize,
    more: usize,
}
