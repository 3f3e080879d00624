//! The write path: one batch, one transaction, one statement a table, each over one JSON text. Either all of
//! a batch is there or nothing of it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::pipeline::packed::Packed;
use crate::run::state::{AttemptId, RunId};

use super::batch::{Batch, Record, TreeRow};
use super::db::{Argument, Store};
use super::error::{CommitError, Error};
use super::event::Line;
use super::instant::ms;
use super::pokes::{PokeRow, UPSERT_POKES};

/// The next numbers to give out. They grow for ever, over restarts and deletions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextIds {
    /// For the next run.
    pub run: RunId,
    /// For the next attempt.
    pub attempt: AttemptId,
}

impl Store {
    /// The next numbers, after everything that was ever committed. Asked once, at the start.
    pub async fn next_ids(&mut self) -> Result<NextIds, Error> {
        let connection = self.writer.connection().await?;
        let (run, attempt): (i64, i64) = sqlx::query_as(
            "select coalesce(max(seq) filter (where name = 'runs'), 0) + 1,
                    coalesce(max(seq) filter (where name = 'attempts'), 0) + 1
             from sqlite_sequence",
        )
        .fetch_one(connection)
        .await?;
        Ok(NextIds { run: RunId(run), attempt: AttemptId(attempt.cast_unsigned()) })
    }

    /// Writes a batch down, durably. After an error nothing of it is there; after a transient one the same
    /// batch may be committed again.
    ///
    /// A future that is dropped before it is ready leaves open whether the batch was written.
    pub async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        if batch.is_empty() {
            return Ok(());
        }
        let script = Script::of(batch);
        Ok(self.writer.transact(script.sql, script.arguments).await?)
    }
}

impl Store {
    /// Closes a run whose definition cannot be read any more, and so cannot be stepped: it is cancelled, and
    /// what it had under way is lost.
    pub async fn abandon(&mut self, run: RunId, now: Timestamp) -> Result<(), CommitError> {
        let (run, now) = (run.0.to_string(), ms(now).to_string());
        let arguments = vec![now.clone(), run.clone(), now, run];
        Ok(self.writer.transact(ABANDON.to_owned(), arguments).await?)
    }
}

const ABANDON: &str = "
    begin immediate;
    update attempts set ended_at = ?, outcome = 'lost', exit_text = 'its run was abandoned'
    where run_id = ? and ended_at is null;
    update runs set state = 'cancelled', ended_at = ? where id = ?;
    commit";

/// One transaction's statements and their JSON texts. The text of the whole is one of few, so SQLite's
/// prepared statements are found again by it.
struct Script {
    sql: String,
    arguments: Vec<Argument>,
}

impl Script {
    fn of(batch: &Batch) -> Self {
        let mut script = Self { sql: "begin immediate;".to_owned(), arguments: Vec::new() };
        script.add(INSERT_RUNS, &batch.new_runs);
        script.update(UPDATE_RUNS, &batch.changed_runs.values().collect::<Vec<_>>());
        let grafted: Vec<_> = batch.grafted.iter().map(|(run, path)| key(run.0, path)).collect();
        script.add(DELETE_GRAFTED_TASKS, &grafted);
        script.add(DELETE_GRAFTED_CONTAINERS, &grafted);
        let (rows, gone) = parted(batch.tasks.values());
        script.add(DELETE_TASKS, &gone);
        script.add(UPSERT_TASKS, &rows);
        let (rows, gone) = parted(batch.containers.values());
        script.add(DELETE_CONTAINERS, &gone);
        script.add(UPSERT_CONTAINERS, &rows);
        script.add(INSERT_ATTEMPTS, &batch.started);
        script.update(END_ATTEMPTS, &batch.ended);
        batch.trees.iter().for_each(|tree| script.tree(tree));
        let gone: Vec<_> = batch.forgotten.iter().map(|(run, path)| key(run.0, path)).collect();
        script.add(DELETE_OUTPUTS, &gone);
        let outputs = batch.outputs.iter().flat_map(|((run, path), values)| {
            values.iter().map(
                move |(name, value)| json!({ "run_id": run.0, "path": path, "key": name, "value": value }),
            )
        });
        script.add(UPSERT_OUTPUTS, &outputs.collect::<Vec<_>>());
        script.add(UPSERT_POKES, &batch.pokes.iter().map(PokeRow::of).collect::<Vec<_>>());
        let journal = batch.journal.iter().map(|(run, events)| JournalRow { run_id: run.0, events });
        script.add(INSERT_JOURNAL, &journal.collect::<Vec<_>>());
        script.met(UPSERT_SLOTS, &batch.slots.values().flatten().collect::<Vec<_>>(), REFUSE_FIRED);
        script.update(UPDATE_OUTCOMES, &batch.outcomes.values().collect::<Vec<_>>());
        script.update(UPDATE_PROGRESS, &batch.progress.values().collect::<Vec<_>>());
        script.sql.push_str("commit");
        script
    }

    fn add(&mut self, sql: &'static str, rows: &[impl Serialize]) {
        if !rows.is_empty() {
            self.sql.push_str(sql);
            self.arguments.push(serde_json::to_string(rows).expect("rows are plain data").into());
        }
    }

    /// A generated tree. There are few, and each may be large.
    fn tree(&mut self, row: &TreeRow) {
        self.sql.push_str(INSERT_TREE);
        let Packed { hash, size, bytes } = row.packed.clone();
        let of = json!({ "attempt": row.attempt.0.cast_signed(), "run_id": row.run.0, "path": row.path,
            "hash": hash, "size": size, "created_at": row.created_at });
        self.arguments.extend([Argument::Bytes(bytes), of.to_string().into()]);
    }

    /// An update that must meet a row for each of its own.
    fn update(&mut self, sql: &'static str, rows: &[impl Serialize]) {
        self.met(sql, rows, REFUSE_MISSING);
    }

    /// A statement that must change as many rows as it is given, or is refused.
    fn met(&mut self, sql: &'static str, rows: &[impl Serialize], refusal: &'static str) {
        self.add(sql, rows);
        if !rows.is_empty() {
            self.sql.push_str(refusal);
            self.arguments.push(rows.len().to_string().into());
        }
    }
}

#[derive(Serialize)]
struct JournalRow<'a> {
    run_id: i64,
    events: &'a [Line],
}

fn parted<'a, R>(records: impl Iterator<Item = &'a Record<R>>) -> (Vec<&'a R>, Vec<serde_json::Value>) {
    let (mut rows, mut gone) = (Vec::new(), Vec::new());
    for record in records {
        match record {
            Record::Row(row) => rows.push(row),
            Record::None { run_id, path } => gone.push(key(*run_id, path)),
        }
    }
    (rows, gone)
}

fn key(run_id: i64, path: &str) -> serde_json::Value {
    json!({ "run_id": run_id, "path": path })
}

#[cfg(test)]
pub(super) const STATEMENTS: [&str; 20] = [
    INSERT_RUNS,
    UPDATE_RUNS,
    REFUSE_MISSING,
    DELETE_GRAFTED_TASKS,
    DELETE_GRAFTED_CONTAINERS,
    INSERT_TREE,
    UPSERT_TASKS,
    DELETE_TASKS,
    UPSERT_CONTAINERS,
    DELETE_CONTAINERS,
    INSERT_ATTEMPTS,
    END_ATTEMPTS,
    DELETE_OUTPUTS,
    UPSERT_OUTPUTS,
    UPSERT_POKES,
    INSERT_JOURNAL,
    UPSERT_SLOTS,
    REFUSE_FIRED,
    UPDATE_OUTCOMES,
    UPDATE_PROGRESS,
];

const INSERT_RUNS: &str = "
    insert into runs (id, pipeline_id, version_id, kind, logical_date, calendar, scheduled_at, interval_start,
        interval_end, params, evidence, state, created_at)
    select value ->> 'id', (select pipeline_id from versions where id = value ->> 'version_id'),
        value ->> 'version_id', value ->> 'kind', value ->> 'logical_date', value ->> 'calendar', value ->> 'scheduled_at',
        value ->> 'interval_start', value ->> 'interval_end', value -> 'params', value -> 'evidence',
        value ->> 'state', value ->> 'created_at'
    from jsonb_each(?);";

// A run that was cleared and goes on keeps the instant at which it first started.
const UPDATE_RUNS: &str = "
    update runs set state = value ->> 'state', suppressed = value ->> 'suppressed',
        started_at = coalesce(started_at, value ->> 'started_at'), ended_at = value ->> 'ended_at'
    from jsonb_each(?) where runs.id = value ->> 'id';";

pub(super) const REFUSE_MISSING: &str = "
    insert into refusals (missing)
    select wanted - changes() from (select cast(? as integer) as wanted) where wanted <> changes();";

// At a path and below it: between them and what begins alike there is no other name.
const DELETE_GRAFTED_TASKS: &str = "
    delete from tasks where (run_id, path) in
        (select tasks.run_id, tasks.path from jsonb_each(?) as grafted join tasks
         on tasks.run_id = value ->> 'run_id' and tasks.path >= value ->> 'path'
            and tasks.path < (value ->> 'path') || '0'
         where substr(tasks.path, length(value ->> 'path') + 1, 1) in ('', '/'));";

const DELETE_GRAFTED_CONTAINERS: &str = "
    delete from containers where (run_id, path) in
        (select containers.run_id, containers.path from jsonb_each(?) as grafted join containers
         on containers.run_id = value ->> 'run_id' and containers.path >= value ->> 'path'
            and containers.path < (value ->> 'path') || '0'
         where substr(containers.path, length(value ->> 'path') + 1, 1) in ('', '/'));";

const INSERT_TREE: &str = "
    insert into trees (source, attempt, run_id, path, hash, size, created_at)
    select ?, value ->> 'attempt', value ->> 'run_id', value ->> 'path', value ->> 'hash', value ->> 'size',
        value ->> 'created_at'
    from (select ? as value);";

const UPSERT_TASKS: &str = "
    insert into tasks (run_id, path, state, at, attempts, forgiven, attempt, detail)
    select value ->> 'run_id', value ->> 'path', value ->> 'state', value ->> 'at', value ->> 'attempts',
        value ->> 'forgiven', value ->> 'attempt', value ->> 'detail'
    from jsonb_each(?) where true
    on conflict (run_id, path) do update set state = excluded.state, at = excluded.at,
        attempts = excluded.attempts, forgiven = excluded.forgiven, attempt = excluded.attempt,
        detail = excluded.detail;";

const DELETE_TASKS: &str = "
    delete from tasks where (run_id, path) in
        (select value ->> 'run_id', value ->> 'path' from jsonb_each(?));";

const UPSERT_CONTAINERS: &str = "
    insert into containers (run_id, path, state, at, detail, succeeded, failed, skipped, upstream_failed,
        cancelled)
    select value ->> 'run_id', value ->> 'path', value ->> 'state', value ->> 'at', value ->> 'detail',
        value ->> 'succeeded', value ->> 'failed', value ->> 'skipped', value ->> 'upstream_failed',
        value ->> 'cancelled'
    from jsonb_each(?) where true
    on conflict (run_id, path) do update set state = excluded.state, at = excluded.at,
        detail = excluded.detail, succeeded = excluded.succeeded, failed = excluded.failed,
        skipped = excluded.skipped, upstream_failed = excluded.upstream_failed,
        cancelled = excluded.cancelled;";

const DELETE_CONTAINERS: &str = "
    delete from containers where (run_id, path) in
        (select value ->> 'run_id', value ->> 'path' from jsonb_each(?));";

const INSERT_ATTEMPTS: &str = "
    insert into attempts (id, run_id, path, number, start_id, created_at)
    select value ->> 'id', value ->> 'run_id', value ->> 'path', value ->> 'number',
        (select max(id) from starts), value ->> 'created_at'
    from jsonb_each(?);";

const END_ATTEMPTS: &str = "
    update attempts set started_at = value ->> 'started_at', ended_at = value ->> 'ended_at',
        outcome = value ->> 'outcome', exit_code = value ->> 'exit_code',
        exit_signal = value ->> 'exit_signal', exit_text = value ->> 'exit_text', kill = value ->> 'kill',
        pid = value ->> 'pid', cpu_user_ms = value ->> 'cpu_user_ms',
        cpu_system_ms = value ->> 'cpu_system_ms', max_rss_bytes = value ->> 'max_rss_bytes',
        log_path = value ->> 'log_path', log_bytes = value ->> 'log_bytes',
        log_dropped_bytes = value ->> 'log_dropped_bytes'
    from jsonb_each(?) where attempts.id = value ->> 'id';";

const DELETE_OUTPUTS: &str = "
    delete from outputs where (run_id, path) in
        (select value ->> 'run_id', value ->> 'path' from jsonb_each(?));";

const UPSERT_OUTPUTS: &str = "
    insert into outputs (run_id, path, key, value)
    select entry.value ->> 'run_id', entry.value ->> 'path', entry.value ->> 'key', entry.value ->> 'value'
    from jsonb_each(?) as entry where true
    on conflict (run_id, path, key) do update set value = excluded.value;";

// The row's instant is its last event's. Nobody else writes, so the next number is known here.
const INSERT_JOURNAL: &str = "
    insert into journal (run_id, seq, at, events)
    select value ->> 'run_id',
        (select coalesce(max(seq), 0) + 1 from journal where run_id = value ->> 'run_id'),
        value ->> '$.events[#-1].at', value -> 'events'
    from jsonb_each(?);";

// What the row of a slot that made a run says is not for another entry to change.
const UPSERT_SLOTS: &str = "
    insert into ledger (pipeline_id, schedule, slot, first, last, count, decision, reason, run_id, decided_at)
    select value ->> 'pipeline_id', value ->> 'schedule', value ->> 'slot', value ->> 'first',
        value ->> 'last', value ->> 'count', value ->> 'decision', value ->> 'reason', value ->> 'run_id',
        value ->> 'decided_at'
    from jsonb_each(?) where true
    on conflict (pipeline_id, schedule, slot) do update set first = excluded.first, last = excluded.last,
        count = excluded.count, decision = excluded.decision, reason = excluded.reason,
        run_id = excluded.run_id, decided_at = excluded.decided_at
    where ledger.run_id is null;";

const REFUSE_FIRED: &str = "
    insert into refusals (missing, fired_before)
    select 0, wanted - changes() from (select cast(? as integer) as wanted) where wanted <> changes();";

const UPDATE_OUTCOMES: &str = "
    update ledger set decision = value ->> 'decision', reason = value ->> 'reason'
    from jsonb_each(?) where ledger.run_id = value ->> 'run_id';";

const UPDATE_PROGRESS: &str = "
    update schedules set watermark = value ->> 'watermark', considered = value ->> 'considered'
    from jsonb_each(?) where schedules.pipeline_id = value ->> 'pipeline_id'
        and schedules.name = value ->> 'name';";
