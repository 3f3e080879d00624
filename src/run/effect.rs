//! What the law asks of the world. An effect is performed only after the facts behind it are committed.

use crate::pipeline::graft::Graft;
use crate::pipeline::node::NodeId;

use super::state::AttemptId;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Evaluate the node's `when` and answer with [`super::event::Event::Condition`].
    Evaluate(NodeId),
    /// Start this attempt of a leaf.
    Launch(NodeId, AttemptId),
    /// End this attempt of a leaf, with everything it started.
    Kill(NodeId, AttemptId),
    /// See whether a waiting sensor is true, until that is known and answered with
    /// [`super::event::Event::Sensed`], or [`super::event::Event::Poke`] has its command look.
    Sense(NodeId),
    /// A sensor waits no more, however that came: nobody needs to look.
    Rest(NodeId),
    /// The run's tree has another part, and its nodes have other numbers: whoever knows one is to renumber it
    /// now. What the same step asks for afterwards goes by the new ones.
    Grafted(Graft),
    /// The node was cleared: what it had written to `$SEXTON_OUTPUT` is void.
    Forget(NodeId),
    /// The run has ended.
    Finish,
}
