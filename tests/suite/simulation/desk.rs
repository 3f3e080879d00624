//! A daemon at its desk: engine, store and mailbox in the simulated world. It can be crashed at any moment
//! and taken up again; each time everything that was committed is compared with what was believed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sexton::calendar::book::Book;
use sexton::clock::Clock as _;
use sexton::config::kept;
use sexton::control::{Control, Refused, Watch};
use sexton::engine::facts::{day, scope, zone};
use sexton::engine::orders::{Files, Orders};
use sexton::engine::recovery::Recovered;
use sexton::engine::runner::{Engine, LOOK_UP, Parts, REPORTS};
use sexton::executor::output::Places;
use sexton::pipeline::definition::{Defaults, Pipeline};
use sexton::pipeline::node::{NodeId, Tree};
use sexton::run::live::{Live, RunKind};
use sexton::run::machine::Run;
use sexton::run::state::RunId;
use sexton::store::catalog::Definition;
use sexton::store::db::{CommitError, Reader, Store};
use sexton::store::in_force::Beside;
use sexton::store::instant::truncated;
use sexton::store::ledger::{LedgerFilter, LedgerRecord};
use sexton::store::record::{Evidence, NewRun, Params};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::around::{reread, surroundings};
use super::truth::{Known, known, stored};
use super::world::World;

pub(super) struct Desk {
    pub(super) dir: TempDir,
    pub(super) world: World,
    parallelism: usize,
    /// As its onlookers were told.
    pub(super) told: Arc<Mutex<BTreeMap<RunId, Known>>>,
    /// The definitions of all runs, and their trees as they were last seen.
    pub(super) pipelines: BTreeMap<RunId, Arc<Pipeline>>,
    pub(super) trees: BTreeMap<RunId, Arc<Tree>>,
    /// What people were answered, by the name that they gave.
    pub(super) answers: BTreeMap<String, (RunId, Result<(), Refused>)>,
    at_work: Option<AtWork>,
}

struct AtWork {
    engine: Engine,
    control: Option<Control>,
    orders: Orders,
    reader: Reader,
}

impl Desk {
    pub(super) fn new(world: World, parallelism: usize) -> Self {
        // In memory, where there is such a place: what a machine's crash would leave is not the question.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        Self {
            dir: dir.unwrap(),
            world,
            parallelism,
            told: Arc::default(),
            pipelines: BTreeMap::new(),
            trees: BTreeMap::new(),
            answers: BTreeMap::new(),
            at_work: None,
        }
    }

    pub(super) fn engine(&mut self) -> &mut Engine {
        &mut self.at_work.as_mut().expect("a daemon").engine
    }

    pub(super) fn control(&self) -> Control {
        self.at_work.as_ref().expect("a daemon").control.clone().expect("a mailbox")
    }

    /// Nobody will ask anything any more.
    pub(super) fn hang_up(&mut self) {
        self.at_work.as_mut().expect("a daemon").control = None;
    }

    /// Where the database is, for whoever meddles with it.
    pub(super) fn database(&self) -> PathBuf {
        self.dir.path().join(sexton::store::db::FILE)
    }

    pub(super) async fn sql(&self, statements: &'static str) {
        meddle(&self.database(), statements).await;
    }

    pub(super) fn reader(&self) -> Reader {
        self.at_work.as_ref().expect("a daemon").reader.clone()
    }

    /// What a start would take up now, in words; counts the definitions that it reads.
    pub(super) async fn recovered(&self, read: &'static AtomicU32) -> String {
        let reread = |definition: &Definition| {
            read.fetch_add(1, Ordering::Relaxed);
            reread(definition)
        };
        Recovered::load(&self.reader(), &reread, "simulation").await.unwrap().words()
    }

    /// The same as a whole.
    pub(super) async fn recovery(&self) -> Recovered {
        Recovered::load(&self.reader(), &reread, "simulation").await.unwrap()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.at_work.as_ref().is_some_and(|at_work| at_work.engine.runs().next().is_none())
    }

    /// A daemon takes up what its predecessor left.
    pub(super) async fn start(&mut self) {
        let boot_id = self.world.boot_id();
        let mut store = Store::open(self.dir.path(), self.world.now(), &boot_id).await.unwrap();
        let reader = store.reader().clone();
        let recovered = Recovered::load(&reader, &reread, "simulation").await.unwrap();
        let next = store.next_ids().await.unwrap();
        let (reports, inbox) = mpsc::channel(REPORTS);
        let (control, commands) = Control::new();
        let (orders, ordered) = Orders::new();
        let (sights, sightings) = mpsc::channel(REPORTS);
        self.world.connect(reports, sights);
        let parts = Parts {
            store,
            clock: Arc::new(self.world.clone()),
            executor: Box::new(self.world.clone()),
            reports: inbox,
            lookout: Box::new(self.world.clone()),
            sightings,
            commands,
            orders: ordered,
            watch: Box::new(Onlooker(self.told.clone())),
            places: Places::new(self.dir.path()),
            surroundings: surroundings(self.dir.path()),
            calendars: Book::default(),
            parallelism: self.parallelism,
            lazy_limit: 1 << 20,
            look_up: LOOK_UP,
            boot_id,
        };
        let engine = Engine::new(parts, next, recovered);
        self.at_work = Some(AtWork { engine, control: Some(control), orders, reader });
    }

    pub(super) async fn begin(&mut self, pipeline: Pipeline) -> RunId {
        let now = truncated(self.world.now());
        let definition = Definition {
            name: pipeline.name.to_string(),
            hash: pipeline.hash.clone(),
            source: pipeline.source.to_string(),
            defaults: kept::write(&Defaults::default()),
        };
        let engine = self.engine();
        let version = engine.ensure_version(&definition, now).await.unwrap();
        let date = jiff::civil::date(2018, 5, 14);
        let record = NewRun {
            id: engine.next_run(),
            version,
            kind: RunKind::Manual,
            logical_date: date,
            calendar: None,
            scheduled_at: None,
            interval: day(date, &zone(&pipeline)).unwrap(),
            params: Params::new(),
            evidence: Evidence::default(),
            created_at: now,
        };
        let tree = pipeline.tree.clone();
        let scope = scope(&record, &pipeline, "simulation");
        let run = Run::new(record.id, tree.clone());
        self.world.knows(&record.id.to_string(), tree.clone());
        self.trees.insert(record.id, tree);
        let pipeline = Arc::new(pipeline);
        self.pipelines.insert(record.id, pipeline.clone());
        let live = Live::manual(run, now, pipeline, scope);
        self.engine().begin(&record, live).await.unwrap();
        record.id
    }

    /// It is told to end, at once or when what runs has ended.
    pub(super) async fn stop(&mut self, drain: bool) {
        self.at_work.as_mut().expect("a daemon").orders.stop(drain).await;
    }

    /// The same, some time after it has begun to go on.
    pub(super) fn stop_later(&mut self, drain: bool) {
        let orders = self.at_work.as_ref().expect("a daemon").orders.clone();
        tokio::spawn(async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            orders.stop(drain).await;
        });
    }

    /// Goes on until it has ended, which is to take few turns of the runtime.
    pub(super) async fn runs_out(&mut self) -> Result<(), CommitError> {
        let mut left = 10_000;
        let patience = std::future::poll_fn(move |_| {
            left -= 1;
            if left == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        });
        tokio::select! {
            biased;
            ended = self.engine().run_until_stopped() => ended,
            () = patience => panic!("it does not end"),
        }
    }

    /// These pipelines are in force from now on, and no others.
    pub(super) async fn enact(&mut self, pipelines: &[Pipeline]) {
        let files = Files {
            pipelines: pipelines.iter().cloned().map(Arc::new).collect(),
            defaults: kept::write(&Defaults::default()),
            beside: Beside::default(),
            environment: "simulation".to_owned(),
            surroundings: surroundings(self.dir.path()),
            calendars: Book::default(),
            parallelism: self.parallelism,
            lazy_limit: 1 << 20,
            evidence: Evidence::default(),
        };
        let AtWork { engine, orders, .. } = self.at_work.as_mut().expect("a daemon");
        let (enacted, round) = tokio::join!(orders.enact(files), engine.go_round());
        round.unwrap();
        enacted.expect("an engine").unwrap();
        self.see_new_runs();
    }

    /// Goes round until the clock says so.
    pub(super) async fn until(&mut self, time: Timestamp) {
        while self.world.now() < time {
            self.round().await;
        }
    }

    /// Everything the ledger says, in the order of time.
    pub(super) async fn ledger(&self) -> Vec<LedgerRecord> {
        let filter = LedgerFilter { from: Some(Timestamp::UNIX_EPOCH), ..LedgerFilter::default() };
        self.reader().ledger(&filter, 10_000).await.unwrap()
    }

    /// Runs that slots have made are looked at like those that somebody began.
    fn see_new_runs(&mut self) {
        let live = self.at_work.as_ref().expect("a daemon").engine.runs();
        for live in live {
            let (run, tree) = (live.run.id(), live.run.tree().clone());
            self.world.knows(&run.to_string(), tree.clone());
            self.pipelines.insert(run, live.pipeline.clone());
            self.trees.insert(run, tree);
        }
    }

    pub(super) async fn round(&mut self) {
        self.try_round().await.unwrap();
        self.see_new_runs();
    }

    pub(super) async fn try_round(&mut self) -> Result<(), CommitError> {
        self.engine().go_round().await
    }

    /// Goes round until nothing is under way and the keeper holds nothing.
    pub(super) async fn rest(&mut self) {
        for _ in 0..2_000 {
            if self.is_idle() && self.world.held().is_empty() {
                return;
            }
            self.round().await;
        }
        panic!("it never ends; the keeper holds {:?}\n{}", self.world.held(), self.story());
    }

    /// The daemon dies between two turns: what has been committed was performed as far as the world let it.
    pub(super) async fn crash(&mut self, away: Duration) {
        let AtWork { engine, reader, .. } = self.at_work.take().expect("a daemon");
        reader.close().await;
        engine.into_store().close().await.unwrap();
        self.world.daemon_is_gone(away);
    }

    /// The daemon dies in the middle of a turn, after `polls` of it. What it was committing is there, or
    /// not. Whether it came that far.
    pub(super) async fn crash_in_round(&mut self, polls: u32, away: Duration) -> bool {
        let died = {
            let mut left = polls;
            let death = std::future::poll_fn(move |_| {
                left = left.saturating_sub(1);
                if left == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            });
            tokio::select! {
                biased;
                done = self.engine().go_round() => { done.unwrap(); false }
                () = death => true,
            }
        };
        self.see_new_runs();
        let ahead: BTreeMap<RunId, Known> =
            self.engine().runs().map(|live| (live.run.id(), known(live))).collect();
        let AtWork { engine, reader, .. } = self.at_work.take().expect("a daemon");
        reader.close().await;
        drop(engine);
        self.world.daemon_is_gone(away);
        self.wait_for_the_writer();
        // The next one finds out which of the two it is.
        let reader = Reader::open(self.dir.path()).await.unwrap();
        for (run, ahead) in ahead {
            if reader.run(run).await.unwrap().is_none() {
                // A slot's, which was not committed: the next one with its number is another.
                self.pipelines.remove(&run);
                self.trees.remove(&run);
                continue;
            }
            let found = stored(&reader, run, &self.pipelines[&run]).await;
            if self.told(run) != found {
                assert_eq!(found, ahead, "run {run} is neither as it was nor as it was to be");
                self.told.lock().unwrap().insert(run, found);
            }
        }
        reader.close().await;
        died
    }

    /// A dropped connection's thread may still be at work: till it has closed the file.
    fn wait_for_the_writer(&self) {
        let file = self.dir.path().join(sexton::store::db::FILE);
        let is_open = || {
            let descriptors = std::fs::read_dir("/proc/self/fd").unwrap();
            descriptors.flatten().any(|one| std::fs::read_link(one.path()).is_ok_and(|to| to == file))
        };
        let start = Instant::now();
        while is_open() {
            assert!(start.elapsed() < Duration::from_secs(30), "the writer does not end");
            std::thread::yield_now();
        }
    }

    /// Somebody was answered; or nobody was there any more.
    pub(super) fn answered(&mut self, by: String, run: RunId, answer: Result<(), Refused>) {
        self.answers.insert(by, (run, answer));
    }

    /// The runs that are under way.
    pub(super) fn live(&self) -> impl Iterator<Item = &Live> {
        self.at_work.as_ref().expect("a daemon").engine.runs()
    }

    pub(super) fn story(&self) -> String {
        let picture = |live: &Live| sexton::run::picture::picture(&live.run, NodeId::ROOT, usize::MAX);
        self.at_work.iter().flat_map(|at_work| at_work.engine.runs().map(picture)).collect()
    }
}

/// Somebody meddles with the database.
pub(super) async fn meddle(database: &Path, statements: &'static str) {
    use sqlx::{Connection as _, Executor as _};

    let url = format!("sqlite://{}", database.display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    connection.execute(sqlx::raw_sql(statements)).await.unwrap();
    connection.close().await.unwrap();
}

struct Onlooker(Arc<Mutex<BTreeMap<RunId, Known>>>);

impl Watch for Onlooker {
    fn changed(&mut self, live: &Live, _nodes: &[NodeId], _now: Timestamp) {
        self.0.lock().unwrap().insert(live.run.id(), known(live));
    }

    fn finished(&mut self, live: &Live, _now: Timestamp) {
        assert_eq!(live.run.live().count(), 0, "something of an ended run is alive");
    }
}
