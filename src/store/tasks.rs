//! Reading what is inside a run: the records that restore it, its tasks and containers as lists, attempts,
//! outputs, and its journal.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;

use crate::pipeline::node::{NodeId, Tree};
use crate::run::flow::Tally;
use crate::run::state::{AttemptId, Entry, Exit, RunId, Status};

use super::db::Reader;
use super::error::Error;
use super::fact::{Fact, Kill, node};
use super::record::{Log, Usage};
use super::row::{get, instant, maybe_instant, maybe_json, maybe_number, number, word};
use super::state::{Stored, decode, decode_exit};

/// A task's row.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskRecord {
    /// Where it stands.
    pub path: String,
    /// The word for its state.
    pub status: Status,
    /// When it came into it; of a retrying task: when the next attempt is due.
    pub at: Option<Timestamp>,
    /// Attempts ever made.
    pub attempts: u32,
    /// Of these, attempts that no longer count against the retry budget.
    pub forgiven: u32,
    /// The live attempt.
    pub attempt: Option<AttemptId>,
    /// What is behind the state.
    pub fact: Option<Fact>,
}

/// A container's row.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerRecord {
    /// Where it stands.
    pub path: String,
    /// The word for its state.
    pub status: Status,
    /// When it came into it.
    pub at: Option<Timestamp>,
    /// What is behind the state.
    pub fact: Option<Fact>,
    /// How its leaves ended; all zero while it has not.
    pub tally: Tally,
}

/// One try of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptRecord {
    /// Its number in the database: the token that fences its launch.
    pub id: AttemptId,
    /// Its run.
    pub run: RunId,
    /// Its task.
    pub path: String,
    /// Its number among the task's attempts, from 1.
    pub number: u32,
    /// When it got its place.
    pub created_at: Timestamp,
    /// The machine's boot then.
    pub boot_id: String,
    /// How it ended, if it has.
    pub end: Option<EndRecord>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub struct EndRecord {
    /// When its command began, if it did.
    pub started_at: Option<Timestamp>,
    /// When it was gone.
    pub ended_at: Timestamp,
    /// How.
    pub exit: Exit,
    /// Why and by whom it was being ended, if it was.
    pub kill: Option<Kill>,
    /// The process it was.
    pub pid: Option<u32>,
    /// What it used.
    pub usage: Option<Usage>,
    /// What it printed.
    pub log: Option<Log>,
}

/// Outputs of a run: path, then key, then value.
pub type Outputs = BTreeMap<String, BTreeMap<String, String>>;

impl Reader {
    /// The records of a run, for [`crate::run::machine::Run::restore`]. A path that `tree` does not have is
    /// an error that names it.
    pub async fn records(&self, run: RunId, tree: &Tree) -> Result<Vec<(NodeId, Entry)>, Error> {
        let sql = format!("{SELECT_TASKS} where run_id = ?");
        let tasks = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(run.0).fetch_all(&self.pool).await?;
        let containers = sqlx::query(
            "select path, state, at, 0 as attempts, 0 as forgiven, null as attempt, detail
             from containers where run_id = ?",
        )
        .bind(run.0)
        .fetch_all(&self.pool)
        .await?;
        let tasks = tasks.iter().map(|row| entry(row, true, tree));
        tasks.chain(containers.iter().map(|row| entry(row, false, tree))).collect()
    }

    /// The tasks of a run that have a row, by path: at most `limit` after the path `after`.
    pub async fn tasks(&self, run: RunId, after: Option<&str>, limit: u32) -> Result<Vec<TaskRecord>, Error> {
        let sql = format!("{SELECT_TASKS} where run_id = ? and path > ? order by path limit ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(run.0).bind(after.unwrap_or_default());
        query.bind(i64::from(limit)).fetch_all(&self.pool).await?.iter().map(task).collect()
    }

    /// The same for the failed ones only.
    pub async fn failed_tasks(
        &self,
        run: RunId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TaskRecord>, Error> {
        let sql = format!(
            "{SELECT_TASKS} indexed by tasks_failed
             where run_id = ? and path > ? and state = 'failed' order by path limit ?"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(run.0).bind(after.unwrap_or_default());
        query.bind(i64::from(limit)).fetch_all(&self.pool).await?.iter().map(task).collect()
    }

    /// The state of a task or container; `None` where it has no row: it was not reached, or what stands above it
    /// says it all.
    pub async fn status(&self, run: RunId, path: &str) -> Result<Option<Status>, Error> {
        let query = sqlx::query(
            "select state from tasks where run_id = ? and path = ?
             union all select state from containers where run_id = ? and path = ?",
        );
        let row = query.bind(run.0).bind(path).bind(run.0).bind(path).fetch_optional(&self.pool).await?;
        row.as_ref().map(|row| word(row, "state", Status::from_word)).transpose()
    }

    /// One task's row; `None` if it has none.
    pub async fn task(&self, run: RunId, path: &str) -> Result<Option<TaskRecord>, Error> {
        let sql = format!("{SELECT_TASKS} where run_id = ? and path = ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(run.0).bind(path);
        query.fetch_optional(&self.pool).await?.as_ref().map(task).transpose()
    }

    /// The containers of a run that have a row, by path: at most `limit` after the path `after`.
    pub async fn containers(
        &self,
        run: RunId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ContainerRecord>, Error> {
        let rows = sqlx::query(
            "select path, state, at, detail, succeeded, failed, skipped, upstream_failed, cancelled
             from containers where run_id = ? and path > ? order by path limit ?",
        )
        .bind(run.0)
        .bind(after.unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(container).collect()
    }

    /// How many tasks of a run have a row, by the word for their state. Costs a look at each.
    pub async fn task_counts(&self, run: RunId) -> Result<BTreeMap<Status, u64>, Error> {
        let rows = sqlx::query("select state, count(*) as tasks from tasks where run_id = ? group by state")
            .bind(run.0)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(|row| Ok((word(row, "state", Status::from_word)?, number(row, "tasks")?))).collect()
    }

    /// The attempts of a task, first to last.
    pub async fn attempts(&self, run: RunId, path: &str) -> Result<Vec<AttemptRecord>, Error> {
        let sql = format!("{SELECT_ATTEMPTS} where run_id = ? and path = ? order by number");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(run.0).bind(path);
        query.fetch_all(&self.pool).await?.iter().map(attempt).collect()
    }

    /// An attempt by its token; `None` if there is none.
    pub async fn attempt(&self, id: AttemptId) -> Result<Option<AttemptRecord>, Error> {
        let sql = format!("{SELECT_ATTEMPTS} where attempts.id = ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.0.cast_signed());
        query.fetch_optional(&self.pool).await?.as_ref().map(attempt).transpose()
    }

    /// The attempts of a run whose end is not known.
    pub async fn live_attempts(&self, run: RunId) -> Result<Vec<AttemptRecord>, Error> {
        let sql = format!("{SELECT_ATTEMPTS} where run_id = ? and ended_at is null order by attempts.id");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(run.0);
        query.fetch_all(&self.pool).await?.iter().map(attempt).collect()
    }

    /// Everything the tasks of a run have written to `$SEXTON_OUTPUT`.
    pub async fn outputs(&self, run: RunId) -> Result<Outputs, Error> {
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("select path, key, value from outputs where run_id = ?")
                .bind(run.0)
                .fetch_all(&self.pool)
                .await?;
        let mut outputs = Outputs::new();
        for (path, key, value) in rows {
            outputs.entry(path).or_default().insert(key, value);
        }
        Ok(outputs)
    }

    /// Whether something of a run has ever been cleared.
    pub async fn was_cleared(&self, run: RunId) -> Result<bool, Error> {
        // As JSON has it, and as no text inside JSON can look.
        let sql =
            "select exists (select 1 from journal where run_id = ? and instr(events, '\"event\":\"clear\"'))";
        Ok(sqlx::query_scalar(sql).bind(run.0).fetch_one(&self.pool).await?)
    }
}

const SELECT_TASKS: &str = "select path, state, at, attempts, forgiven, attempt, detail from tasks";

const SELECT_ATTEMPTS: &str = "
    select attempts.id, run_id, path, number, boot_id, created_at, started_at, ended_at, outcome, exit_code, exit_signal,
        exit_text, kill, pid, cpu_user_ms, cpu_system_ms, max_rss_bytes, log_path, log_bytes,
        log_dropped_bytes
    from attempts join starts on starts.id = start_id";

fn entry(row: &SqliteRow, leaf: bool, tree: &Tree) -> Result<(NodeId, Entry), Error> {
    let task = task(row)?;
    let stored = Stored { status: task.status, at: task.at, attempt: task.attempt, fact: task.fact };
    let state = decode(stored, leaf, tree)?;
    Ok((node(tree, &task.path)?, Entry { state, attempts: task.attempts, forgiven: task.forgiven }))
}

fn task(row: &SqliteRow) -> Result<TaskRecord, Error> {
    Ok(TaskRecord {
        path: get(row, "path")?,
        status: word(row, "state", Status::from_word)?,
        at: maybe_instant(row, "at")?,
        attempts: number(row, "attempts")?,
        forgiven: number(row, "forgiven")?,
        attempt: get::<Option<i64>>(row, "attempt")?.map(|id| AttemptId(id.cast_unsigned())),
        fact: maybe_json(row, "detail")?,
    })
}

fn container(row: &SqliteRow) -> Result<ContainerRecord, Error> {
    Ok(ContainerRecord {
        path: get(row, "path")?,
        status: word(row, "state", Status::from_word)?,
        at: maybe_instant(row, "at")?,
        fact: maybe_json(row, "detail")?,
        tally: Tally {
            succeeded: number(row, "succeeded")?,
            failed: number(row, "failed")?,
            skipped: number(row, "skipped")?,
            upstream_failed: number(row, "upstream_failed")?,
            cancelled: number(row, "cancelled")?,
        },
    })
}

fn attempt(row: &SqliteRow) -> Result<AttemptRecord, Error> {
    let ended_at = maybe_instant(row, "ended_at")?;
    Ok(AttemptRecord {
        id: AttemptId(get::<i64>(row, "id")?.cast_unsigned()),
        run: RunId(get(row, "run_id")?),
        path: get(row, "path")?,
        number: number(row, "number")?,
        created_at: instant(row, "created_at")?,
        boot_id: get(row, "boot_id")?,
        end: ended_at.map(|ended_at| end(row, ended_at)).transpose()?,
    })
}

fn end(row: &SqliteRow, ended_at: Timestamp) -> Result<EndRecord, Error> {
    let exit = decode_exit(
        get::<Option<&str>>(row, "outcome")?.unwrap_or_default(),
        get(row, "exit_code")?,
        get(row, "exit_signal")?,
        get(row, "exit_text")?,
    )?;
    Ok(EndRecord {
        started_at: maybe_instant(row, "started_at")?,
        ended_at,
        exit,
        kill: maybe_json(row, "kill")?,
        pid: maybe_number(row, "pid")?,
        usage: usage(row)?,
        log: log(row)?,
    })
}

fn usage(row: &SqliteRow) -> Result<Option<Usage>, Error> {
    let Some(cpu_user_ms) = maybe_number(row, "cpu_user_ms")? else { return Ok(None) };
    let cpu_system_ms = number(row, "cpu_system_ms")?;
    Ok(Some(Usage { cpu_user_ms, cpu_system_ms, max_rss_bytes: number(row, "max_rss_bytes")? }))
}

fn log(row: &SqliteRow) -> Result<Option<Log>, Error> {
    let Some(path) = get(row, "log_path")? else { return Ok(None) };
    let dropped_bytes = number(row, "log_dropped_bytes")?;
    Ok(Some(Log { path, bytes: number(row, "log_bytes")?, dropped_bytes }))
}
