//! What is brought to its end from outside, by people and time limits: marks, kills in progress, halts. It says
//! what is meant to happen, never that it has.

use crate::pipeline::node::NodeId;

/// A word that may be put on a node by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Treat it as done.
    Succeeded,
    /// Treat it as failed.
    Failed,
    /// Treat it as not meant to run.
    Skipped,
}

/// A running leaf is being ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kill {
    /// What becomes of the task.
    pub why: KillReason,
    /// Who asked: a person's name, or the container that ran out of time.
    pub by: Box<str>,
}

/// What becomes of a task once the attempt that is being killed has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KillReason {
    /// Cancelled, unless it had ended by itself in between.
    Cancel,
    /// Cancelled: this container is out of time.
    Timeout(NodeId),
    /// Pending again.
    Clear,
    /// What somebody said: the node itself, or a container around it, was marked.
    Mark {
        /// The marked node.
        node: NodeId,
        /// The word.
        mark: Mark,
    },
}

/// Nothing more starts in a container; it ends when what still runs has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The container that was halted: this one or one around it.
    pub origin: NodeId,
    /// Why.
    pub why: HaltReason,
}

/// Why a container was halted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HaltReason {
    /// Somebody cancelled it.
    Cancel(Box<str>),
    /// It ran out of time.
    Timeout,
    /// Somebody marked it.
    Mark(Mark, Box<str>),
}
