//! What can only be seen from inside: codecs over every variant, a disk made full, and that reads use indices.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::calendar::book::Book;
use crate::pipeline::command::Command;
use crate::pipeline::definition::{Defaults, Pipeline, parse};
use crate::pipeline::generated::Generated;
use crate::pipeline::kind::{Children, Kind};
use crate::pipeline::node::{NodeId, Options, Tree, TreeBuilder};
use crate::pipeline::packed::Packed;
use crate::pipeline::policy::Settings;
use crate::run::event::{Event, Holds, Sensed, Yield};
use crate::run::force::{Halt, HaltReason, Kill, KillReason, Mark};
use crate::run::machine::Run;
use crate::run::state::{AttemptId, CancelReason, Exit, Failure, RunId, SkipReason, State, Status, Success};

use crate::yaml::report::SourceFile;

use super::batch::Batch;
use super::catalog::Definition;
use super::db::{CommitError, Store};
use super::event::Line;
use super::fact::Fact;
use super::record::{Evidence, Interval, NewRun, Params, PipelineId, RunState};
use super::runs::RunFilter;
use super::state::{Stored, decode, decode_exit, encode, encode_exit};
use crate::run::live::RunKind;

const NODES: u32 = 40;

/// `p`: a wide container `w` and a deep one `d`, with names that JSON has to escape.
fn tree() -> Tree {
    let mut builder = TreeBuilder::new(Settings::default());
    let leaf = |builder: &mut TreeBuilder, name: &str| {
        builder.leaf(name, Kind::Exec(Command::Shell("true".into())), Options::default(), None);
    };
    builder.open("p", Kind::Parallel(Children::default()), Options::default(), None);
    builder.open("w", Kind::Parallel(Children::default()), Options::default(), None);
    for n in 0..34 {
        leaf(&mut builder, &format!("t {n}"));
    }
    builder.close();
    builder.open("d", Kind::Serial(Children::default()), Options::default(), None);
    builder.open("e", Kind::Serial(Children::default()), Options::default(), None);
    leaf(&mut builder, "ü.\"f\\");
    builder.close();
    builder.close();
    leaf(&mut builder, "z");
    builder.close();
    builder.finish()
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (0..4_000_000_000_000_i64).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

fn node() -> impl Strategy<Value = NodeId> {
    (0..NODES).prop_map(NodeId)
}

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(String::into_boxed_str)
}

/// What a command has written, as it is read again.
fn generated() -> Arc<Generated> {
    Arc::new(Generated { tree: tree(), packed: Packed::of("serial: {…}") })
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![Just(Mark::Succeeded), Just(Mark::Failed), Just(Mark::Skipped)]
}

fn attempt() -> impl Strategy<Value = AttemptId> {
    any::<u64>().prop_map(AttemptId)
}

fn exit() -> impl Strategy<Value = Exit> {
    prop_oneof![
        any::<i32>().prop_map(Exit::Code),
        any::<i32>().prop_map(Exit::Signal),
        Just(Exit::TimedOut),
        Just(Exit::Killed),
        text().prop_map(Exit::NotStarted),
        text().prop_map(Exit::Lost),
        text().prop_map(Exit::BadOutput),
        text().prop_map(Exit::BadChoice),
        text().prop_map(Exit::BadTree),
    ]
}

fn failure() -> impl Strategy<Value = Box<Failure>> {
    prop_oneof![
        any::<i32>().prop_map(Failure::Code),
        any::<i32>().prop_map(Failure::Signal),
        Just(Failure::Timeout),
        text().prop_map(Failure::NotStarted),
        text().prop_map(Failure::Lost),
        text().prop_map(Failure::BadOutput),
        text().prop_map(Failure::BadChoice),
        text().prop_map(Failure::BadTree),
        text().prop_map(Failure::Sensor),
        text().prop_map(Failure::When),
        node().prop_map(Failure::Child),
        text().prop_map(Failure::Marked),
    ]
    .prop_map(Box::new)
}

fn kill() -> impl Strategy<Value = Box<Kill>> {
    let why = prop_oneof![
        Just(KillReason::Cancel),
        node().prop_map(KillReason::Timeout),
        Just(KillReason::Clear),
        (node(), mark()).prop_map(|(node, mark)| KillReason::Mark { node, mark }),
    ];
    (why, text()).prop_map(|(why, by)| Box::new(Kill { why, by }))
}

fn halt() -> impl Strategy<Value = Box<Halt>> {
    let why = prop_oneof![
        text().prop_map(HaltReason::Cancel),
        Just(HaltReason::Timeout),
        (mark(), text()).prop_map(|(mark, by)| HaltReason::Mark(mark, by)),
    ];
    (node(), why).prop_map(|(origin, why)| Box::new(Halt { origin, why }))
}

fn skip() -> impl Strategy<Value = Box<SkipReason>> {
    prop_oneof![
        Just(SkipReason::ByHand),
        proptest::option::of(text()).prop_map(SkipReason::When),
        Just(SkipReason::NothingFailed),
        Just(SkipReason::Children),
        node().prop_map(SkipReason::NotChosen),
        node().prop_map(SkipReason::NoTree),
        Just(SkipReason::TimedOut),
        node().prop_map(SkipReason::Sensor),
        text().prop_map(SkipReason::NoSlot),
        node().prop_map(SkipReason::With),
        text().prop_map(SkipReason::Marked),
    ]
    .prop_map(Box::new)
}

fn success() -> impl Strategy<Value = Success> {
    prop_oneof![
        Just(Success::Done),
        text().prop_map(Success::Met),
        proptest::collection::vec(node(), 0..5).prop_map(|chosen| Success::Chose(chosen.into())),
        text().prop_map(Success::Marked),
    ]
}

fn yields() -> impl Strategy<Value = Yield> {
    prop_oneof![
        Just(Yield::Nothing),
        proptest::collection::vec(node(), 0..5).prop_map(Yield::Choice),
        Just(Yield::Tree(generated())),
    ]
}

fn sensed() -> impl Strategy<Value = Sensed> {
    prop_oneof![
        text().prop_map(Sensed::Met),
        text().prop_map(Sensed::Failed),
        text().prop_map(Sensed::Skipped),
    ]
}

fn cancel() -> impl Strategy<Value = Box<CancelReason>> {
    prop_oneof![
        text().prop_map(CancelReason::By),
        node().prop_map(CancelReason::Timeout),
        node().prop_map(CancelReason::Child),
        node().prop_map(CancelReason::Marked),
    ]
    .prop_map(Box::new)
}

fn state() -> impl Strategy<Value = State> {
    let option = proptest::option::of::<BoxedStrategy<Box<Kill>>>;
    prop_oneof![
        Just(State::Pending),
        instant().prop_map(|since| State::Queued { since }),
        (attempt(), instant(), option(kill().boxed())).prop_map(|(attempt, since, kill)| State::Running {
            attempt,
            since,
            kill
        }),
        instant().prop_map(|since| State::Waiting { since }),
        (attempt(), instant(), option(kill().boxed())).prop_map(|(attempt, since, kill)| State::Poking {
            attempt,
            since,
            kill
        }),
        (instant(), proptest::option::of(halt())).prop_map(|(since, halt)| State::Open { since, halt }),
        (instant(), failure()).prop_map(|(until, failure)| State::Retrying { until, failure }),
        (instant(), success()).prop_map(|(at, how)| State::Succeeded { at, how }),
        (instant(), failure()).prop_map(|(at, failure)| State::Failed { at, failure }),
        (instant(), skip()).prop_map(|(at, reason)| State::Skipped { at, reason }),
        (instant(), node()).prop_map(|(at, culprit)| State::UpstreamFailed { at, culprit }),
        (instant(), cancel()).prop_map(|(at, reason)| State::Cancelled { at, reason }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let holds = prop_oneof![
        Just(Holds::Yes),
        proptest::option::of(text()).prop_map(Holds::No),
        text().prop_map(Holds::Error)
    ];
    let nodes = proptest::collection::btree_set(node(), 0..NODES as usize);
    prop_oneof![
        Just(Event::Begin),
        (node(), holds).prop_map(|(node, holds)| Event::Condition { node, holds }),
        node().prop_map(|node| Event::Open { node }),
        (node(), attempt()).prop_map(|(node, attempt)| Event::Start { node, attempt }),
        (node(), attempt(), exit(), yields()).prop_map(|(node, attempt, exit, yields)| Event::Exited {
            node,
            attempt,
            exit,
            yields
        }),
        (node(), sensed()).prop_map(|(node, sensed)| Event::Sensed { node, sensed }),
        (node(), attempt()).prop_map(|(node, attempt)| Event::Poke { node, attempt }),
        Just(Event::Wake),
        (node(), text()).prop_map(|(node, by)| Event::Cancel { node, by }),
        (node(), mark(), text()).prop_map(|(node, mark, by)| Event::Mark { node, mark, by }),
        (nodes, text()).prop_map(|(nodes, by)| Event::Clear { nodes: nodes.into_iter().collect(), by }),
    ]
}

proptest! {
    #[test]
    fn every_state_comes_back(state in state()) {
        let tree = tree();
        let mut stored = encode(&state, &tree);
        if let Some(fact) = &mut stored.fact {
            *fact = serde_json::from_str::<Fact>(&serde_json::to_string(fact).unwrap()).unwrap();
        }
        let leaf = !matches!(state, State::Open { .. });
        prop_assert_eq!(decode(stored, leaf, &tree).unwrap(), state);
    }

    #[test]
    fn every_event_comes_back(at in instant(), event in event()) {
        let tree = tree();
        let text = serde_json::to_string(&Line::of(at, &event, &tree)).unwrap();
        let line: Line = serde_json::from_str(&text).unwrap();
        let found = |_, _| Ok(generated());
        prop_assert_eq!(line.into_law(&tree, found).unwrap(), (at, event));
    }

    #[test]
    fn every_exit_comes_back(exit in exit()) {
        let stored = encode_exit(&exit);
        let text = stored.text.map(String::from);
        prop_assert_eq!(decode_exit(stored.outcome, stored.code, stored.signal, text).unwrap(), exit);
    }
}

#[test]
fn a_node_whose_condition_is_open_is_stored_as_pending() {
    let tree = tree();
    let stored = encode(&State::Deciding, &tree);
    assert_eq!(decode(stored, true, &tree).unwrap(), State::Pending);
}

#[test]
fn a_state_without_its_facts_is_damage() {
    for status in Status::ALL.into_iter().filter(|status| *status != Status::Pending) {
        let stored = Stored { status, at: None, attempt: None, fact: None };
        assert!(decode(stored, true, &tree()).is_err(), "{status}");
    }
    let fact = Some(Fact::Culprit("nowhere".into()));
    let stored =
        Stored { status: Status::UpstreamFailed, at: Some(Timestamp::UNIX_EPOCH), attempt: None, fact };
    assert_eq!(decode(stored, true, &tree()).unwrap_err().to_string(), "the tree has no `nowhere`");
}

#[test]
fn words_of_runs_come_back() {
    for kind in RunKind::ALL {
        assert_eq!(RunKind::from_word(kind.word()), Some(kind));
    }
    for state in RunState::ALL {
        assert_eq!(RunState::from_word(state.word()), Some(state));
    }
    assert_eq!(RunState::from_word("pending"), None);
}

#[test]
fn the_journal_explains_itself() {
    let tree = tree();
    let at = Timestamp::from_millisecond(1_526_270_400_000).unwrap();
    let told = |event: Event| serde_json::to_string(&Line::of(at, &event, &tree)).unwrap();
    let exited = |exit, yields| Event::Exited { node: NodeId(2), attempt: AttemptId(7), exit, yields };
    assert_eq!(
        told(exited(Exit::Code(3), Yield::Nothing)),
        r#"{"at":1526270400000,"event":"exited","node":"w/t 0","attempt":7,"exit":{"code":3}}"#
    );
    assert_eq!(
        told(exited(Exit::Code(0), Yield::Choice(vec![NodeId(3)]))),
        r#"{"at":1526270400000,"event":"exited","node":"w/t 0","attempt":7,"exit":{"code":0},"chose":["w/t 1"]}"#
    );
    assert_eq!(
        told(Event::Sensed { node: NodeId(2), sensed: Sensed::Met("/in/x is there".into()) }),
        r#"{"at":1526270400000,"event":"sensed","node":"w/t 0","answer":{"met":"/in/x is there"}}"#
    );
    assert_eq!(
        told(Event::Condition { node: NodeId::ROOT, holds: Holds::No(None) }),
        r#"{"at":1526270400000,"event":"condition","node":"/","result":{"holds":false}}"#
    );
    let nodes = (36..NODES).filter(|id| *id != 39).chain([39]).map(NodeId).collect();
    assert_eq!(
        told(Event::Clear { nodes, by: "ada".into() }),
        r#"{"at":1526270400000,"event":"clear","trees":["d","z"],"nodes":[],"by":"ada"}"#
    );
}

/// A store with one begun run that is not committed yet.
async fn begun() -> (tempfile::TempDir, Store, Run, Batch) {
    let dir = tempfile::TempDir::new().unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let mut store = Store::open(dir.path(), now, "a boot").await.unwrap();
    let definition =
        Definition { name: "p".into(), hash: "h".into(), source: "s".into(), defaults: String::new() };
    let version = store.ensure_version(&definition, now).await.unwrap();
    let mut run = Run::new(RunId(1), Arc::new(tree()));
    let mut batch = Batch::default();
    batch.new_run(&NewRun {
        id: run.id(),
        version,
        kind: RunKind::Manual,
        logical_date: jiff::civil::date(1970, 1, 1),
        calendar: None,
        scheduled_at: None,
        interval: Interval { start: now, end: now },
        params: Params::new(),
        evidence: Evidence::default(),
        created_at: now,
    });
    run.step(&Event::Begin, now, &mut Vec::new()).unwrap();
    batch.event(&run, now, &Event::Begin);
    let changed = run.take_changes();
    batch.changes(&run, &changed);
    (dir, store, run, batch)
}

/// One of the same tree.
fn pipeline() -> Pipeline {
    let file = SourceFile::new("p.yaml", "exec: 'true'");
    Pipeline { tree: Arc::new(tree()), ..parse(&file, &Defaults::default(), &Book::default()).0.unwrap() }
}

async fn pragma(store: &mut Store, sql: &'static str) {
    sqlx::raw_sql(sql).execute(store.writer.connection().await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_waited_out_with_the_same_batch() {
    let (_dir, mut store, run, mut batch) = begun().await;
    batch.outputs(&run, NodeId(2), (0..100).map(|n| (format!("k{n}"), "v".repeat(4_000))));
    for _ in 0..3 {
        pragma(&mut store, "pragma max_page_count = 60").await;
        let error = store.commit(&batch).await.unwrap_err();
        assert!(matches!(error, CommitError::Transient(_)), "{error:?}");
        assert_eq!(store.reader().run(RunId(1)).await.unwrap(), None);
        assert!(store.reader().outputs(RunId(1)).await.unwrap().is_empty());
    }
    pragma(&mut store, "pragma max_page_count = 100000").await;
    store.commit(&batch).await.unwrap();
    assert_eq!(store.reader().outputs(RunId(1)).await.unwrap()["w/t 0"].len(), 100);
    assert_eq!(store.reader().journal(RunId(1), &pipeline()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn somebody_elses_lock_is_waited_out() {
    let (dir, mut store, _run, batch) = begun().await;
    pragma(&mut store, "pragma busy_timeout = 20").await;
    let path = dir.path().join(super::db::FILE);
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut other = sqlx::ConnectOptions::connect(&options).await.unwrap();
    sqlx::raw_sql("begin immediate").execute(&mut other).await.unwrap();
    let error = store.commit(&batch).await.unwrap_err();
    assert!(matches!(error, CommitError::Transient(_)), "{error:?}");
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    store.commit(&batch).await.unwrap();
    assert!(store.reader().run(RunId(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn commits_are_synced_and_references_checked() {
    let (_dir, mut store, _run, _batch) = begun().await;
    let connection = store.writer.connection().await.unwrap();
    let pragmas: (i64, i64, String) = sqlx::query_as(
        "select synchronous, foreign_keys, journal_mode
         from pragma_synchronous, pragma_foreign_keys, pragma_journal_mode",
    )
    .fetch_one(connection)
    .await
    .unwrap();
    assert_eq!(pragmas, (2, 1, "wal".to_owned()));
}

/// No list walks over a table, and none sorts more than its page.
#[tokio::test]
async fn every_list_goes_through_an_index() {
    let (_dir, store, _run, _batch) = begun().await;
    let day = jiff::civil::date(2018, 5, 14);
    for bits in 0..64_u8 {
        let bit = |n: u8| bits & (1 << n) != 0;
        let filter = RunFilter {
            pipeline: bit(0).then_some(PipelineId(1)),
            state: bit(1).then_some(RunState::Failed),
            kind: bit(2).then_some(RunKind::Manual),
            from: bit(3).then_some(day),
            to: bit(4).then_some(day),
            after: bit(5).then_some((day, RunId(7))),
        };
        let plan = store.reader().plan(&filter).await.unwrap().join("\n");
        let filtered = bits & 0b1_1111 != 0;
        assert!(!filtered || !plan.contains("SCAN runs"), "{filter:?}\n{plan}");
        // By date, the page itself is sorted once more.
        let sorts = plan.matches("TEMP B-TREE").count();
        assert_eq!(sorts, usize::from(bit(3) || bit(4)), "{filter:?}\n{plan}");
    }
}

const TABLES: [&str; 10] = [
    "pipelines",
    "versions",
    "runs",
    "tasks",
    "containers",
    "attempts",
    "outputs",
    "pokes",
    "schedules",
    "ledger",
];

#[tokio::test]
async fn no_write_walks_over_a_table() {
    let (_dir, mut store, _run, _batch) = begun().await;
    let connection = store.writer.connection().await.unwrap();
    for statement in super::journal::STATEMENTS {
        let sql = sqlx::AssertSqlSafe(format!("explain query plan {statement}"));
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sql).bind("[]").fetch_all(&mut *connection).await.unwrap();
        for (.., step) in plan {
            let table = step.strip_prefix("SCAN ").unwrap_or_default();
            assert!(!TABLES.contains(&table), "{step}: {statement}");
        }
    }
}

#[tokio::test]
async fn the_newest_run_is_found_through_an_index() {
    let (_dir, mut store, _run, _batch) = begun().await;
    let connection = store.writer.connection().await.unwrap();
    let sql = sqlx::AssertSqlSafe(format!("explain query plan {}", super::runs::NEWEST));
    let plan: Vec<(i64, i64, i64, String)> =
        sqlx::query_as(sql).bind("a").bind("2026-11-20").fetch_all(&mut *connection).await.unwrap();
    let steps: Vec<&str> = plan.iter().map(|(.., step)| step.as_str()).collect();
    let search = "SEARCH runs USING COVERING INDEX runs_by_pipeline_date (pipeline_id=? AND logical_date=?)";
    assert!(steps.contains(&search), "{steps:?}");
}
