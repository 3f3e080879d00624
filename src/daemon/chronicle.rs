//! The daemon's log of what happens to runs and slots: a sentence each, with its facts as fields. It is told
//! when the facts are committed, and it pets systemd's watchdog with the engine's own pulse.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::show::table::lasted;
use crate::control::Watch;
use crate::pipeline::node::NodeId;
use crate::run::live::Live;
use crate::run::state::{SkipReason, State, Status};
use crate::run::why::{self, Around, root_cause};
use crate::schedule::horizon::{Horizon, REMEDY};
use crate::schedule::slot::{Decision, Entry, Key};
use crate::schedule::told::utc;

/// As many slots of one pipeline at one time have a line each; more are told by the stretch.
const A_FEW: usize = 5;

/// Writes the log.
#[derive(Debug)]
pub struct Chronicle {
    /// Whether a watchdog waits for signs of life. A supervisor that has asked for none may not listen, and
    /// whoever writes to it for ever comes to wait for it.
    pub watched: bool,
    /// What `sexton why` must be told to look at this daemon's directory, whoever asks it.
    pub there: String,
}

impl Watch for Chronicle {
    fn changed(&mut self, live: &Live, nodes: &[NodeId], now: Timestamp) {
        for &node in nodes {
            let (run, pipeline, task) = (live.run.id().0, &*live.pipeline.name, label(live, node));
            let why = || why::reason(&live.run, node);
            let leaf = live.run.tree().is_leaf(node);
            match live.run.state(node) {
                State::Running { kill: None, .. } if live.run.entry(node).spent() > 1 => {
                    tracing::info!(run, pipeline, task, "{task} is running again {}", why());
                }
                State::Open { halt: None, .. } | State::Running { kill: None, .. }
                    if node == NodeId::ROOT =>
                {
                    tracing::info!(run, pipeline, "{task} has begun: run {run}");
                }
                State::Waiting { since } if node == NodeId::ROOT && *since == now => {
                    tracing::info!(run, pipeline, "{task} has begun: run {run}");
                }
                State::Skipped { reason, .. } if **reason == SkipReason::TimedOut => {
                    tracing::warn!(run, pipeline, task, "{task} has waited in vain: {}", why());
                }
                State::Retrying { until, .. } => {
                    let again = until.strftime("%H:%M:%SZ");
                    tracing::warn!(run, pipeline, task, "{task} has failed: {}; again at {again}", why());
                }
                State::Failed { .. } if leaf && node != NodeId::ROOT => {
                    tracing::warn!(run, pipeline, task, "{task} has failed! {}", why());
                }
                State::Pending
                | State::Deciding
                | State::Queued { .. }
                | State::Running { .. }
                | State::Waiting { .. }
                | State::Poking { .. }
                | State::Open { .. }
                | State::Succeeded { .. }
                | State::Failed { .. }
                | State::Skipped { .. }
                | State::UpstreamFailed { .. }
                | State::Cancelled { .. } => {}
            }
        }
    }

    fn finished(&mut self, live: &Live, now: Timestamp) {
        let run = live.run.id().0;
        let (task, pipeline) = (label(live, NodeId::ROOT), &*live.pipeline.name);
        let waited = now.as_millisecond() - live.scope.scheduled_at.as_millisecond();
        let took = lasted(waited);
        match live.run.status() {
            Status::Succeeded => {
                tracing::info!(run, pipeline, "{task} is complete: run {run}, {took} after its time");
            }
            Status::Skipped => {
                let why = reason(live, NodeId::ROOT);
                tracing::info!(run, pipeline, "{task} is skipped: run {run}: {why}");
            }
            Status::Cancelled => {
                let why = reason(live, NodeId::ROOT);
                tracing::warn!(run, pipeline, "{task} was cancelled: run {run}: {why}");
            }
            Status::Failed | Status::UpstreamFailed => {
                let why = reason(live, NodeId::ROOT);
                let there = &self.there;
                tracing::error!(
                    run,
                    pipeline,
                    "{task} has failed! Run {run}: {why} See `sexton why {run}{there}`"
                );
            }
            Status::Pending | Status::Queued | Status::Running | Status::Waiting | Status::Retrying => {}
        }
    }

    fn decided(&mut self, pipeline: &str, entries: &[Entry], _now: Timestamp) {
        if entries.len() <= A_FEW {
            for entry in entries {
                tell(pipeline, entry, entry.count, entry.last);
            }
            return;
        }
        // A stretch is what came to the same, for the same reason.
        for stretch in entries
            .chunk_by(|a, b| (&a.schedule, a.decision, a.foreseen) == (&b.schedule, b.decision, b.foreseen))
        {
            let count = stretch.iter().map(|entry| entry.count).sum();
            let last = stretch.last().map_or(stretch[0].last, |entry| entry.last);
            tell(pipeline, &stretch[0], count, last);
        }
    }

    fn horizon(&mut self, pipeline: &str, schedule: &str, horizon: &Horizon) {
        let (words, last) = (horizon.words(), horizon.last.to_string());
        if horizon.left.is_some() {
            tracing::warn!(pipeline, schedule, last, "{pipeline}, schedule `{schedule}`: {words}; {REMEDY}");
        } else {
            tracing::error!(
                pipeline,
                schedule,
                last,
                "{pipeline}, schedule `{schedule}`: {words}; it makes no runs any more; {REMEDY}"
            );
        }
    }

    fn alive(&mut self) {
        if self.watched {
            let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
        }
    }
}

fn tell(pipeline: &str, entry: &Entry, count: u64, last: Timestamp) {
    let (schedule, decision, reason) = (&*entry.schedule, entry.decision.word(), &*entry.reason);
    let first = utc(entry.first);
    let slots = match count {
        1 => match &entry.key {
            Key::Session { label, .. } => format!("the slot of {first} [{label}]"),
            Key::Instant(_) | Key::Boot(_) | Key::Clock(_) => format!("the slot of {first}"),
        },
        _ => format!("{count} slots from {first} to {}", utc(last)),
    };
    // What files and calendars say is no matter for anybody's night.
    let as_meant = entry.foreseen || matches!(entry.decision, Decision::Fired | Decision::Paused);
    match entry.decision {
        Decision::Fired if reason == "on time" => {}
        Decision::Rebased => tracing::warn!(pipeline, schedule, decision, reason, "{pipeline}: {reason}"),
        Decision::Fired | Decision::Paused | Decision::Missed | Decision::Expired | Decision::Skipped => {
            if as_meant {
                tracing::info!(
                    pipeline,
                    schedule,
                    decision,
                    reason,
                    "{pipeline}: {slots}: {decision}: {reason}"
                );
            } else {
                tracing::warn!(
                    pipeline,
                    schedule,
                    decision,
                    reason,
                    "{pipeline}: {slots}: {decision}: {reason}"
                );
            }
        }
    }
}

/// `nightly.ingest/fundamentals [2018-05-14]`.
fn label(live: &Live, node: NodeId) -> String {
    let (name, date) = (&live.pipeline.name, live.scope.ds());
    match node {
        NodeId::ROOT => format!("{name} [{date}]"),
        node => format!("{name}.{} [{date}]", live.run.tree().path(node)),
    }
}

fn reason(live: &Live, node: NodeId) -> String {
    let around = Around { zone: TimeZone::UTC, places: None };
    why::why(&live.run, root_cause(&live.run, node), &around)
}
