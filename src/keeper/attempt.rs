//! One attempt in the keeper's hands, from the journaled launch to the record of its end.
//! It holds facts and descriptors; what happens to it is in `events` and `ending`.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::output::{Output, Stream};
use super::printed::Printed;
use super::protocol::{AttemptState, By, End, Exited, LogSummary, Token, Usage};
use super::spawner::Leader;
use super::tree::Scope;

/// Pipes that stay open after the leader's end are read this much longer.
pub(super) const DRAIN: Duration = Duration::from_secs(1);
/// What SIGKILL has not ended by then is given up, and reported.
pub(super) const GIVE_UP: Duration = Duration::from_secs(30);

/// An attempt that has not been journaled as ended.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) token: Token,
    pub(super) kill_grace: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) output: Option<Output>,
    /// Where standard output goes instead, if it has a file to itself.
    pub(super) printed: Option<Printed>,
    pub(super) stdout: Option<OwnedFd>,
    pub(super) stderr: Option<OwnedFd>,
    pub(super) phase: Phase,
    /// Pid and start of the leader, as long as it has or had one.
    pub(super) leader: Option<(i32, u64)>,
    pub(super) ending: Option<Ending>,
    /// Its entry in the table of timers.
    pub(super) armed: Option<Instant>,
    /// Processes found after the leader's end.
    pub(super) leftovers: u32,
    /// Where its processes can be.
    pub(super) scope: Scope,
}

/// How far it is.
#[derive(Debug)]
pub(super) enum Phase {
    /// Handed to the spawner; whether it must be ended as soon as it is there.
    Spawning { end: Option<By> },
    /// Its leader runs.
    Running { leader: Leader, timeout_at: Option<Instant> },
    /// Its leader has ended, its pipes are still open.
    Draining { exit: Exit, until: Instant },
    /// Its leader has ended, its output is complete; what it left is being ended.
    Clearing { exit: Exit },
}

/// What is known once the leader has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Exit {
    pub(super) end: End,
    pub(super) started_at: Option<i64>,
    pub(super) ended_at: i64,
    pub(super) by: By,
    pub(super) usage: Usage,
}

/// The keeper is ending the attempt's processes.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) by: By,
    pub(super) stage: Stage,
    /// Processes other than the leader that have been seen, by pid.
    pub(super) members: HashMap<i32, Member>,
}

/// One of them: its start, and the descriptor that tells when it is gone.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) start: u64,
    pub(super) pidfd: OwnedFd,
}

/// How hard.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    /// SIGTERM was sent.
    Asked { kill_at: Instant },
    /// SIGKILL was sent.
    Killed { give_up_at: Instant },
}

impl Attempt {
    /// When it next wants to be looked at.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let phase = match &self.phase {
            Phase::Spawning { .. } | Phase::Clearing { .. } => None,
            Phase::Running { timeout_at, .. } => timeout_at.filter(|_| self.ending.is_none()),
            Phase::Draining { until, .. } => Some(*until),
        };
        let ending = self.ending.as_ref().map(|ending| match ending.stage {
            Stage::Asked { kill_at } => kill_at,
            Stage::Killed { give_up_at } => give_up_at,
        });
        phase.into_iter().chain(ending).min()
    }

    /// The members found so far: pid and start.
    pub(super) fn known(&self) -> HashMap<i32, u64> {
        let members = self.ending.iter().flat_map(|ending| &ending.members);
        members.map(|(pid, member)| (*pid, member.start)).collect()
    }

    /// What a controller is told of it.
    pub(super) fn state(&self) -> AttemptState {
        let running = |pid: i32, at| AttemptState::Running { pid: pid.cast_unsigned(), at };
        match (&self.phase, self.leader) {
            (Phase::Spawning { .. }, _) => AttemptState::Spawning,
            (Phase::Running { leader, .. }, _) => running(leader.pid, leader.at.as_millisecond()),
            (Phase::Draining { exit, .. } | Phase::Clearing { exit }, Some((pid, _))) => match exit.end {
                End::Lost(_) => AttemptState::Clearing,
                End::Code(_) | End::Signal(_) | End::NotStarted(_) => {
                    running(pid, exit.started_at.unwrap_or(exit.ended_at))
                }
            },
            (Phase::Draining { .. } | Phase::Clearing { .. }, None) => AttemptState::Clearing,
        }
    }

    /// The read end of one of its pipes.
    pub(super) fn pipe(&mut self, stream: Stream) -> &mut Option<OwnedFd> {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Takes what was read from one of them at `now`.
    pub(super) fn take(&mut self, stream: Stream, bytes: &[u8], now: Timestamp) {
        if let (Stream::Stdout, Some(printed)) = (stream, &mut self.printed) {
            printed.push(bytes);
        } else if let Some(output) = &mut self.output {
            output.push(stream, bytes, now);
        }
    }

    /// Whether both pipes have been read to their end.
    pub(super) fn is_drained(&self) -> bool {
        self.stdout.is_none() && self.stderr.is_none()
    }

    /// Its record, now that nothing of it is left; closes the log.
    pub(super) fn record(self, exit: Exit, unkillable: u32, now: Timestamp) -> Exited {
        let log = self.output.map_or_else(LogSummary::default, |output| output.finish(now));
        Exited {
            token: self.token,
            end: exit.end,
            started_at: exit.started_at,
            ended_at: exit.ended_at,
            by: exit.by,
            usage: exit.usage,
            log,
            stdout: self.printed.map(Printed::finish),
            leftovers: self.leftovers,
            unkillable,
        }
    }
}
