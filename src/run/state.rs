//! What can be true of a node inside a run. A variant holds exactly the facts that are true in it.
//!
//! [`State`] is what is recorded; [`Status`] is the word people see. Most nodes of a large tree never get
//! a record of their own: their status follows from what stands above them.

use std::fmt;

use jiff::Timestamp;

use crate::pipeline::node::NodeId;
use crate::pipeline::policy::{Retry, RetryOn};

use super::force::{Halt, Kill};

/// A run's number, unique in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An attempt's number, unique in its database and ever growing: also the token that fences its launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId(pub u64);

/// What is recorded of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Nothing: it waits for its turn, or its status follows from a container's.
    Pending,
    /// Its `when` is being evaluated. Never stored: after a crash it is evaluated then.
    Deciding,
    /// Free to start; waits for a place.
    Queued {
        /// When it became free.
        since: Timestamp,
    },
    /// A leaf with a live attempt.
    Running {
        /// The attempt, whose exit is awaited.
        attempt: AttemptId,
        /// When it was admitted.
        since: Timestamp,
        /// Why it is being ended, if it is. Only its exit resolves this.
        kill: Option<Box<Kill>>,
    },
    /// A sensor that looks, now and then, whether it is true.
    Waiting {
        /// When it began to.
        since: Timestamp,
    },
    /// A sensor that looks by way of a command: an attempt of its own.
    Poking {
        /// The attempt, whose exit is awaited.
        attempt: AttemptId,
        /// When the sensor began to wait.
        since: Timestamp,
        /// Why it is being ended, if it is. Only its exit resolves this.
        kill: Option<Box<Kill>>,
    },
    /// A container that has started.
    Open {
        /// When.
        since: Timestamp,
        /// Why nothing more starts in it, if so.
        halt: Option<Box<Halt>>,
    },
    /// A leaf between two attempts.
    Retrying {
        /// When the next one is due.
        until: Timestamp,
        /// How the last one ended.
        failure: Box<Failure>,
    },
    /// It did what it should.
    Succeeded {
        /// When.
        at: Timestamp,
        /// How it came to.
        how: Success,
    },
    /// It did not.
    Failed {
        /// When.
        at: Timestamp,
        /// How.
        failure: Box<Failure>,
    },
    /// It was not meant to run.
    Skipped {
        /// When.
        at: Timestamp,
        /// Why not.
        reason: Box<SkipReason>,
    },
    /// It can no longer run.
    UpstreamFailed {
        /// When that became certain.
        at: Timestamp,
        /// The predecessor that did not succeed.
        culprit: NodeId,
    },
    /// It was stopped, or kept from starting.
    Cancelled {
        /// When.
        at: Timestamp,
        /// By what.
        reason: Box<CancelReason>,
    },
}

/// How an attempt ended, as far as the law needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this code, by itself.
    Code(i32),
    /// By a signal that was not Sexton's.
    Signal(i32),
    /// It was ended because it ran longer than its `timeout`.
    TimedOut,
    /// It was ended because it was asked to be.
    Killed,
    /// It never ran: what was missing, in words.
    NotStarted(Box<str>),
    /// Nobody saw its end: what is known, in words.
    Lost(Box<str>),
    /// It exited with 0, but what it wrote to `$SEXTON_OUTPUT` cannot be read: why, in words.
    BadOutput(Box<str>),
    /// It exited with 0, but what it chose is no choice: why not, in words.
    BadChoice(Box<str>),
    /// It exited with 0, but what it wrote is no tree: why not, in words.
    BadTree(Box<str>),
}

/// How a node came to succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Success {
    /// It did what it should.
    Done,
    /// Of a sensor: it is true, in words.
    Met(Box<str>),
    /// Of the child of a branch that chooses: these of its siblings, in document order.
    Chose(Box<[NodeId]>),
    /// Somebody said so.
    Marked(Box<str>),
}

/// Why a node failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Its last attempt exited with this code, which is not 0.
    Code(i32),
    /// Its last attempt was ended by a signal.
    Signal(i32),
    /// A leaf's attempt, or a container as a whole, ran longer than its `timeout`.
    Timeout,
    /// Its command could not be started.
    NotStarted(Box<str>),
    /// Its attempt's end was not seen.
    Lost(Box<str>),
    /// Its output file cannot be read.
    BadOutput(Box<str>),
    /// What it chose is no choice.
    BadChoice(Box<str>),
    /// What it wrote is no tree.
    BadTree(Box<str>),
    /// Of a sensor: it can never be true.
    Sensor(Box<str>),
    /// Its `when` could not be evaluated.
    When(Box<str>),
    /// A child failed; this was the first.
    Child(NodeId),
    /// Somebody said so.
    Marked(Box<str>),
}

impl Failure {
    /// Whether this failure is worth another attempt under `retry`, budget apart.
    pub fn is_retried_by(&self, retry: &Retry) -> bool {
        match &retry.on {
            RetryOn::Any => {
                !matches!(self, Self::Sensor(_) | Self::When(_) | Self::Child(_) | Self::Marked(_))
            }
            RetryOn::Only { codes, timeout, signal, lost } => match self {
                Self::Code(code) => u8::try_from(*code).is_ok_and(|code| codes.contains(&code)),
                Self::Signal(_) => *signal,
                Self::Timeout => *timeout,
                Self::Lost(_) => *lost,
                Self::NotStarted(_)
                | Self::BadOutput(_)
                | Self::BadChoice(_)
                | Self::BadTree(_)
                | Self::Sensor(_)
                | Self::When(_)
                | Self::Child(_)
                | Self::Marked(_) => false,
            },
        }
    }
}

/// Why a node was skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// `skip: true`.
    ByHand,
    /// Its `when` was false; of what it asks for, what there was to tell, in words.
    When(Option<Box<str>>),
    /// Its rule is `one_failed`, and nothing before it failed.
    NothingFailed,
    /// Every child was skipped.
    Children,
    /// This sibling in a branch was chosen, or has chosen others.
    NotChosen(NodeId),
    /// Of a sensor: it has waited for long enough.
    TimedOut,
    /// Of the `execute` of a lazy node: this `generate` has written no tree.
    NoTree(NodeId),
    /// This sensor has, and with it the rest of the serial was to be skipped.
    Sensor(NodeId),
    /// Of a sensor: there is nothing to wait for on that date, in words.
    NoSlot(Box<str>),
    /// This container around it was, before something else of it was cleared.
    With(NodeId),
    /// Somebody said so.
    Marked(Box<str>),
}

/// Why a node was cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// Somebody asked for it.
    By(Box<str>),
    /// This container ran out of time.
    Timeout(NodeId),
    /// A container of which this child was cancelled, the first one.
    Child(NodeId),
    /// This container was marked by hand while the node was at work.
    Marked(NodeId),
}

/// The word people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Waits for its turn.
    Pending,
    /// Waits for a place.
    Queued,
    /// At work.
    Running,
    /// Looks whether something is true.
    Waiting,
    /// Between two attempts.
    Retrying,
    /// Done.
    Succeeded,
    /// Not done.
    Failed,
    /// Not meant to run.
    Skipped,
    /// Cannot run any more.
    UpstreamFailed,
    /// Stopped.
    Cancelled,
}

impl Status {
    /// Every status, in the order of a task's life.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Retrying,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::UpstreamFailed,
        Self::Cancelled,
    ];

    /// As it is written everywhere: config, database, API, pages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::UpstreamFailed => "upstream_failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }

    /// Whether nothing more happens unless somebody clears it.
    pub fn is_ended(self) -> bool {
        match self {
            Self::Pending | Self::Queued | Self::Running | Self::Waiting | Self::Retrying => false,
            Self::Succeeded | Self::Failed | Self::Skipped | Self::UpstreamFailed | Self::Cancelled => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl State {
    /// The word for this record alone.
    pub fn status(&self) -> Status {
        match self {
            Self::Pending | Self::Deciding => Status::Pending,
            Self::Queued { .. } => Status::Queued,
            Self::Running { .. } | Self::Open { .. } => Status::Running,
            Self::Waiting { .. } | Self::Poking { .. } => Status::Waiting,
            Self::Retrying { .. } => Status::Retrying,
            Self::Succeeded { .. } => Status::Succeeded,
            Self::Failed { .. } => Status::Failed,
            Self::Skipped { .. } => Status::Skipped,
            Self::UpstreamFailed { .. } => Status::UpstreamFailed,
            Self::Cancelled { .. } => Status::Cancelled,
        }
    }

    /// Whether this record is an end.
    pub fn is_ended(&self) -> bool {
        self.status().is_ended()
    }

    /// The attempt that is under way, if one is, and why it is being ended, if it is.
    pub fn attempt(&self) -> Option<(AttemptId, Option<&Kill>)> {
        match self {
            Self::Running { attempt, kill, .. } | Self::Poking { attempt, kill, .. } => {
                Some((*attempt, kill.as_deref()))
            }
            Self::Pending
            | Self::Deciding
            | Self::Queued { .. }
            | Self::Waiting { .. }
            | Self::Open { .. }
            | Self::Retrying { .. }
            | Self::Succeeded { .. }
            | Self::Failed { .. }
            | Self::Skipped { .. }
            | Self::UpstreamFailed { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// The instant the record itself names, if it names one.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Pending | Self::Deciding => None,
            Self::Queued { since }
            | Self::Running { since, .. }
            | Self::Waiting { since }
            | Self::Poking { since, .. }
            | Self::Open { since, .. } => Some(*since),
            Self::Retrying { until, .. } => Some(*until),
            Self::Succeeded { at, .. }
            | Self::Failed { at, .. }
            | Self::Skipped { at, .. }
            | Self::UpstreamFailed { at, .. }
            | Self::Cancelled { at, .. } => Some(*at),
        }
    }
}

/// A node's record: its state and how often it was tried.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What is true of it.
    pub state: State,
    /// Attempts ever made in this run; the next one's number is one more.
    pub attempts: u32,
    /// Attempts that no longer count against the retry budget, because the task was cleared since.
    pub forgiven: u32,
}

impl Entry {
    /// Before anything happened.
    pub const NEW: Self = Self { state: State::Pending, attempts: 0, forgiven: 0 };

    /// Attempts that count against the retry budget.
    pub fn spent(&self) -> u32 {
        self.attempts - self.forgiven
    }
}
