//! The loop: receive what has happened, apply the law, save in one transaction, then perform.
//!
//! ```text
//!  reports ─┐
//!  commands ┼▶ receive ─▶ apply (all that waits, one `now`) ─▶ commit ─▶ perform ─▶ answer ─┐
//!  time ────┘      ▲                                                                        │
//!                  └────────────────────────────────────────────────────────────────────────┘
//! ```
//! While one batch commits, the next gathers in the channels, unstepped.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::calendar::book::Book;
use crate::clock::Clock;
use crate::control::{Command, Watch};
use crate::executor::job::{Executor, Report};
use crate::executor::output::Places;
use crate::pipeline::node::NodeId;
use crate::run::event::Event;
use crate::run::live::Live;
use crate::run::state::{AttemptId, RunId};
use crate::sensor::lookout::{self, Lookout};
use crate::store::catalog::Definition;
use crate::store::db::{CommitError, Store};
use crate::store::instant::truncated;
use crate::store::journal::NextIds;
use crate::store::record::{NewRun, VersionId};

use super::clocks::Clocks;
use super::flight::Flight;
use super::orders::Order;
use super::recovery::Recovered;
use super::scheduler::Scheduler;
use super::surroundings::Surroundings;
use super::turn::Turn;
use super::watched::Sensing;

/// How many reports may wait: enough that the keeper's client never stalls in a burst, and a bound on what
/// one batch takes in.
pub const REPORTS: usize = 1024;
/// A suspended machine's timers are late, so the wall clock is looked at this often anyway.
pub const LOOK_UP: Duration = Duration::from_secs(30);

/// What the engine is made of.
pub struct Parts {
    /// Where it writes.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What runs attempts.
    pub executor: Box<dyn Executor>,
    /// What that has to say.
    pub reports: mpsc::Receiver<Report>,
    /// What looks out for sensors.
    pub lookout: Box<dyn Lookout>,
    /// What that has to say.
    pub sightings: mpsc::Receiver<Vec<lookout::Report>>,
    /// What people ask.
    pub commands: mpsc::Receiver<Command>,
    /// What the house asks.
    pub orders: mpsc::Receiver<Order>,
    /// Who looks on.
    pub watch: Box<dyn Watch>,
    /// Where tasks keep their files.
    pub places: Places,
    /// What is the same for every command.
    pub surroundings: Surroundings,
    /// All calendars.
    pub calendars: Book,
    /// How many attempts may run at the same time.
    pub parallelism: usize,
    /// How many bytes a generated tree may have.
    pub lazy_limit: u64,
    /// How long the engine sleeps at most: [`LOOK_UP`], or half of what a watchdog has patience for.
    pub look_up: Duration,
    /// The machine's boot.
    pub boot_id: String,
}

/// The owner of all live runs.
pub struct Engine {
    pub(super) parts: Parts,
    pub(super) clocks: Clocks,
    next: NextIds,
    pub(super) runs: BTreeMap<RunId, Live>,
    pub(super) attempts: HashMap<AttemptId, Flight>,
    pub(super) connected: bool,
    pub(super) scheduler: Scheduler,
    pub(super) sensing: Sensing,
    /// Set when nothing more is to be started: whether what runs is waited for.
    pub(super) stopping: Option<bool>,
    /// What was ordered while the disk was waited for.
    pub(super) postponed: VecDeque<Order>,
    /// When life was last shown.
    last_shown: Timestamp,
    /// What the engine learned by itself while performing.
    pub(super) own: VecDeque<Report>,
    /// Runs that were let go because the database refused what happened to them.
    pub(super) halted: BTreeMap<RunId, CommitError>,
    /// Their attempts, and whether they still run. An end of one is not acknowledged.
    pub(super) disowned: HashMap<AttemptId, bool>,
}

enum Input {
    Report(Report),
    Sighted(Vec<lookout::Report>),
    Command(Command),
    Order(Order),
}

impl Engine {
    /// An engine over what was under way when the last one ended.
    pub fn new(parts: Parts, next: NextIds, recovered: Recovered) -> Self {
        let Recovered { runs, attempts, unreadable: _ } = recovered;
        parts.places.forget_outputs_but(|attempt| attempts.contains_key(&attempt));
        let scheduler = Scheduler::with_waiting(&runs);
        let sensing = Sensing::resumed(&runs);
        Self {
            clocks: Clocks::new(parts.clock.clone()),
            parts,
            next,
            runs,
            attempts,
            connected: false,
            scheduler,
            sensing,
            stopping: None,
            postponed: VecDeque::new(),
            last_shown: Timestamp::MIN,
            own: VecDeque::new(),
            halted: BTreeMap::new(),
            disowned: HashMap::new(),
        }
    }

    /// The number the next run will have.
    pub fn next_run(&mut self) -> RunId {
        let id = self.next.run;
        self.next.run = RunId(id.0 + 1);
        id
    }

    pub(super) fn next_attempt(&mut self) -> AttemptId {
        let id = self.next.attempt;
        self.next.attempt = AttemptId(id.0 + 1);
        id
    }

    /// The runs under way.
    pub fn runs(&self) -> impl Iterator<Item = &Live> {
        self.runs.values()
    }

    /// The number of a definition, which is kept if it is new.
    pub async fn ensure_version(
        &mut self,
        definition: &Definition,
        now: Timestamp,
    ) -> Result<VersionId, CommitError> {
        self.parts.store.ensure_version(definition, now).await
    }

    /// Why a run was halted, if it was: it is not under way any more, and has not ended.
    pub fn halted(&self, run: RunId) -> Option<&CommitError> {
        self.halted.get(&run)
    }

    /// Begins a run: committed when this returns.
    pub async fn begin(&mut self, record: &NewRun, live: Live) -> Result<(), CommitError> {
        let mut turn = Turn::at(self.now());
        turn.batch.new_run(record);
        self.runs.insert(record.id, live);
        self.happen(record.id, Event::Begin, &mut turn).ok();
        self.finish_turn(turn).await?;
        // A run that was refused as it began does not exist.
        self.halted.remove(&record.id).map_or(Ok(()), Err)
    }

    /// Cancels everything that is under way, as `by`.
    pub async fn cancel_all(&mut self, by: &str) -> Result<(), CommitError> {
        let mut turn = Turn::at(self.now());
        for run in self.runs.keys().copied().collect::<Vec<_>>() {
            self.happen(run, Event::Cancel { node: NodeId::ROOT, by: by.into() }, &mut turn).ok();
        }
        self.finish_turn(turn).await
    }

    /// Runs until nothing is under way any more.
    pub async fn run_until_idle(&mut self) -> Result<(), CommitError> {
        while !self.runs.is_empty() {
            self.go_round().await?;
        }
        Ok(())
    }

    /// Runs until told to stop: what is due fires, what is under way goes on.
    pub async fn run_until_stopped(&mut self) -> Result<(), CommitError> {
        loop {
            match self.stopping {
                Some(drain) if !drain || self.attempts.is_empty() => {
                    self.leave_word().await;
                    return Ok(());
                }
                Some(_) | None => match self.go_round().await {
                    // What cannot be written was not done either: the next start goes on from before it.
                    Err(CommitError::Transient(_)) if self.stopping == Some(false) => {
                        tracing::warn!(
                            "what could not be written down was not done; the next start decides it"
                        );
                    }
                    done => done?,
                },
            }
        }
    }

    /// Leaves word for the next start, and for people, of what is not among the facts. It may be lost.
    async fn leave_word(&mut self) {
        let mut turn = Turn::at(self.now());
        self.write_pokes(&mut turn, true);
        if let Err(error) = self.parts.store.commit(&turn.batch).await {
            tracing::warn!(%error, "what sensors were last answered could not be written down");
        }
        self.parts.store.alive(turn.now);
    }

    /// What is under way, in words.
    pub fn under_way(&self) -> String {
        match (self.runs.len(), self.attempts.len()) {
            (0, _) => "nothing is under way".to_owned(),
            (runs, attempts) => format!("under way: runs: {runs}, tasks that run: {attempts}"),
        }
    }

    /// Gives the store back, to be closed.
    pub fn into_store(self) -> Store {
        self.parts.store
    }

    /// One turn: waits for something to happen and deals with all that has.
    pub async fn go_round(&mut self) -> Result<(), CommitError> {
        let inputs = self.receive().await;
        let set = self.clocks.look();
        let mut turn = Turn::at(self.now());
        self.sensing.at(turn.now);
        if let Some(was) = set {
            self.rebase(was, &mut turn).await;
        }
        let mut enacted = Vec::new();
        for input in inputs {
            match input {
                Input::Report(report) => self.report(report, &mut turn),
                Input::Sighted(reports) => self.sighted(reports, &mut turn),
                Input::Command(command) => self.command(command, &mut turn).await?,
                Input::Order(Order::Enact(files, answer)) => {
                    // What came due before them is for the files to decide that are in force till now.
                    while self.stopping.is_none() && self.decide(&mut turn) {}
                    self.note_progress(&mut turn);
                    self.finish_turn(turn).await?;
                    turn = Turn::at(self.now());
                    enacted.push((answer, self.enact(*files, &mut turn).await));
                }
                Input::Order(Order::Stop { drain }) => {
                    self.stopping = Some(drain);
                    // The next start may go by other calendars.
                    self.note_progress(&mut turn);
                }
            }
        }
        self.settle_sensors(&mut turn);
        self.look_up_runs(&mut turn).await;
        let due = |live: &&Live| self.run_wake(live).is_some_and(|due| due <= turn.now);
        let due: Vec<RunId> = self.runs.values().filter(due).map(|live| live.run.id()).collect();
        for run in due {
            self.happen(run, Event::Wake, &mut turn).ok();
        }
        if self.stopping.is_none() {
            self.decide(&mut turn);
            self.begin_waiting(&mut turn);
        }
        self.finish_turn(turn).await?;
        for (answer, enacted) in enacted {
            // Whoever asked may have gone away since.
            let _ = answer.send(enacted);
        }
        self.show_life();
        Ok(())
    }

    pub(super) fn now(&self) -> Timestamp {
        truncated(self.clocks.now())
    }

    /// Everything that waits; sleeps until there is something, or the next instant that matters.
    async fn receive(&mut self) -> Vec<Input> {
        let mut inputs: Vec<Input> = self.own.drain(..).map(Input::Report).collect();
        inputs.extend(self.postponed.drain(..).map(Input::Order));
        if inputs.is_empty() {
            let until = self.next_wake();
            // A channel whose other end is gone has nothing more to say, and is not waited for.
            tokio::select! {
                biased;
                Some(report) = self.parts.reports.recv() => inputs.push(Input::Report(report)),
                Some(sighted) = self.parts.sightings.recv() => inputs.push(Input::Sighted(sighted)),
                Some(command) = self.parts.commands.recv() => inputs.push(Input::Command(command)),
                Some(order) = self.parts.orders.recv() => inputs.push(Input::Order(order)),
                // What is due already waits for no timer's tick, but lets others have their turn.
                () = tokio::task::yield_now(), if until.is_zero() => {}
                () = self.parts.clock.sleep(until) => {}
            }
        }
        while let Ok(report) = self.parts.reports.try_recv() {
            inputs.push(Input::Report(report));
        }
        while let Ok(sighted) = self.parts.sightings.try_recv() {
            inputs.push(Input::Sighted(sighted));
        }
        while let Ok(command) = self.parts.commands.try_recv() {
            inputs.push(Input::Command(command));
        }
        while let Ok(order) = self.parts.orders.try_recv() {
            inputs.push(Input::Order(order));
        }
        inputs
    }

    /// How long there is nothing to do by the clock.
    fn next_wake(&self) -> Duration {
        let now = self.clocks.now();
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
        let runs = self.runs.values().filter_map(|live| self.run_wake(live));
        let runs = runs.chain(self.sensing.next_wake()).min();
        // Who is about to end, or has no files to go by, decides nothing more, and is not woken for it.
        let decides = self.stopping.is_none() && self.clocks.are_watched();
        let decision = self.next_decision(now).filter(|_| decides);
        let urgent = self.sensing.is_urgent().then_some(Duration::ZERO);
        [runs.map(until), decision, urgent].into_iter().flatten().fold(self.parts.look_up, Ord::min)
    }

    fn run_wake(&self, live: &Live) -> Option<Timestamp> {
        let due = live.run.next_wake()?;
        Some(self.sensing.held(live.run.id()).map_or(due, |held| held.max(due)))
    }

    /// Says that the engine goes round, to whoever watches; and leaves word of it for the next start, which
    /// is to know how long there was none.
    pub(super) fn show_life(&mut self) {
        let now = self.now();
        let since = Duration::try_from(now.duration_since(self.last_shown)).unwrap_or(Duration::MAX);
        if since >= self.parts.look_up / 2 {
            self.last_shown = now;
            self.parts.store.alive(now);
            self.parts.watch.alive();
        }
    }
}
