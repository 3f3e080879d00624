//! Why a node is as it is, in one sentence, and what made it so.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::pipeline::node::NodeId;
use crate::pipeline::sensor::Condition;
use crate::yaml::diagnostic::listed;

use super::force::{HaltReason, Kill, KillReason};
use super::machine::Run;
use super::state::{CancelReason, Exit, Failure, SkipReason, State, Status, Success};

/// What a sentence needs beyond the run itself.
#[derive(Clone, Debug)]
pub struct Around {
    /// The zone in which times are told.
    pub zone: TimeZone,
    /// Places taken by all runs, and how many there are; `None` where only records are at hand.
    pub places: Option<(usize, usize)>,
}

/// Why the node is in the state it is in: one sentence.
pub fn why(run: &Run, node: NodeId, around: &Around) -> String {
    let path = run.tree().path(node);
    let seen = run.seen(node);
    match seen.status {
        Status::Pending => {
            let (held, reason) = waits_for(run, node, around);
            let holder =
                if held == node { String::new() } else { format!(" with `{}`", run.tree().path(held)) };
            format!("`{path}` waits{holder} for {reason}.")
        }
        Status::Queued => {
            let place = match run.full_limit(node) {
                _ if run.is_clearing() => "the end of attempts that were cleared while they ran".to_owned(),
                Some(limit) => {
                    let max = run.tree().options(limit).max_concurrent.map_or(0, std::num::NonZero::get);
                    format!("a place below `{}` ({max} of {max} in use)", run.tree().path(limit))
                }
                None => match around.places {
                    Some((taken, all)) => format!("a place ({taken} of {all} in use)"),
                    None => "a place".to_owned(),
                },
            };
            format!("`{path}` waits for {place}.")
        }
        Status::Running | Status::Waiting | Status::Retrying => {
            format!("`{path}` {}.", activity(run, node, around))
        }
        Status::Succeeded | Status::Failed | Status::Skipped | Status::UpstreamFailed | Status::Cancelled => {
            match reason(run, node) {
                reason if reason.is_empty() => format!("`{path}` {}.", seen.status),
                tries if tries.starts_with('(') => format!("`{path}` {} {tries}.", seen.status),
                reason => format!("`{path}` {}: {reason}.", seen.status),
            }
        }
    }
}

/// What is behind a status, in a few words without a verb; empty where the status says it all.
pub fn reason(run: &Run, node: NodeId) -> String {
    let seen = run.seen(node);
    if seen.origin != node {
        return match seen.status {
            Status::UpstreamFailed => {
                format!("because of `{}`", run.tree().path(root_cause(run, seen.origin)))
            }
            Status::Pending
            | Status::Queued
            | Status::Running
            | Status::Waiting
            | Status::Retrying
            | Status::Succeeded
            | Status::Failed
            | Status::Skipped
            | Status::Cancelled => format!("with `{}`", run.tree().path(seen.origin)),
        };
    }
    match run.state(node) {
        State::Pending | State::Deciding | State::Queued { .. } | State::Open { halt: None, .. } => {
            String::new()
        }
        State::Running { kill: None, .. } => tries(run, node).unwrap_or_default(),
        State::Waiting { .. } | State::Poking { kill: None, .. } => {
            waited_for(run, node).map(|what| format!("for {what}")).unwrap_or_default()
        }
        State::Running { kill: Some(kill), .. } | State::Poking { kill: Some(kill), .. } => {
            kill_words(run, kill)
        }
        State::Open { halt: Some(halt), .. } => match &halt.why {
            HaltReason::Cancel(by) => format!("being cancelled by {by}"),
            HaltReason::Timeout => format!("out of time with `{}`", run.tree().path(halt.origin)),
            HaltReason::Mark(_, by) => format!("being marked by {by}"),
        },
        State::Retrying { failure, .. } => with_tries(run, node, &failure_words(run, node, failure)),
        State::Succeeded { how: Success::Marked(by), .. } => format!("marked by {by}"),
        State::Succeeded { how: Success::Met(what), .. } => what.to_string(),
        State::Succeeded { how: Success::Chose(chosen), .. } => {
            with_tries_of_more(run, node, &choice_words(run, chosen))
        }
        State::Succeeded { how: Success::Done, .. } => match run.suppressed(node) {
            0 => tries(run, node).filter(|_| run.entry(node).spent() > 1).unwrap_or_default(),
            1 => "1 failure suppressed".to_owned(),
            count => format!("{count} failures suppressed"),
        },
        State::Failed { failure, .. } => {
            let words = failure_words(run, node, failure);
            let suppressed = run.tree().options(node).suppress_errors;
            let suppressed = if suppressed { ", suppressed" } else { "" };
            format!("{}{suppressed}", with_tries(run, node, &words))
        }
        State::Skipped { reason, .. } => match &**reason {
            SkipReason::ByHand => "`skip: true`".to_owned(),
            SkipReason::When(facts) => {
                let when = run.tree().options(node).when.as_deref().unwrap_or_default();
                let facts = facts.as_ref().map(|facts| format!(": {facts}")).unwrap_or_default();
                format!("`when: {when}` is false{facts}")
            }
            SkipReason::NothingFailed => "nothing before it failed".to_owned(),
            SkipReason::Children => "all of it was skipped".to_owned(),
            SkipReason::NotChosen(by) => not_chosen_words(run, *by),
            SkipReason::NoTree(generate) => format!("`{}` has written no tree", run.tree().path(*generate)),
            SkipReason::TimedOut => timeout_words(run, node),
            SkipReason::Sensor(sensor) => {
                format!("`{}` had waited in vain", run.tree().path(*sensor))
            }
            SkipReason::NoSlot(why) => why.to_string(),
            SkipReason::With(container) => format!("with `{}`", run.tree().path(*container)),
            SkipReason::Marked(by) => format!("marked by {by}"),
        },
        State::UpstreamFailed { culprit, .. } => {
            format!("because of `{}`", run.tree().path(root_cause(run, *culprit)))
        }
        State::Cancelled { reason, .. } => match &**reason {
            CancelReason::By(by) => format!("by {by}"),
            CancelReason::Timeout(container) => format!("`{}` ran out of time", run.tree().path(*container)),
            CancelReason::Child(child) => {
                format!("`{}` was cancelled", run.tree().path(root_cause(run, *child)))
            }
            CancelReason::Marked(container) => format!("`{}` was marked", run.tree().path(*container)),
        },
    }
}

/// The node at the bottom of a failure: through containers to the child, through successors to what failed.
pub fn root_cause(run: &Run, node: NodeId) -> NodeId {
    let mut at = node;
    // Every step leads to a node that ended earlier, so this ends; the bound is for damaged data.
    for _ in 0..run.tree().len() {
        let seen = run.seen(at);
        let next = match run.state(seen.origin) {
            State::Failed { failure, .. } => match **failure {
                Failure::Child(child) => child,
                Failure::Code(_)
                | Failure::Signal(_)
                | Failure::Timeout
                | Failure::NotStarted(_)
                | Failure::Lost(_)
                | Failure::BadOutput(_)
                | Failure::BadChoice(_)
                | Failure::BadTree(_)
                | Failure::Sensor(_)
                | Failure::When(_)
                | Failure::Marked(_) => seen.origin,
            },
            State::Cancelled { reason, .. } => match **reason {
                CancelReason::Child(child) => child,
                CancelReason::By(_) | CancelReason::Timeout(_) | CancelReason::Marked(_) => seen.origin,
            },
            State::UpstreamFailed { culprit, .. } => *culprit,
            State::Pending
            | State::Deciding
            | State::Queued { .. }
            | State::Running { .. }
            | State::Waiting { .. }
            | State::Poking { .. }
            | State::Open { .. }
            | State::Retrying { .. }
            | State::Succeeded { .. }
            | State::Skipped { .. } => seen.origin,
        };
        if next == at {
            break;
        }
        at = next;
    }
    at
}

/// What holds a pending node back: the node it waits with (itself or a container around it) and for what.
fn waits_for(run: &Run, node: NodeId, around: &Around) -> (NodeId, String) {
    let tree = run.tree();
    let mut above: Vec<NodeId> = tree.ancestors(node).collect();
    above.reverse();
    above.push(node);
    let started = |id: &NodeId| matches!(run.state(*id), State::Open { .. });
    let held = above.into_iter().find(|id| !started(id)).unwrap_or(node);
    let mut before: Vec<NodeId> = tree.forerunners(held).chain(tree.after(held)).collect();
    before.retain(|id| !run.seen(*id).status.is_ended());
    let reason = match before.as_slice() {
        [] if held == node => "its turn".to_owned(),
        [] => "its container's turn".to_owned(),
        [first] => told(run, *first, around),
        [first, rest @ ..] => format!("{} and {} more", told(run, *first, around), rest.len()),
    };
    (held, reason)
}

fn told(run: &Run, node: NodeId, around: &Around) -> String {
    let status = run.seen(node).status;
    let path = run.tree().path(node);
    match run.state(node) {
        State::Running { since, .. }
        | State::Waiting { since }
        | State::Poking { since, .. }
        | State::Open { since, .. } => {
            format!("`{path}` ({status} since {})", at(*since, around))
        }
        State::Retrying { until, .. } => format!("`{path}` ({status} at {})", at(*until, around)),
        State::Pending
        | State::Deciding
        | State::Queued { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Skipped { .. }
        | State::UpstreamFailed { .. }
        | State::Cancelled { .. } => format!("`{path}` ({status})"),
    }
}

fn activity(run: &Run, node: NodeId, around: &Around) -> String {
    let details = match reason(run, node) {
        reason if reason.is_empty() => reason,
        tries if tries.starts_with('(') => format!(" {tries}"),
        reason => format!(", {reason}"),
    };
    match run.state(node) {
        State::Retrying { until, .. } => {
            format!("will be tried again at {}{details}", at(*until, around))
        }
        State::Waiting { since } | State::Poking { since, kill: None, .. } => {
            let what = waited_for(run, node).map(|what| format!(" for {what}")).unwrap_or_default();
            format!("waits since {}{what}", at(*since, around))
        }
        State::Poking { since, kill: Some(_), .. } => format!("waits since {}{details}", at(*since, around)),
        State::Pending
        | State::Deciding
        | State::Queued { .. }
        | State::Running { .. }
        | State::Open { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Skipped { .. }
        | State::UpstreamFailed { .. }
        | State::Cancelled { .. } => {
            let since =
                run.state(node).at().map(|since| format!(" since {}", at(since, around))).unwrap_or_default();
            format!("runs{since}{details}")
        }
    }
}

fn failure_words(run: &Run, node: NodeId, failure: &Failure) -> String {
    match failure {
        Failure::Code(code) => format!("exit code {code}"),
        Failure::Signal(signal) => signal_words(*signal),
        Failure::Timeout => timeout_words(run, node),
        Failure::NotStarted(what) => format!("not started: {what}"),
        Failure::Lost(evidence) => format!("lost: {evidence}"),
        Failure::BadOutput(what) => format!("bad output: {what}"),
        Failure::BadChoice(what) => format!("bad choice: {what}"),
        Failure::BadTree(what) => format!("bad tree: {what}"),
        Failure::Sensor(what) => what.to_string(),
        Failure::When(error) => format!("its `when` cannot be evaluated: {error}"),
        Failure::Child(child) => format!("because of `{}`", run.tree().path(root_cause(run, *child))),
        Failure::Marked(by) => format!("marked by {by}"),
    }
}

fn timeout_words(run: &Run, node: NodeId) -> String {
    let timeout = run.tree().options(node).timeout;
    timeout.map_or("timeout".to_owned(), |timeout| format!("timeout after {}", told_duration(timeout)))
}

fn kill_words(run: &Run, kill: &Kill) -> String {
    match &kill.why {
        KillReason::Cancel => format!("being cancelled by {}", kill.by),
        KillReason::Timeout(node) => format!("being killed: `{}` is out of time", run.tree().path(*node)),
        KillReason::Clear => format!("being killed to be cleared by {}", kill.by),
        KillReason::Mark { .. } => format!("being killed to be marked by {}", kill.by),
    }
}

/// Whom it chose, in words.
fn choice_words(run: &Run, chosen: &[NodeId]) -> String {
    match chosen {
        [] => "chose nothing".to_owned(),
        chosen => format!("chose {}", listed(chosen.iter().map(|&child| run.tree().name(child)))),
    }
}

fn not_chosen_words(run: &Run, by: NodeId) -> String {
    let path = run.tree().path(by);
    if let State::Succeeded { how: Success::Chose(chosen), .. } = run.state(by) {
        format!("`{path}` {}", choice_words(run, chosen))
    } else if run.tree().is_chooser(by) {
        format!("`{path}` had not chosen it")
    } else {
        format!("`{}` was chosen", run.tree().name(by))
    }
}

/// What a sensor waits for, as its file says it.
fn waited_for(run: &Run, node: NodeId) -> Option<String> {
    let sensor = run.tree().kind(node).sensor()?;
    Some(match &sensor.condition {
        Condition::Time { at, timezone: None } => at.text.to_string(),
        Condition::Time { at, timezone: Some(zone) } => format!("{} {zone}", at.text),
        Condition::Session { at, .. } => format!("`{}`", at.text),
        Condition::File { glob, .. } => format!("a file `{glob}`"),
        Condition::Http(http) => format!("{} to answer", http.url),
        Condition::Object(object) => object.url.to_string(),
        Condition::Exec(_) => "its command to exit with 0".to_owned(),
        Condition::Run(run) => match &run.task {
            None => format!("a run of `{}` to succeed", run.pipeline.text),
            Some(task) => format!("`{}` of `{}` to succeed", task.text, run.pipeline.text),
        },
    })
}

/// How an attempt ended, in words.
pub fn exit_words(exit: &Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => signal_words(*signal),
        Exit::TimedOut => "timeout".to_owned(),
        Exit::Killed => "killed on request".to_owned(),
        Exit::NotStarted(what) => format!("not started: {what}"),
        Exit::Lost(evidence) => format!("lost: {evidence}"),
        Exit::BadOutput(what) => format!("bad output: {what}"),
        Exit::BadChoice(what) => format!("bad choice: {what}"),
        Exit::BadTree(what) => format!("bad tree: {what}"),
    }
}

/// A signal by its name, with the usual suspect where there is one.
pub fn signal_words(signal: i32) -> String {
    let name = match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => return "killed by SIGKILL, perhaps out of memory".to_owned(),
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        _ => return format!("killed by signal {signal}"),
    };
    format!("killed by {name}")
}

/// `(1/2 attempts)`: those that count, of those that are allowed.
fn tries(run: &Run, node: NodeId) -> Option<String> {
    let limit = run.tree().settings(node).retry.limit;
    let spent = run.entry(node).spent();
    (spent > 0 && (limit > 0 || spent > 1)).then(|| format!("({spent}/{} attempts)", (limit + 1).max(spent)))
}

/// The tries only where there were several.
fn with_tries_of_more(run: &Run, node: NodeId, words: &str) -> String {
    if run.entry(node).spent() > 1 { with_tries(run, node, words) } else { words.to_owned() }
}

fn with_tries(run: &Run, node: NodeId, words: &str) -> String {
    tries(run, node).map_or(words.to_owned(), |tries| format!("{words} {tries}"))
}

fn at(instant: Timestamp, around: &Around) -> String {
    instant.to_zoned(around.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `1h30m`, `90s`, `250ms`: as a pipeline file would say it.
fn told_duration(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let parts =
        [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let told: String = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    if told.is_empty() { format!("{}ms", duration.as_millis()) } else { told }
}
