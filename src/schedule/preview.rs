//! What schedules will do: each slot put to the law as if the daemon were there on time and nothing else were
//! under way. One slot at a time, so that a decade of seconds takes no more room than a day.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::day;
use super::definition::{Policy, Schedule, Timetable};
use super::plan::{Known, Situation, consider};
use super::slot::Entry;

/// The slots of one schedule whose dates lie in a range, with what is to become of them.
#[derive(Clone, Debug)]
pub struct Preview {
    timetable: Timetable,
    dates: (Date, Date),
    /// Everything up to here has been shown.
    at: Timestamp,
    end: Timestamp,
}

impl Preview {
    /// Of all slots from the first date to the last, which is in it.
    pub fn new(schedule: &Schedule, policy: &Policy, first: Date, last: Date) -> Self {
        let zone = schedule.zone();
        let begin = day::first(first, &zone);
        Self {
            timetable: alone(schedule, policy),
            dates: (first, last),
            // A slot at midnight itself is in it.
            at: begin.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(begin),
            end: day::last(last, &zone),
        }
    }
}

impl Iterator for Preview {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let (first, last) = self.dates;
        loop {
            let schedule = self.timetable.schedules.first()?;
            let slot = schedule.next(self.at).filter(|slot| *slot <= self.end)?;
            let before = std::mem::replace(&mut self.at, slot);
            // Where a day's midnight comes twice, a part of its end lies among its neighbour's slots.
            if (first..=last).contains(&schedule.date(slot)) {
                return decided(&self.timetable, before, slot);
            }
        }
    }
}

/// What is to become of one slot of a schedule.
pub fn of(schedule: &Schedule, policy: &Policy, slot: Timestamp) -> Option<Entry> {
    let before = slot.checked_sub(SignedDuration::from_nanos(1)).ok()?;
    decided(&alone(schedule, policy), before, slot)
}

fn alone(schedule: &Schedule, policy: &Policy) -> Timetable {
    Timetable { schedules: Box::new([schedule.clone()]), policy: policy.clone() }
}

fn decided(timetable: &Timetable, before: Timestamp, now: Timestamp) -> Option<Entry> {
    let situation = Situation { now, paused_by: None, active: &[], absence: None };
    consider(timetable, &mut [Known::since(before)], &situation).entries.pop()
}

/// Several of them as one, in the order of time; each slot with the number of the one it is from.
#[derive(Clone, Debug)]
pub struct Merged<I: Iterator<Item = Entry>> {
    sources: Vec<Peekable<I>>,
    /// The next slot of each source that has one; of two at one instant the first source's goes first.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl<I> Merged<I>
where
    I: Iterator<Item = Entry>,
{
    /// Of sources that are each in the order of time.
    pub fn new(sources: impl IntoIterator<Item = I>) -> Self {
        let sources = sources.into_iter().map(Iterator::peekable).collect();
        let mut merged = Self { sources, heads: BinaryHeap::new() };
        for number in 0..merged.sources.len() {
            merged.line_up(number);
        }
        merged
    }

    fn line_up(&mut self, number: usize) {
        if let Some(next) = self.sources[number].peek() {
            self.heads.push(Reverse((next.first, number)));
        }
    }
}

impl<I: Iterator<Item = Entry>> Iterator for Merged<I> {
    type Item = (usize, Entry);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, number)) = self.heads.pop()?;
        let entry = self.sources[number].next()?;
        self.line_up(number);
        Some((number, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::super::slot::{Decision, Key};
    use super::*;

    fn entry(schedule: &str, second: i64) -> Entry {
        let first = Timestamp::from_second(second).unwrap();
        Entry {
            schedule: schedule.into(),
            key: Key::Instant(first),
            first,
            last: first,
            count: 1,
            decision: Decision::Fired,
            reason: "".into(),
        }
    }

    fn told(merged: impl Iterator<Item = (usize, Entry)>) -> Vec<(usize, i64)> {
        merged.map(|(number, entry)| (number, entry.first.as_second())).collect()
    }

    #[test]
    fn slots_of_many_are_told_in_the_order_of_time() {
        let of = |seconds: &[i64]| seconds.iter().map(|&at| entry("a", at)).collect::<Vec<_>>().into_iter();
        let merged = Merged::new([of(&[3, 5, 5]), of(&[]), of(&[1, 5, 9])]);
        assert_eq!(told(merged), [(2, 1), (0, 3), (0, 5), (0, 5), (2, 5), (2, 9)]);
        assert_eq!(told(Merged::new([of(&[])])), []);
    }

    #[test]
    fn no_source_is_read_further_than_one_slot_ahead() {
        let endless = |step: i64| (0..).map(move |n| entry("a", n * step));
        let merged = Merged::new([endless(1), endless(1_000_000_000)]);
        // Only a lazy merge gets here.
        assert_eq!(told(merged.take(3)), [(0, 0), (1, 0), (0, 1)]);
    }
}
