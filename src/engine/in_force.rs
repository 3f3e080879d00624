//! The files in force: how others come into force, what a start of the daemon is to `@reboot`, and which
//! pipelines are paused.

use std::sync::Arc;

use jiff::Timestamp;

use crate::pipeline::definition::Pipeline;
use crate::schedule::definition::Schedule;
use crate::schedule::plan::Known;
use crate::schedule::progress::Progress;
use crate::schedule::slot::{Decision, Entry, Key};
use crate::store::catalog::Definition;
use crate::store::db::CommitError;
use crate::store::in_force::{Enacted as Kept, EnactedSchedule, Pause, Standing};

use super::orders::{Enacted, Files};
use super::runner::Engine;
use super::scheduler::Scheduled;
use super::turn::Turn;

impl Engine {
    /// Goes by other files: what is new or changed begins now, what is gone makes no runs any more. After an
    /// error the files in force still are.
    pub(super) async fn enact(&mut self, files: Files, turn: &mut Turn) -> Result<Enacted, CommitError> {
        let first = !self.clocks.are_watched();
        if first {
            let last_sign = self.last_sign_of_life().await;
            self.clocks.watch(last_sign);
            turn.now = self.now();
        }
        let now = turn.now;
        let set: Vec<Kept> =
            files.pipelines.iter().map(|pipeline| kept(pipeline, &files.defaults, now)).collect();
        let standings = self.write(async |store| store.enact(&files.beside, &set, now).await).await?;
        self.parts.surroundings = files.surroundings;
        self.parts.parallelism = files.parallelism;
        self.parts.lazy_limit = files.lazy_limit;
        self.parts.calendars = files.calendars;
        let scheduler = &mut self.scheduler;
        scheduler.environment = files.environment;
        scheduler.evidence = files.evidence;
        let absence = self.clocks.absence();
        let mut enacted = Enacted { pipelines: files.pipelines.len(), absence, ..Enacted::default() };
        let before = std::mem::take(&mut scheduler.in_force);
        scheduler.wakes.clear();
        scheduler.horizons_told = None;
        for (pipeline, standing) in files.pipelines.into_iter().zip(standings) {
            let name = pipeline.name.clone();
            enacted.schedules += pipeline.timetable.schedules.len();
            let begun = standing.changed.iter();
            enacted.begun.extend(begun.map(|schedule| (name.clone(), schedule.clone())));
            let scheduled = Scheduled::new(pipeline, standing, before.get(&name), now);
            self.scheduler.in_force.insert(name, scheduled);
        }
        self.answer_the_boot(first, turn).await;
        self.scheduler.set_wakes();
        self.ask_anew();
        Ok(enacted)
    }

    /// The latest instant at which there was a daemon here, by whichever sign is the later.
    async fn last_sign_of_life(&self) -> Option<Timestamp> {
        let newest = self.parts.store.reader().newest_watermark().await;
        let newest = newest.unwrap_or_else(|error| {
            tracing::error!(%error, "how far schedules were considered cannot be read");
            None
        });
        self.parts.store.last_alive().max(newest)
    }

    /// A start of the daemon is what `@reboot` waits for, once in each boot of the machine. To one that is
    /// read later, the present boot is the past.
    async fn answer_the_boot(&mut self, starting: bool, turn: &mut Turn) {
        let boot: Box<str> = self.parts.boot_id.as_str().into();
        let key = Key::Boot(boot.clone());
        for (name, scheduled) in &mut self.scheduler.in_force {
            let schedules = scheduled.pipeline.timetable.schedules.iter().zip(&mut scheduled.known);
            for (schedule, known) in schedules.filter(|(schedule, _)| schedule.is_reboot()) {
                let answered = self.parts.store.reader().has_slot(scheduled.id, &schedule.name, &key).await;
                // Where that cannot be read, the database itself refuses to let it fire twice.
                if known.boot.is_some() || answered.unwrap_or_default() {
                    continue;
                }
                if starting {
                    known.boot = Some(boot.clone());
                    continue;
                }
                let entry = Entry {
                    schedule: schedule.name.clone(),
                    key: key.clone(),
                    date: schedule.date(turn.now),
                    first: turn.now,
                    last: turn.now,
                    count: 1,
                    decision: Decision::Skipped,
                    reason: "added after the machine's boot; it fires after the next".into(),
                    foreseen: false,
                };
                turn.batch.slot(scheduled.id, &entry, None, turn.now);
                turn.decided.push((name.clone(), vec![entry]));
            }
        }
    }

    /// Pauses a pipeline, or lets it go on; false where there is none of this name.
    pub(super) async fn pause(&mut self, name: &str, by: Option<Box<str>>) -> Result<bool, CommitError> {
        let at = self.now();
        let Some(id) = self.scheduler.in_force.get(name).map(|scheduled| scheduled.id) else {
            return Ok(false);
        };
        let pause = by.map(|by| Pause { by, at });
        self.write(async |store| store.pause(id, pause.as_ref()).await).await?;
        if let Some(scheduled) = self.scheduler.in_force.get_mut(name) {
            scheduled.paused = pause;
        }
        Ok(true)
    }
}

impl Scheduled {
    fn new(pipeline: Arc<Pipeline>, standing: Standing, old: Option<&Self>, now: Timestamp) -> Self {
        let Standing { pipeline: id, version, paused, mut progress, mut fired_ahead, changed: _ } = standing;
        let known = pipeline.timetable.schedules.iter().map(|schedule| {
            if let Some(same) = old.and_then(|old| old.same(schedule)) {
                return same.clone();
            }
            let name = &*schedule.name;
            let fired_ahead = fired_ahead.remove(name).unwrap_or_default();
            let progress = progress.remove(name).unwrap_or_else(|| Progress::beginning(schedule, now));
            Known { fired_ahead, ..Known::since(progress) }
        });
        let known = known.collect();
        Self { known, pipeline, id, version, paused, wake: None }
    }

    /// What is known of this schedule, if it is one of these.
    fn same(&self, schedule: &Schedule) -> Option<&Known> {
        let mut each = self.pipeline.timetable.schedules.iter().zip(&self.known);
        let same = |own: &Schedule| own.name == schedule.name && own.spelled() == schedule.spelled();
        each.find(|(own, _)| same(own)).map(|(_, known)| known)
    }
}

fn kept(pipeline: &Pipeline, defaults: &str, now: Timestamp) -> Kept {
    let schedules = pipeline.timetable.schedules.iter();
    Kept {
        definition: Definition {
            name: pipeline.name.to_string(),
            hash: pipeline.hash.clone(),
            source: pipeline.source.to_string(),
            defaults: defaults.to_owned(),
        },
        schedules: schedules
            .map(|schedule| EnactedSchedule {
                name: schedule.name.clone(),
                spelled: schedule.spelled(),
                considered: Progress::beginning(schedule, now).considered,
            })
            .collect(),
    }
}
