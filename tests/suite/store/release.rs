//! Old data is a fixture: a database of every release must open, and read as it did, for ever.
//!
//! A new one is made by `SEXTON_KEEP=<directory> cargo test --test suite a_database_of_this_release`, which
//! leaves it there; it is checked in as `tests/fixtures/sexton-<version>.sqlite` when the version is out.

use std::path::{Path, PathBuf};

use sexton::run::event::{Event, Yield};
use sexton::run::state::{AttemptId, Exit, RunId};
use sexton::schedule::progress::Progress;
use sexton::schedule::slot::{Decision, Entry, Key};
use sexton::store::batch::Batch;
use sexton::store::db::{FILE, Store};
use sexton::store::in_force::Enacted;
use sexton::store::journal::NextIds;
use sexton::store::ledger::LedgerFilter;
use sexton::store::record::{Log, RunState, Usage};
use sexton::store::runs::RunFilter;
use sqlx::Connection as _;
use tempfile::TempDir;

use super::harness::{Play, at, definition, end, entries, open, replayed, restored, schedule, tree, version};

/// Two runs: one that ended with a failure, was cleared and is at work again; one that has just begun.
async fn write(store: &mut Store) {
    let version = version(store).await;
    let mut play = Play::new(1, version, tree(3));
    play.step(&Event::Begin);
    play.admit(2);
    play.commit(store).await;
    for path in ["load/a", "load/b"] {
        play.batch.outputs(&play.run, play.node(path), [("rows".into(), "1250".into())]);
        play.exit(play.node(path), Exit::Code(0));
        play.admit(2);
        play.commit(store).await;
    }
    let attempt = play.run.live().next().unwrap().1;
    let mut full = end(attempt, Exit::Code(3), at(90));
    full.started_at = Some(at(80));
    full.pid = Some(4_242);
    full.usage = Some(Usage { cpu_user_ms: 12, cpu_system_ms: 3, max_rss_bytes: 1 << 24 });
    full.log = Some(Log { path: "logs/nightly/1/many/t0.1.log".into(), bytes: 512, dropped_bytes: 0 });
    play.batch.attempt_ended(&play.run, &full);
    play.step(&Event::Exited {
        node: play.node("many/t0"),
        attempt,
        exit: Exit::Code(3),
        yields: Yield::Nothing,
    });
    play.admit(2);
    play.exit(play.node("many/t1"), Exit::Signal(9));
    play.exit(play.node("many/t2"), Exit::Lost("its keeper was killed".into()));
    play.commit(store).await;
    play.step(&Event::Clear { nodes: vec![play.node("many/t1")], by: "ada".into() });
    play.admit(2);
    play.step(&Event::Cancel { node: play.node("many/t1"), by: "ada".into() });
    play.commit(store).await;
    let mut second = Play::new(2, version, tree(3));
    second.next_attempt = play.next_attempt;
    second.step(&Event::Begin);
    second.commit(store).await;
}

#[tokio::test]
async fn a_database_of_this_release_reads_as_it_was_written() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path()).await;
    write(&mut store).await;
    store.close().await.unwrap();
    if let Some(keep) = std::env::var_os("SEXTON_KEEP") {
        let name = format!("sexton-{}.sqlite", env!("CARGO_PKG_VERSION"));
        std::fs::copy(dir.path().join(FILE), Path::new(&keep).join(name)).unwrap();
    }
    reads(dir.path()).await;
}

#[tokio::test]
async fn databases_of_all_releases_open() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut met = 0;
    for file in std::fs::read_dir(fixtures).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_some_and(|extension| extension == "sqlite") {
            let dir = TempDir::new().unwrap();
            std::fs::copy(&file, dir.path().join(FILE)).unwrap();
            reads(dir.path()).await;
            goes_on(dir.path()).await;
            met += 1;
        }
    }
    assert!(met > 0);
}

/// Attempts and tasks move to tables that know more words; the numbers that were given stay given.
#[tokio::test]
async fn a_table_that_is_made_anew_forgets_no_number_and_no_row() {
    let fixture = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sexton-0.1.0.sqlite");
    let (whole, emptied) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for dir in [&whole, &emptied] {
        std::fs::copy(&fixture, dir.path().join(FILE)).unwrap();
    }
    let before = rows(&whole.path().join(FILE)).await;
    execute(&emptied.path().join(FILE), "delete from attempts").await;
    let mut store = open(whole.path()).await;
    assert_eq!(rows(&whole.path().join(FILE)).await, before);
    let next = store.next_ids().await.unwrap();
    store.close().await.unwrap();
    let mut store = open(emptied.path()).await;
    assert_eq!(store.next_ids().await.unwrap(), next);
    store.close().await.unwrap();
}

/// Every row of the tables that were made anew, as text.
async fn rows(database: &Path) -> Vec<String> {
    let mut connection = connect(database).await;
    let mut rows = Vec::new();
    for sql in [
        "select json_array(run_id, path, state, at, attempts, forgiven, attempt, detail) from tasks order by path",
        "select json_array(id, run_id, path, number, start_id, created_at, started_at, ended_at, outcome,
             exit_code, exit_signal, exit_text, kill, pid, cpu_user_ms, cpu_system_ms, max_rss_bytes,
             log_path, log_bytes, log_dropped_bytes) from attempts order by id",
    ] {
        rows.extend(sqlx::query_scalar::<_, String>(sql).fetch_all(&mut connection).await.unwrap());
    }
    assert!(rows.len() > 8, "{rows:?}");
    connection.close().await.unwrap();
    rows
}

async fn execute(database: &Path, sql: &'static str) {
    let mut connection = connect(database).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

async fn connect(database: &Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(database);
    sqlx::ConnectOptions::connect(&options).await.unwrap()
}

/// What `write` wrote is there, through every read.
async fn reads(dir: &Path) {
    let mut store = open(dir).await;
    let next = NextIds { run: RunId(3), attempt: AttemptId(7) };
    assert_eq!(store.next_ids().await.unwrap(), next);
    let (reader, run, tree) = (store.reader().clone(), RunId(1), tree(3));
    let runs = reader.runs(&RunFilter::default(), 10).await.unwrap();
    assert_eq!(runs.iter().map(|run| run.state).collect::<Vec<_>>(), [RunState::Queued, RunState::Running]);
    let version = reader.version(runs[0].version).await.unwrap().unwrap();
    assert_eq!(version.definition, definition("nightly", "h1"));
    let back = restored(&store, run, &tree).await;
    let statuses: Vec<_> = tree.ids().map(|node| back.seen(node).status.word()).collect();
    assert_eq!(statuses, STATUSES);
    assert_eq!(entries(&replayed(&store, run, &tree).await), entries(&back));
    assert_eq!(reader.tasks(run, None, 10).await.unwrap().len(), 5);
    assert_eq!(reader.containers(run, None, 10).await.unwrap().len(), 3);
    assert_eq!(reader.outputs(run).await.unwrap()["load/b"]["rows"], "1250");
    assert_eq!(reader.live_attempts(run).await.unwrap().len(), 1);
    let ended = reader.attempts(run, "many/t0").await.unwrap().remove(0).end.unwrap();
    assert_eq!((ended.exit, ended.pid), (Exit::Code(3), Some(4_242)));
    assert_eq!(ended.usage.unwrap().max_rss_bytes, 1 << 24);
    assert_eq!(ended.log.unwrap().bytes, 512);
    store.close().await.unwrap();
}

/// What was written before there were schedules is a past like any other.
async fn goes_on(dir: &Path) {
    let mut store = open(dir).await;
    assert_eq!(store.reader().in_force().await.unwrap(), None);
    assert_eq!(store.reader().ledger(&LedgerFilter::default(), 10).await.unwrap(), []);
    assert_eq!(store.reader().slot_of_run(RunId(2)).await.unwrap(), None);
    let nightly =
        Enacted { definition: definition("nightly", "h1"), schedules: vec![schedule("main", "0 4 * * *")] };
    let standing = store.enact(&"".into(), std::slice::from_ref(&nightly), at(0)).await.unwrap().remove(0);
    let run = store.reader().run(RunId(2)).await.unwrap().unwrap();
    assert_eq!((standing.pipeline, standing.version), (run.pipeline, run.version));
    assert_eq!((standing.paused, standing.progress["main"].watermark), (None, at(0)));
    let mut batch = Batch::default();
    let entry = Entry {
        schedule: "main".into(),
        key: Key::Instant(at(1)),
        date: jiff::civil::date(2018, 5, 14),
        first: at(1),
        last: at(1),
        count: 1,
        decision: Decision::Fired,
        reason: "".into(),
        foreseen: false,
    };
    batch.slot(standing.pipeline, &entry, Some(RunId(2)), at(1));
    batch.progress(standing.pipeline, "main", &Progress::upto(at(1)));
    store.commit(&batch).await.unwrap();
    store.close().await.unwrap();
    let mut store = open(dir).await;
    assert_eq!(
        store.enact(&"".into(), &[nightly], at(9)).await.unwrap()[0].progress["main"].watermark,
        at(1)
    );
    assert_eq!(store.reader().slot_of_run(RunId(2)).await.unwrap().unwrap().first, at(1));
    store.close().await.unwrap();
}

/// In document order: `/`, `load`, its `a` and `b`, `many`, its three.
const STATUSES: [&str; 8] =
    ["running", "succeeded", "succeeded", "succeeded", "running", "failed", "running", "failed"];
