//! An attempt in flight: committed as begun, its end not yet known.

use jiff::Timestamp;

use crate::executor::job::Ended;
use crate::pipeline::graft::Graft;
use crate::pipeline::node::NodeId;
use crate::run::state::RunId;

/// An attempt whose end is awaited.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// Its run.
    pub(super) run: RunId,
    /// Its leaf.
    pub(super) node: NodeId,
    /// When it was committed.
    pub(super) created_at: Timestamp,
    /// The machine's boot then.
    pub(super) boot_id: String,
    /// Its process, once that is known.
    pub(super) pid: Option<u32>,
    /// Its end, while the tree that it has written is being read. That is not told to anybody yet: who comes
    /// after a sudden end hears of the end again, and reads again.
    pub(super) ended: Option<Box<Ended>>,
}

impl Flight {
    /// The nodes of its run have other numbers now.
    pub(super) fn renumber(&mut self, graft: &Graft) {
        // What is gone is not at work: the law has seen to that.
        self.node = graft.moved(self.node).unwrap_or(graft.at);
    }
}
