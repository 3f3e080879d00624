//! Slots become runs here: what is due is put to the law of slots, and what it decides is written down and
//! begun.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::pipeline::definition::Pipeline;
use crate::pipeline::node::NodeId;
use crate::run::event::Event;
use crate::run::live::{Live, RunKind, Slot};
use crate::run::machine::Run;
use crate::run::state::{RunId, Status};
use crate::schedule::definition::Schedule;
use crate::schedule::exchange::Exchange;
use crate::schedule::horizon::Horizon;
use crate::schedule::plan::{self, Known, Plan};
use crate::schedule::situation::{Active, Situation};
use crate::schedule::slot::{Decision, Entry};
use crate::store::record::{Interval, NewRun, VersionId};

use super::facts::{self, scope};
use super::runner::Engine;
use super::turn::Turn;

/// Pipelines that are looked at in one turn. With a thousand due at once, the first runs start while the
/// last are still being decided.
const AT_ONCE: usize = 64;
/// How often it is asked anew when each pipeline is to be looked at: the time-zone data may have been replaced.
const REFRESH: SignedDuration = SignedDuration::from_mins(5);

impl Engine {
    /// Lets the law decide what is due; whether there is more.
    pub(super) fn decide(&mut self, turn: &mut Turn) -> bool {
        if self.clocks.held().is_some() {
            return false;
        }
        let fresh = |refreshed: Timestamp| turn.now.duration_since(refreshed).abs() < REFRESH;
        if !self.scheduler.refreshed.is_some_and(fresh) {
            self.scheduler.refreshed = Some(turn.now);
            self.scheduler.set_wakes();
        }
        self.tell_horizons(turn.now);
        for _ in 0..AT_ONCE {
            let scheduler = &mut self.scheduler;
            let Some((_, name)) = scheduler.wakes.first().filter(|(due, _)| *due <= turn.now).cloned() else {
                scheduler.decided = Some(turn.now);
                return false;
            };
            self.consider(&name, turn);
            self.scheduler.set_wake(&name);
        }
        true
    }

    /// Notes how far has been decided by the calendars as they are. What others put before that, they move.
    pub(super) fn note_progress(&mut self, turn: &mut Turn) {
        let Some(decided) = self.scheduler.decided else { return };
        for scheduled in self.scheduler.in_force.values_mut() {
            let schedules = scheduled.pipeline.timetable.schedules.iter().zip(&mut scheduled.known);
            for (schedule, Known { progress, .. }) in schedules.filter(|(one, _)| one.exchange().is_some()) {
                if progress.watermark < decided {
                    progress.watermark = decided;
                    turn.batch.progress(scheduled.id, &schedule.name, progress);
                }
            }
        }
    }

    /// Says once a day which calendars end, and which have.
    fn tell_horizons(&mut self, now: Timestamp) {
        let today = now.to_zoned(TimeZone::UTC).date();
        if self.scheduler.horizons_told.replace(today) == Some(today) {
            return;
        }
        for (name, scheduled) in &self.scheduler.in_force {
            let timetable = &scheduled.pipeline.timetable;
            for schedule in &timetable.schedules {
                if let Some(horizon) = Horizon::of(schedule, &timetable.policy, now) {
                    self.parts.watch.horizon(name, &schedule.name, &horizon);
                }
            }
        }
    }

    /// The clock was set: every schedule goes on from the new now.
    pub(super) async fn rebase(&mut self, was: Timestamp, turn: &mut Turn) {
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
            for (schedule, known) in timetable.schedules.iter().zip(&scheduled.known) {
                turn.batch.progress(scheduled.id, &schedule.name, &known.progress);
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
            absence: self.clocks.absence(),
        };
        let pipeline = scheduled.pipeline.clone();
        let id = scheduled.id;
        let Plan { entries, cancel } = plan::consider(&pipeline.timetable, &mut scheduled.known, &situation);
        // Where the clock was set back a little, a watermark is beyond the present, and stays there.
        for (schedule, known) in pipeline.timetable.schedules.iter().zip(&scheduled.known) {
            turn.batch.progress(id, &schedule.name, &known.progress);
        }
        // The runs of several schedules are numbered by their slots' time, for that is the order they begin in.
        let mut by_time: Vec<&Entry> = entries.iter().collect();
        by_time.sort_by_key(|entry| entry.first);
        for entry in by_time {
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
        let previous = schedule.and_then(|schedule| schedule.open_before(&entry.key));
        let interval = previous.map(|previous| Interval { start: previous.at, end: slot });
        let interval = interval.or_else(|| facts::day(entry.date, &facts::zone(pipeline)));
        let exchange = schedule.and_then(Schedule::exchange).map(Exchange::calendar);
        let calendar = exchange.or(pipeline.calendar.as_ref()).map(|calendar| calendar.code().into());
        let version = self.scheduler.in_force.get(&pipeline.name).map_or(VersionId(0), |known| known.version);
        let record = NewRun {
            id: self.next_run(),
            version,
            kind: RunKind::Scheduled,
            logical_date: entry.date,
            calendar,
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
        let live = Live {
            run,
            kind: record.kind,
            slot: Some(Slot { schedule: entry.schedule.clone(), key: entry.key.clone() }),
            cleared: false,
            created_at: record.created_at,
            pipeline: pipeline.clone(),
            scope,
        };
        self.runs.insert(record.id, live);
        self.scheduler.waiting.insert(record.id);
        record.id
    }
}
