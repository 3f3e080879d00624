//! What one turn of the loop has gathered: facts to be written, and what is done once they are.

use std::collections::BTreeSet;

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::control::Refused;
use crate::pipeline::node::NodeId;
use crate::run::clear::Plan;
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

/// A reply that waits for the commit.
pub(super) enum Answer {
    Done(oneshot::Sender<Result<(), Refused>>, Result<(), Refused>),
    Planned(oneshot::Sender<Result<Plan, Refused>>, Result<Plan, Refused>),
}

impl Turn {
    pub(super) fn at(now: Timestamp) -> Self {
        Self {
            now,
            batch: Batch::default(),
            resumed: None,
            launches: BTreeSet::new(),
            kills: Vec::new(),
            acknowledged: Vec::new(),
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
            Self::Planned(sender, plan) => drop(sender.send(plan)),
        }
    }

    pub(super) fn refuse(self, why: Refused) -> Self {
        match self {
            Self::Done(sender, _) => Self::Done(sender, Err(why)),
            Self::Planned(sender, _) => Self::Planned(sender, Err(why)),
        }
    }
}
