//! What holds for a node after inheritance: environment, where and how its command runs, retries.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The inherited attributes of a node, resolved: each is the nearest ancestor's that sets it. Texts may
/// be templates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Merged key by key from the root down.
    pub env: BTreeMap<Box<str>, Box<str>>,
    /// Where the command starts; `None` is the configuration's parent directory.
    pub working_dir: Option<Box<str>>,
    /// What a command line is handed to, as its last argument.
    pub shell: Box<[Box<str>]>,
    /// Whom the command runs as; `None` is the keeper's own user.
    pub user: Option<Box<str>>,
    /// What happens after a failed attempt.
    pub retry: Retry,
    /// From SIGTERM to SIGKILL.
    pub kill_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            env: BTreeMap::new(),
            working_dir: None,
            shell: Box::new(["/bin/sh".into(), "-c".into()]),
            user: None,
            retry: Retry::default(),
            kill_grace: Duration::from_secs(10),
        }
    }
}

/// How often and how soon a failed task is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// Retries after the first attempt.
    pub limit: u32,
    /// Before the first retry.
    pub delay: Duration,
    /// Each further delay is this many times the one before; at least 1.
    pub backoff: f64,
    /// No delay is longer, jitter apart.
    pub max_delay: Option<Duration>,
    /// 0 to 1: each delay is lengthened by up to this part of itself, the same for the same attempt.
    pub jitter: f64,
    /// Which failures are tried again.
    pub on: RetryOn,
}

impl Default for Retry {
    fn default() -> Self {
        Self { limit: 0, delay: Duration::ZERO, backoff: 1.0, max_delay: None, jitter: 0.0, on: RetryOn::Any }
    }
}

/// The failures that are worth another attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryOn {
    /// All of them.
    Any,
    /// Only these.
    Only {
        /// Exit codes, sorted.
        codes: Box<[u8]>,
        /// An attempt that ran into its `timeout`.
        timeout: bool,
        /// An attempt ended by a signal that was not Sexton's.
        signal: bool,
        /// An attempt whose end nobody saw.
        lost: bool,
    },
}
