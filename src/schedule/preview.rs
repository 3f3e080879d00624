//! What schedules will do: each slot put to the law as if the daemon were there on time and nothing else were
//! under way. One slot at a time, so that a decade of seconds takes no more room than a day.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;

use jiff::Timestamp;
use jiff::civil::Date;

use super::day;
use super::definition::{Policy, Schedule};
use super::horizon::exhausted;
use super::plan::foretold;
use super::slot::Entry;

/// What is foreseen of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreseen {
    /// A slot, and what is to become of it.
    Slot(Entry),
    /// Nothing more is known, for its calendar has ended.
    Exhausted {
        /// The first instant of which nothing is.
        at: Timestamp,
        /// The first date.
        date: Date,
        /// Why, in a few words.
        reason: String,
    },
}

impl Foreseen {
    fn at(&self) -> Timestamp {
        match self {
            Self::Slot(entry) => entry.first,
            Self::Exhausted { at, .. } => *at,
        }
    }
}

/// What is to become of the slots of one schedule from the first date to the last, which is in it.
pub fn preview<'a>(
    schedule: &'a Schedule,
    policy: &'a Policy,
    (first, last): (Date, Date),
) -> impl Iterator<Item = Foreseen> + use<'a> {
    let foretold = |occasion| Foreseen::Slot(foretold(schedule, policy, occasion));
    schedule.occasions(first, last).map(foretold).chain(end(schedule, policy, (first, last)))
}

fn end(schedule: &Schedule, policy: &Policy, (first, last): (Date, Date)) -> Option<Foreseen> {
    let (code, known_to) = schedule.exchange()?.horizon();
    let date = known_to.tomorrow().ok()?.max(first);
    let is_over = policy.end_date.is_some_and(|end| end < date);
    let at = day::first(date, &schedule.zone());
    (date <= last && !is_over).then(|| Foreseen::Exhausted { at, date, reason: exhausted(code, known_to) })
}

/// What is foreseen of several as one, in the order of time; each with the number of the one it is of.
#[derive(Clone, Debug)]
pub struct Merged<I: Iterator<Item = Foreseen>> {
    sources: Vec<Peekable<I>>,
    /// The next of each source that has one; of two at one instant the first source's goes first.
    heads: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

impl<I> Merged<I>
where
    I: Iterator<Item = Foreseen>,
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
            self.heads.push(Reverse((next.at(), number)));
        }
    }
}

impl<I: Iterator<Item = Foreseen>> Iterator for Merged<I> {
    type Item = (usize, Foreseen);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((_, number)) = self.heads.pop()?;
        let next = self.sources[number].next()?;
        self.line_up(number);
        Some((number, next))
    }
}

#[cfg(test)]
mod tests {
    use super::super::cron::{Dialect, Line};
    use super::super::definition::Trigger;
    use super::super::fires::Dst;
    use super::super::slot::{Decision, Key};
    use super::*;

    fn schedule(text: &str, timezone: &str) -> Schedule {
        let Line::Times(cron) = Line::parse(text, Dialect::Extended).unwrap() else { panic!("{text}") };
        let trigger = Trigger::Cron { text: text.into(), cron, dst: Dst::default(), filter: None };
        Schedule { name: "default".into(), trigger, timezone: timezone.into() }
    }

    fn previewed(text: &str, timezone: &str, policy: &Policy, dates: [&str; 2]) -> Vec<String> {
        let schedule = schedule(text, timezone);
        let preview = preview(&schedule, policy, dates.map(|date| date.parse().unwrap()).into());
        let told = |foreseen| match foreseen {
            Foreseen::Slot(entry) => format!("{} {}, {}", entry.first, entry.decision.word(), entry.reason),
            Foreseen::Exhausted { date, reason, .. } => format!("{date} {reason}"),
        };
        preview.map(told).collect()
    }

    #[test]
    fn the_slots_of_both_days_are_in_it_and_no_others() {
        let slots = previewed("0 */12 * * *", "UTC", &Policy::default(), ["2026-11-21", "2026-11-22"]);
        let expected = [
            "2026-11-21T00:00:00Z fired, on time",
            "2026-11-21T12:00:00Z fired, on time",
            "2026-11-22T00:00:00Z fired, on time",
            "2026-11-22T12:00:00Z fired, on time",
        ];
        assert_eq!(slots, expected);
        let none = previewed("0 4 29 2 *", "UTC", &Policy::default(), ["2026-01-01", "2027-12-31"]);
        assert!(none.is_empty(), "{none:?}");
        let backwards = previewed("0 4 * * *", "UTC", &Policy::default(), ["2026-11-22", "2026-11-21"]);
        assert!(backwards.is_empty(), "{backwards:?}");
    }

    #[test]
    fn days_are_those_of_the_schedules_zone() {
        let zone = "America/New_York";
        // The clocks go back: a day of 25 hours.
        let day = ["2026-11-01", "2026-11-01"];
        let slots = previewed("30 * * * *", zone, &Policy::default(), day);
        assert_eq!(slots.len(), 25);
        assert_eq!(slots[0], "2026-11-01T04:30:00Z fired, on time");
        assert_eq!(slots[24], "2026-11-02T04:30:00Z fired, on time");
        // A fixed time that the clocks show twice is one slot.
        assert_eq!(previewed("30 1 * * *", zone, &Policy::default(), day).len(), 1);
        // Newfoundland's went back at one minute past midnight: an hour of that day came after the next's.
        let slots =
            previewed("0 * * * *", "America/St_Johns", &Policy::default(), ["2010-11-06", "2010-11-06"]);
        assert_eq!(slots.len(), 24);
        let slots =
            previewed("30 * * * *", "America/St_Johns", &Policy::default(), ["2010-11-06", "2010-11-06"]);
        assert_eq!(slots.len(), 25);
    }

    #[test]
    fn dates_out_of_bounds_are_skipped_with_the_reason() {
        let policy = Policy {
            start_date: Some("2026-11-21".parse().unwrap()),
            end_date: Some("2026-11-22".parse().unwrap()),
            ..Policy::default()
        };
        let slots = previewed("30 2 * * *", "UTC", &policy, ["2026-11-20", "2026-11-23"]);
        let expected = [
            "2026-11-20T02:30:00Z skipped, before start_date (2026-11-21)",
            "2026-11-21T02:30:00Z fired, on time",
            "2026-11-22T02:30:00Z fired, on time",
            "2026-11-23T02:30:00Z skipped, after end_date (2026-11-22)",
        ];
        assert_eq!(slots, expected);
    }

    #[test]
    fn a_boot_has_no_slot_by_the_clock() {
        let reboot = Schedule { trigger: Trigger::Reboot, ..schedule("0 0 * * *", "UTC") };
        let day = "2026-11-21".parse().unwrap();
        assert_eq!(preview(&reboot, &Policy::default(), (day, day)).count(), 0);
    }

    fn entry(schedule: &str, second: i64) -> Foreseen {
        let first = Timestamp::from_second(second).unwrap();
        Foreseen::Slot(Entry {
            schedule: schedule.into(),
            key: Key::Instant(first),
            date: Date::default(),
            first,
            last: first,
            count: 1,
            decision: Decision::Fired,
            reason: "".into(),
        })
    }

    fn told(merged: impl Iterator<Item = (usize, Foreseen)>) -> Vec<(usize, i64)> {
        merged.map(|(number, foreseen)| (number, foreseen.at().as_second())).collect()
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
