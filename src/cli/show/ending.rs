//! How a run has ended, handed from the engine's watch to whoever prints it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::pipeline::node::NodeId;
use crate::run::live::Live;
use crate::run::picture::picture;
use crate::run::state::{RunId, Status};

/// More neighbours than this that ended alike become one line.
const FOLD: usize = 12;
/// Failed tasks whose logs are shown.
const MOST_FAILED: usize = 10;
/// Outputs that are shown.
const MOST_OUTPUTS: usize = 40;

/// A run's end.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Which run.
    pub run: RunId,
    /// How it ended.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// Its tree as text.
    pub picture: String,
    /// Failed tasks, in document order, with their last attempt's number; not too many.
    pub failed: Vec<(String, u32)>,
    /// Failed tasks that are not among them.
    pub more_failed: usize,
    /// What tasks wrote to `$SEXTON_OUTPUT`: path, key and value.
    pub outputs: Vec<(String, String, String)>,
}

fn outputs(live: &Live) -> Vec<(String, String, String)> {
    let all = live.scope.outputs.iter().flat_map(|(path, values)| {
        values.iter().map(move |(key, value)| (path.clone(), key.clone(), value.clone()))
    });
    let mut all: Vec<_> = all.take(MOST_OUTPUTS).collect();
    // As the tree has them, not as the alphabet does.
    all.sort_by_key(|(path, _, _)| live.run.tree().find(path));
    all
}

/// A place where ends are left.
#[derive(Clone, Debug, Default)]
pub struct Endings(Arc<Mutex<Vec<Ending>>>);

impl Endings {
    /// Leaves a run's end.
    pub fn tell(&self, live: &Live, now: Timestamp) {
        let run = &live.run;
        let failed = |node: &NodeId| run.tree().is_leaf(*node) && run.state(*node).status() == Status::Failed;
        let mut failed = run.tree().ids().filter(failed);
        let ids: Vec<NodeId> = failed.by_ref().take(MOST_FAILED).collect();
        let ending = Ending {
            run: run.id(),
            status: run.status(),
            at: now,
            picture: picture(run, NodeId::ROOT, FOLD),
            failed: ids.iter().map(|&node| (run.tree().path(node), run.entry(node).attempts)).collect(),
            more_failed: failed.count(),
            outputs: outputs(live),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(ending);
    }

    /// The end of this run, if it has come.
    pub fn of(&self, run: RunId) -> Option<Ending> {
        let endings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        endings.iter().rev().find(|ending| ending.run == run).cloned()
    }
}
