//! What is scheduled: the pipelines in force, when each is to be looked at, and the runs that wait. It decides
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::pipeline::definition::Pipeline;
use crate::run::live::Live;
use crate::run::state::{RunId, Status};
use crate::schedule::definition::{Policy, Timetable};
use crate::schedule::plan::{self, Known};
use crate::store::in_force::Pause;
use crate::store::record::{Evidence, PipelineId, VersionId};

/// The pipelines in force, and when to look at each.
#[derive(Default)]
pub(super) struct Scheduler {
    pub(super) in_force: BTreeMap<Box<str>, Scheduled>,
    /// When pipelines are meant to run that are not in force, as far as somebody has made it known.
    pub(super) known: BTreeMap<Box<str>, Timetable>,
    pub(super) wakes: BTreeSet<(Timestamp, Box<str>)>,
    /// Runs that wait for others of their pipeline to end.
    pub(super) waiting: BTreeSet<RunId>,
    /// Set when a run has gone, and with it perhaps the reason to wait.
    pub(super) freed: bool,
    /// When it was last asked anew for all of them.
    pub(super) refreshed: Option<Timestamp>,
    /// Up to when everything that was due has been decided.
    pub(super) decided: Option<Timestamp>,
    /// On which day it was last told which calendars end.
    pub(super) horizons_told: Option<Date>,
    pub(super) environment: String,
    pub(super) evidence: Evidence,
}

/// A pipeline in force.
pub(super) struct Scheduled {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) id: PipelineId,
    pub(super) version: VersionId,
    /// In the order of its schedules.
    pub(super) known: Vec<Known>,
    pub(super) paused: Option<Pause>,
    /// When it is next to be looked at.
    pub(super) wake: Option<Timestamp>,
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

    /// When a pipeline is meant to run, as far as that is known.
    pub(super) fn timetable(&self, pipeline: &str) -> Option<&Timetable> {
        let in_force = self.in_force.get(pipeline).map(|scheduled| &scheduled.pipeline.timetable);
        in_force.or_else(|| self.known.get(pipeline))
    }

    /// Whether no later slot of a run's schedule is due. What somebody has asked for is never too late.
    pub(super) fn is_latest(&self, live: &Live, now: Timestamp) -> bool {
        let Some(slot) = live.slot.as_ref().filter(|_| !live.cleared) else { return true };
        let Some(scheduled) = self.in_force.get(&live.pipeline.name) else { return true };
        let timetable = &scheduled.pipeline.timetable;
        let mut schedules = timetable.schedules.iter();
        let own = schedules.find(|schedule| schedule.name == slot.schedule);
        own.is_none_or(|own| plan::is_latest(own, &timetable.policy, &slot.key, now))
    }

    pub(super) fn set_wakes(&mut self) {
        for name in self.in_force.keys().cloned().collect::<Vec<_>>() {
            self.set_wake(&name);
        }
    }

    pub(super) fn set_wake(&mut self, name: &str) {
        let Some(scheduled) = self.in_force.get_mut(name) else { return };
        if let Some(old) = scheduled.wake.take() {
            self.wakes.remove(&(old, name.into()));
        }
        let timetable = &scheduled.pipeline.timetable;
        let each = timetable.schedules.iter().zip(&scheduled.known);
        let next = each.filter_map(|(schedule, known)| match known.boot {
            Some(_) => Some(Timestamp::MIN),
            None => plan::next_wake(schedule, &timetable.policy, &known.progress),
        });
        scheduled.wake = next.min();
        if let Some(wake) = scheduled.wake {
            self.wakes.insert((wake, name.into()));
        }
    }
}
