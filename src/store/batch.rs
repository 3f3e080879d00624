//! Everything the engine learned in one go, gathered for one commit. It owns what it holds and can be
//! committed again as it is. Of a node that changed twice only the last record is kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::pipeline::node::NodeId;
use crate::pipeline::packed::Packed;
use crate::run::event::{Event, Yield};
use crate::run::flow::Tally;
use crate::run::machine::Run;
use crate::run::poke::LastPoke;
use crate::run::state::{AttemptId, Entry, RunId, State};

use super::event::Line;
use super::fact::{Fact, Kill};
use super::instant::ms;
use super::record::{AttemptEnd, Evidence, NewRun, Params, PipelineId, RunState};
use super::slots::{OutcomeRow, ProgressRow, SlotRow};
use super::state::{encode, encode_exit};

/// What one transaction will write.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(super) new_runs: Vec<NewRunRow>,
    pub(super) changed_runs: BTreeMap<RunId, ChangedRunRow>,
    pub(super) tasks: BTreeMap<(RunId, String), Record<TaskRow>>,
    pub(super) containers: BTreeMap<(RunId, String), Record<ContainerRow>>,
    /// What was recorded at and below these paths is void.
    pub(super) grafted: BTreeSet<(RunId, String)>,
    pub(super) trees: Vec<TreeRow>,
    pub(super) started: Vec<StartedRow>,
    pub(super) ended: Vec<EndedRow>,
    pub(super) forgotten: BTreeSet<(RunId, String)>,
    pub(super) outputs: BTreeMap<(RunId, String), BTreeMap<String, String>>,
    pub(super) pokes: BTreeMap<(RunId, String), LastPoke>,
    pub(super) journal: BTreeMap<RunId, Vec<Line>>,
    /// By schedule and key. More than one only after one that made a run, which the database will refuse.
    pub(super) slots: BTreeMap<(PipelineId, Box<str>, String), Vec<SlotRow>>,
    pub(super) outcomes: BTreeMap<RunId, OutcomeRow>,
    pub(super) progress: BTreeMap<(PipelineId, Box<str>), ProgressRow>,
}

/// Whose rows a part of a batch holds. Runs come first: a slot's run is there before the watermark passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A run's, and the slot's that made it.
    Run(RunId),
    /// A pipeline's: its slots that made no run, and how far its schedules have been considered.
    Pipeline(PipelineId),
}

impl Batch {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.new_runs.is_empty()
            && self.changed_runs.is_empty()
            && self.tasks.is_empty()
            && self.containers.is_empty()
            && self.grafted.is_empty()
            && self.trees.is_empty()
            && self.started.is_empty()
            && self.ended.is_empty()
            && self.forgotten.is_empty()
            && self.outputs.is_empty()
            && self.pokes.is_empty()
            && self.journal.is_empty()
            && self.slots.is_empty()
            && self.outcomes.is_empty()
            && self.progress.is_empty()
    }

    /// The same in parts, of which none says anything about another's rows: what is refused of one run, or
    /// of one pipeline's slots, takes nothing else along. To be committed in this order.
    pub fn apart(&self) -> BTreeMap<Part, Self> {
        let mut parts: BTreeMap<Part, Self> = BTreeMap::new();
        for row in &self.new_runs {
            parts.entry(Part::Run(RunId(row.id))).or_default().new_runs.push(row.clone());
        }
        for (run, row) in &self.changed_runs {
            parts.entry(Part::Run(*run)).or_default().changed_runs.insert(*run, row.clone());
        }
        for (key, row) in &self.tasks {
            parts.entry(Part::Run(key.0)).or_default().tasks.insert(key.clone(), row.clone());
        }
        for (key, row) in &self.containers {
            parts.entry(Part::Run(key.0)).or_default().containers.insert(key.clone(), row.clone());
        }
        for key in &self.grafted {
            parts.entry(Part::Run(key.0)).or_default().grafted.insert(key.clone());
        }
        for row in &self.trees {
            parts.entry(Part::Run(row.run)).or_default().trees.push(row.clone());
        }
        for row in &self.started {
            parts.entry(Part::Run(RunId(row.run_id))).or_default().started.push(row.clone());
        }
        for row in &self.ended {
            parts.entry(Part::Run(row.run)).or_default().ended.push(row.clone());
        }
        for key in &self.forgotten {
            parts.entry(Part::Run(key.0)).or_default().forgotten.insert(key.clone());
        }
        for (key, values) in &self.outputs {
            parts.entry(Part::Run(key.0)).or_default().outputs.insert(key.clone(), values.clone());
        }
        for (key, poke) in &self.pokes {
            parts.entry(Part::Run(key.0)).or_default().pokes.insert(key.clone(), poke.clone());
        }
        for (run, events) in &self.journal {
            parts.entry(Part::Run(*run)).or_default().journal.insert(*run, events.clone());
        }
        for (run, row) in &self.outcomes {
            parts.entry(Part::Run(*run)).or_default().outcomes.insert(*run, row.clone());
        }
        for (key, rows) in &self.slots {
            for row in rows {
                let whose = row.run().map_or(Part::Pipeline(key.0), Part::Run);
                let slots = &mut parts.entry(whose).or_default().slots;
                slots.entry(key.clone()).or_default().push(row.clone());
            }
        }
        for (key, row) in &self.progress {
            parts.entry(Part::Pipeline(key.0)).or_default().progress.insert(key.clone(), row.clone());
        }
        parts
    }

    /// A run begins to exist, queued.
    pub fn new_run(&mut self, run: &NewRun) {
        self.new_runs.push(NewRunRow {
            id: run.id.0,
            version_id: run.version.0,
            kind: run.kind.word(),
            logical_date: run.logical_date.to_string(),
            calendar: run.calendar.clone(),
            scheduled_at: run.scheduled_at.map(ms),
            interval_start: ms(run.interval.start),
            interval_end: ms(run.interval.end),
            params: run.params.clone(),
            evidence: run.evidence.clone(),
            state: RunState::Queued.word(),
            created_at: ms(run.created_at),
        });
    }

    /// Something happened to a run, at the instant with which it was stepped. Every event the law accepted
    /// goes here, in order.
    pub fn event(&mut self, run: &Run, at: Timestamp, event: &Event) {
        if let Event::Exited { node, attempt, yields: Yield::Tree(generated), .. } = event
            && let Some(lazy) = run.tree().parent(*node)
        {
            let packed = generated.packed.clone();
            let path = run.tree().path(lazy);
            self.trees.push(TreeRow { run: run.id(), path, attempt: *attempt, packed, created_at: ms(at) });
        }
        self.journal.entry(run.id()).or_default().push(Line::of(at, event, run.tree()));
    }

    /// The records of `changed` are now as they are in `run`; see [`Run::take_changes`]. With the root's
    /// goes the run's own row.
    pub fn changes(&mut self, run: &Run, changed: &[NodeId]) {
        for &node in changed {
            let path = run.tree().path(node);
            let key = (run.id(), path.clone());
            if run.tree().is_leaf(node) {
                self.tasks.insert(key, Record::of_task(run, node, path));
            } else {
                self.containers.insert(key, Record::of_container(run, node, path));
            }
            if node == NodeId::ROOT {
                let mut row = ChangedRunRow::of(run);
                // It may end before its start was committed.
                let known = self.changed_runs.get(&run.id()).and_then(|known| known.started_at);
                row.started_at = known.or(row.started_at);
                self.changed_runs.insert(run.id(), row);
            }
        }
    }

    /// A generated tree has come in the place of this node: what was recorded there, and below, is void. Its
    /// records of now follow as changes.
    pub fn grafted(&mut self, run: &Run, at: NodeId) {
        let path = run.tree().path(at);
        let within = |known: &(RunId, String)| {
            let rest = known.1.strip_prefix(&*path).filter(|_| known.0 == run.id());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.tasks.retain(|known, _| !within(known));
        self.containers.retain(|known, _| !within(known));
        self.grafted.insert((run.id(), path));
    }

    /// A leaf's new attempt. The run has been stepped with its start: its number is how many there are.
    pub fn attempt_started(&mut self, run: &Run, node: NodeId, attempt: AttemptId, at: Timestamp) {
        self.started.push(StartedRow {
            id: attempt.0.cast_signed(),
            run_id: run.id().0,
            path: run.tree().path(node),
            number: run.entry(node).attempts,
            created_at: ms(at),
        });
    }

    /// An attempt of this run has ended.
    pub fn attempt_ended(&mut self, run: &Run, end: &AttemptEnd) {
        let exit = encode_exit(&end.exit);
        self.ended.push(EndedRow {
            run: run.id(),
            id: end.attempt.0.cast_signed(),
            started_at: end.started_at.map(ms),
            ended_at: ms(end.ended_at),
            outcome: exit.outcome,
            exit_code: exit.code,
            exit_signal: exit.signal,
            exit_text: exit.text,
            kill: end.kill.as_ref().map(|kill| Kill::of(kill, run.tree())),
            pid: end.pid,
            cpu_user_ms: end.usage.map(|usage| usage.cpu_user_ms),
            cpu_system_ms: end.usage.map(|usage| usage.cpu_system_ms),
            max_rss_bytes: end.usage.map(|usage| usage.max_rss_bytes),
            log_path: end.log.as_ref().map(|log| log.path.clone()),
            log_bytes: end.log.as_ref().map(|log| log.bytes),
            log_dropped_bytes: end.log.as_ref().map(|log| log.dropped_bytes),
        });
    }

    /// What a leaf wrote to `$SEXTON_OUTPUT`; a key that was there is overwritten.
    pub fn outputs(&mut self, run: &Run, node: NodeId, values: impl IntoIterator<Item = (String, String)>) {
        let key = (run.id(), run.tree().path(node));
        self.outputs.entry(key).or_default().extend(values);
    }

    /// What the sensor at a path of a run was last answered.
    pub fn poke(&mut self, run: RunId, path: String, poke: LastPoke) {
        self.pokes.insert((run, path), poke);
    }

    /// What a leaf had written is void.
    pub fn forget_outputs(&mut self, run: &Run, node: NodeId) {
        let key = (run.id(), run.tree().path(node));
        self.outputs.remove(&key);
        self.forgotten.insert(key);
    }
}

/// A node's row, or that it has none: a node of which nothing is known any more is as one never reached.
#[derive(Clone, Debug)]
pub(super) enum Record<R> {
    Row(R),
    None { run_id: i64, path: String },
}

impl Record<TaskRow> {
    fn of_task(run: &Run, node: NodeId, path: String) -> Self {
        let run_id = run.id().0;
        let Entry { state, attempts, forgiven } = run.entry(node);
        if *attempts == 0 && matches!(state, State::Pending | State::Deciding) {
            return Self::None { run_id, path };
        }
        let stored = encode(state, run.tree());
        Self::Row(TaskRow {
            run_id,
            path,
            state: stored.status.word(),
            at: stored.at.map(ms),
            attempts: *attempts,
            forgiven: *forgiven,
            attempt: stored.attempt.map(|attempt| attempt.0.cast_signed()),
            detail: stored.fact,
        })
    }
}

impl Record<ContainerRow> {
    fn of_container(run: &Run, node: NodeId, path: String) -> Self {
        let run_id = run.id().0;
        let state = run.state(node);
        if matches!(state, State::Pending | State::Deciding) {
            return Self::None { run_id, path };
        }
        let stored = encode(state, run.tree());
        let tally = if state.is_ended() { run.tally(node) } else { Tally::default() };
        Self::Row(ContainerRow {
            run_id,
            path,
            state: stored.status.word(),
            at: stored.at.map(ms),
            detail: stored.fact,
            succeeded: tally.succeeded,
            failed: tally.failed,
            skipped: tally.skipped,
            upstream_failed: tally.upstream_failed,
            cancelled: tally.cancelled,
        })
    }
}

/// A generated tree. Its text is no JSON.
#[derive(Clone, Debug)]
pub(super) struct TreeRow {
    pub(super) run: RunId,
    /// The lazy node's.
    pub(super) path: String,
    pub(super) attempt: AttemptId,
    pub(super) packed: Packed,
    pub(super) created_at: i64,
}

// What a statement reads out of JSON: a field is called as its column is.

#[derive(Clone, Debug, Serialize)]
pub(super) struct NewRunRow {
    id: i64,
    version_id: i64,
    kind: &'static str,
    logical_date: String,
    calendar: Option<Box<str>>,
    scheduled_at: Option<i64>,
    interval_start: i64,
    interval_end: i64,
    params: Params,
    evidence: Evidence,
    state: &'static str,
    created_at: i64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ChangedRunRow {
    id: i64,
    state: &'static str,
    suppressed: u32,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

impl ChangedRunRow {
    fn of(run: &Run) -> Self {
        let root = run.state(NodeId::ROOT);
        let since = |at: Option<Timestamp>, when| at.filter(|_| when).map(ms);
        Self {
            id: run.id().0,
            state: RunState::from(root.status()).word(),
            suppressed: run.suppressed(NodeId::ROOT),
            started_at: since(root.at(), has_begun(root)),
            ended_at: since(root.at(), root.is_ended()),
        }
    }
}

/// Whether the root's record is of a run that is at work.
fn has_begun(root: &State) -> bool {
    matches!(root, State::Open { .. } | State::Running { .. } | State::Waiting { .. } | State::Poking { .. })
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct TaskRow {
    run_id: i64,
    path: String,
    state: &'static str,
    at: Option<i64>,
    attempts: u32,
    forgiven: u32,
    attempt: Option<i64>,
    detail: Option<Fact>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ContainerRow {
    run_id: i64,
    path: String,
    state: &'static str,
    at: Option<i64>,
    detail: Option<Fact>,
    succeeded: u32,
    failed: u32,
    skipped: u32,
    upstream_failed: u32,
    cancelled: u32,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct StartedRow {
    id: i64,
    run_id: i64,
    path: String,
    number: u32,
    created_at: i64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct EndedRow {
    /// Not a column: the attempt's row has it.
    #[serde(skip)]
    run: RunId,
    id: i64,
    started_at: Option<i64>,
    ended_at: i64,
    outcome: &'static str,
    exit_code: Option<i32>,
    exit_signal: Option<i32>,
    exit_text: Option<Box<str>>,
    kill: Option<Kill>,
    pid: Option<u32>,
    cpu_user_ms: Option<u64>,
    cpu_system_ms: Option<u64>,
    max_rss_bytes: Option<u64>,
    log_path: Option<String>,
    log_bytes: Option<u64>,
    log_dropped_bytes: Option<u64>,
}
