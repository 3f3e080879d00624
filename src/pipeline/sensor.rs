//! What a sensor waits for, and how patiently. It never looks: whoever does fills in the templates first.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::civil::Time;
use regex_lite::Regex;

use crate::yaml::diagnostic::Span;

use super::command::Command;

/// A node that waits. Its patience as a whole is the node's `timeout`. Texts may be templates, but for
/// `session`, `calendar` and `offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    /// What has to be true.
    pub condition: Condition,
    /// Between the first look and the second; each pause after it is longer.
    pub poke_interval: Duration,
    /// What becomes of it when its patience is at an end.
    pub on_timeout: OnTimeout,
}

impl Sensor {
    /// The command that says whether it is true, if one does.
    pub fn command(&self) -> Option<&Command> {
        match &self.condition {
            Condition::Exec(command) => Some(command),
            Condition::Time { .. }
            | Condition::Session { .. }
            | Condition::File { .. }
            | Condition::Http(_)
            | Condition::Object(_)
            | Condition::Run(_) => None,
        }
    }
}

/// What becomes of a sensor that has waited for as long as its `timeout` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnTimeout {
    /// It fails.
    #[default]
    Fail,
    /// It is skipped, and so is the rest of the nearest `serial` around it.
    SkipRest,
    /// It is skipped, and what comes after it goes on.
    Continue,
}

/// What has to be true.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The first such time of day at or after the run's `scheduled_at` has come.
    Time {
        /// `HH:MM[:SS]`; see [`time_of_day`].
        at: Placed,
        /// The IANA zone it is meant in; `None` is the pipeline's.
        timezone: Option<Box<str>>,
    },
    /// An instant of an exchange's session has come.
    Session {
        /// An offset: `open + 5m`.
        at: Placed,
        /// The calendar; `None` is that of the run's schedule, else of the pipeline.
        calendar: Option<Placed>,
    },
    /// A file is there.
    File {
        /// A path that may hold `*`, `?` and `[…]`.
        glob: Box<str>,
        /// It has not changed for this long.
        stable_for: Duration,
    },
    /// A server answers as it should.
    Http(Http),
    /// An object is there.
    Object(Object),
    /// A command exits with 0.
    Exec(Command),
    /// A run of another pipeline, or a task of it, has succeeded.
    Run(OtherRun),
}

impl Condition {
    /// The key that makes this condition in a pipeline file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Time { .. } => "time",
            Self::Session { .. } => "session",
            Self::File { .. } => "file",
            Self::Http(_) => "http",
            Self::Object(_) => "object",
            Self::Exec(_) => "exec",
            Self::Run(_) => "run",
        }
    }
}

/// A text that somebody else looks at too, and where in the source it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// As it is spelled.
    pub text: Box<str>,
    /// Its place.
    pub place: Span,
}

/// A request, and the answer that is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// `http://` or `https://`.
    pub url: Box<str>,
    /// How it is asked.
    pub method: Method,
    /// Names and values.
    pub headers: Box<[(Box<str>, Box<str>)]>,
    /// The codes of a good answer.
    pub status: Box<[RangeInclusive<u16>]>,
    /// A regular expression that the answer must match somewhere; see [`body_pattern`].
    pub body: Option<Box<str>>,
}

/// The methods of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`.
    #[default]
    Get,
    /// `HEAD`.
    Head,
    /// `POST`, without a body.
    Post,
}

/// An object of a store.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Which kind of store.
    pub store: ObjectStore,
    /// The whole URL, `s3://bucket/key`; all but its scheme may be a template.
    pub url: Box<str>,
    /// Where the store is, if it is not its vendor's own: `http://minio:9000`.
    pub endpoint: Option<Box<str>>,
}

/// The kinds of stores, each with what it takes to be let in; without that, whatever this machine may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectStore {
    /// S3 and what speaks like it, `s3://bucket/key`.
    S3 {
        /// The region; `None` is `us-east-1`.
        region: Option<Box<str>>,
        /// The id of a key and its secret.
        keys: Option<(Box<str>, Box<str>)>,
    },
    /// Google Cloud Storage, `gs://bucket/object`.
    Gcs {
        /// The JSON of a service account's key.
        service_account: Option<Box<str>>,
    },
    /// Azure Blob Storage, `az://container/blob`.
    Azure {
        /// The storage account.
        account: Box<str>,
        /// A key of that account.
        access_key: Option<Box<str>>,
    },
}

/// The newest run of another pipeline for a date, or a task of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherRun {
    /// The pipeline's name.
    pub pipeline: Placed,
    /// A node of it by its path; `None` is the run as a whole.
    pub task: Option<Placed>,
    /// From this run's logical date to the other's: `-1d`, `-1 session`; `None` is the same date.
    pub offset: Option<Placed>,
    /// What becomes of the sensor where the pipeline has no slot for that date.
    pub no_slot: NoSlot,
}

/// What becomes of a sensor whose pipeline has no slot for the date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NoSlot {
    /// It is skipped.
    #[default]
    Skip,
    /// It succeeds.
    Pass,
    /// It waits, for a run that somebody starts.
    Wait,
}

/// Why a text is no time of day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time of day; write `09:00` or `21:30:15`")]
pub struct NoTime(pub String);

/// A time of day: `HH:MM` or `HH:MM:SS`.
pub fn time_of_day(text: &str) -> Result<Time, NoTime> {
    let none = || NoTime(text.to_owned());
    let fields: Vec<&str> = text.split(':').collect();
    let two = |field: &&str| field.len() == 2 && field.bytes().all(|byte| byte.is_ascii_digit());
    if !(2..=3).contains(&fields.len()) || !fields.iter().all(two) {
        return Err(none());
    }
    let number = |at: usize| fields.get(at).map_or(Ok(0), |field| field.parse::<i8>());
    let (Ok(hour), Ok(minute), Ok(second)) = (number(0), number(1), number(2)) else { return Err(none()) };
    Time::new(hour, minute, second, 0).map_err(|_| none())
}

/// The pattern of a `body`. It may match anywhere.
pub fn body_pattern(text: &str) -> Result<Regex, regex_lite::Error> {
    Regex::new(text)
}
