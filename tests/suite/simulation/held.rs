//! What the simulated keeper holds of attempts, and what a connection finds there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use sexton::executor::job::{Ended, Report};
use sexton::run::state::{AttemptId, Exit};

/// An attempt that runs, or whose end is not acknowledged.
pub(super) struct Held {
    pub(super) run: String,
    pub(super) path: String,
    pub(super) grace: Duration,
    pub(super) log: PathBuf,
    /// The tree that it writes.
    pub(super) writes: Option<String>,
    /// Whether it looks for a sensor.
    pub(super) looks: bool,
    pub(super) state: Phase,
}

pub(super) enum Phase {
    Running {
        since: Timestamp,
        until: Timestamp,
        exit: Exit,
        outputs: BTreeMap<String, String>,
        says: Option<String>,
        killed: bool,
    },
    Ended(Ended),
}

impl Held {
    /// Its log is on the disk before anybody hears of its end.
    pub(super) fn print(&self) {
        if let Phase::Running { says: Some(line), .. } = &self.state {
            std::fs::create_dir_all(self.log.parent().unwrap()).unwrap();
            let log = format!("t stdout F so\nt stdout F {line}\nt stderr F {line} indeed\n");
            std::fs::write(&self.log, log).unwrap();
        }
    }
}

/// What the keeper says of it to whoever connects.
pub(super) fn said(token: u64, held: &Held) -> Report {
    match &held.state {
        Phase::Running { since, .. } => Report::Spawned { attempt: AttemptId(token), pid: 1, at: *since },
        Phase::Ended(ended) => Report::Ended(Box::new(ended.clone())),
    }
}
