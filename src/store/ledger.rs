//! Reading the ledger: what became of slots. Lists are bounded and go on from where the last page ended,
//! through an index, as lists of runs do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use sqlx::sqlite::SqliteRow;

use crate::run::state::RunId;
use crate::schedule::slot::{Decision, Key};

use super::db::Reader;
use super::error::Error;
use super::in_force::key;
use super::instant::ms;
use super::record::{LedgerId, PipelineId};
use super::row::{get, instant, number, word};

/// A line of the ledger as it is listed: a slot, or a stretch of slots that came to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRecord {
    /// Its number.
    pub id: LedgerId,
    /// Its pipeline's number.
    pub pipeline: PipelineId,
    /// Its pipeline's name.
    pub pipeline_name: String,
    /// Its schedule's name, which may have gone since.
    pub schedule: String,
    /// The slot's key as text, or the first's of the stretch; see [`Key::text`].
    pub slot: String,
    /// The slot's instant, or the first of the stretch.
    pub first: Timestamp,
    /// The last of the stretch; the same for a single slot.
    pub last: Timestamp,
    /// How many slots it speaks for.
    pub count: u64,
    /// What became of it.
    pub decision: Decision,
    /// Why, in a few words.
    pub reason: String,
    /// The run it made.
    pub run: Option<RunId>,
    /// When that was decided.
    pub decided_at: Timestamp,
}

impl LedgerRecord {
    /// The label of its session and which of that session's slots it is; of a stretch the first's. `None` where
    /// it is no session's.
    pub fn session(&self) -> Option<(Date, u32)> {
        match Key::from_text(&self.slot)? {
            Key::Session { label, ordinal } => Some((label, ordinal)),
            Key::Instant(_) | Key::Boot(_) | Key::Clock(_) => None,
        }
    }
}

/// Which lines, and from where on. Without instants the newest slot comes first; with one the oldest, which
/// is how a night is read. A stretch stands where it begins.
#[derive(Clone, Debug, Default)]
pub struct LedgerFilter {
    /// Only of this pipeline.
    pub pipeline: Option<PipelineId>,
    /// Only of the schedule of this name.
    pub schedule: Option<Box<str>>,
    /// Only what became of slots in this way.
    pub decision: Option<Decision>,
    /// Only slots at this instant or later, and stretches that go on till then.
    pub from: Option<Timestamp>,
    /// Only slots at this instant or earlier, and stretches that have begun by then.
    pub to: Option<Timestamp>,
    /// Only what comes after this line in the list: `first` and `id` of the last one of the page before.
    pub after: Option<(Timestamp, LedgerId)>,
}

impl Reader {
    /// A page of at most `limit` lines.
    pub async fn ledger(&self, filter: &LedgerFilter, limit: u32) -> Result<Vec<LedgerRecord>, Error> {
        let (sql, values) = list(filter, limit);
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in values {
            query = match value {
                Value::Number(number) => query.bind(number),
                Value::Word(word) => query.bind(word),
                Value::Name(name) => query.bind(name),
            };
        }
        query.fetch_all(&self.pool).await?.iter().map(record).collect()
    }

    /// The lines of a schedule whose slots, or whose first ones, have keys of one kind from the first of these
    /// on, and before the second; in no order, and at most so many.
    pub async fn ledger_of_keys(
        &self,
        pipeline: PipelineId,
        schedule: &str,
        [from, before]: &[Key; 2],
        limit: u32,
    ) -> Result<Vec<LedgerRecord>, Error> {
        let range = "ledger.pipeline_id = ? and schedule = ? and slot >= ? and slot < ?";
        let sql = format!("{SELECT} where {range} limit ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(pipeline.0).bind(schedule);
        let query = query.bind(from.text()).bind(before.text()).bind(limit);
        query.fetch_all(&self.pool).await?.iter().map(record).collect()
    }

    /// The slot that made this run; `None` if no slot did.
    pub async fn slot_of_run(&self, run: RunId) -> Result<Option<LedgerRecord>, Error> {
        let sql = format!("{SELECT} where ledger.run_id = ?");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(run.0).fetch_optional(&self.pool).await?;
        row.as_ref().map(record).transpose()
    }

    /// Whether this slot was considered: it has a line, or is the first of a stretch that has one.
    pub async fn has_slot(&self, pipeline: PipelineId, schedule: &str, key: &Key) -> Result<bool, Error> {
        let found = sqlx::query_scalar(
            "select exists (select 1 from ledger where pipeline_id = ? and schedule = ? and slot = ?)",
        );
        Ok(found.bind(pipeline.0).bind(schedule).bind(key.text()).fetch_one(&self.pool).await?)
    }

    /// The slots of a pipeline that have fired and were due after an instant, by schedule.
    pub async fn fired_after(
        &self,
        pipeline: PipelineId,
        at: Timestamp,
    ) -> Result<BTreeMap<Box<str>, BTreeSet<Key>>, Error> {
        let rows: Vec<(Box<str>, String)> = sqlx::query_as(
            "select schedule, slot from ledger where pipeline_id = ? and first > ? and run_id is not null",
        )
        .bind(pipeline.0)
        .bind(ms(at))
        .fetch_all(&self.pool)
        .await?;
        let mut fired: BTreeMap<Box<str>, BTreeSet<Key>> = BTreeMap::new();
        for (schedule, slot) in rows {
            fired.entry(schedule).or_default().insert(key(&slot)?);
        }
        Ok(fired)
    }

    /// How SQLite means to find a page.
    #[cfg(test)]
    pub(super) async fn ledger_plan(&self, filter: &LedgerFilter) -> Result<Vec<String>, Error> {
        let sql = format!("explain query plan {}", list(filter, 1).0);
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| get(row, "detail")).collect()
    }
}

const SELECT: &str = "
    select ledger.id, ledger.pipeline_id, pipelines.name as pipeline_name, schedule, slot, first, last, count,
        decision, reason, run_id, decided_at
    from ledger join pipelines on pipelines.id = ledger.pipeline_id";

enum Value {
    Number(i64),
    Word(&'static str),
    Name(String),
}

/// A statement that grows, with its values in order.
#[derive(Default)]
struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    fn only(&mut self, condition: &str, values: impl IntoIterator<Item = i64>) {
        let _ = write!(self.sql, " and {condition}");
        self.values.extend(values.into_iter().map(Value::Number));
    }

    /// What every part of a page asks for, whatever its instants.
    fn only_as(&mut self, filter: &LedgerFilter, comes_after: &str) {
        if let Some(pipeline) = filter.pipeline {
            self.only("pipeline_id = ?", [pipeline.0]);
        }
        if let Some(schedule) = &filter.schedule {
            self.sql.push_str(" and schedule = ?");
            self.values.push(Value::Name(schedule.to_string()));
        }
        if let Some(decision) = filter.decision {
            self.sql.push_str(" and decision = ?");
            self.values.push(Value::Word(decision.word()));
        }
        if let Some((first, id)) = filter.after {
            self.only(comes_after, [ms(first), id.0]);
        }
    }
}

/// The statement for a page: the lines that begin in the range, and the stretches that were under way when
/// it began.
fn list(filter: &LedgerFilter, limit: u32) -> (String, Vec<Value>) {
    let in_range = filter.from.is_some() || filter.to.is_some();
    let (order, comes_after) = if in_range {
        ("first, ledger.id", "(first, ledger.id) > (?, ?)")
    } else {
        ("first desc, ledger.id desc", "(first, ledger.id) < (?, ?)")
    };
    let mut page = Statement::default();
    // The innermost is a query of its own, because only the whole of a `union` can have an order.
    let _ = write!(
        page.sql,
        "{SELECT} where ledger.id in (select * from (select id from ledger {} where true",
        index(filter)
    );
    page.only_as(filter, comes_after);
    if let Some(from) = filter.from {
        page.only("first >= ?", [ms(from)]);
    }
    if let Some(to) = filter.to {
        page.only("first <= ?", [ms(to)]);
    }
    let _ = write!(page.sql, " order by {order} limit ?)");
    page.values.push(Value::Number(limit.into()));
    if let Some(from) = filter.from {
        page.sql.push_str(UNDER_WAY);
        page.only("first >= ? - longest and first < ? and last >= ?", [ms(from); 3]);
        if let Some(to) = filter.to {
            page.only("first <= ?", [ms(to)]);
        }
        page.only_as(filter, comes_after);
    }
    let _ = write!(page.sql, ") order by {order} limit ?");
    page.values.push(Value::Number(limit.into()));
    (page.sql, page.values)
}

// The bounds are those of the column `reach`.
const UNDER_WAY: &str = "
    union all
    select ledger.id
    from (select 3600000 as longest union all select 86400000 union all select 2678400000
        union all select 1000000000000000) cross join ledger indexed by ledger_stretches
    where first < last and reach = longest";

/// Without statistics SQLite may prefer an index that does not give the order, and sort all it finds there.
fn index(filter: &LedgerFilter) -> &'static str {
    match (filter.pipeline, filter.decision) {
        (None, None) => "indexed by ledger_by_time",
        (Some(_), None) => "indexed by ledger_by_pipeline",
        (None, Some(_)) => "indexed by ledger_by_decision",
        (Some(_), Some(_)) => "indexed by ledger_by_pipeline_decision",
    }
}

fn record(row: &SqliteRow) -> Result<LedgerRecord, Error> {
    Ok(LedgerRecord {
        id: LedgerId(get(row, "id")?),
        pipeline: PipelineId(get(row, "pipeline_id")?),
        pipeline_name: get(row, "pipeline_name")?,
        schedule: get(row, "schedule")?,
        slot: get(row, "slot")?,
        first: instant(row, "first")?,
        last: instant(row, "last")?,
        count: number(row, "count")?,
        decision: word(row, "decision", Decision::from_word)?,
        reason: get(row, "reason")?,
        run: get::<Option<i64>>(row, "run_id")?.map(RunId),
        decided_at: instant(row, "decided_at")?,
    })
}
