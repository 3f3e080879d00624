//! The law of slots: of everything that came due since a pipeline's schedules were last looked at, what makes
//! a run, what does not, and why. One function decides, for the daemon and for a preview alike.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::duration;

use super::definition::{Catchup, Overlap, Policy, Schedule, Timetable};
use super::fold::{Slots, Trail};
use super::slot::{Decision, Entry, Key};

/// Runs of one pipeline that may wait for others to end; more slots than that are skipped.
pub const MOST_WAITING: usize = 16;
/// The same with `catchup: all`; and so many missed slots of one schedule, the newest, fire after one absence.
pub const MOST_CAUGHT_UP: usize = 1_000;

/// What is known of one schedule.
#[derive(Clone, Debug)]
pub struct Known {
    /// Everything up to here has been considered.
    pub watermark: Timestamp,
    /// Slots after it that have fired all the same: the clock was set back.
    pub fired_ahead: BTreeSet<Timestamp>,
    /// The boot that a `@reboot` has yet to answer to.
    pub boot: Option<Box<str>>,
    /// The ledger's last lines of it.
    pub trail: Trail,
}

impl Known {
    /// A schedule that begins now.
    pub fn since(watermark: Timestamp) -> Self {
        Self { watermark, fired_ahead: BTreeSet::new(), boot: None, trail: Trail::default() }
    }
}

/// A run of the pipeline that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its number.
    pub run: i64,
    /// Whether a schedule made it.
    pub scheduled: bool,
    /// Whether it has begun; otherwise it waits for others to end.
    pub begun: bool,
}

/// What is so when slots are decided.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The present.
    pub now: Timestamp,
    /// Who has paused the pipeline, if it is.
    pub paused_by: Option<&'a str>,
    /// Its runs, oldest first.
    pub active: &'a [Active],
    /// While the daemon was last away: from, to.
    pub absence: Option<(Timestamp, Timestamp)>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// For the ledger; each one that fired is a run to be made. Of one schedule in the order of time.
    pub entries: Vec<Entry>,
    /// Runs to be cancelled for those.
    pub cancel: Vec<i64>,
}

/// When a schedule must next be looked at: at its next slot that may fire.
pub fn next_wake(schedule: &Schedule, policy: &Policy, known: &Known) -> Option<Timestamp> {
    let mut slot = schedule.next(known.watermark)?;
    if let Some(first) = policy.start_date
        && schedule.date(slot) < first
    {
        let midnight = first.to_zoned(schedule.zone()).ok()?.timestamp();
        // A slot at midnight itself counts. Where a day begins twice, the watermark may be past the first time.
        let before = midnight.checked_sub(Duration::from_nanos(1)).ok()?;
        slot = schedule.next(before.max(known.watermark))?;
    }
    let over = policy.end_date.is_some_and(|last| schedule.date(slot) > last);
    (!over).then_some(slot)
}

/// Decides all slots after the watermarks, up to now, and moves the watermarks. `known` is in the order of
/// the schedules.
pub fn consider(timetable: &Timetable, known: &mut [Known], situation: &Situation<'_>) -> Plan {
    let policy = &timetable.policy;
    let mut all: Vec<Vec<Item>> = Vec::new();
    for (schedule, known) in timetable.schedules.iter().zip(known.iter_mut()) {
        all.push(classified(schedule, policy, known, situation));
        known.watermark = known.watermark.max(situation.now);
        known.fired_ahead = known.fired_ahead.split_off(&situation.now);
    }
    let mut candidates: Vec<&mut Item> = all.iter_mut().flatten().filter(|item| item.may_fire()).collect();
    candidates.sort_by_key(|item| item.slots.first);
    let cancel = overlapping(&mut candidates, policy, situation);
    let mut entries = Vec::new();
    for ((items, schedule), known) in all.into_iter().zip(&timetable.schedules).zip(known) {
        for item in items {
            let (decision, reason) = item.verdict(schedule, policy, situation);
            known.trail.enter(&mut entries, &schedule.name, item.slots, decision, &reason);
        }
    }
    Plan { entries, cancel }
}

/// The clock was set: nothing between the watermarks and the new now is replayed, and the ledger says so.
/// `fired_ahead` is what the store knows of later slots that have fired, in the order of the schedules.
pub fn rebase(
    timetable: &Timetable,
    known: &mut [Known],
    fired_ahead: Vec<BTreeSet<Timestamp>>,
    (was, now): (Timestamp, Timestamp),
) -> Vec<Entry> {
    // The two clocks are not read at the same instant: five hours are not to be 4h59m59s.
    let half = Duration::from_millis(500);
    let by = |later: Timestamp, sooner: Timestamp| duration::show(lateness(later, sooner) + half);
    let (direction, by) = if now > was { ("forward", by(now, was)) } else { ("back", by(was, now)) };
    let mut entries = Vec::new();
    for ((schedule, known), ahead) in timetable.schedules.iter().zip(known).zip(fired_ahead) {
        let between = slots(schedule, known.watermark, now).take(MOST_REBASED + 1);
        let (first, last) = (known.watermark.min(now), known.watermark.max(now));
        let count = between.count() as u64;
        let what = match count {
            0 => String::new(),
            1 => "; the slot in between is not replayed".to_owned(),
            _ if count > MOST_REBASED as u64 => {
                format!("; the slots in between, more than {MOST_REBASED}, are not replayed")
            }
            _ => format!("; the {count} slots in between are not replayed"),
        };
        let reason = format!("the clock was set {direction} by {by}{what}").into();
        let key = Key::Clock(now);
        let schedule = schedule.name.clone();
        entries.push(Entry { schedule, key, first, last, count, decision: Decision::Rebased, reason });
        *known = Known { fired_ahead: ahead, boot: known.boot.take(), ..Known::since(now) };
    }
    entries
}

/// Counting goes no further than this after a clock was wrong by decades: that of every schedule is set at once,
/// and the daemon does nothing else meanwhile.
const MOST_REBASED: usize = 50_000;

/// What becomes of a slot as long as nobody asks for other runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    BeforeStart,
    AfterEnd,
    Paused,
    Expired,
    Missed,
    CaughtUp,
    Due,
}

/// Slots of one schedule that share a class; those that may fire stand alone.
#[derive(Clone, Debug)]
struct Item {
    slots: Slots,
    class: Class,
    /// What becomes of one that may fire, with what more there is to say.
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Fires,
    Waits(Box<str>),
    Skipped(Box<str>),
}

impl Item {
    fn may_fire(&self) -> bool {
        matches!(self.class, Class::CaughtUp | Class::Due)
    }

    fn verdict(
        &self,
        schedule: &Schedule,
        policy: &Policy,
        situation: &Situation<'_>,
    ) -> (Decision, Box<str>) {
        let late = lateness(situation.now, self.slots.first);
        match (&self.class, &self.outcome) {
            (Class::BeforeStart, _) => {
                let first = policy.start_date.map(|date| date.to_string()).unwrap_or_default();
                (Decision::Skipped, format!("before start_date ({first})").into())
            }
            (Class::AfterEnd, _) => {
                let last = policy.end_date.map(|date| date.to_string()).unwrap_or_default();
                (Decision::Skipped, format!("after end_date ({last})").into())
            }
            (Class::Paused, _) => {
                let by = situation.paused_by.unwrap_or("somebody");
                (Decision::Paused, format!("paused by {by}").into())
            }
            (Class::Expired, _) => {
                let deadline = duration::show(policy.starting_deadline.unwrap_or_default());
                let away = away(situation, &self.slots);
                (Decision::Expired, format!("{away}older than starting_deadline ({deadline})").into())
            }
            (Class::Missed, _) => {
                let away = away(situation, &self.slots);
                let away = if away.is_empty() {
                    format!("late by more than grace ({}); ", duration::show(policy.grace))
                } else {
                    away
                };
                let catchup = match policy.catchup {
                    Catchup::None => "catchup: none".to_owned(),
                    Catchup::Latest => "catchup: latest takes the last one only".to_owned(),
                    Catchup::All => format!("catchup: all takes the last {MOST_CAUGHT_UP} only"),
                };
                (Decision::Missed, format!("{away}{catchup}").into())
            }
            (Class::CaughtUp | Class::Due, Outcome::Skipped(why)) => (Decision::Skipped, why.clone()),
            (class @ (Class::CaughtUp | Class::Due), outcome) => {
                let mut reason = match (class, &schedule.trigger) {
                    _ if matches!(self.slots.key, Key::Boot(_)) => "the machine has booted".to_owned(),
                    (Class::CaughtUp, _) => {
                        let word = policy.catchup.word();
                        format!("missed by {}, catchup: {word}", duration::show(late))
                    }
                    _ if late < Duration::from_secs(1) => "on time".to_owned(),
                    _ => format!("{} late", duration::show(late)),
                };
                if let Outcome::Waits(why) = outcome {
                    reason = format!("{reason}; {why}");
                }
                (Decision::Fired, reason.into())
            }
        }
    }
}

/// That the daemon was away when these came due, if it was.
fn away(situation: &Situation<'_>, slots: &Slots) -> String {
    match situation.absence {
        Some((from, to)) if slots.last() > from && slots.first <= to => {
            format!("sexton was away for {}; ", duration::show(lateness(to, from)))
        }
        Some(_) | None => String::new(),
    }
}

fn classified(
    schedule: &Schedule,
    policy: &Policy,
    known: &mut Known,
    situation: &Situation<'_>,
) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    // The missed ones that may yet be caught up: all that `catchup` has room for.
    let mut missed: VecDeque<Timestamp> = VecDeque::new();
    let room = match policy.catchup {
        Catchup::None => 0,
        Catchup::Latest => 1,
        Catchup::All => MOST_CAUGHT_UP,
    };
    for slot in slots(schedule, known.watermark, situation.now) {
        if known.fired_ahead.contains(&slot) {
            continue;
        }
        let class = class(schedule, policy, situation, slot);
        if class == Class::Missed && room > 0 {
            missed.push_back(slot);
            if missed.len() > room
                && let Some(lost) = missed.pop_front()
            {
                add(&mut items, lost, Class::Missed);
            }
            continue;
        }
        for caught_up in missed.drain(..) {
            add(&mut items, caught_up, Class::CaughtUp);
        }
        add(&mut items, slot, class);
    }
    for caught_up in missed {
        add(&mut items, caught_up, Class::CaughtUp);
    }
    if let Some(boot) = known.boot.take() {
        let class = class(schedule, policy, situation, situation.now);
        let slots = Slots::one(Key::Boot(boot), situation.now);
        items.push(Item { slots, class, outcome: Outcome::Fires });
    }
    items
}

fn add(items: &mut Vec<Item>, slot: Timestamp, class: Class) {
    match items.last_mut() {
        Some(last) if last.class == class && !last.may_fire() => last.slots.push(slot),
        Some(_) | None => {
            let slots = Slots::one(Key::Instant(slot), slot);
            items.push(Item { slots, class, outcome: Outcome::Fires });
        }
    }
}

fn class(schedule: &Schedule, policy: &Policy, situation: &Situation<'_>, slot: Timestamp) -> Class {
    let late = lateness(situation.now, slot);
    let date = || schedule.date(slot);
    if policy.start_date.is_some_and(|first| date() < first) {
        Class::BeforeStart
    } else if policy.end_date.is_some_and(|last| date() > last) {
        Class::AfterEnd
    } else if situation.paused_by.is_some() {
        Class::Paused
    } else if policy.starting_deadline.is_some_and(|deadline| late > deadline) {
        Class::Expired
    } else if late > policy.grace {
        Class::Missed
    } else {
        Class::Due
    }
}

/// What those that may fire do, one after another, where as many runs are under way as may be.
fn overlapping(candidates: &mut [&mut Item], policy: &Policy, situation: &Situation<'_>) -> Vec<i64> {
    let most = policy.max_active_runs.get() as usize;
    // Who asks for every slot gets every slot, even if they wait.
    let most_waiting = if policy.catchup == Catchup::All { MOST_CAUGHT_UP } else { MOST_WAITING };
    let mut cancel = Vec::new();
    // Of the runs under way those that go on, and of the candidates those that fire.
    let mut runs: Vec<Active> = situation.active.to_vec();
    let mut fired: VecDeque<usize> = VecDeque::new();
    for index in 0..candidates.len() {
        let under_way = runs.len() + fired.len();
        if under_way < most {
            fired.push_back(index);
            continue;
        }
        let behind = match runs.iter().find(|active| active.begun).or(runs.first()) {
            Some(active) => format!("run {} is under way", active.run),
            None => "the slot before it has just fired".to_owned(),
        };
        let limit = format!("max_active_runs: {most}");
        let queued = under_way - most;
        // Where nothing of a schedule is under way, there is nothing to cancel.
        let cancels = !fired.is_empty() || runs.iter().any(|run| run.scheduled);
        let overlap = match policy.overlap {
            Overlap::CancelRunning if !cancels => Overlap::Queue,
            overlap @ (Overlap::Queue | Overlap::Skip | Overlap::CancelRunning) => overlap,
        };
        candidates[index].outcome = match overlap {
            Overlap::Skip => Outcome::Skipped(format!("{behind} ({limit}, overlap: skip)").into()),
            Overlap::Queue if queued >= most_waiting => {
                Outcome::Skipped(format!("{most_waiting} runs wait already ({limit}, overlap: queue)").into())
            }
            Overlap::Queue => {
                fired.push_back(index);
                Outcome::Waits(format!("waits, {behind} ({limit})").into())
            }
            Overlap::CancelRunning => {
                let mut gone = Vec::new();
                while runs.len() + fired.len() >= most {
                    if let Some(position) = runs.iter().position(|run| run.scheduled) {
                        let victim = runs.remove(position).run;
                        gone.push(format!("run {victim}"));
                        cancel.push(victim);
                    } else if let Some(earlier) = fired.pop_front() {
                        let why = format!("a later slot took its place ({limit}, overlap: cancel_running)");
                        candidates[earlier].outcome = Outcome::Skipped(why.into());
                        gone.push("an earlier slot".to_owned());
                    } else {
                        break;
                    }
                }
                fired.push_back(index);
                let gone = gone.join(" and ");
                Outcome::Waits(format!("instead of {gone} ({limit}, overlap: cancel_running)").into())
            }
        };
    }
    cancel
}

/// A schedule's slots after an instant, up to another.
fn slots(schedule: &Schedule, after: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> {
    let next = move |from: &Timestamp| schedule.next(*from);
    std::iter::successors(schedule.next(after), next).take_while(move |slot| *slot <= to)
}

/// How long after `slot` it is.
fn lateness(now: Timestamp, slot: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(slot)).unwrap_or_default()
}
