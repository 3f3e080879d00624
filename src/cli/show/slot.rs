//! Lines of the ledger in words and in columns: when their slots were, what became of them, and how their
//! runs stand. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::duration;
use crate::schedule::slot::Decision;
use crate::schedule::told::{clock, slots, stretch};
use crate::store::ledger::LedgerRecord;
use crate::store::record::RunState;
use crate::store::runs::RunRecord;

/// So many slots in a row whose runs succeeded are told in one sentence.
const FOLD: usize = 4;

/// A line's slots for a column: `first`, or `first … last ×count`; of a session's with its label.
pub fn cell(line: &LedgerRecord, zone: &TimeZone) -> String {
    let label = label(line).map(|label| format!(" [{label}]")).unwrap_or_default();
    if line.first == line.last {
        return clock(line.first, zone) + &label;
    }
    // Of a clock that was set it is no count of slots in a row.
    let count = if line.decision == Decision::Rebased { String::new() } else { format!(" ×{}", line.count) };
    format!("{}{count}{label}", stretch(line.first, line.last, zone, " … "))
}

/// The session of a line, or of the first of a stretch: `2026-11-27`, `2026-11-27 #3`, `2026-11-27 …`.
fn label(line: &LedgerRecord) -> Option<String> {
    let (label, ordinal) = line.session()?;
    let ordinal = if ordinal == 0 { String::new() } else { format!(" #{ordinal}") };
    let on = if line.count > 1 { " …" } else { "" };
    Some(format!("{label}{ordinal}{on}"))
}

/// A line, and the run it made.
pub type Line = (LedgerRecord, Option<RunRecord>);

/// What became of slots of one schedule, a sentence each; those that simply ran share one where they are
/// many. `there` is what other commands must be told to look at the same directory.
pub fn told(lines: &[Line], zone: &TimeZone, there: &str) -> Vec<String> {
    let mut told = Vec::new();
    for alike in lines.chunk_by(|a, b| simply_ran(a) && simply_ran(b)) {
        if let ([(first, Some(begin)), .., (last, Some(end))], true) = (alike, alike.len() >= FOLD) {
            let what = slots(alike.len() as u64, first.first, last.first, zone);
            let (begin, end) = (begin.id, end.id);
            told.push(format!(
                "Schedule `{}`, {what}: fired; their runs, {begin} to {end}, succeeded.",
                first.schedule
            ));
        } else {
            told.extend(alike.iter().map(|(line, run)| sentence(line, run.as_ref(), zone, there)));
        }
    }
    told
}

fn simply_ran((line, run): &Line) -> bool {
    let plain = run.as_ref().is_some_and(|run| run.state == RunState::Succeeded && run.suppressed == 0);
    plain && line.decision == Decision::Fired
}

fn sentence(line: &LedgerRecord, run: Option<&RunRecord>, zone: &TimeZone, there: &str) -> String {
    let what = match line.decision {
        // Whether there were slots in between is for the reason to say.
        Decision::Rebased => clock(line.decided_at, zone),
        Decision::Fired | Decision::Missed | Decision::Expired | Decision::Skipped | Decision::Paused => {
            slots(line.count, line.first, line.last, zone)
        }
    };
    // Mostly the label is the date that stands there anyway.
    let elsewhere = |label: &String| !what.contains(&label[..10]);
    let label = label(line).filter(elsewhere).map(|label| format!(" [{label}]")).unwrap_or_default();
    let stands = run.map(|run| format!(" {}", stands(run, zone, there))).unwrap_or_default();
    format!("Schedule `{}`, {what}{label}: {}.{stands}", line.schedule, outcome(line))
}

/// `fired, 12s late`: the decision and the reason, where that does not begin with it.
pub fn outcome(line: &LedgerRecord) -> String {
    let word = line.decision.word();
    if line.reason.starts_with(word) { line.reason.clone() } else { format!("{word}, {}", line.reason) }
}

/// How a run stands, in a sentence.
pub fn stands(run: &RunRecord, zone: &TimeZone, there: &str) -> String {
    let id = run.id;
    let since = run.started_at.unwrap_or(run.created_at);
    let took =
        |end: Timestamp| duration::show(Duration::try_from(end.duration_since(since)).unwrap_or_default());
    let took = run.ended_at.map(took).unwrap_or_default();
    match run.state {
        RunState::Queued => format!("Run {id} has not begun; see `sexton why {id}{there}`."),
        RunState::Running => format!("Run {id} runs, since {}.", clock(since, zone)),
        RunState::Succeeded => match run.suppressed {
            0 => format!("Run {id} succeeded in {took}."),
            1 => format!("Run {id} succeeded in {took}, with 1 failure suppressed."),
            count => format!("Run {id} succeeded in {took}, with {count} failures suppressed."),
        },
        RunState::Failed => format!("Run {id} failed after {took}; see `sexton why {id}{there}`."),
        RunState::Skipped => format!("Run {id} was skipped."),
        RunState::Cancelled => format!("Run {id} was cancelled after {took}; see `sexton why {id}{there}`."),
    }
}
