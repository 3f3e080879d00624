//! A state directory with a store in it, small trees, and a run that is played by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sexton::calendar::book::Book;
use sexton::pipeline::command::Command;
use sexton::pipeline::definition::{Defaults, Pipeline, parse};
use sexton::pipeline::generated::{self, Generated};
use sexton::pipeline::kind::{Children, Kind};
use sexton::pipeline::node::{NodeId, Options, Tree, TreeBuilder};
use sexton::pipeline::packed::Packed;
use sexton::pipeline::policy::Settings;
use sexton::run::effect::Effect;
use sexton::run::event::{Event, Yield};
use sexton::run::live::RunKind;
use sexton::run::machine::Run;
use sexton::run::state::{AttemptId, Entry, Exit, RunId, State};
use sexton::store::batch::Batch;
use sexton::store::catalog::Definition;
use sexton::store::db::Store;
use sexton::store::in_force::EnactedSchedule;
use sexton::store::record::{AttemptEnd, Evidence, Interval, NewRun, Params, VersionId};
use sexton::yaml::report::SourceFile;
use tempfile::TempDir;

/// The machine's boot, as far as the tests are concerned.
pub(super) const BOOT: &str = "a boot";

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_526_270_400_000 + ms).unwrap()
}

/// A store in a fresh directory.
pub(super) async fn fresh() -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path()).await;
    (dir, store)
}

pub(super) async fn open(dir: &Path) -> Store {
    Store::open(dir, at(0), BOOT).await.unwrap()
}

/// `nightly`: `load` (serial: `a`, `b`), `many` (parallel: `t0` … up to `leaves`).
pub(super) fn tree(leaves: u32) -> Arc<Tree> {
    let mut builder = TreeBuilder::new(Settings::default());
    let leaf = |builder: &mut TreeBuilder, name: &str| {
        builder.leaf(name, Kind::Exec(Command::Shell("true".into())), Options::default(), None)
    };
    builder.open("nightly", Kind::Serial(Children::default()), Options::default(), None);
    builder.open("load", Kind::Serial(Children::default()), Options::default(), None);
    leaf(&mut builder, "a");
    leaf(&mut builder, "b");
    builder.close();
    builder.open("many", Kind::Parallel(Children::default()), Options::default(), None);
    for n in 0..leaves {
        leaf(&mut builder, &format!("t{n}"));
    }
    builder.close();
    builder.close();
    Arc::new(builder.finish())
}

/// A schedule whose slots stay where they are.
pub(super) fn schedule(name: &str, spelled: &str) -> EnactedSchedule {
    EnactedSchedule { name: name.into(), spelled: spelled.to_owned(), considered: None }
}

pub(super) fn definition(name: &str, hash: &str) -> Definition {
    Definition {
        name: name.into(),
        hash: hash.into(),
        source: format!("serial: {{a: 'echo \"{hash}\" \\\\ ☂'}}\n"),
        defaults: "{}".into(),
    }
}

pub(super) async fn version(store: &mut Store) -> VersionId {
    store.ensure_version(&definition("nightly", "h1"), at(0)).await.unwrap()
}

pub(super) fn new_run(id: i64, version: VersionId) -> NewRun {
    let mut params = Params::new();
    params.insert("symbols".into(), serde_json::json!(["AAPL", "BRK/B", "ü\n\"\\"]));
    params.insert("limit".into(), serde_json::json!(1.5));
    NewRun {
        id: RunId(id),
        version,
        kind: RunKind::Scheduled,
        logical_date: jiff::civil::date(2018, 5, 14),
        calendar: None,
        scheduled_at: Some(at(-1_000)),
        interval: Interval { start: at(-86_400_000), end: at(-1_000) },
        params,
        evidence: Evidence {
            sexton: "0.1.0".into(),
            configuration: Some("4f1c2d9".into()),
            calendars: None,
            time_zones: Some("2026e".into()),
        },
        created_at: at(0),
    }
}

/// A run together with what of it is not committed yet.
pub(super) struct Play {
    pub(super) run: Run,
    pub(super) batch: Batch,
    pub(super) now: Timestamp,
    pub(super) next_attempt: u64,
}

impl Play {
    /// A new run whose row is in the batch.
    pub(super) fn new(id: i64, version: VersionId, tree: Arc<Tree>) -> Self {
        let mut batch = Batch::default();
        batch.new_run(&new_run(id, version));
        Self::with(id, tree, batch)
    }

    /// A run whose row is in this batch, or that has none.
    pub(super) fn with(id: i64, tree: Arc<Tree>, batch: Batch) -> Self {
        Self { run: Run::new(RunId(id), tree), batch, now: at(0), next_attempt: 1 }
    }

    pub(super) fn node(&self, path: &str) -> NodeId {
        self.run.tree().find(path).unwrap()
    }

    /// Steps the run and notes everything about it in the batch.
    pub(super) fn step(&mut self, event: &Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.now += Duration::from_millis(7);
        self.run.step(event, self.now, &mut effects).unwrap();
        self.batch.event(&self.run, self.now, event);
        if let Event::Start { node, attempt } | Event::Poke { node, attempt } = event {
            self.batch.attempt_started(&self.run, *node, *attempt, self.now);
        }
        for effect in &effects {
            if let Effect::Forget(node) = effect {
                self.batch.forget_outputs(&self.run, *node);
            }
            if let Effect::Grafted(graft) = effect {
                self.batch.grafted(&self.run, graft.at);
            }
        }
        let changed = self.run.take_changes();
        self.batch.changes(&self.run, &changed);
        effects
    }

    /// Opens and starts all that may, with so many places.
    pub(super) fn admit(&mut self, places: usize) {
        while let Some(node) = self.run.admissible(places.saturating_sub(self.run.taken())) {
            if self.run.tree().is_leaf(node) {
                let attempt = AttemptId(self.next_attempt);
                self.next_attempt += 1;
                self.step(&Event::Start { node, attempt });
            } else {
                self.step(&Event::Open { node });
            }
        }
    }

    /// A waiting sensor looks by way of its command.
    pub(super) fn poke(&mut self, node: NodeId) {
        let attempt = AttemptId(self.next_attempt);
        self.next_attempt += 1;
        self.step(&Event::Poke { node, attempt });
    }

    pub(super) fn exit(&mut self, node: NodeId, exit: Exit) {
        self.exit_with(node, exit, Yield::Nothing);
    }

    pub(super) fn exit_with(&mut self, node: NodeId, exit: Exit, yields: Yield) {
        let Some((attempt, kill)) = self.run.state(node).attempt() else {
            panic!("{} does not run", self.run.tree().path(node));
        };
        let end = AttemptEnd { kill: kill.cloned(), ..end(attempt, exit.clone(), self.now) };
        self.batch.attempt_ended(&self.run, &end);
        self.step(&Event::Exited { node, attempt, exit, yields });
    }

    pub(super) async fn commit(&mut self, store: &mut Store) {
        store.commit(&self.batch).await.unwrap();
        self.batch = Batch::default();
    }

    /// The run's records as a restored run has them: a condition that is being evaluated is none yet.
    pub(super) fn entries(&self) -> Vec<Entry> {
        entries(&self.run)
    }
}

pub(super) fn entries(run: &Run) -> Vec<Entry> {
    let stored = |mut entry: Entry| {
        if entry.state == State::Deciding {
            entry.state = State::Pending;
        }
        entry
    };
    run.tree().ids().map(|node| stored(run.entry(node).clone())).collect()
}

/// What the database gives back of a run.
pub(super) async fn restored(store: &Store, id: RunId, tree: &Arc<Tree>) -> Run {
    store.reader().restored(id, &pipeline(tree)).await.unwrap()
}

/// What the journal gives.
pub(super) async fn replayed(store: &Store, id: RunId, tree: &Arc<Tree>) -> Run {
    let mut run = Run::new(id, tree.clone());
    for (now, event) in store.reader().journal(id, &pipeline(tree)).await.unwrap() {
        run.step(&event, now, &mut Vec::new()).unwrap();
    }
    run
}

/// A pipeline of this tree.
pub(super) fn pipeline(tree: &Arc<Tree>) -> Pipeline {
    let file = SourceFile::new("nightly.yaml", "exec: 'true'");
    Pipeline { tree: tree.clone(), ..parse(&file, &Defaults::default(), &Book::default()).0.unwrap() }
}

/// A tree that a command has written in place of what a lazy node awaits.
pub(super) fn generated(text: &str, within: &Tree, execute: NodeId) -> Arc<Generated> {
    let settings = within.settings(within.parent(execute).unwrap());
    let file = SourceFile::new("output", text);
    let (tree, found) = generated::parse(&file, &pipeline(&tree(1)), settings);
    let tree = tree.unwrap_or_else(|| panic!("{text}\n{found:?}"));
    Arc::new(Generated { tree, packed: Packed::of(text) })
}

pub(super) fn end(attempt: AttemptId, exit: Exit, ended_at: Timestamp) -> AttemptEnd {
    AttemptEnd { attempt, started_at: None, ended_at, exit, kill: None, pid: None, usage: None, log: None }
}
