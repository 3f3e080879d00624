//! What is known of another pipeline's runs, for the sensors that wait for one.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::pipeline::sensor::NoSlot;
use crate::run::state::{RunId, Status};
use crate::schedule::definition::Timetable;
use crate::schedule::plan::next_to_fire;
use crate::schedule::preview::{Foreseen, preview};
use crate::schedule::slot::Decision;
use crate::schedule::told::utc;
use crate::sensor::answer::{Again, Seen};
use crate::store::db::Reader;
use crate::store::error::Error;
use crate::store::record::RunState;

use super::question::Other;
use super::runner::Engine;

/// The answer to a sensor that waits for another's run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Met(String),
    NotYet(String),
    /// There is nothing to wait for.
    Skipped(String),
}

/// Whether the pipeline has a slot for the date.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SlotThere {
    /// The next one that is still to come.
    Ahead(Timestamp),
    /// They are all over; the first one.
    Over(Timestamp),
    /// Its calendar ends before that date: what is known, in words.
    Unknown(String),
    None,
    /// It has no schedule.
    Unscheduled,
    /// There is no such pipeline.
    NoPipeline,
}

/// The newest run for the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newest {
    pub(super) id: RunId,
    pub(super) state: RunState,
    /// Of the task that is waited for, where it has one of its own.
    pub(super) task: Option<Status>,
}

/// Looks the newest run up.
pub(super) async fn newest(reader: &Reader, other: &Other) -> Result<Option<Newest>, Error> {
    let Some(run) = reader.newest_run(&other.pipeline, other.date).await? else { return Ok(None) };
    let task = match &other.task {
        None => None,
        Some(task) => reader.status(run.id, task).await?,
    };
    Ok(Some(Newest { id: run.id, state: run.state, task }))
}

/// The slot of a pipeline for the date, as it is at this time.
pub(super) fn slot(timetable: Option<&Timetable>, other: &Other, now: Timestamp) -> SlotThere {
    let Some(Timetable { schedules, policy }) = timetable else { return SlotThere::NoPipeline };
    let mut scheduled = schedules.iter().filter(|schedule| !schedule.is_reboot()).peekable();
    if scheduled.peek().is_none() {
        return SlotThere::Unscheduled;
    }
    let found = scheduled.filter_map(|schedule| {
        // In the order of time: one of each second of a day has many.
        let mut all = preview(schedule, policy, (other.date, other.date));
        all.find_map(|foreseen| match foreseen {
            Foreseen::Slot(entry) if entry.decision != Decision::Fired => None,
            Foreseen::Slot(entry) if entry.first >= now => Some(SlotThere::Ahead(entry.first)),
            Foreseen::Slot(entry) => {
                let after = now - SignedDuration::from_nanos(1);
                let next = next_to_fire(schedule, policy, after).filter(|next| next.date == other.date);
                Some(next.map_or(SlotThere::Over(entry.first), |next| SlotThere::Ahead(next.at)))
            }
            Foreseen::Exhausted { reason, .. } => Some(SlotThere::Unknown(reason)),
        })
    });
    found.min().unwrap_or(SlotThere::None)
}

/// What follows for who waits; whether there is a slot matters only without a run.
pub(super) fn judge(other: &Other, newest: Option<Newest>, slot: impl FnOnce() -> SlotThere) -> Verdict {
    let Other { pipeline, task, date, no_slot } = other;
    let Some(Newest { id, state, task: status }) = newest else {
        return match (slot(), no_slot) {
            (SlotThere::Ahead(at), _) => {
                let at = utc(at);
                Verdict::NotYet(format!("`{pipeline}` has no run for {date} yet; its slot is at {at}"))
            }
            (SlotThere::Over(at), _) => {
                let at = utc(at);
                let none = format!("`{pipeline}` has no run for {date}, and no slot of it is to come");
                Verdict::NotYet(format!("{none}: the first was at {at}"))
            }
            (SlotThere::Unknown(why), _) => {
                Verdict::NotYet(format!("nobody knows whether `{pipeline}` has a slot on {date}: {why}"))
            }
            (SlotThere::None, NoSlot::Skip) => {
                Verdict::Skipped(format!("`{pipeline}` has no slot on {date}"))
            }
            (SlotThere::None, NoSlot::Pass) => Verdict::Met(format!("`{pipeline}` has no slot on {date}")),
            (SlotThere::None, NoSlot::Wait) => Verdict::NotYet(format!(
                "`{pipeline}` has no slot on {date}, and nobody has started a run for it yet"
            )),
            (SlotThere::Unscheduled, _) => Verdict::NotYet(format!(
                "`{pipeline}` has no schedule, and nobody has started a run for {date} yet"
            )),
            (SlotThere::NoPipeline, _) => Verdict::NotYet(format!(
                "no pipeline `{pipeline}` is in force here, and it has no run for {date}"
            )),
        };
    };
    let run = format!("run {id} of `{pipeline}` for {date}");
    match (task, status) {
        (None, _) if state == RunState::Succeeded => Verdict::Met(format!("{run} has succeeded")),
        (None, _) => Verdict::NotYet(format!("{run}, the newest, {}", stands(state))),
        (Some(task), Some(Status::Succeeded)) => Verdict::Met(format!("`{task}` of {run} has succeeded")),
        (Some(task), Some(status)) => Verdict::NotYet(format!("`{task}` of {run} is {status}")),
        (Some(task), None) => {
            Verdict::NotYet(format!("`{task}` of {run} has not begun; the run {}", stands(state)))
        }
    }
}

fn stands(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "waits to begin",
        RunState::Running => "is running",
        RunState::Succeeded => "has succeeded",
        RunState::Failed => "has failed",
        RunState::Skipped => "was skipped",
        RunState::Cancelled => "was cancelled",
    }
}

impl Engine {
    /// Makes known when pipelines are meant to run that are not in force here: in the foreground nothing is.
    pub fn know(&mut self, timetables: BTreeMap<Box<str>, Timetable>) {
        self.scheduler.known = timetables;
    }
}

impl Verdict {
    /// In vain, as whoever paces the looks is told.
    pub(super) fn not_yet(words: &str) -> Seen {
        Seen::NotYet(words.to_owned(), Again::Paced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::book::Book;
    use crate::pipeline::definition::{Defaults, parse};
    use crate::yaml::report::SourceFile;
    use jiff::civil::date;

    fn other(task: Option<&str>, no_slot: NoSlot) -> Other {
        let (pipeline, task) = ("nightly".to_owned(), task.map(str::to_owned));
        Other { pipeline, task, date: date(2026, 11, 20), no_slot }
    }

    fn found(state: RunState, task: Option<Status>) -> Newest {
        Newest { id: RunId(7), state, task }
    }

    #[test]
    fn the_newest_run_decides_or_a_task_of_it() {
        let run = "run 7 of `nightly` for 2026-11-20";
        let not_yet = |words: &str| Verdict::NotYet(words.to_owned());
        for (task, newest, verdict) in [
            (None, found(RunState::Succeeded, None), Verdict::Met(format!("{run} has succeeded"))),
            (None, found(RunState::Queued, None), not_yet(&format!("{run}, the newest, waits to begin"))),
            (None, found(RunState::Failed, None), not_yet(&format!("{run}, the newest, has failed"))),
            (None, found(RunState::Skipped, None), not_yet(&format!("{run}, the newest, was skipped"))),
            (
                Some("load"),
                found(RunState::Failed, Some(Status::Succeeded)),
                Verdict::Met(format!("`load` of {run} has succeeded")),
            ),
            (
                Some("load"),
                found(RunState::Running, Some(Status::Retrying)),
                not_yet(&format!("`load` of {run} is retrying")),
            ),
            (
                Some("load"),
                found(RunState::Succeeded, None),
                not_yet(&format!("`load` of {run} has not begun; the run has succeeded")),
            ),
        ] {
            assert_eq!(judge(&other(task, NoSlot::Skip), Some(newest), || SlotThere::None), verdict);
        }
    }

    #[test]
    fn without_a_run_it_is_asked_whether_there_is_to_be_one() {
        let at = "2026-11-21T02:30:00Z".parse().unwrap();
        let none = "`nightly` has no slot on 2026-11-20";
        for (no_slot, slot, verdict) in [
            (
                NoSlot::Skip,
                SlotThere::Ahead(at),
                Verdict::NotYet(
                    "`nightly` has no run for 2026-11-20 yet; its slot is at 2026-11-21 02:30:00Z".to_owned(),
                ),
            ),
            (
                NoSlot::Skip,
                SlotThere::Over(at),
                Verdict::NotYet(
                    "`nightly` has no run for 2026-11-20, and no slot of it is to come: the first was at \
                     2026-11-21 02:30:00Z"
                        .to_owned(),
                ),
            ),
            (NoSlot::Skip, SlotThere::None, Verdict::Skipped(none.to_owned())),
            (NoSlot::Pass, SlotThere::None, Verdict::Met(none.to_owned())),
            (
                NoSlot::Wait,
                SlotThere::None,
                Verdict::NotYet(format!("{none}, and nobody has started a run for it yet")),
            ),
            (
                NoSlot::Skip,
                SlotThere::Unscheduled,
                Verdict::NotYet(
                    "`nightly` has no schedule, and nobody has started a run for 2026-11-20 yet".to_owned(),
                ),
            ),
        ] {
            assert_eq!(judge(&other(None, no_slot), None, || slot.clone()), verdict, "{no_slot:?}, {slot:?}");
        }
    }

    #[test]
    fn of_many_slots_the_next_one_is_waited_for() {
        let yaml =
            "schedule:\n  - {name: a, cron: '30 */6 * * *'}\n  - {name: b, cron: 0 7 * * fri}\nexec: x\n";
        let file = SourceFile::new("nightly.yaml", yaml);
        let timetable = parse(&file, &Defaults::default(), &Book::default()).0.unwrap().timetable;
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let asked = |now: &str| slot(Some(&timetable), &other(None, NoSlot::Skip), at(now));
        for (now, slot) in [
            ("2026-11-18T12:00:00Z", SlotThere::Ahead(at("2026-11-20T00:30:00Z"))),
            ("2026-11-20T06:30:00Z", SlotThere::Ahead(at("2026-11-20T06:30:00Z"))),
            ("2026-11-20T06:30:01Z", SlotThere::Ahead(at("2026-11-20T07:00:00Z"))),
            ("2026-11-20T18:31:00Z", SlotThere::Over(at("2026-11-20T00:30:00Z"))),
        ] {
            assert_eq!(asked(now), slot, "at {now}");
        }
    }
}
