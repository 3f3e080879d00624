//! What a run is beyond its tree: identity, kind, dates, evidence; and what is kept of an attempt. Plain
//! values that the engine fills in and readers get back; nothing here knows SQL.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::run::force::Kill;
use crate::run::live::RunKind;
use crate::run::state::{AttemptId, Exit, RunId, Status};

/// A pipeline's number in its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PipelineId(pub i64);

/// The number of one version of a pipeline's definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionId(pub i64);

/// The number of a line of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerId(pub i64);

/// How a run stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunState {
    /// Nothing of it has started.
    Queued,
    /// At work.
    Running,
    /// Done.
    Succeeded,
    /// Not done.
    Failed,
    /// Not meant to run.
    Skipped,
    /// Stopped.
    Cancelled,
}

impl RunState {
    /// Every state, in the order of a run's life.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Skipped, Self::Cancelled];

    /// As it is written everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// A run's state is its root's, in fewer words.
impl From<Status> for RunState {
    fn from(root: Status) -> Self {
        match root {
            Status::Pending | Status::Queued => Self::Queued,
            Status::Running | Status::Waiting | Status::Retrying => Self::Running,
            Status::Succeeded => Self::Succeeded,
            Status::Failed | Status::UpstreamFailed => Self::Failed,
            Status::Skipped => Self::Skipped,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// The stretch of time a run's data is about; the end is not part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// From.
    pub start: Timestamp,
    /// To.
    pub end: Timestamp,
}

/// What was in force when a run was made, beyond its definition's version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The release that made it.
    pub sexton: String,
    /// The configuration's revision, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
    /// The version of the calendar data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendars: Option<String>,
    /// The version of the time-zone data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zones: Option<String>,
}

/// Values of a run's parameters, by name.
pub type Params = serde_json::Map<String, serde_json::Value>;

/// A run as it begins to exist.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// Its number, from [`super::journal::NextIds`].
    pub id: RunId,
    /// The definition it is pinned to, and with that its pipeline.
    pub version: VersionId,
    /// What made it.
    pub kind: RunKind,
    /// The date it is for.
    pub logical_date: Date,
    /// The code of the calendar whose session of that date is its session, if it has one.
    pub calendar: Option<Box<str>>,
    /// The instant its slot names; none for a manual run.
    pub scheduled_at: Option<Timestamp>,
    /// The data it is about.
    pub interval: Interval,
    /// With what.
    pub params: Params,
    /// What else was in force.
    pub evidence: Evidence,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How an attempt ended, as far as anybody will want to know.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptEnd {
    /// Which.
    pub attempt: AttemptId,
    /// When its command began; `None` if it never did, or nobody knows.
    pub started_at: Option<Timestamp>,
    /// When it was gone.
    pub ended_at: Timestamp,
    /// How.
    pub exit: Exit,
    /// Why it was being ended, if it was.
    pub kill: Option<Kill>,
    /// The process it was.
    pub pid: Option<u32>,
    /// What it used.
    pub usage: Option<Usage>,
    /// What it printed.
    pub log: Option<Log>,
}

/// What an attempt used, with everything it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Milliseconds of processor time in its own code.
    pub cpu_user_ms: u64,
    /// Milliseconds of processor time in the kernel.
    pub cpu_system_ms: u64,
    /// The largest resident set, in bytes.
    pub max_rss_bytes: u64,
}

/// Where an attempt's output is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The file, relative to the state directory.
    pub path: String,
    /// Bytes in it.
    pub bytes: u64,
    /// Bytes that were left out because there were too many.
    pub dropped_bytes: u64,
}
