//! A daemon at its desk: engine, store and mailbox in the simulated world. It can be crashed at any moment
//! and taken up again; each time everything that was committed is compared with what was believed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sexton::clock::Clock as _;
use sexton::config::kept;
use sexton::control::{Control, Refused, Watch};
use sexton::engine::facts::{day, scope, zone};
use sexton::engine::launch::{Secrets, Surroundings};
use sexton::engine::orders::{Files, Orders};
use sexton::engine::recovery::Recovered;
use sexton::engine::runner::{Engine, LOOK_UP, Parts, REPORTS};
use sexton::executor::output::Places;
use sexton::pipeline::definition::{Defaults, Pipeline};
use sexton::pipeline::node::{NodeId, Tree};
use sexton::run::event::Event;
use sexton::run::live::{Live, RunKind};
use sexton::run::machine::Run;
use sexton::run::state::{Entry, Exit, RunId, State};
use sexton::store::catalog::Definition;
use sexton::store::db::{CommitError, Reader, Store};
use sexton::store::instant::truncated;
use sexton::store::ledger::{LedgerFilter, LedgerRecord};
use sexton::store::record::{Evidence, NewRun, Params};
use sexton::store::tasks::Outputs;
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::world::World;

/// What is known of a run: its records, and what its tasks wrote.
type Known = (Vec<Entry>, Outputs);

pub(super) struct Desk {
    pub(super) dir: TempDir,
    pub(super) world: World,
    parallelism: usize,
    /// As its onlookers were told.
    told: Arc<Mutex<BTreeMap<RunId, Known>>>,
    pub(super) trees: BTreeMap<RunId, Arc<Tree>>,
    /// What people were answered, by the name that they gave.
    answers: BTreeMap<String, (RunId, Result<(), Refused>)>,
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
        self.world.connect(reports);
        let parts = Parts {
            store,
            clock: Arc::new(self.world.clone()),
            executor: Box::new(self.world.clone()),
            reports: inbox,
            commands,
            orders: ordered,
            watch: Box::new(Onlooker(self.told.clone())),
            places: Places::new(self.dir.path()),
            surroundings: surroundings(self.dir.path()),
            parallelism: self.parallelism,
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
        let live = Live { run, kind: RunKind::Manual, pipeline: Arc::new(pipeline), scope };
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
            settings: String::new(),
            environment: "simulation".to_owned(),
            surroundings: surroundings(self.dir.path()),
            parallelism: self.parallelism,
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
        for (run, tree) in live.map(|live| (live.run.id(), live.run.tree().clone())).collect::<Vec<_>>() {
            self.world.knows(&run.to_string(), tree.clone());
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
                self.trees.remove(&run);
                continue;
            }
            let tree = self.trees[&run].clone();
            let found = stored(&reader, run, &tree).await;
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

    /// What the database holds is what was told; it replays to the same; and what people were told was
    /// done was done once.
    pub(super) async fn check(&self) {
        let reader = self.reader();
        for (&run, tree) in &self.trees {
            let found = stored(&reader, run, tree).await;
            let told = self.told(run);
            assert_eq!(found, told, "run {run}");
            let journal = reader.journal(run, tree).await.unwrap();
            let mut twin = Run::new(run, tree.clone());
            for (at, event) in &journal {
                twin.step(event, *at, &mut Vec::new()).unwrap_or_else(|error| panic!("{event:?}: {error}"));
            }
            assert_eq!(entries(&twin), found.0, "run {run} replayed:\n{}", told_by(&journal));
            self.check_answers(run, &journal);
        }
        for live in self.at_work.as_ref().expect("a daemon").engine.runs() {
            let told = self.told(live.run.id());
            assert_eq!(known(live), told, "what the engine holds of run {}", live.run.id());
        }
    }

    /// What was told of a run; of one that has not begun there is nothing to tell.
    fn told(&self, run: RunId) -> Known {
        let fresh = || (entries(&Run::new(run, self.trees[&run].clone())), Outputs::default());
        self.told.lock().unwrap().get(&run).cloned().unwrap_or_else(fresh)
    }

    fn check_answers(&self, run: RunId, journal: &[(Timestamp, Event)]) {
        for (by, (of, answer)) in self.answers.iter().filter(|(_, (of, _))| *of == run) {
            let times = journal.iter().filter(|(_, event)| author(event) == Some(by)).count();
            match answer {
                Ok(()) => assert_eq!(times, 1, "{by} was told that it is done, in run {of}"),
                // It died before it could tell.
                Err(Refused::Ended) => assert!(times <= 1, "{by}: {times} times"),
                Err(refused) => assert_eq!(times, 0, "{by} was refused: {refused}"),
            }
        }
    }

    /// Everything has ended, everything is acknowledged, and every attempt ended as it really did.
    pub(super) async fn check_end(&self) {
        self.check().await;
        let (reader, starts, ends) = (self.reader(), self.world.starts(), self.world.ends());
        assert_eq!(self.world.held(), Vec::<u64>::new(), "runs, or is not acknowledged");
        let mut recorded = 0;
        for (&run, tree) in &self.trees {
            let record = reader.run(run).await.unwrap().unwrap();
            assert!(record.ended_at.is_some(), "run {run} has not ended");
            assert!(reader.live_attempts(run).await.unwrap().is_empty());
            let leaves = tree.ids().filter(|&node| tree.is_leaf(node));
            for path in leaves.map(|node| tree.path(node)) {
                let attempts = reader.attempts(run, &path).await.unwrap();
                for (number, attempt) in (1..).zip(attempts) {
                    assert_eq!(attempt.number, number, "{path}");
                    let told = attempt.end.expect("its end").exit;
                    let token = attempt.id.0;
                    let started = starts.get(&token).copied().unwrap_or_default();
                    assert!(started <= 1, "attempt {token} of {path} was started {started} times");
                    recorded += started as usize;
                    match ends.get(&token) {
                        Some(truth) if matches!(told, Exit::BadChoice(_)) => {
                            let chooses = tree.is_chooser(tree.find(&path).unwrap());
                            assert!(chooses && *truth == Exit::Code(0), "attempt {token} of {path}");
                        }
                        Some(truth) => assert_eq!(&told, truth, "attempt {token} of {path}"),
                        None => assert!(
                            matches!(told, Exit::Killed | Exit::Lost(_) | Exit::NotStarted(_)),
                            "attempt {token} of {path} never started, and is {told:?}"
                        ),
                    }
                }
            }
        }
        assert_eq!(recorded, starts.len(), "an attempt was started of which there is no row");
    }

    pub(super) fn story(&self) -> String {
        let picture = |live: &Live| sexton::run::picture::picture(&live.run, NodeId::ROOT, usize::MAX);
        self.at_work.iter().flat_map(|at_work| at_work.engine.runs().map(picture)).collect()
    }
}

fn told_by(journal: &[(Timestamp, Event)]) -> String {
    journal.iter().map(|(at, event)| format!("{at} {event:?}\n")).collect()
}

/// By whom something was done.
fn author(event: &Event) -> Option<&str> {
    match event {
        Event::Cancel { by, .. } | Event::Mark { by, .. } | Event::Clear { by, .. } => Some(by),
        Event::Begin
        | Event::Condition { .. }
        | Event::Open { .. }
        | Event::Start { .. }
        | Event::Exited { .. }
        | Event::Sensed { .. }
        | Event::Poke { .. }
        | Event::Wake => None,
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

async fn stored(reader: &Reader, run: RunId, tree: &Arc<Tree>) -> Known {
    let records = reader.records(run, tree).await.unwrap();
    (entries(&Run::restore(run, tree.clone(), records)), reader.outputs(run).await.unwrap())
}

fn known(live: &Live) -> Known {
    (entries(&live.run), (*live.scope.outputs).clone())
}

/// A condition that is being evaluated is none yet.
fn entries(run: &Run) -> Vec<Entry> {
    let stored = |mut entry: Entry| {
        if entry.state == State::Deciding {
            entry.state = State::Pending;
        }
        entry
    };
    run.tree().ids().map(|node| stored(run.entry(node).clone())).collect()
}

fn surroundings(dir: &Path) -> Surroundings {
    Surroundings { directory: dir.to_owned(), base: Vec::new(), secrets: Arc::new(NoSecrets) }
}

fn reread(definition: &Definition) -> Result<Pipeline, String> {
    kept::read(&definition.name, &definition.source, &definition.defaults)
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

#[derive(Debug)]
struct NoSecrets;

impl Secrets for NoSecrets {
    fn value(&self, name: &str) -> Result<String, String> {
        Err(format!("the secret `{name}` is not known"))
    }
}
