//! The facts behind a state as they are stored: the law's own, with paths for node numbers, so that they
//! explain themselves and outlive the version they were written under. Readers get them as they are.

use serde::{Deserialize, Serialize};

use crate::pipeline::node::{NodeId, Tree};
use crate::run::{force, state};

use super::error::Damage;

/// What stands behind a state; most states need nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Of a running task: why it is being ended.
    Kill(Kill),
    /// Of a running container: why nothing more starts in it.
    Halt(Halt),
    /// Of a retrying or failed node: how it failed.
    Failure(Failure),
    /// Of a succeeded node: who said so.
    Marked(Box<str>),
    /// Of a sensor that succeeded: what is true.
    Met(Box<str>),
    /// Of a task that chose among its siblings: their paths.
    Chose(Vec<Box<str>>),
    /// Of a skipped node: why.
    Skip(Skip),
    /// Of an `upstream_failed` node: the path of the predecessor that did not succeed.
    Culprit(Box<str>),
    /// Of a cancelled node: by what.
    Cancel(Cancel),
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Exit {
    Code(i32),
    Signal(i32),
    TimedOut,
    Killed,
    NotStarted(Box<str>),
    Lost(Box<str>),
    BadOutput(Box<str>),
    BadChoice(Box<str>),
    BadTree(Box<str>),
}

/// Why a node failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Exit code.
    Code(i32),
    /// Signal number.
    Signal(i32),
    /// Out of time.
    Timeout,
    /// What was missing.
    NotStarted(Box<str>),
    /// What is known of its end.
    Lost(Box<str>),
    /// What cannot be read.
    BadOutput(Box<str>),
    /// What is no choice.
    BadChoice(Box<str>),
    /// What is no tree.
    BadTree(Box<str>),
    /// Why it can never be true.
    Sensor(Box<str>),
    /// What is wrong with its `when`.
    When(Box<str>),
    /// The path of the first child that failed.
    Child(Box<str>),
    /// Who said so.
    Marked(Box<str>),
}

/// Why a node was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// `skip: true`.
    ByHand,
    /// Its `when` was false.
    When,
    /// The same, and what there was to tell of what it asks for.
    Because(Box<str>),
    /// Its rule is `one_failed`, and nothing before it failed.
    NothingFailed,
    /// Every child was skipped.
    Children,
    /// The path of the sibling that a branch chose, or that chose others.
    NotChosen(Box<str>),
    /// The path of the `generate` that has written no tree.
    NoTree(Box<str>),
    /// It had waited for long enough.
    TimedOut,
    /// The path of the sensor that had.
    Sensor(Box<str>),
    /// Why there was nothing to wait for.
    NoSlot(Box<str>),
    /// The path of the container around it that was, before something else of it was cleared.
    With(Box<str>),
    /// Who said so.
    Marked(Box<str>),
}

/// Why a node was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancel {
    /// Who asked for it.
    By(Box<str>),
    /// The path of the container that ran out of time.
    Timeout(Box<str>),
    /// The path of the first child that was cancelled.
    Child(Box<str>),
    /// The path of the container that was marked by hand.
    Marked(Box<str>),
}

/// A word put on a node by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Done.
    Succeeded,
    /// Not done.
    Failed,
    /// Not meant to run.
    Skipped,
}

/// A running task is being ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// What becomes of it.
    pub why: KillReason,
    /// Who asked: a person's name, or the container that ran out of time.
    pub by: Box<str>,
}

/// What becomes of a task that is being ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillReason {
    /// Cancelled.
    Cancel,
    /// Cancelled: the container at this path is out of time.
    Timeout(Box<str>),
    /// Pending again.
    Clear,
    /// What somebody said.
    Mark {
        /// The marked node's path.
        node: Box<str>,
        /// The word.
        mark: Mark,
    },
}

/// Nothing more starts in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// The path of the container that was halted.
    pub origin: Box<str>,
    /// Why.
    pub why: HaltReason,
}

/// Why a container was halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HaltReason {
    /// Who cancelled it.
    Cancel(Box<str>),
    /// Out of time.
    Timeout,
    /// Somebody marked it.
    Mark {
        /// The word.
        mark: Mark,
        /// Who.
        by: Box<str>,
    },
}

/// The one conversion between the law's node numbers and stored paths.
pub(super) fn path(tree: &Tree, node: NodeId) -> Box<str> {
    tree.path(node).into_boxed_str()
}

pub(super) fn node(tree: &Tree, path: &str) -> Result<NodeId, Damage> {
    tree.find(path).ok_or_else(|| Damage::Path { path: path.to_owned() })
}

pub(super) fn paths(tree: &Tree, nodes: &[NodeId]) -> Vec<Box<str>> {
    nodes.iter().map(|&node| path(tree, node)).collect()
}

pub(super) fn nodes(tree: &Tree, paths: &[Box<str>]) -> Result<Vec<NodeId>, Damage> {
    paths.iter().map(|path| node(tree, path)).collect()
}

impl From<&state::Exit> for Exit {
    fn from(exit: &state::Exit) -> Self {
        match exit {
            state::Exit::Code(code) => Self::Code(*code),
            state::Exit::Signal(signal) => Self::Signal(*signal),
            state::Exit::TimedOut => Self::TimedOut,
            state::Exit::Killed => Self::Killed,
            state::Exit::NotStarted(what) => Self::NotStarted(what.clone()),
            state::Exit::Lost(evidence) => Self::Lost(evidence.clone()),
            state::Exit::BadOutput(what) => Self::BadOutput(what.clone()),
            state::Exit::BadChoice(what) => Self::BadChoice(what.clone()),
            state::Exit::BadTree(what) => Self::BadTree(what.clone()),
        }
    }
}

impl From<Exit> for state::Exit {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Code(code),
            Exit::Signal(signal) => Self::Signal(signal),
            Exit::TimedOut => Self::TimedOut,
            Exit::Killed => Self::Killed,
            Exit::NotStarted(what) => Self::NotStarted(what),
            Exit::Lost(evidence) => Self::Lost(evidence),
            Exit::BadOutput(what) => Self::BadOutput(what),
            Exit::BadChoice(what) => Self::BadChoice(what),
            Exit::BadTree(what) => Self::BadTree(what),
        }
    }
}

impl From<force::Mark> for Mark {
    fn from(mark: force::Mark) -> Self {
        match mark {
            force::Mark::Succeeded => Self::Succeeded,
            force::Mark::Failed => Self::Failed,
            force::Mark::Skipped => Self::Skipped,
        }
    }
}

impl From<Mark> for force::Mark {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Succeeded => Self::Succeeded,
            Mark::Failed => Self::Failed,
            Mark::Skipped => Self::Skipped,
        }
    }
}

impl Failure {
    pub(super) fn of(failure: &state::Failure, tree: &Tree) -> Self {
        match failure {
            state::Failure::Code(code) => Self::Code(*code),
            state::Failure::Signal(signal) => Self::Signal(*signal),
            state::Failure::Timeout => Self::Timeout,
            state::Failure::NotStarted(what) => Self::NotStarted(what.clone()),
            state::Failure::Lost(evidence) => Self::Lost(evidence.clone()),
            state::Failure::BadOutput(what) => Self::BadOutput(what.clone()),
            state::Failure::BadChoice(what) => Self::BadChoice(what.clone()),
            state::Failure::BadTree(what) => Self::BadTree(what.clone()),
            state::Failure::Sensor(what) => Self::Sensor(what.clone()),
            state::Failure::When(error) => Self::When(error.clone()),
            state::Failure::Child(child) => Self::Child(path(tree, *child)),
            state::Failure::Marked(by) => Self::Marked(by.clone()),
        }
    }

    pub(super) fn into_law(self, tree: &Tree) -> Result<state::Failure, Damage> {
        Ok(match self {
            Self::Code(code) => state::Failure::Code(code),
            Self::Signal(signal) => state::Failure::Signal(signal),
            Self::Timeout => state::Failure::Timeout,
            Self::NotStarted(what) => state::Failure::NotStarted(what),
            Self::Lost(evidence) => state::Failure::Lost(evidence),
            Self::BadOutput(what) => state::Failure::BadOutput(what),
            Self::BadChoice(what) => state::Failure::BadChoice(what),
            Self::BadTree(what) => state::Failure::BadTree(what),
            Self::Sensor(what) => state::Failure::Sensor(what),
            Self::When(error) => state::Failure::When(error),
            Self::Child(child) => state::Failure::Child(node(tree, &child)?),
            Self::Marked(by) => state::Failure::Marked(by),
        })
    }
}

impl Skip {
    pub(super) fn of(reason: &state::SkipReason, tree: &Tree) -> Self {
        match reason {
            state::SkipReason::ByHand => Self::ByHand,
            state::SkipReason::When(None) => Self::When,
            state::SkipReason::When(Some(facts)) => Self::Because(facts.clone()),
            state::SkipReason::NothingFailed => Self::NothingFailed,
            state::SkipReason::Children => Self::Children,
            state::SkipReason::NotChosen(by) => Self::NotChosen(path(tree, *by)),
            state::SkipReason::NoTree(generate) => Self::NoTree(path(tree, *generate)),
            state::SkipReason::TimedOut => Self::TimedOut,
            state::SkipReason::Sensor(sensor) => Self::Sensor(path(tree, *sensor)),
            state::SkipReason::NoSlot(why) => Self::NoSlot(why.clone()),
            state::SkipReason::With(container) => Self::With(path(tree, *container)),
            state::SkipReason::Marked(by) => Self::Marked(by.clone()),
        }
    }

    pub(super) fn into_law(self, tree: &Tree) -> Result<state::SkipReason, Damage> {
        Ok(match self {
            Self::ByHand => state::SkipReason::ByHand,
            Self::When => state::SkipReason::When(None),
            Self::Because(facts) => state::SkipReason::When(Some(facts)),
            Self::NothingFailed => state::SkipReason::NothingFailed,
            Self::Children => state::SkipReason::Children,
            Self::NotChosen(by) => state::SkipReason::NotChosen(node(tree, &by)?),
            Self::NoTree(generate) => state::SkipReason::NoTree(node(tree, &generate)?),
            Self::TimedOut => state::SkipReason::TimedOut,
            Self::Sensor(sensor) => state::SkipReason::Sensor(node(tree, &sensor)?),
            Self::NoSlot(why) => state::SkipReason::NoSlot(why),
            Self::With(container) => state::SkipReason::With(node(tree, &container)?),
            Self::Marked(by) => state::SkipReason::Marked(by),
        })
    }
}

impl Cancel {
    pub(super) fn of(reason: &state::CancelReason, tree: &Tree) -> Self {
        match reason {
            state::CancelReason::By(by) => Self::By(by.clone()),
            state::CancelReason::Timeout(container) => Self::Timeout(path(tree, *container)),
            state::CancelReason::Child(child) => Self::Child(path(tree, *child)),
            state::CancelReason::Marked(container) => Self::Marked(path(tree, *container)),
        }
    }

    pub(super) fn into_law(self, tree: &Tree) -> Result<state::CancelReason, Damage> {
        Ok(match self {
            Self::By(by) => state::CancelReason::By(by),
            Self::Timeout(container) => state::CancelReason::Timeout(node(tree, &container)?),
            Self::Child(child) => state::CancelReason::Child(node(tree, &child)?),
            Self::Marked(container) => state::CancelReason::Marked(node(tree, &container)?),
        })
    }
}

impl Kill {
    pub(super) fn of(kill: &force::Kill, tree: &Tree) -> Self {
        let why = match &kill.why {
            force::KillReason::Cancel => KillReason::Cancel,
            force::KillReason::Timeout(container) => KillReason::Timeout(path(tree, *container)),
            force::KillReason::Clear => KillReason::Clear,
            force::KillReason::Mark { node, mark } => {
                KillReason::Mark { node: path(tree, *node), mark: (*mark).into() }
            }
        };
        Self { why, by: kill.by.clone() }
    }

    pub(super) fn into_law(self, tree: &Tree) -> Result<force::Kill, Damage> {
        let why = match self.why {
            KillReason::Cancel => force::KillReason::Cancel,
            KillReason::Timeout(container) => force::KillReason::Timeout(node(tree, &container)?),
            KillReason::Clear => force::KillReason::Clear,
            KillReason::Mark { node: marked, mark } => {
                force::KillReason::Mark { node: node(tree, &marked)?, mark: mark.into() }
            }
        };
        Ok(force::Kill { why, by: self.by })
    }
}

impl Halt {
    pub(super) fn of(halt: &force::Halt, tree: &Tree) -> Self {
        let why = match &halt.why {
            force::HaltReason::Cancel(by) => HaltReason::Cancel(by.clone()),
            force::HaltReason::Timeout => HaltReason::Timeout,
            force::HaltReason::Mark(mark, by) => HaltReason::Mark { mark: (*mark).into(), by: by.clone() },
        };
        Self { origin: path(tree, halt.origin), why }
    }

    pub(super) fn into_law(self, tree: &Tree) -> Result<force::Halt, Damage> {
        let why = match self.why {
            HaltReason::Cancel(by) => force::HaltReason::Cancel(by),
            HaltReason::Timeout => force::HaltReason::Timeout,
            HaltReason::Mark { mark, by } => force::HaltReason::Mark(mark.into(), by),
        };
        Ok(force::Halt { origin: node(tree, &self.origin)?, why })
    }
}
