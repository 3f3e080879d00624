//! Reading runs: one, a page of many, those that have not ended. Every list is bounded and goes on from
//! where the last page ended, through an index, so that a page costs the same among ten runs or a million.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;

use crate::run::state::RunId;

use super::db::Reader;
use super::error::{Damage, Error};
use super::record::{Evidence, Interval, Params, PipelineId, RunState, VersionId};
use super::row::{get, instant, json, maybe_instant, number, word};
use crate::run::live::RunKind;

/// A run as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// Its pipeline's number.
    pub pipeline: PipelineId,
    /// Its pipeline's name.
    pub pipeline_name: String,
    /// The definition it is pinned to.
    pub version: VersionId,
    /// What made it.
    pub kind: RunKind,
    /// The date it is for.
    pub logical_date: Date,
    /// The code of the calendar whose session of that date is its session, if it has one.
    pub calendar: Option<Box<str>>,
    /// The instant its slot names.
    pub scheduled_at: Option<Timestamp>,
    /// The data it is about.
    pub interval: Interval,
    /// With what.
    pub params: Params,
    /// What else was in force.
    pub evidence: Evidence,
    /// How it stands.
    pub state: RunState,
    /// Failures that counted as success.
    pub suppressed: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its root first started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Which runs, and from where on. Without dates the newest comes first; with a date bound the latest date.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Only of this pipeline.
    pub pipeline: Option<PipelineId>,
    /// Only in this state.
    pub state: Option<RunState>,
    /// Only of this kind.
    pub kind: Option<RunKind>,
    /// Only for this date or later.
    pub from: Option<Date>,
    /// Only for this date or earlier.
    pub to: Option<Date>,
    /// Only what comes after this run in the list: the last one of the page before.
    pub after: Option<(Date, RunId)>,
}

impl Reader {
    /// A run by its number; `None` if there is none.
    pub async fn run(&self, id: RunId) -> Result<Option<RunRecord>, Error> {
        let sql = format!("{SELECT} where runs.id = ?");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.0).fetch_optional(&self.pool).await?;
        row.as_ref().map(run).transpose()
    }

    /// The newest run of a pipeline for a date; `None` where there is none.
    pub async fn newest_run(&self, pipeline: &str, date: Date) -> Result<Option<RunRecord>, Error> {
        let sql = format!("{SELECT} where runs.id = ({NEWEST})");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(pipeline).bind(date.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(run).transpose()
    }

    /// A page of at most `limit` runs.
    pub async fn runs(&self, filter: &RunFilter, limit: u32) -> Result<Vec<RunRecord>, Error> {
        let (sql, values) = list(filter);
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in values {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Text(text) => query.bind(text),
            };
        }
        let rows = query.bind(i64::from(limit)).fetch_all(&self.pool).await?;
        rows.iter().map(run).collect()
    }

    /// How SQLite means to find a page.
    #[cfg(test)]
    pub(super) async fn plan(&self, filter: &RunFilter) -> Result<Vec<String>, Error> {
        let sql = format!("explain query plan {}", list(filter).0);
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| get(row, "detail")).collect()
    }

    /// The runs that have not ended, oldest first: what a daemon takes up again.
    pub async fn unfinished_runs(&self) -> Result<Vec<RunRecord>, Error> {
        let sql = format!("{SELECT} where runs.state in ('queued', 'running') order by runs.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(run).collect()
    }
}

const SELECT: &str = "
    select runs.id, runs.pipeline_id, pipelines.name as pipeline_name, version_id, kind, logical_date,
        calendar, scheduled_at, interval_start, interval_end, params, evidence, state, suppressed, runs.created_at,
        started_at, ended_at
    from runs join pipelines on pipelines.id = runs.pipeline_id";

/// Through `runs_by_pipeline_date`.
pub(super) const NEWEST: &str = "
    select max(id) from runs
    where pipeline_id = (select id from pipelines where name = ?) and logical_date = ?";

enum Value {
    Number(i64),
    Text(String),
}

/// The statement for a page, with its values in order; the limit comes last.
fn list(filter: &RunFilter) -> (String, Vec<Value>) {
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    let mut only = |condition, value: Value| {
        conditions.push(condition);
        values.push(value);
    };
    if let Some(pipeline) = filter.pipeline {
        only("pipeline_id = ?", Value::Number(pipeline.0));
    }
    if let Some(state) = filter.state {
        only("state = ?", Value::Text(state.word().to_owned()));
    }
    if let Some(kind) = filter.kind {
        only("kind = ?", Value::Text(kind.word().to_owned()));
    }
    if let Some(from) = filter.from {
        only("logical_date >= ?", Value::Text(from.to_string()));
    }
    if let Some(to) = filter.to {
        only("logical_date <= ?", Value::Text(to.to_string()));
    }
    let by_date = filter.from.is_some() || filter.to.is_some();
    if let Some((date, id)) = &filter.after {
        if by_date {
            only("(logical_date, id) < (?, ?)", Value::Text(date.to_string()));
            values.push(Value::Number(id.0));
        } else {
            only("id < ?", Value::Number(id.0));
        }
    }
    let (order, index) =
        if by_date { ("logical_date desc, id desc", date_index(filter)) } else { ("id desc", "") };
    let mut page = format!("select id from runs {index}");
    if !conditions.is_empty() {
        let _ = write!(page, " where {}", conditions.join(" and "));
    }
    let _ = write!(page, " order by {order} limit ?");
    let order = order.replace("logical_date", "runs.logical_date").replace("id desc", "runs.id desc");
    (format!("{SELECT} where runs.id in ({page}) order by {order}"), values)
}

/// Without statistics SQLite may prefer an index that does not give the order, and sort all it finds there.
fn date_index(filter: &RunFilter) -> &'static str {
    if filter.pipeline.is_some() {
        "indexed by runs_by_pipeline_date"
    } else if filter.state.is_some() {
        "indexed by runs_by_state_date"
    } else if filter.kind.is_some() {
        "indexed by runs_by_kind_date"
    } else {
        "indexed by runs_by_date"
    }
}

fn run(row: &SqliteRow) -> Result<RunRecord, Error> {
    Ok(RunRecord {
        id: RunId(get(row, "id")?),
        pipeline: PipelineId(get(row, "pipeline_id")?),
        pipeline_name: get(row, "pipeline_name")?,
        version: VersionId(get(row, "version_id")?),
        kind: word(row, "kind", RunKind::from_word)?,
        logical_date: date(row)?,
        calendar: get(row, "calendar")?,
        scheduled_at: maybe_instant(row, "scheduled_at")?,
        interval: Interval { start: instant(row, "interval_start")?, end: instant(row, "interval_end")? },
        params: json(row, "params")?,
        evidence: json(row, "evidence")?,
        state: word(row, "state", RunState::from_word)?,
        suppressed: number(row, "suppressed")?,
        created_at: instant(row, "created_at")?,
        started_at: maybe_instant(row, "started_at")?,
        ended_at: maybe_instant(row, "ended_at")?,
    })
}

fn date(row: &SqliteRow) -> Result<Date, Error> {
    let text: &str = get(row, "logical_date")?;
    Ok(text.parse().map_err(|source| Damage::Date { text: text.to_owned(), source })?)
}
