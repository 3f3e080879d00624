//! The files in force: how others come into force, what a start of the daemon is to `@reboot`, and which
//! pipelines are paused.

use std::sync::Arc;

use jiff::Timestamp;

use crate::pipeline::definition::Pipeline;
use crate::schedule::plan::Known;
use crate::schedule::slot::{Decision, Entry, Key};
use crate::schedule::vigil::Vigil;
use crate::store::batch::Batch;
use crate::store::catalog::Definition;
use crate::store::db::CommitError;
use crate::store::in_force::{Enacted as Kept, Pause, Standing};

use super::orders::{Enacted, Files};
use super::runner::Engine;
use super::scheduler::Scheduled;

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
