//! An attempt in flight: committed as begun, its end not yet known.

use jiff::Timestamp;

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
}
