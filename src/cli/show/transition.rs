//! A run told as it goes: a line a transition, for pipes and log files.

use std::io::Write as _;

use jiff::Timestamp;

use crate::control::Watch;
use crate::executor::log;
use crate::pipeline::node::NodeId;
use crate::run::live::Live;
use crate::run::poke::LastPoke;
use crate::run::state::{RunId, State, Status};
use crate::run::why;
use crate::wire;

use super::ending::Endings;

/// Prints a line a transition: text, or JSON.
#[derive(Debug)]
pub struct Transitions {
    /// One JSON object a line.
    pub json: bool,
    /// The run that is told of.
    pub run: RunId,
    /// Where the end is told.
    pub endings: Endings,
}

impl Watch for Transitions {
    fn changed(&mut self, live: &Live, nodes: &[NodeId], now: Timestamp) {
        if live.run.id() != self.run {
            return;
        }
        let mut out = std::io::stdout().lock();
        for node in as_it_went(live, nodes) {
            // A pipe that nobody reads any more is no reason to stop a run.
            let _ = if self.json {
                let node = wire::Node::of(&live.run, node);
                writeln!(out, "{}", serde_json::to_string(&node).unwrap_or_default())
            } else if tells(live, node, now) {
                writeln!(out, "{}", line(live, node, now))
            } else {
                Ok(())
            };
        }
    }

    /// The first answer only: those after it say the same, mostly.
    fn poked(&mut self, live: &Live, node: NodeId, poke: &LastPoke) {
        let waits = live.run.seen(node).status == Status::Waiting;
        if self.json || !waits || poke.pokes > 1 || live.run.id() != self.run {
            return;
        }
        let (time, path) = (time(live, poke.at), live.run.tree().path(node));
        let words = log::tame(&poke.words);
        let _ = writeln!(std::io::stdout().lock(), "{time}  {:15}  {path}  {words}", Status::Waiting.word());
    }

    fn finished(&mut self, live: &Live, now: Timestamp) {
        self.endings.tell(live, now);
    }
}

/// What changed at one instant, in the order in which people tell it: a container starts before what is in
/// it, and ends after.
fn as_it_went(live: &Live, nodes: &[NodeId]) -> Vec<NodeId> {
    let tree = live.run.tree();
    let mut order = nodes.to_vec();
    order.sort_by_key(|&node| {
        let ended = live.run.seen(node).status.is_ended();
        let last = if ended { tree.subtree(node).end - 1 } else { node.0 };
        // Of those that end with the same node the innermost goes first.
        (last, std::cmp::Reverse(if ended { node.0 } else { 0 }))
    });
    order
}

/// A whole run that waits for its first place waits for nothing anybody could change; and of a sensor it is
/// told once that it waits, not each time that it looks.
fn tells(live: &Live, node: NodeId, now: Timestamp) -> bool {
    match live.run.state(node) {
        State::Queued { .. } => node != NodeId::ROOT,
        State::Waiting { since } => *since == now,
        State::Poking { kill, .. } => kill.is_some(),
        State::Pending
        | State::Deciding
        | State::Running { .. }
        | State::Open { .. }
        | State::Retrying { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Skipped { .. }
        | State::UpstreamFailed { .. }
        | State::Cancelled { .. } => true,
    }
}

fn line(live: &Live, node: NodeId, now: Timestamp) -> String {
    let time = time(live, now);
    let status = live.run.seen(node).status;
    let path = match node {
        NodeId::ROOT => live.pipeline.name.to_string(),
        node => live.run.tree().path(node),
    };
    let reason = match why::reason(&live.run, node) {
        reason if reason.is_empty() => reason,
        reason => format!("  {reason}"),
    };
    format!("{time}  {:15}  {path}{reason}", status.word())
}

fn time(live: &Live, at: Timestamp) -> String {
    at.to_zoned(live.scope.timezone.clone()).strftime("%H:%M:%S %Z").to_string()
}
