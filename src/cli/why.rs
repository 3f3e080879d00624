//! `sexton why`: one sentence, and the facts behind it.

use std::fmt::Write as _;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::pipeline::node::NodeId;
use crate::run::machine::Run;
use crate::run::poke::LastPoke;
use crate::run::state::{State, Status};
use crate::run::why::{Around, exit_words, root_cause, why as sentence};
use crate::schedule::told::utc;
use crate::store::db::Reader;
use crate::store::record::RunState;
use crate::store::runs::RunRecord;
use crate::store::tasks::AttemptRecord;

use super::desk;
use super::dirs::{DaemonDir, StateDir};
use super::failure::Outcome;
use super::show::{out, slot};
use super::slots::slots;
use super::tasks::restored;

/// `sexton why`
#[derive(Debug, Args)]
#[command(after_help = "sexton why 12                    run 12 as a whole, and the slot that made it\n\
                        sexton why 12 load/prices        a task or a container of it\n\
                        sexton why nightly               what became of nightly's slots today, and why there \
                        is none\n\
                        sexton why nightly 2026-11-21    the same of a day, in the schedule's time zone\n\
                        sexton why nightly 2026-11-21T02:30:00Z\n\n\
                        Slots are the daemon's: about a pipeline, the state directory is by default the \
                        daemon's, ~/.local/state/sexton/daemon.")]
pub struct WhyArgs {
    /// A run's number, or a pipeline's name
    #[arg(value_name = "RUN-or-PIPELINE")]
    pub about: String,
    /// Of a run: the path of a task or container [default: the whole run]; of a pipeline: a day, or the
    /// instant of a slot [default: today]
    #[arg(value_name = "PATH-or-DATE")]
    pub part: Option<String>,
    /// Where runs are remembered.
    #[command(flatten)]
    pub state: StateDir,
}

/// Tasks that are told of where a container is at work.
const MOST_AT_WORK: usize = 5;

/// Attempts of a task that are told of, the last ones.
const MOST_ATTEMPTS: usize = 20;

/// Explains a node of a run, or the slots of a pipeline.
pub async fn why(args: &WhyArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    if let Ok(run) = args.about.parse() {
        return of_run(args, run).await;
    }
    let daemon = DaemonDir { dir: args.state.dir.clone() };
    slots(&args.about, args.part.as_deref(), &daemon, now).await
}

async fn of_run(args: &WhyArgs, id: i64) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state, true).await?;
    let dir = desk::directory(&args.state)?;
    let there = desk::there(&dir);
    let record = desk::run(&reader, Some(id)).await?;
    let run = restored(&reader, &record).await?;
    let tree = run.tree().clone();
    if let Some(part) = args.part.as_deref().filter(|part| desk::was_generated(&run, part)) {
        let path = part.trim_start_matches('/');
        let mut text = format!("`{path}` is gone: the tree that it was of has been generated again since.\n");
        for attempt in reader.attempts(record.id, path).await? {
            let _ = writeln!(text, "  {}", told(&attempt));
        }
        let _ = writeln!(text, "  log: sexton logs {id} '{path}'{there}");
        out::print(&text)?;
        return Ok(Outcome::Good);
    }
    let node = desk::node(&tree, &record, args.part.as_deref().unwrap_or("/"))?;
    let around = Around { zone: TimeZone::UTC, places: None };
    let mut text = match begins_after(&reader, &record, &run, node).await? {
        Some(other) => waits(&record, &other) + "\n",
        None => told_of(&reader, &run, node, &around).await?,
    };
    let cause = root_cause(&run, node);
    if cause != node {
        text += &told_of(&reader, &run, cause, &around).await?;
    }
    let (at_work, more) = at_work(&run, node);
    for &task in &at_work {
        text += &told_of(&reader, &run, task, &around).await?;
    }
    if more > 0 {
        let _ = writeln!(text, "… and {more} more tasks are at work.");
    }
    if node == NodeId::ROOT
        && let Some(line) = reader.slot_of_run(record.id).await?
    {
        let outcome = slot::outcome(&line);
        let _ =
            writeln!(text, "It is the run of schedule `{}`'s slot {}: {outcome}.", line.schedule, line.first);
    }
    // Where one task is all there is to say, how its attempts went is a part of it.
    let subject = match at_work.as_slice() {
        &[only] => only,
        _ if tree.is_leaf(cause) => cause,
        _ => node,
    };
    let path = tree.path(subject);
    let attempts = if tree.is_leaf(subject) { reader.attempts(record.id, &path).await? } else { Vec::new() };
    // A sensor may have looked thousands of times.
    let earlier = attempts.len().saturating_sub(MOST_ATTEMPTS);
    if earlier > 0 {
        let _ = writeln!(text, "  … and {earlier} attempts before these:");
    }
    for attempt in &attempts[earlier..] {
        let _ = writeln!(text, "  {}", told(attempt));
    }
    if !attempts.is_empty() {
        let _ = writeln!(text, "  log: sexton logs {id} '{path}'{there}");
    }
    if node == NodeId::ROOT {
        let _ = writeln!(text, "  tasks: sexton tasks {id}{there}");
    }
    out::print(&text)?;
    desk::say_if_abandoned(&dir, &reader, |run| run.id == record.id).await?;
    Ok(Outcome::Good)
}

/// Why a node is as it is; of a sensor that has not come true, with what it was last answered.
async fn told_of(reader: &Reader, run: &Run, node: NodeId, around: &Around) -> anyhow::Result<String> {
    let text = sentence(run, node, around) + "\n";
    let poke = match run.state(node) {
        _ if run.tree().kind(node).sensor().is_none() => None,
        State::Waiting { since } | State::Poking { since, .. } => {
            let poke = reader.last_poke(run.id(), &run.tree().path(node)).await?;
            // It may be one of an earlier wait.
            poke.filter(|poke| poke.at >= *since)
        }
        State::Failed { .. } | State::Skipped { .. } | State::Cancelled { .. } => {
            let poke = reader.last_poke(run.id(), &run.tree().path(node)).await?;
            poke.map(|poke| LastPoke { next: None, ..poke })
        }
        State::Pending
        | State::Deciding
        | State::Queued { .. }
        | State::Running { .. }
        | State::Open { .. }
        | State::Retrying { .. }
        | State::Succeeded { .. }
        | State::UpstreamFailed { .. } => None,
    };
    Ok(match poke.filter(|poke| !text.contains(&*poke.words)) {
        Some(poke) => format!("{text}  {}\n", poke.told()),
        None => text,
    })
}

/// Of a container at work, the tasks below it that are, or will be again; not too many, and how many more.
fn at_work(run: &Run, node: NodeId) -> (Vec<NodeId>, usize) {
    let tree = run.tree();
    if tree.is_leaf(node) || run.status().is_ended() {
        return (Vec::new(), 0);
    }
    let at_work = |task: &NodeId| {
        let status = run.seen(*task).status;
        tree.is_leaf(*task) && matches!(status, Status::Running | Status::Waiting | Status::Retrying)
    };
    let mut tasks = tree.subtree(node).map(NodeId).filter(at_work);
    let first: Vec<NodeId> = tasks.by_ref().take(MOST_AT_WORK).collect();
    (first, tasks.count())
}

/// Of a run that has not begun: the oldest run of its pipeline that is under way, which it waits for.
async fn begins_after(
    reader: &Reader,
    record: &RunRecord,
    run: &Run,
    node: NodeId,
) -> anyhow::Result<Option<RunRecord>> {
    if node != NodeId::ROOT || run.status() != Status::Pending {
        return Ok(None);
    }
    let mut others = reader.unfinished_runs().await?.into_iter();
    Ok(others.find(|other| other.pipeline == record.pipeline && other.state == RunState::Running))
}

fn waits(record: &RunRecord, other: &RunRecord) -> String {
    let since = utc(other.started_at.unwrap_or(other.created_at));
    format!(
        "Run {} waits: run {} of `{}` is under way since {since}.",
        record.id, other.id, other.pipeline_name
    )
}

fn told(attempt: &AttemptRecord) -> String {
    let began = utc(attempt.created_at);
    match &attempt.end {
        None => format!("attempt {}: since {began}", attempt.number),
        Some(end) => {
            let took = end.ended_at.as_millisecond() - attempt.created_at.as_millisecond();
            let took = super::show::table::lasted(took);
            format!("attempt {}: {began}, {took}, {}", attempt.number, exit_words(&end.exit))
        }
    }
}
