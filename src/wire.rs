//! The JSON shapes that leave the house, and how the domain becomes them. Instants are RFC 3339 in UTC.

use serde::Serialize;

use crate::calendar::calendar;
use crate::calendar::session;
use crate::pipeline::node::NodeId;
use crate::run::machine::Run as LiveRun;
use crate::run::state::State;
use crate::run::why;
use crate::schedule::definition::Schedule;
use crate::schedule::preview::Foreseen;
use crate::store::ledger::LedgerRecord;
use crate::store::runs::RunRecord;

/// A run as it is listed.
#[derive(Debug, Serialize)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// Its pipeline's name.
    pub pipeline: String,
    /// `scheduled`, `manual` or `backfill`.
    pub kind: &'static str,
    /// The date it is for.
    pub logical_date: String,
    /// Its state's word.
    pub state: &'static str,
    /// Failures that counted as success.
    pub suppressed: u32,
    /// With what.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// When it was made.
    pub created_at: String,
    /// When it first started.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
}

impl From<&RunRecord> for Run {
    fn from(run: &RunRecord) -> Self {
        Self {
            run: run.id.0,
            pipeline: run.pipeline_name.clone(),
            kind: run.kind.word(),
            logical_date: run.logical_date.to_string(),
            state: run.state.word(),
            suppressed: run.suppressed,
            params: run.params.clone(),
            created_at: run.created_at.to_string(),
            started_at: run.started_at.map(|at| at.to_string()),
            ended_at: run.ended_at.map(|at| at.to_string()),
        }
    }
}

/// An occasion on which an expression fires.
#[derive(Debug, Serialize)]
pub struct Fire {
    /// The instant.
    pub utc: String,
    /// The same with the offset of its zone.
    pub local: String,
}

/// A calendar as it is listed.
#[derive(Debug, Serialize)]
pub struct Calendar<'c> {
    /// Its code.
    pub code: &'c str,
    /// What people call it.
    pub name: &'c str,
    /// Other codes that mean it.
    pub aliases: Vec<&'c str>,
    /// The IANA name of its zone.
    pub timezone: &'c str,
    /// The first date it knows.
    pub from: String,
    /// The last date it knows.
    pub to: String,
    /// The last date that has been announced.
    pub announced_to: String,
    /// The user's files that it is made from.
    pub files: Vec<&'c str>,
    /// The session that is under way, or the next one; null where that is not known.
    pub next: Option<Session<'c>>,
}

/// A session of a calendar.
#[derive(Debug, Serialize)]
pub struct Session<'c> {
    /// The date it is called by.
    pub session: String,
    /// When it opens.
    pub open: String,
    /// When it closes.
    pub close: String,
    /// When its break begins, if it has one.
    pub break_start: Option<String>,
    /// When its break ends.
    pub break_end: Option<String>,
    /// It closes before its weekday's regular close.
    pub early_close: bool,
    /// It opens after its weekday's regular open.
    pub late_open: bool,
    /// What is special about it.
    pub names: Vec<&'c str>,
    /// `table`, or the user's file that says so.
    pub source: &'c str,
}

impl<'c> Session<'c> {
    /// Of a calendar.
    pub fn new(calendar: &'c calendar::Calendar, session: &session::Session) -> Self {
        let date = session.label;
        Self {
            session: date.to_string(),
            open: session.open.to_string(),
            close: session.close.to_string(),
            break_start: session.pause.map(|(from, _)| from.to_string()),
            break_end: session.pause.map(|(_, to)| to.to_string()),
            early_close: session.early_close,
            late_open: session.late_open,
            names: calendar.names(date).iter().map(AsRef::as_ref).collect(),
            source: calendar.source(date).text(),
        }
    }
}

/// A node of a run as it stands.
#[derive(Debug, Serialize)]
pub struct Node {
    /// The run.
    pub run: i64,
    /// Where the node stands.
    pub path: String,
    /// `exec`, `serial`, `parallel`, `branch`, `sensor` or `lazy`; `awaited` is a tree that is not there yet.
    pub kind: &'static str,
    /// Its status.
    pub state: &'static str,
    /// What is behind it, in words; absent where there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Attempts made; absent for a container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// When it came into this state, where that is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Of a retrying task: when the next attempt is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Node {
    /// The node as it stands in the run.
    pub fn of(run: &LiveRun, node: NodeId) -> Self {
        let leaf = run.tree().is_leaf(node);
        let at = run.state(node).at();
        let waits = matches!(run.state(node), State::Retrying { .. });
        Self {
            run: run.id().0,
            path: run.tree().path(node),
            kind: run.tree().kind(node).word(),
            state: run.seen(node).status.word(),
            reason: Some(why::reason(run, node)).filter(|reason| !reason.is_empty()),
            attempts: leaf.then(|| run.entry(node).attempts),
            at: at.filter(|_| !waits).map(|at| at.to_string()),
            until: at.filter(|_| waits).map(|at| at.to_string()),
        }
    }
}

/// A line of the ledger: a slot, or a stretch of slots that came to the same.
#[derive(Debug, Serialize)]
pub struct Slot {
    /// Its pipeline's name.
    pub pipeline: String,
    /// Its schedule's name, which may have gone since.
    pub schedule: String,
    /// The label of the slot's session, or of the first of the stretch; absent where it is none's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Which of the session's slots it is, from 0; absent where it is none's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// The slot's instant, or the first of the stretch.
    pub slot: String,
    /// The last of the stretch; the same for a single slot.
    pub last: String,
    /// How many slots it speaks for. Where the clock was set there may be none.
    pub count: u64,
    /// `fired`, `missed`, `expired`, `skipped`, `paused` or `rebased`.
    pub decision: &'static str,
    /// Why, in a few words.
    pub reason: String,
    /// The run it made.
    pub run: Option<i64>,
    /// When that was decided.
    pub decided_at: String,
}

impl From<&LedgerRecord> for Slot {
    fn from(line: &LedgerRecord) -> Self {
        let session = line.session();
        Self {
            pipeline: line.pipeline_name.clone(),
            schedule: line.schedule.clone(),
            session: session.map(|(label, _)| label.to_string()),
            ordinal: session.map(|(_, ordinal)| ordinal),
            slot: line.first.to_string(),
            last: line.last.to_string(),
            count: line.count,
            decision: line.decision.word(),
            reason: line.reason.clone(),
            run: line.run.map(|run| run.0),
            decided_at: line.decided_at.to_string(),
        }
    }
}

/// A slot as it is planned: nothing has come of it yet. Or that nothing more is known of a schedule.
#[derive(Debug, Serialize)]
pub struct PlannedSlot {
    /// Its pipeline's name.
    pub pipeline: String,
    /// Its schedule's name.
    pub schedule: String,
    /// Its instant; none where the schedule's calendar is exhausted.
    pub slot: Option<String>,
    /// The same instant by the schedule's clocks, with their offset from UTC.
    pub local: Option<String>,
    /// The date its run would be for, or the first of which nothing is known.
    pub logical_date: String,
    /// What would become of it: a decision's word; or `exhausted`.
    pub decision: &'static str,
    /// Why, in a few words.
    pub reason: String,
}

impl PlannedSlot {
    /// What is foreseen of a schedule of this pipeline.
    pub fn new(pipeline: &str, schedule: &Schedule, foreseen: Foreseen) -> Self {
        let (pipeline, zone) = (pipeline.to_owned(), schedule.zone());
        let schedule = schedule.name.to_string();
        match foreseen {
            Foreseen::Slot(entry) => {
                let local = entry.first.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
                Self {
                    pipeline,
                    schedule,
                    slot: Some(entry.first.to_string()),
                    local: Some(local),
                    logical_date: entry.date.to_string(),
                    decision: entry.decision.word(),
                    reason: entry.reason.into(),
                }
            }
            Foreseen::Exhausted { date, reason, .. } => {
                let (slot, local, logical_date) = (None, None, date.to_string());
                Self { pipeline, schedule, slot, local, logical_date, decision: "exhausted", reason }
            }
        }
    }
}
