//! The loop: receive what has happened, apply the law, save in one transaction, then perform.
//!
//! ```text
//!  reports ─┐
//!  commands ┼▶ receive ─▶ apply (all that waits, one `now`) ─▶ commit ─▶ perform ─▶ answer ─┐
//!  time ────┘      ▲                                                                        │
//!                  └────────────────────────────────────────────────────────────────────────┘
//! ```
//! While one batch commits, the next gathers in the channels, unstepped.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::control::{Command, Refused, Watch};
use crate::executor::job::{Ended, Executor, Expected, Inventory, Report, Verdict};
use crate::executor::output::Places;
use crate::pipeline::node::NodeId;
use crate::run::clear::{self, Plan};
use crate::run::effect::Effect;
use crate::run::event::Event;
use crate::run::live::Live;
use crate::run::machine::Illegal;
use crate::run::state::{AttemptId, Exit, Kill, RunId, State};
use crate::store::batch::Batch;
use crate::store::catalog::Definition;
use crate::store::db::{CommitError, Store};
use crate::store::instant::truncated;
use crate::store::journal::NextIds;
use crate::store::record::{AttemptEnd, Log, NewRun, Usage, VersionId};

use super::flight::Flight;
use super::launch::{self, Surroundings};
use super::recovery::Recovered;

/// How many reports may wait: enough that the keeper's client never stalls in a burst, and a bound on what
/// one batch takes in.
pub const REPORTS: usize = 1024;
/// A suspended machine's timers are late, so the wall clock is looked at this often anyway.
const LOOK_UP: Duration = Duration::from_secs(30);
/// Between two tries of a commit that failed for want of space or a disk's patience.
const COMMIT_AGAIN: Duration = Duration::from_secs(1);

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
    /// What people ask.
    pub commands: mpsc::Receiver<Command>,
    /// Who looks on.
    pub watch: Box<dyn Watch>,
    /// Where tasks keep their files.
    pub places: Places,
    /// What is the same for every command.
    pub surroundings: Surroundings,
    /// How many attempts may run at the same time.
    pub parallelism: usize,
    /// The machine's boot.
    pub boot_id: String,
}

/// The owner of all live runs.
pub struct Engine {
    parts: Parts,
    next: NextIds,
    runs: BTreeMap<RunId, Live>,
    attempts: HashMap<AttemptId, Flight>,
    connected: bool,
    /// What the engine learned by itself while performing.
    own: VecDeque<Report>,
}

/// What one turn of the loop has gathered.
struct Turn {
    now: Timestamp,
    batch: Batch,
    launches: Vec<AttemptId>,
    kills: Vec<AttemptId>,
    acknowledged: Vec<AttemptId>,
    touched: BTreeSet<RunId>,
    finished: BTreeSet<RunId>,
    answers: Vec<Answer>,
}

/// A reply that waits for the commit.
enum Answer {
    Done(oneshot::Sender<Result<(), Refused>>, Result<(), Refused>),
    Planned(oneshot::Sender<Result<Plan, Refused>>, Result<Plan, Refused>),
}

enum Input {
    Report(Report),
    Command(Command),
}

impl Engine {
    /// An engine over what was under way when the last one ended.
    pub fn new(parts: Parts, next: NextIds, recovered: Recovered) -> Self {
        let Recovered { runs, attempts } = recovered;
        Self { parts, next, runs, attempts, connected: false, own: VecDeque::new() }
    }

    /// The number the next run will have.
    pub fn next_run(&mut self) -> RunId {
        let id = self.next.run;
        self.next.run = RunId(id.0 + 1);
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

    /// Begins a run: committed when this returns.
    pub async fn begin(&mut self, record: &NewRun, live: Live) -> Result<(), CommitError> {
        let mut turn = self.turn();
        turn.batch.new_run(record);
        self.runs.insert(record.id, live);
        self.happen(record.id, Event::Begin, &mut turn).ok();
        self.finish_turn(turn).await
    }

    /// Cancels everything that is under way, as `by`.
    pub async fn cancel_all(&mut self, by: &str) -> Result<(), CommitError> {
        let mut turn = self.turn();
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

    /// Gives the store back, to be closed.
    pub fn into_store(self) -> Store {
        self.parts.store
    }

    /// One turn: waits for something to happen and deals with all that has.
    pub async fn go_round(&mut self) -> Result<(), CommitError> {
        let inputs = self.receive().await;
        let mut turn = self.turn();
        for input in inputs {
            match input {
                Input::Report(report) => self.report(report, &mut turn),
                Input::Command(command) => self.command(command, &mut turn),
            }
        }
        let due = |live: &Live| live.run.next_wake().is_some_and(|due| due <= turn.now);
        let due: Vec<RunId> = self.runs.iter().filter(|(_, live)| due(live)).map(|(&run, _)| run).collect();
        for run in due {
            self.happen(run, Event::Wake, &mut turn).ok();
        }
        self.finish_turn(turn).await
    }

    fn turn(&self) -> Turn {
        Turn {
            now: truncated(self.parts.clock.now()),
            batch: Batch::default(),
            launches: Vec::new(),
            kills: Vec::new(),
            acknowledged: Vec::new(),
            touched: BTreeSet::new(),
            finished: BTreeSet::new(),
            answers: Vec::new(),
        }
    }

    /// Everything that waits; sleeps until there is something, or the next instant that matters.
    async fn receive(&mut self) -> Vec<Input> {
        let mut inputs: Vec<Input> = self.own.drain(..).map(Input::Report).collect();
        if inputs.is_empty() {
            let next = self.runs.values().filter_map(|live| live.run.next_wake()).min();
            let until = next.map_or(LOOK_UP, |next| {
                let left = next.duration_since(self.parts.clock.now());
                Duration::try_from(left).unwrap_or_default().min(LOOK_UP)
            });
            tokio::select! {
                report = self.parts.reports.recv() => inputs.extend(report.map(Input::Report)),
                command = self.parts.commands.recv() => inputs.extend(command.map(Input::Command)),
                () = tokio::time::sleep(until) => {}
            }
        }
        while let Ok(report) = self.parts.reports.try_recv() {
            inputs.push(Input::Report(report));
        }
        while let Ok(command) = self.parts.commands.try_recv() {
            inputs.push(Input::Command(command));
        }
        inputs
    }

    fn report(&mut self, report: Report, turn: &mut Turn) {
        match report {
            Report::Connected(inventory) => {
                self.connected = true;
                self.settle(&*inventory, turn);
            }
            Report::Spawned { attempt, pid, .. } => {
                if let Some(flight) = self.attempts.get_mut(&attempt) {
                    flight.pid = Some(pid);
                }
            }
            Report::Ended(ended) => self.ended(*ended, turn),
            Report::Unavailable { error } => {
                self.connected = false;
                tracing::error!(%error, "no attempt can be started: the keeper is not to be had");
            }
        }
    }

    /// Compares what the executor has with what is believed, after it has connected.
    fn settle(&mut self, inventory: &dyn Inventory, turn: &mut Turn) {
        for attempt in inventory.attempts() {
            if !self.attempts.contains_key(&attempt) {
                // Its end is known here, or its run was ended without it: nothing of it may go on.
                turn.kills.push(attempt);
            }
        }
        for (attempt, flight) in self.attempts.clone() {
            let expected = Expected { attempt, created_at: flight.created_at, boot_id: &flight.boot_id };
            let killed = self.kill_of(&flight).is_some();
            match inventory.verdict(expected) {
                Verdict::Known if killed => turn.kills.push(attempt),
                Verdict::Known => {}
                Verdict::NeverStarted if killed => {
                    self.ended(Ended::unstarted(attempt, Exit::Killed), turn);
                }
                Verdict::NeverStarted => turn.launches.push(attempt),
                Verdict::Lost(evidence) => {
                    self.ended(Ended::unstarted(attempt, Exit::Lost(evidence.into())), turn);
                }
            }
        }
        turn.launches.sort_unstable();
    }

    fn kill_of(&self, flight: &Flight) -> Option<Kill> {
        let State::Running { kill, .. } = self.runs.get(&flight.run)?.run.state(flight.node) else {
            return None;
        };
        kill.as_deref().cloned()
    }

    fn ended(&mut self, ended: Ended, turn: &mut Turn) {
        turn.acknowledged.push(ended.attempt);
        // An end that is known already is only acknowledged again.
        let Some(flight) = self.attempts.remove(&ended.attempt) else { return };
        let kill = self.kill_of(&flight);
        let Some(live) = self.runs.get_mut(&flight.run) else { return };
        let number = live.run.entry(flight.node).attempts;
        let path = live.run.tree().path(flight.node);
        let log = self.parts.places.log(&live.pipeline.name, flight.run, &path, number);
        let (bytes, dropped_bytes) = ended.log_bytes;
        let end = AttemptEnd {
            attempt: ended.attempt,
            started_at: ended.started_at,
            ended_at: ended.ended_at.unwrap_or(turn.now),
            exit: ended.exit.clone(),
            kill,
            pid: flight.pid,
            usage: ended.started_at.map(|_| Usage {
                cpu_user_ms: millis(ended.cpu.0),
                cpu_system_ms: millis(ended.cpu.1),
                max_rss_bytes: ended.max_rss,
            }),
            log: (bytes > 0).then(|| Log { path: log.display().to_string(), bytes, dropped_bytes }),
        };
        turn.batch.attempt_ended(&live.run, &end);
        if !ended.outputs.is_empty() {
            turn.batch.outputs(&live.run, flight.node, ended.outputs.clone());
            live.set_outputs(&path, ended.outputs);
        }
        let event = Event::Exited { node: flight.node, attempt: ended.attempt, exit: ended.exit };
        if let Err(error) = self.happen(flight.run, event, turn) {
            tracing::error!(%error, run = %flight.run, "an exit did not fit the run");
        }
    }

    fn command(&mut self, command: Command, turn: &mut Turn) {
        match command {
            Command::Cancel { run, node, by, answer } => {
                let done = self.intervene(run, Event::Cancel { node, by }, turn);
                turn.answers.push(Answer::Done(answer, done));
            }
            Command::Mark { run, node, mark, by, answer } => {
                let done = self.intervene(run, Event::Mark { node, mark, by }, turn);
                turn.answers.push(Answer::Done(answer, done));
            }
            Command::Clear { run, request, force, dry_run, by, answer } => {
                let planned = self.clear(run, &request, force, dry_run, by, turn);
                turn.answers.push(Answer::Planned(answer, planned));
            }
        }
    }

    fn clear(
        &mut self,
        run: RunId,
        request: &clear::Request,
        force: bool,
        dry_run: bool,
        by: Box<str>,
        turn: &mut Turn,
    ) -> Result<Plan, Refused> {
        let live = self.runs.get(&run).ok_or(Refused::NoSuchRun(run))?;
        let plan = clear::plan(&live.run, request);
        let count = plan.running(&live.run).count();
        if dry_run {
            return Ok(plan);
        }
        if count > 0 && !force {
            return Err(Refused::Running { count });
        }
        self.intervene(run, Event::Clear { nodes: plan.nodes.clone(), by }, turn)?;
        Ok(plan)
    }

    fn intervene(&mut self, run: RunId, event: Event, turn: &mut Turn) -> Result<(), Refused> {
        if !self.runs.contains_key(&run) {
            return Err(Refused::NoSuchRun(run));
        }
        Ok(self.happen(run, event, turn)?)
    }

    /// Steps a run, answers its conditions, and notes what is to be written and done.
    fn happen(&mut self, id: RunId, event: Event, turn: &mut Turn) -> Result<(), Illegal> {
        let Some(live) = self.runs.get_mut(&id) else { return Ok(()) };
        let mut events = VecDeque::from([event]);
        let mut effects = Vec::new();
        while let Some(event) = events.pop_front() {
            live.run.step(&event, turn.now, &mut effects)?;
            turn.batch.event(&live.run, turn.now, &event);
            for effect in effects.drain(..) {
                match effect {
                    Effect::Evaluate(node) => {
                        let holds = launch::condition(live, node);
                        events.push_back(Event::Condition { node, holds });
                    }
                    Effect::Launch(node, attempt) => {
                        turn.batch.attempt_started(&live.run, node, attempt, turn.now);
                        let boot_id = self.parts.boot_id.clone();
                        let flight = Flight { run: id, node, created_at: turn.now, boot_id, pid: None };
                        self.attempts.insert(attempt, flight);
                        turn.launches.push(attempt);
                    }
                    Effect::Kill(_, attempt) => turn.kills.push(attempt),
                    Effect::Forget(node) => {
                        turn.batch.forget_outputs(&live.run, node);
                        let path = live.run.tree().path(node);
                        live.forget_outputs(&path);
                    }
                    Effect::Finish => drop(turn.finished.insert(id)),
                }
            }
        }
        turn.touched.insert(id);
        Ok(())
    }

    /// Fills the free places: older runs first, each in document order.
    fn admit(&mut self, turn: &mut Turn) {
        if !self.connected {
            return;
        }
        for id in self.runs.keys().copied().collect::<Vec<_>>() {
            loop {
                let free = self.parts.parallelism.saturating_sub(self.attempts.len());
                let Some(live) = self.runs.get(&id) else { break };
                let Some(node) = live.run.admissible(free) else { break };
                let event = if live.run.tree().is_leaf(node) {
                    let attempt = self.next.attempt;
                    self.next.attempt = AttemptId(attempt.0 + 1);
                    Event::Start { node, attempt }
                } else {
                    Event::Open { node }
                };
                if let Err(error) = self.happen(id, event, turn) {
                    tracing::error!(%error, run = %id, "an admissible node did not start");
                    break;
                }
            }
        }
    }

    /// Admits, commits, performs, tells.
    async fn finish_turn(&mut self, mut turn: Turn) -> Result<(), CommitError> {
        self.admit(&mut turn);
        let mut changes = Vec::new();
        for &id in &turn.touched {
            if let Some(live) = self.runs.get_mut(&id) {
                let changed = live.run.take_changes();
                turn.batch.changes(&live.run, &changed);
                changes.push((id, changed));
            }
        }
        self.commit(&turn.batch).await?;
        self.perform(&turn);
        for (id, changed) in changes {
            if let Some(live) = self.runs.get(&id) {
                self.parts.watch.changed(live, &changed, turn.now);
            }
        }
        for id in turn.finished {
            // Finished, unless something of the same turn has reopened it.
            if self.runs.get(&id).is_some_and(|live| live.run.status().is_ended())
                && let Some(live) = self.runs.remove(&id)
            {
                self.parts.watch.finished(&live, turn.now);
            }
        }
        for answer in turn.answers {
            // Whoever asked may have gone away since.
            match answer {
                Answer::Done(sender, done) => drop(sender.send(done)),
                Answer::Planned(sender, plan) => drop(sender.send(plan)),
            }
        }
        Ok(())
    }

    async fn commit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        if batch.is_empty() {
            return Ok(());
        }
        loop {
            match self.parts.store.commit(batch).await {
                Err(CommitError::Transient(error)) => {
                    tracing::error!(%error, "the database cannot be written; nothing is started until it can");
                    tokio::time::sleep(COMMIT_AGAIN).await;
                }
                done => return done,
            }
        }
    }

    fn perform(&mut self, turn: &Turn) {
        for &attempt in &turn.launches {
            let Some(flight) = self.attempts.get(&attempt) else { continue };
            let Some(live) = self.runs.get(&flight.run) else { continue };
            match launch::job(live, flight.node, attempt, &self.parts.places, &self.parts.surroundings) {
                Ok(job) => self.parts.executor.launch(job),
                Err(what) => {
                    let ended = Ended::unstarted(attempt, Exit::NotStarted(what.into()));
                    self.own.push_back(Report::Ended(Box::new(ended)));
                }
            }
        }
        for &attempt in &turn.kills {
            self.parts.executor.kill(attempt);
        }
        for &attempt in &turn.acknowledged {
            self.parts.executor.acknowledge(attempt);
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
