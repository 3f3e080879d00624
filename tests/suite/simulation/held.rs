//! What the simulated keeper holds of attempts, and what a connection finds there.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use sexton::executor::job::{Ended, Expected, Inventory, Report, Verdict};
use sexton::keeper::protocol::{Token, Welcome};
use sexton::keeper::verdict::{self, Row};
use sexton::run::state::{AttemptId, Exit};

/// An attempt that runs, or whose end is not acknowledged.
pub(super) struct Held {
    pub(super) run: String,
    pub(super) path: String,
    pub(super) grace: Duration,
    pub(super) state: Phase,
}

pub(super) enum Phase {
    Running {
        since: Timestamp,
        until: Timestamp,
        exit: Exit,
        outputs: BTreeMap<String, String>,
        killed: bool,
    },
    Ended(Ended),
}

/// What the keeper says of it to whoever connects.
pub(super) fn said(token: u64, held: &Held) -> Report {
    match &held.state {
        Phase::Running { since, .. } => Report::Spawned { attempt: AttemptId(token), pid: 1, at: *since },
        Phase::Ended(ended) => Report::Ended(Box::new(ended.clone())),
    }
}

/// The keeper as one connection found it; judged by the real rule.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) connection: u64,
    pub(super) welcome: Welcome,
}

impl Inventory for Found {
    fn connection(&self) -> u64 {
        self.connection
    }

    fn verdict(&self, expected: Expected<'_>) -> Verdict {
        let row = Row {
            token: Token(expected.attempt.0),
            created_at: expected.created_at.as_millisecond(),
            boot_id: expected.boot_id,
        };
        match verdict::verdict(&self.welcome, row) {
            verdict::Verdict::Live(_) | verdict::Verdict::Ended(_) => Verdict::Known,
            verdict::Verdict::NeverStarted => Verdict::NeverStarted,
            verdict::Verdict::Lost(evidence) => Verdict::Lost(evidence),
        }
    }

    fn attempts(&self) -> Vec<AttemptId> {
        self.welcome.attempts.iter().map(|attempt| AttemptId(attempt.token.0)).collect()
    }
}
