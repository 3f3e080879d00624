//! Everything that can happen to a run. A run's journal is its list of these with their times; replayed in
//! order they give the same run.

use std::sync::Arc;

use crate::pipeline::generated::Generated;
use crate::pipeline::node::NodeId;

use super::force::Mark;
use super::state::{AttemptId, Exit};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run begins.
    Begin,
    /// A node's `when` has been evaluated, or could not be.
    Condition {
        /// The node.
        node: NodeId,
        /// What it came to.
        holds: Holds,
    },
    /// A queued container got its turn.
    Open {
        /// The container.
        node: NodeId,
    },
    /// A queued leaf got a place.
    Start {
        /// The leaf.
        node: NodeId,
        /// The attempt that this begins.
        attempt: AttemptId,
    },
    /// A leaf's attempt ended.
    Exited {
        /// The leaf.
        node: NodeId,
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        exit: Exit,
        /// What there is of it, if it succeeded.
        yields: Yield,
    },
    /// A waiting sensor was looked for, and the answer is final.
    Sensed {
        /// The sensor.
        node: NodeId,
        /// The answer.
        sensed: Sensed,
    },
    /// A waiting sensor looks by way of its command.
    Poke {
        /// The sensor.
        node: NodeId,
        /// The attempt that this begins.
        attempt: AttemptId,
    },
    /// Time has passed: retries may be due, containers out of time.
    Wake,
    /// Somebody stops a node and all below it.
    Cancel {
        /// The node; the root stops the run.
        node: NodeId,
        /// Who.
        by: Box<str>,
    },
    /// Somebody says what a node's state is.
    Mark {
        /// The node.
        node: NodeId,
        /// The word.
        mark: Mark,
        /// Who.
        by: Box<str>,
    },
    /// Somebody has these nodes run again: exactly the set that `clear::plan` listed.
    Clear {
        /// In document order.
        nodes: Vec<NodeId>,
        /// Who.
        by: Box<str>,
    },
}

/// What a condition came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It holds.
    Yes,
    /// It does not; of what it asks for, what there is to tell, in words.
    No(Option<Box<str>>),
    /// Nobody can say: what is wrong with the expression, in words.
    Error(Box<str>),
}

/// What a success is needed for, beyond itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Yield {
    /// Nothing.
    #[default]
    Nothing,
    /// Of the child of a branch that chooses: these of its siblings.
    Choice(Vec<NodeId>),
    /// Of the `generate` of a lazy node: the tree that it has written, which fits where it belongs.
    Tree(Arc<Generated>),
}

/// A final answer about a sensor. "Not yet" is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sensed {
    /// It is true: what is, in words.
    Met(Box<str>),
    /// It can never be: why not, in words.
    Failed(Box<str>),
    /// There is nothing to wait for: why not, in words.
    Skipped(Box<str>),
}

impl Event {
    /// The event in a word, for messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Condition { .. } => "condition",
            Self::Open { .. } => "open",
            Self::Start { .. } => "start",
            Self::Exited { .. } => "exit",
            Self::Sensed { .. } => "sensed",
            Self::Poke { .. } => "poke",
            Self::Wake => "wake",
            Self::Cancel { .. } => "cancel",
            Self::Mark { .. } => "mark",
            Self::Clear { .. } => "clear",
        }
    }
}
