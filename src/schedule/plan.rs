//! The law of slots: of everything that came due since a pipeline's schedules were last looked at, what makes
//! a run, what does not, and why. One function decides, for the daemon and for a preview alike.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::duration;

use super::definition::{Catchup, Policy, Schedule, Timetable};
use super::fold::Trail;
use super::occasion::Occasion;
use super::overlap::overlapping;
use super::progress::Progress;
use super::situation::Situation;
use super::slot::{Decision, Entry, Key};
use super::verdict::{Class, Item, MOST_CAUGHT_UP, lateness};

/// What is known of one schedule.
#[derive(Clone, Debug)]
pub struct Known {
    /// How far its slots have been considered.
    pub progress: Progress,
    /// Slots after that which have fired all the same: the clock was set back, or the schedule was another.
    pub fired_ahead: BTreeSet<Key>,
    /// The boot that a `@reboot` has yet to answer to.
    pub boot: Option<Box<str>>,
    /// The ledger's last lines of it.
    pub trail: Trail,
}

impl Known {
    /// A schedule of which nothing has happened since.
    pub fn since(progress: Progress) -> Self {
        Self { progress, fired_ahead: BTreeSet::new(), boot: None, trail: Trail::default() }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// For the ledger; each one that fired is a run to be made. Of one schedule in the order of its slots.
    pub entries: Vec<Entry>,
    /// Runs to be cancelled for those.
    pub cancel: Vec<i64>,
}

/// When a schedule must next be looked at: at its next slot, unless that is before its first date.
pub fn next_wake(schedule: &Schedule, policy: &Policy, progress: &Progress) -> Option<Timestamp> {
    let next = next_within(schedule, policy, progress.next(schedule)?)?;
    let over = policy.end_date.is_some_and(|last| next.date > last);
    (!over).then_some(next.at)
}

/// The first occasion after an instant that can fire, if that is between its dates.
pub fn next_to_fire(schedule: &Schedule, policy: &Policy, after: Timestamp) -> Option<Occasion> {
    let first = next_within(schedule, policy, schedule.after(after)?)?;
    let mut all = std::iter::successors(Some(first), |occasion| schedule.after_key(&occasion.key));
    let next = all.find(|occasion| occasion.bar.is_none())?;
    let over = policy.end_date.is_some_and(|last| next.date > last);
    (!over).then_some(next)
}

/// This occasion, or where it is before the first date, the first that is not.
fn next_within(schedule: &Schedule, policy: &Policy, next: Occasion) -> Option<Occasion> {
    if let Some(first) = policy.start_date
        && next.date < first
    {
        // Not before those that are over already.
        let behind = |occasion: &Occasion| occasion.date >= first && occasion.key > next.key;
        return schedule.occasions(first, Date::MAX).find(behind);
    }
    Some(next)
}

/// Whether no slot after this one may have a run by now.
pub fn is_latest(schedule: &Schedule, policy: &Policy, key: &Key, now: Timestamp) -> bool {
    let later = |key: &Key| schedule.after_key(key);
    let is_due =
        |occasion: &Occasion| occasion.at <= now && policy.end_date.is_none_or(|last| occasion.date <= last);
    let mut due = std::iter::successors(later(key), |occasion| later(&occasion.key)).take_while(is_due);
    !due.any(|occasion| {
        occasion.bar.is_none() && policy.start_date.is_none_or(|first| occasion.date >= first)
    })
}

/// Decides all slots that have not been considered and are due by now, and moves on behind them. `known` is in
/// the order of the schedules.
pub fn consider(timetable: &Timetable, known: &mut [Known], situation: &Situation<'_>) -> Plan {
    let policy = &timetable.policy;
    let mut all: Vec<Vec<Item>> = Vec::new();
    for (schedule, known) in timetable.schedules.iter().zip(known.iter_mut()) {
        all.push(classified(schedule, policy, known, situation));
        let Known { progress, fired_ahead, .. } = known;
        progress.watermark = progress.watermark.max(situation.now);
        fired_ahead.retain(|key| !progress.has_passed(key));
    }
    let mut candidates: Vec<&mut Item> = all.iter_mut().flatten().filter(|item| item.may_fire()).collect();
    candidates.sort_by_key(|item| item.slots.first.at);
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

/// What is to become of an occasion, if the daemon is there on time and nothing else is under way.
pub fn foretold(schedule: &Schedule, policy: &Policy, occasion: Occasion) -> Entry {
    let situation = Situation { now: occasion.at, paused_by: None, active: &[], absence: None };
    let (key, date, at) = (occasion.key.clone(), occasion.date, occasion.at);
    let class = Class::of(&occasion, policy, &situation, false);
    let (decision, reason) = Item::new(occasion, class).verdict(schedule, policy, &situation);
    Entry { schedule: schedule.name.clone(), key, date, first: at, last: at, count: 1, decision, reason }
}

/// The clock was set: nothing between the watermarks and the new now is replayed, and the ledger says so.
/// `fired_ahead` is what the store knows of later slots that have fired, in the order of the schedules.
pub fn rebase(
    timetable: &Timetable,
    known: &mut [Known],
    fired_ahead: Vec<BTreeSet<Key>>,
    (was, now): (Timestamp, Timestamp),
) -> Vec<Entry> {
    // The two clocks are not read at the same instant: five hours are not to be 4h59m59s.
    let half = Duration::from_millis(500);
    let by = |later: Timestamp, sooner: Timestamp| duration::show(lateness(later, sooner) + half);
    let (direction, by) = if now > was { ("forward", by(now, was)) } else { ("back", by(was, now)) };
    let mut entries = Vec::new();
    for ((schedule, known), ahead) in timetable.schedules.iter().zip(known).zip(fired_ahead) {
        let watermark = known.progress.watermark;
        let between = known.progress.due(schedule, now).filter(|occasion| occasion.bar.is_none());
        let (first, last) = (watermark.min(now), watermark.max(now));
        let count = between.take(MOST_REBASED + 1).count() as u64;
        let what = match count {
            0 => String::new(),
            1 => "; the slot in between is not replayed".to_owned(),
            _ if count > MOST_REBASED as u64 => {
                format!("; the slots in between, more than {MOST_REBASED}, are not replayed")
            }
            _ => format!("; the {count} slots in between are not replayed"),
        };
        let reason = format!("the clock was set {direction} by {by}{what}").into();
        let date = schedule.date(now);
        let (key, schedule_name, decision) = (Key::Clock(now), schedule.name.clone(), Decision::Rebased);
        entries.push(Entry { schedule: schedule_name, key, date, first, last, count, decision, reason });
        let mut anew = Known::since(Progress::beginning(schedule, now));
        anew.fired_ahead = ahead.into_iter().filter(|key| !anew.progress.has_passed(key)).collect();
        *known = Known { boot: known.boot.take(), ..anew };
    }
    entries
}

/// Counting goes no further than this after a clock was wrong by decades: that of every schedule is set at once,
/// and the daemon does nothing else meanwhile.
const MOST_REBASED: usize = 50_000;

fn classified(
    schedule: &Schedule,
    policy: &Policy,
    known: &mut Known,
    situation: &Situation<'_>,
) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    // The missed ones that may yet be caught up, all that `catchup` has room for, and what came after the first.
    let mut latest: VecDeque<Item> = VecDeque::new();
    let mut missed = 0;
    let room = match policy.catchup {
        Catchup::None => 0,
        Catchup::Latest => 1,
        Catchup::All => MOST_CAUGHT_UP,
    };
    let progress = known.progress.clone();
    for occasion in progress.due(schedule, situation.now) {
        known.progress.pass(schedule, &occasion);
        if known.fired_ahead.contains(&occasion.key) {
            continue;
        }
        let class = Class::of(&occasion, policy, situation, progress.has_moved(&occasion));
        if class == Class::Missed && room > 0 {
            missed += 1;
            latest.push_back(Item::new(occasion, class));
            if missed > room {
                missed -= 1;
                let behind = latest.iter().skip(1).position(|item| item.class == Class::Missed);
                latest.drain(..=behind.unwrap_or_default()).for_each(|item| append(&mut items, item));
            }
            continue;
        }
        let item = Item::new(occasion, class);
        match latest.back_mut() {
            None => append(&mut items, item),
            Some(last) if last.goes_on_with(&item) && class != Class::Missed => last.slots.extend(item.slots),
            Some(_) => latest.push_back(item),
        }
    }
    for item in latest {
        let class = if item.class == Class::Missed { Class::CaughtUp } else { item.class };
        items.push(Item { class, ..item });
    }
    if let Some(boot) = known.boot.take() {
        let now = situation.now;
        let occasion = Occasion::plain(Key::Boot(boot), now, schedule.date(now));
        let class = Class::of(&occasion, policy, situation, false);
        items.push(Item::new(occasion, class));
    }
    items
}

/// Adds what comes after all others, to the last of them if it comes to the same.
fn append(items: &mut Vec<Item>, item: Item) {
    match items.last_mut() {
        Some(last) if last.goes_on_with(&item) => last.slots.extend(item.slots),
        Some(_) | None => items.push(item),
    }
}
