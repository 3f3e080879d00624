//! The victim: a daemon with the real engine, store and keeper, in a process of its own that may be killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::signal::{SigSet, Signal};
use sexton::calendar::book::Book;
use sexton::clock::{Clock as _, System};
use sexton::config::kept;
use sexton::control::{Control, Watch};
use sexton::engine::facts::{day, scope, zone};
use sexton::engine::orders::Orders;
use sexton::engine::recovery::Recovered;
use sexton::engine::runner::{Engine, LOOK_UP, Parts};
use sexton::engine::surroundings::Surroundings;
use sexton::executor::local::{Local, Options};
use sexton::executor::output::Places;
use sexton::pipeline::definition::{Defaults, Pipeline};
use sexton::pipeline::node::NodeId;
use sexton::run::live::{Live, RunKind};
use sexton::run::machine::Run;
use sexton::run::state::RunId;
use sexton::sensor::watchman::Watchman;
use sexton::store::catalog::Definition;
use sexton::store::db::Store;
use sexton::store::instant::truncated;
use sexton::store::record::{Evidence, NewRun, Params};
use tokio::sync::mpsc;

use crate::suite::keeper::client::PROGRAM;
use crate::suite::simulation::around::{NoSecrets, reread};

/// Names the directory in which a process of this binary is a victim.
pub(super) const ROLE: &str = "SEXTON_CRASH_VICTIM";
/// This file's only test, by its full name.
pub(super) const TEST: &str = "suite::crash::victim::a_daemon";
/// Of which pipelines it makes how many runs: `NAME COUNT` lines.
pub(super) const ORDERS: &str = "orders";
const PARALLELISM: usize = 8;

/// Nothing, unless this process was started to be a victim.
#[test]
fn a_daemon() {
    let Some(dir) = std::env::var_os(ROLE).map(PathBuf::from) else { return };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    // Where a file may not grow, a write is to fail rather than to end this process.
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGXFSZ);
    mask.thread_block().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(&dir));
}

async fn serve(dir: &Path) {
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_owned();
    let state = dir.join("state");
    let mut store = Store::open(&state, System.now(), &boot_id).await.unwrap();
    let places = Places::new(&state);
    places.prepare().unwrap();
    // As small as it can be: whoever waits for room in it must not hold up whom the engine waits for.
    let (reports, inbox) = mpsc::channel(1);
    let options = Options {
        dir: state.join("keeper"),
        program: PROGRAM.into(),
        bound: false,
        epoch: store.epoch(),
        places: places.clone(),
    };
    let (executor, client) = Local::start(options, reports);
    let recovered = Recovered::load(store.reader(), &reread, "test").await.unwrap();
    let next = store.next_ids().await.unwrap();
    let (_control, commands) = Control::new();
    let path = std::env::var("PATH").unwrap();
    let (sights, sightings) = mpsc::channel(1);
    let (lookout, _) = Watchman::start(Arc::new(System), sights);
    let parts = Parts {
        store,
        clock: Arc::new(System),
        executor: Box::new(executor),
        reports: inbox,
        lookout: Box::new(lookout),
        sightings,
        commands,
        orders: Orders::new().1,
        watch: Box::new(Nobody),
        places,
        surroundings: Surroundings {
            directory: dir.to_owned(),
            base: vec![("PATH".to_owned(), path)],
            secrets: Arc::new(NoSecrets),
        },
        calendars: Book::default(),
        parallelism: PARALLELISM,
        lazy_limit: 1 << 20,
        look_up: LOOK_UP,
        boot_id,
    };
    let mut engine = Engine::new(parts, next, recovered);
    let orders = std::fs::read_to_string(dir.join(ORDERS)).unwrap();
    let names = orders.lines().flat_map(|line| {
        let (name, count) = line.split_once(' ').unwrap();
        std::iter::repeat_n(name, count.parse().unwrap())
    });
    // Run 1 is of the first name, and so on: what an earlier victim has begun is not begun again.
    for name in names.skip(usize::try_from(next.run.0 - 1).unwrap()) {
        begin(&mut engine, dir, name).await;
    }
    engine.run_until_idle().await.unwrap();
    engine.into_store().close().await.unwrap();
    client.await.unwrap();
}

async fn begin(engine: &mut Engine, dir: &Path, name: &str) {
    let source = std::fs::read_to_string(dir.join(format!("{name}.yaml"))).unwrap();
    let defaults = kept::write(&Defaults::default());
    let pipeline: Pipeline = kept::read(name, &source, &defaults, &Book::embedded()).unwrap();
    let now = truncated(System.now());
    let hash = pipeline.hash.clone();
    let definition = Definition { name: name.to_owned(), hash, source, defaults };
    let date = jiff::civil::date(2018, 5, 14);
    let record = NewRun {
        version: engine.ensure_version(&definition, now).await.unwrap(),
        id: engine.next_run(),
        kind: RunKind::Manual,
        logical_date: date,
        calendar: None,
        scheduled_at: None,
        interval: day(date, &zone(&pipeline)).unwrap(),
        params: Params::new(),
        evidence: Evidence::default(),
        created_at: now,
    };
    let run = Run::new(record.id, pipeline.tree.clone());
    let scope = scope(&record, &pipeline, "test");
    engine.begin(&record, Live::manual(run, now, Arc::new(pipeline), scope)).await.unwrap();
}

/// The runs that the orders make, with the names of their pipelines.
pub(super) fn ordered(orders: &[(&'static str, usize)]) -> BTreeMap<RunId, &'static str> {
    let names = orders.iter().flat_map(|&(name, count)| std::iter::repeat_n(name, count));
    (1..).map(RunId).zip(names).collect()
}

struct Nobody;

impl Watch for Nobody {
    fn changed(&mut self, _live: &Live, _nodes: &[NodeId], _now: jiff::Timestamp) {}
    fn finished(&mut self, _live: &Live, _now: jiff::Timestamp) {}
}
