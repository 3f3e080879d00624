//! What one turn of the loop has gathered: facts to be written, and what is done once they are.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::control::{Refused, Reset};
use crate::executor::trees::Reading;
use crate::pipeline::graft::Graft;
use crate::pipeline::node::NodeId;
use crate::run::poke::LastPoke;
use crate::run::state::{AttemptId, RunId};
use crate::schedule::slot::Entry;
use crate::store::batch::Batch;

pub(super) struct Turn {
    pub(super) now: Timestamp,
    pub(super) batch: Batch,
    /// The executor's connection that was settled.
    pub(super) resumed: Option<u64>,
    pub(super) launches: BTreeSet<AttemptId>,
    pub(super) kills: Vec<AttemptId>,
    /// With the run whose facts the end is among; `None` where it was committed before.
    pub(super) acknowledged: Vec<(AttemptId, Option<RunId>)>,
    /// What was generated, in the order in which it came.
    pub(super) grafts: Vec<(RunId, Graft)>,
    pub(super) readings: Vec<Reading>,
    /// Sensors that begin to wait, or wait no more, in order.
    pub(super) sensing: Vec<((RunId, NodeId), bool)>,
    /// What sensors were answered.
    pub(super) poked: Vec<(RunId, NodeId, LastPoke)>,
    pub(super) touched: BTreeSet<RunId>,
    pub(super) finished: BTreeSet<RunId>,
    pub(super) answers: Vec<(RunId, Answer)>,
    /// What became of slots, by pipeline.
    pub(super) decided: Vec<(Box<str>, Vec<Entry>)>,
}

/// The nodes whose records a turn has changed, by run; of each in document order.
pub(super) type Changes = Vec<(RunId, Vec<NodeId>)>;

/// A reply that waits for the commit.
pub(super) enum Answer {
    Done(oneshot::Sender<Result<(), Refused>>, Result<(), Refused>),
    Cleared(oneshot::Sender<Result<Vec<Reset>, Refused>>, Result<Vec<Reset>, Refused>),
}

impl Turn {
    /// The nodes of a run have other numbers from here on.
    pub(super) fn grafted(&mut self, run: RunId, graft: Graft) {
        self.grafts.push((run, graft));
        // What is gone is at rest, and nobody looks out for it any more.
        let own = |of: RunId, node: NodeId| if of == run { graft.moved(node) } else { Some(node) };
        let sensing = std::mem::take(&mut self.sensing).into_iter();
        self.sensing =
            sensing.filter_map(|((of, node), waits)| Some(((of, own(of, node)?), waits))).collect();
        let poked = std::mem::take(&mut self.poked).into_iter();
        self.poked = poked.filter_map(|(of, node, poke)| Some((of, own(of, node)?, poke))).collect();
    }

    pub(super) fn at(now: Timestamp) -> Self {
        Self {
            now,
            batch: Batch::default(),
            resumed: None,
            launches: BTreeSet::new(),
            kills: Vec::new(),
            acknowledged: Vec::new(),
            grafts: Vec::new(),
            readings: Vec::new(),
            sensing: Vec::new(),
            poked: Vec::new(),
            touched: BTreeSet::new(),
            finished: BTreeSet::new(),
            answers: Vec::new(),
            decided: Vec::new(),
        }
    }
}

impl Answer {
    /// Whoever asked may have gone away since.
    pub(super) fn give(self) {
        match self {
            Self::Done(sender, done) => drop(sender.send(done)),
            Self::Cleared(sender, reset) => drop(sender.send(reset)),
        }
    }

    pub(super) fn refuse(self, why: Refused) -> Self {
        match self {
            Self::Done(sender, _) => Self::Done(sender, Err(why)),
            Self::Cleared(sender, _) => Self::Cleared(sender, Err(why)),
        }
    }
}
