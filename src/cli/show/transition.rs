//! A run told as it goes: a line a transition, for pipes and log files.

use std::io::Write as _;

use jiff::Timestamp;

use crate::engine::live::{Live, Watch};
use crate::pipeline::node::NodeId;
use crate::run::why;
use crate::wire;

use super::ending::Endings;

/// Prints a line a transition: text, or JSON.
#[derive(Debug)]
pub struct Transitions {
    /// One JSON object a line.
    pub json: bool,
    /// Where the end is told.
    pub endings: Endings,
}

impl Watch for Transitions {
    fn changed(&mut self, live: &Live, nodes: &[NodeId], now: Timestamp) {
        let mut out = std::io::stdout().lock();
        for &node in nodes {
            // A pipe that nobody reads any more is no reason to stop a run.
            let _ = if self.json {
                let node = wire::Node::of(&live.run, node);
                writeln!(out, "{}", serde_json::to_string(&node).unwrap_or_default())
            } else {
                writeln!(out, "{}", line(live, node, now))
            };
        }
    }

    fn finished(&mut self, live: &Live, now: Timestamp) {
        self.endings.tell(live, now);
    }
}

fn line(live: &Live, node: NodeId, now: Timestamp) -> String {
    let time = now.to_zoned(live.scope.timezone.clone()).strftime("%H:%M:%S %Z").to_string();
    let status = live.run.seen(node).status;
    let path = live.run.tree().path(node);
    let reason = match why::reason(&live.run, node) {
        reason if reason.is_empty() => reason,
        reason => format!("  {reason}"),
    };
    format!("{time}  {:9}  {path}{reason}", status.word())
}
