//! The one pair of functions that writes a node's state into columns and reads it back, and the pair that
//! does the same for an attempt's exit.

use jiff::Timestamp;

use crate::pipeline::node::Tree;
use crate::run::force::Kill;
use crate::run::state::{AttemptId, Exit, State, Status, Success};

use super::error::Damage;
use super::fact::{self, Cancel, Fact, Failure, Halt, Skip};

/// A state, spread over the columns that hold it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) status: Status,
    pub(super) at: Option<Timestamp>,
    pub(super) attempt: Option<AttemptId>,
    pub(super) fact: Option<Fact>,
}

/// `Deciding` is stored as pending: after a crash the condition is evaluated then.
pub(super) fn encode(state: &State, tree: &Tree) -> Stored {
    let kill = |kill: &Kill| Fact::Kill(fact::Kill::of(kill, tree));
    let (attempt, fact) = match state {
        State::Pending | State::Deciding | State::Queued { .. } | State::Waiting { .. } => (None, None),
        State::Running { attempt, kill: why, .. } | State::Poking { attempt, kill: why, .. } => {
            (Some(*attempt), why.as_deref().map(kill))
        }
        State::Open { halt, .. } => (None, halt.as_deref().map(|halt| Fact::Halt(Halt::of(halt, tree)))),
        State::Retrying { failure, .. } | State::Failed { failure, .. } => {
            (None, Some(Fact::Failure(Failure::of(failure, tree))))
        }
        State::Succeeded { how, .. } => {
            let fact = match how {
                Success::Done => None,
                Success::Met(words) => Some(Fact::Met(words.clone())),
                Success::Chose(chosen) => Some(Fact::Chose(fact::paths(tree, chosen))),
                Success::Marked(by) => Some(Fact::Marked(by.clone())),
            };
            (None, fact)
        }
        State::Skipped { reason, .. } => (None, Some(Fact::Skip(Skip::of(reason, tree)))),
        State::UpstreamFailed { culprit, .. } => (None, Some(Fact::Culprit(fact::path(tree, *culprit)))),
        State::Cancelled { reason, .. } => (None, Some(Fact::Cancel(Cancel::of(reason, tree)))),
    };
    Stored { status: state.status(), at: state.at(), attempt, fact }
}

/// What `encode` wrote. Whether a running node is a task or a container is known by its table, not its row.
pub(super) fn decode(stored: Stored, leaf: bool, tree: &Tree) -> Result<State, Damage> {
    let Stored { status, at, attempt, fact } = stored;
    let facts = || Damage::Facts { status: status.word() };
    let at = at.ok_or_else(facts);
    Ok(match (status, fact) {
        (Status::Pending, None) => State::Pending,
        (Status::Queued, None) => State::Queued { since: at? },
        (Status::Running, None) if leaf => {
            State::Running { attempt: attempt.ok_or_else(facts)?, since: at?, kill: None }
        }
        (Status::Running, Some(Fact::Kill(kill))) if leaf => State::Running {
            attempt: attempt.ok_or_else(facts)?,
            since: at?,
            kill: Some(Box::new(kill.into_law(tree)?)),
        },
        (Status::Running, None) => State::Open { since: at?, halt: None },
        (Status::Running, Some(Fact::Halt(halt))) => {
            State::Open { since: at?, halt: Some(Box::new(halt.into_law(tree)?)) }
        }
        // A sensor that has an attempt looks by way of it.
        (Status::Waiting, None) if leaf => match attempt {
            None => State::Waiting { since: at? },
            Some(attempt) => State::Poking { attempt, since: at?, kill: None },
        },
        (Status::Waiting, Some(Fact::Kill(kill))) if leaf => State::Poking {
            attempt: attempt.ok_or_else(facts)?,
            since: at?,
            kill: Some(Box::new(kill.into_law(tree)?)),
        },
        (Status::Retrying, Some(Fact::Failure(failure))) => {
            State::Retrying { until: at?, failure: Box::new(failure.into_law(tree)?) }
        }
        (Status::Succeeded, None) => State::Succeeded { at: at?, how: Success::Done },
        (Status::Succeeded, Some(Fact::Met(words))) => State::Succeeded { at: at?, how: Success::Met(words) },
        (Status::Succeeded, Some(Fact::Chose(chosen))) => {
            State::Succeeded { at: at?, how: Success::Chose(fact::nodes(tree, &chosen)?.into()) }
        }
        (Status::Succeeded, Some(Fact::Marked(by))) => State::Succeeded { at: at?, how: Success::Marked(by) },
        (Status::Failed, Some(Fact::Failure(failure))) => {
            State::Failed { at: at?, failure: Box::new(failure.into_law(tree)?) }
        }
        (Status::Skipped, Some(Fact::Skip(reason))) => {
            State::Skipped { at: at?, reason: Box::new(reason.into_law(tree)?) }
        }
        (Status::UpstreamFailed, Some(Fact::Culprit(culprit))) => {
            State::UpstreamFailed { at: at?, culprit: fact::node(tree, &culprit)? }
        }
        (Status::Cancelled, Some(Fact::Cancel(reason))) => {
            State::Cancelled { at: at?, reason: Box::new(reason.into_law(tree)?) }
        }
        // Any other pair is one that `encode` never writes.
        (
            Status::Pending
            | Status::Queued
            | Status::Running
            | Status::Waiting
            | Status::Retrying
            | Status::Succeeded
            | Status::Failed
            | Status::Skipped
            | Status::UpstreamFailed
            | Status::Cancelled,
            None | Some(_),
        ) => return Err(facts()),
    })
}

/// An exit, spread over the columns that hold it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredExit {
    pub(super) outcome: &'static str,
    pub(super) code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) text: Option<Box<str>>,
}

pub(super) fn encode_exit(exit: &Exit) -> StoredExit {
    let plain = |outcome| StoredExit { outcome, code: None, signal: None, text: None };
    let told = |outcome, text: &str| StoredExit { text: Some(text.into()), ..plain(outcome) };
    match exit {
        Exit::Code(code) => StoredExit { code: Some(*code), ..plain("code") },
        Exit::Signal(signal) => StoredExit { signal: Some(*signal), ..plain("signal") },
        Exit::TimedOut => plain("timed_out"),
        Exit::Killed => plain("killed"),
        Exit::NotStarted(what) => told("not_started", what),
        Exit::Lost(evidence) => told("lost", evidence),
        Exit::BadOutput(what) => told("bad_output", what),
        Exit::BadChoice(what) => told("bad_choice", what),
        Exit::BadTree(what) => told("bad_tree", what),
    }
}

/// What `encode_exit` wrote.
pub(super) fn decode_exit(
    outcome: &str,
    code: Option<i32>,
    signal: Option<i32>,
    text: Option<String>,
) -> Result<Exit, Damage> {
    let text = text.map(String::into_boxed_str);
    match (outcome, code, signal, text) {
        ("code", Some(code), None, None) => Ok(Exit::Code(code)),
        ("signal", None, Some(signal), None) => Ok(Exit::Signal(signal)),
        ("timed_out", None, None, None) => Ok(Exit::TimedOut),
        ("killed", None, None, None) => Ok(Exit::Killed),
        ("not_started", None, None, Some(what)) => Ok(Exit::NotStarted(what)),
        ("lost", None, None, Some(evidence)) => Ok(Exit::Lost(evidence)),
        ("bad_output", None, None, Some(what)) => Ok(Exit::BadOutput(what)),
        ("bad_choice", None, None, Some(what)) => Ok(Exit::BadChoice(what)),
        ("bad_tree", None, None, Some(what)) => Ok(Exit::BadTree(what)),
        (word, ..) => Err(Damage::Word { column: "outcome", word: word.to_owned() }),
    }
}
