//! Slots become runs here: what is due is put to the law of slots, and what it decides is written down and
//! begun. It sleeps till the next slot, or till told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::pipeline::definition::Pipeline;
use crate::pipeline::node::NodeId;
use crate::run::event::Event;
use crate::run::live::{Live, RunKind};
use crate::run::machine::Run;
use crate::run::state::{RunId, Status};
use crate::schedule::definition::Policy;
use crate::schedule::plan::{self, Active, Known, Plan, Situation};
use crate::schedule::slot::{Decision, Entry, Key};
use crate::schedule::vigil::{Trust, Vigil};
use crate::store::batch::Batch;
use crate::store::catalog::Definition;
use crate::store::db::CommitError;
use crate::store::in_force::{Enacted as Kept, Pause, Standing};
use crate::store::record::{Evidence, Interval, NewRun, PipelineId, VersionId};

use super::facts::{self, scope};
use super::orders::{Enacted, Files};
use super::runner::Engine;
use super::turn::Turn;

/// Pipelines that are looked at in one turn. With a thousand due at once, the first runs start while the
/// last are still being decided.
const AT_ONCE: usize = 64;
/// How often it is asked anew when each pipeline is to be looked at: the time-zone data may have been replaced.
const REFRESH: SignedDuration = SignedDuration::from_mins(5);
/// An absence that is worth a word: longer than any sleep of the engine.
const ABSENCE: Duration = Duration::from_mins(2);

/// The pipelines in force, and when to look at each.
#[derive(Default)]
pub(super) struct Scheduler {
    in_force: BTreeMap<Box<str>, Scheduled>,
    wakes: BTreeSet<(Timestamp, Box<str>)>,
    /// Runs that wait for others of their pipeline to end.
    pub(super) waiting: BTreeSet<RunId>,
    /// Set when a run has gone, and with it perhaps the reason to wait.
    pub(super) freed: bool,
    vigil: Option<Vigil>,
    /// How long the clock must be watched before anything is decided again.
    pub(super) held: Option<Duration>,
    /// When the daemon was last away.
    absence: Option<(Timestamp, Timestamp)>,
    looked: Option<Timestamp>,
    refreshed: Option<Timestamp>,
    environment: String,
    evidence: Evidence,
}

struct Scheduled {
    pipeline: Arc<Pipeline>,
    id: PipelineId,
    version: VersionId,
    known: Vec<Known>,
    paused: Option<Pause>,
    wake: Option<Timestamp>,
}

impl Scheduler {
    /// Nothing in force yet; of the runs, those that have not begun wait.
    pub(super) fn with_waiting(runs: &BTreeMap<RunId, Live>) -> Self {
        let pending = runs.iter().filter(|(_, live)| live.run.status() == Status::Pending);
        Self { waiting: pending.map(|(&run, _)| run).collect(), ..Self::default() }
    }

    /// When the next slot comes due; `None` where none does.
    pub(super) fn next_slot(&self) -> Option<Timestamp> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// The rules by which a pipeline goes now; `None` where it is not in force.
    pub(super) fn policy(&self, pipeline: &str) -> Option<&Policy> {
        self.in_force.get(pipeline).map(|scheduled| &scheduled.pipeline.timetable.policy)
    }

    fn set_wakes(&mut self) {
        for name in self.in_force.keys().cloned().collect::<Vec<_>>() {
            self.set_wake(&name);
        }
    }

    fn set_wake(&mut self, name: &str) {
        let Some(scheduled) = self.in_force.get_mut(name) else { return };
        if let Some(old) = scheduled.wake.take() {
            self.wakes.remove(&(old, name.into()));
        }
        let timetable = &scheduled.pipeline.timetable;
        let each = timetable.schedules.iter().zip(&scheduled.known);
        let next = each.filter_map(|(schedule, known)| match known.boot {
            Some(_) => Some(Timestamp::MIN),
            None => plan::next_wake(schedule, &timetable.policy, known),
        });
        scheduled.wake = next.min();
        if let Some(wake) = scheduled.wake {
            self.wakes.insert((wake, name.into()));
        }
    }
}

impl Engine {
    /// Goes by other files: what is new or changed begins now, what is gone makes no runs any more.
    pub(super) async fn enact(&mut self, files: Files) -> Result<Enacted, CommitError> {
        let now = self.now();
        let set: Vec<Kept> = files.pipelines.iter().map(|pipeline| kept(pipeline, &files.defaults)).collect();
        let standings = loop {
            match self.parts.store.enact(&files.settings, &set, now).await {
                Err(CommitError::Transient(error)) => self.wait_for_the_disk(&error).await,
                done => break done?,
            }
        };
        self.parts.surroundings = files.surroundings;
        self.parts.parallelism = files.parallelism;
        let scheduler = &mut self.scheduler;
        scheduler.environment = files.environment;
        scheduler.evidence = files.evidence;
        let first = scheduler.vigil.is_none();
        let newest = standings.iter().flat_map(|standing| standing.watermarks.values()).max().copied();
        if first {
            scheduler.vigil = Some(Vigil::begin(now, self.parts.clock.since_boot(), newest));
            // Whichever is the later sign of life.
            let last_alive = self.parts.store.last_alive().max(newest);
            scheduler.absence = last_alive.map(|last| (last, now)).filter(|(last, now)| last < now);
        }
        let absence = scheduler.absence;
        let mut enacted = Enacted { pipelines: files.pipelines.len(), absence, ..Enacted::default() };
        let mut before = std::mem::take(&mut scheduler.in_force);
        scheduler.wakes.clear();
        for (pipeline, standing) in files.pipelines.into_iter().zip(standings) {
            let name = pipeline.name.clone();
            enacted.schedules += pipeline.timetable.schedules.len();
            let begun = standing.changed.iter();
            enacted.begun.extend(begun.map(|schedule| (name.clone(), schedule.clone())));
            let scheduled = Scheduled::new(pipeline, standing, before.remove(&name), now);
            self.scheduler.in_force.insert(name, scheduled);
        }
        self.answer_the_boot(first, now).await?;
        self.scheduler.set_wakes();
        Ok(enacted)
    }

    /// A start of the daemon is what `@reboot` waits for, once in each boot of the machine. To one that is
    /// read later, the present boot is the past.
    async fn answer_the_boot(&mut self, starting: bool, now: Timestamp) -> Result<(), CommitError> {
        let key = Key::Boot(self.parts.boot_id.as_str().into());
        let mut batch = Batch::default();
        for scheduled in self.scheduler.in_force.values_mut() {
            let schedules = scheduled.pipeline.timetable.schedules.iter().zip(&mut scheduled.known);
            for (schedule, known) in schedules.filter(|(schedule, _)| schedule.is_reboot()) {
                let seen = self.parts.store.reader().has_slot(scheduled.id, &schedule.name, &key).await;
                if seen.unwrap_or_default() {
                    continue;
                }
                if starting {
                    known.boot = Some(self.parts.boot_id.as_str().into());
                    continue;
                }
                let entry = Entry {
                    schedule: schedule.name.clone(),
                    key: key.clone(),
                    first: now,
                    last: now,
                    count: 1,
                    decision: Decision::Skipped,
                    reason: "added after the machine's boot; it fires after the next".into(),
                };
                batch.slot(scheduled.id, &entry, None, now);
            }
        }
        self.commit(&batch).await
    }

    /// Pauses a pipeline, or lets it go on; false where there is none of this name.
    pub(super) async fn pause(&mut self, name: &str, by: Option<Box<str>>) -> Result<bool, CommitError> {
        let at = self.now();
        let Some(scheduled) = self.scheduler.in_force.get_mut(name) else { return Ok(false) };
        let pause = by.map(|by| Pause { by, at });
        self.parts.store.pause(scheduled.id, pause.as_ref()).await?;
        scheduled.paused = pause;
        Ok(true)
    }

    /// Looks at the clocks, and lets the law decide what is due.
    pub(super) async fn decide(&mut self, turn: &mut Turn) {
        let scheduler = &mut self.scheduler;
        let Some(vigil) = &mut scheduler.vigil else { return };
        if let Some(looked) = scheduler.looked.replace(turn.now)
            && Duration::try_from(turn.now.duration_since(looked)).is_ok_and(|away| away > ABSENCE)
        {
            scheduler.absence = Some((looked, turn.now));
        }
        let held = scheduler.held.take().is_some();
        match vigil.look(turn.now, self.parts.clock.since_boot()) {
            Trust::Steady => {}
            Trust::Held(left) => {
                if !held {
                    tracing::warn!(
                        "the clock has jumped; no slot fires until it has held still for {left:?}"
                    );
                }
                scheduler.held = Some(left);
                return;
            }
            Trust::Set { was } => self.rebase(was, turn).await,
        }
        let fresh = |refreshed: Timestamp| turn.now.duration_since(refreshed).abs() < REFRESH;
        if !self.scheduler.refreshed.is_some_and(fresh) {
            self.scheduler.refreshed = Some(turn.now);
            self.scheduler.set_wakes();
        }
        for _ in 0..AT_ONCE {
            let scheduler = &mut self.scheduler;
            let Some((due, name)) = scheduler.wakes.first().cloned() else { break };
            if due > turn.now {
                break;
            }
            self.consider(&name, turn);
            self.scheduler.set_wake(&name);
        }
    }

    async fn rebase(&mut self, was: Timestamp, turn: &mut Turn) {
        tracing::warn!(%was, now = %turn.now, "the clock was set; schedules go on from now");
        let names: Vec<Box<str>> = self.scheduler.in_force.keys().cloned().collect();
        for name in names {
            let Some(scheduled) = self.scheduler.in_force.get_mut(&name) else { continue };
            // Where they cannot be read, the database itself refuses to let a slot fire twice.
            let ahead = self.parts.store.reader().fired_after(scheduled.id, turn.now).await;
            let ahead = ahead.unwrap_or_else(|error| {
                tracing::error!(%error, pipeline = %name, "the slots that have fired cannot be read");
                BTreeMap::new()
            });
            let timetable = &scheduled.pipeline.timetable;
            let of = |name: &str| ahead.get(name).cloned().unwrap_or_default();
            let ahead = timetable.schedules.iter().map(|schedule| of(&schedule.name)).collect();
            let entries = plan::rebase(timetable, &mut scheduled.known, ahead, (was, turn.now));
            for schedule in &timetable.schedules {
                turn.batch.watermark(scheduled.id, &schedule.name, turn.now);
            }
            for entry in &entries {
                turn.batch.slot(scheduled.id, entry, None, turn.now);
            }
            turn.decided.push((name.clone(), entries));
            self.scheduler.set_wake(&name);
        }
    }

    fn consider(&mut self, name: &str, turn: &mut Turn) {
        let active = self.active(name);
        let Some(scheduled) = self.scheduler.in_force.get_mut(name) else { return };
        let situation = Situation {
            now: turn.now,
            paused_by: scheduled.paused.as_ref().map(|pause| &*pause.by),
            active: &active,
            absence: self.scheduler.absence,
        };
        let pipeline = scheduled.pipeline.clone();
        let id = scheduled.id;
        let Plan { entries, cancel } = plan::consider(&pipeline.timetable, &mut scheduled.known, &situation);
        for schedule in &pipeline.timetable.schedules {
            turn.batch.watermark(id, &schedule.name, turn.now);
        }
        for entry in &entries {
            let run = (entry.decision == Decision::Fired).then(|| self.fire(&pipeline, entry, turn));
            turn.batch.slot(id, entry, run, turn.now);
        }
        for run in cancel {
            let by = "a later slot (overlap: cancel_running)".into();
            self.happen(RunId(run), Event::Cancel { node: NodeId::ROOT, by }, turn).ok();
        }
        turn.decided.push((name.into(), entries));
    }

    /// The pipeline's runs that have not ended, oldest first.
    fn active(&self, name: &str) -> Vec<Active> {
        let own = self.runs.iter().filter(|(_, live)| *live.pipeline.name == *name);
        let going = own.filter(|(_, live)| !live.run.status().is_ended());
        let active = going.map(|(&id, live)| Active {
            run: id.0,
            scheduled: live.kind == RunKind::Scheduled,
            begun: live.run.status() != Status::Pending,
        });
        active.collect()
    }

    /// Makes the run of a slot; it begins when its pipeline has a place for it.
    fn fire(&mut self, pipeline: &Arc<Pipeline>, entry: &Entry, turn: &mut Turn) -> RunId {
        let slot = entry.first;
        let schedule = pipeline.timetable.schedules.iter().find(|schedule| schedule.name == entry.schedule);
        let date = schedule.map_or_else(|| facts::date(pipeline, slot), |schedule| schedule.date(slot));
        let previous = schedule.and_then(|schedule| schedule.previous(slot));
        let interval = previous.map(|start| Interval { start, end: slot });
        let interval = interval.or_else(|| facts::day(date, &facts::zone(pipeline)));
        let version = self.scheduler.in_force.get(&pipeline.name).map_or(VersionId(0), |known| known.version);
        let record = NewRun {
            id: self.next_run(),
            version,
            kind: RunKind::Scheduled,
            logical_date: date,
            scheduled_at: Some(slot),
            interval: interval.unwrap_or(Interval { start: slot, end: slot }),
            // `check` has made sure that a schedule need not give any.
            params: facts::kept_params(&pipeline.params.bind(&[]).unwrap_or_default()),
            evidence: self.scheduler.evidence.clone(),
            created_at: turn.now,
        };
        let scope = scope(&record, pipeline, &self.scheduler.environment);
        let run = Run::new(record.id, pipeline.tree.clone());
        turn.batch.new_run(&record);
        let live = Live { run, kind: record.kind, pipeline: pipeline.clone(), scope };
        self.runs.insert(record.id, live);
        self.scheduler.waiting.insert(record.id);
        record.id
    }
}

impl Scheduled {
    fn new(pipeline: Arc<Pipeline>, standing: Standing, old: Option<Self>, now: Timestamp) -> Self {
        let Standing { pipeline: id, version, paused, watermarks, mut fired_ahead, changed } = standing;
        let before = old.map(|old| (old.pipeline, old.known));
        let known = pipeline.timetable.schedules.iter().map(|schedule| {
            let name = &*schedule.name;
            let mut known = Known::since(watermarks.get(name).copied().unwrap_or(now));
            known.fired_ahead = fired_ahead.remove(name).unwrap_or_default();
            if let Some((pipeline, old)) = &before
                && !changed.contains(&schedule.name)
                && let Some(index) = pipeline.timetable.schedules.iter().position(|old| *old.name == *name)
            {
                known = old[index].clone();
            }
            known
        });
        let known = known.collect();
        Self { known, pipeline, id, version, paused, wake: None }
    }
}

fn kept(pipeline: &Pipeline, defaults: &str) -> Kept {
    let schedules = pipeline.timetable.schedules.iter();
    Kept {
        definition: Definition {
            name: pipeline.name.to_string(),
            hash: pipeline.hash.clone(),
            source: pipeline.source.to_string(),
            defaults: defaults.to_owned(),
        },
        schedules: schedules.map(|schedule| (schedule.name.clone(), schedule.spelled())).collect(),
    }
}
