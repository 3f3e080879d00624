//! The regular week of an exchange through the years: which weekdays it trades on, and when. It never knows a
//! holiday.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};

use super::hours::Hours;

/// Monday first.
pub(super) const WEEKDAYS: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// The place of a weekday in a week, from 0 for Monday.
pub(super) fn number(weekday: Weekday) -> usize {
    usize::from(weekday.to_monday_zero_offset().unsigned_abs())
}

/// Hours by weekday, Monday first; none where it does not trade.
pub(super) type Week = [Option<Hours>; 7];

/// The week that holds from a date on, until the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Regime {
    pub(super) from: Date,
    pub(super) days: Week,
    /// The weekday that was named first.
    pub(super) first_named: Weekday,
}

/// The weeks of an exchange, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Weeks(Box<[Regime]>);

impl Regime {
    pub(super) fn hours(&self, weekday: Weekday) -> Option<Hours> {
        self.days[number(weekday)]
    }

    /// The first weekday after the weekend. Where there is no weekend, or more than one as long, it is the one
    /// that was named first.
    fn begins(&self) -> Weekday {
        let rest_before =
            |day: usize| (1..7).take_while(|back| self.days[(day + 7 - back) % 7].is_none()).count();
        let rests = (0..7).filter(|&day| self.days[day].is_some()).map(|day| (rest_before(day), day));
        let rests: Vec<(usize, usize)> = rests.filter(|(rest, _)| *rest > 0).collect();
        let longest = rests.iter().max();
        let alone = |most: usize| rests.iter().filter(|(rest, _)| *rest == most).count() == 1;
        longest.filter(|(most, _)| alone(*most)).map_or(self.first_named, |(_, day)| WEEKDAYS[*day])
    }
}

impl Weeks {
    /// In the order of their dates; there is at least one.
    pub(super) fn new(mut regimes: Vec<Regime>) -> Self {
        regimes.sort_by_key(|regime| regime.from);
        Self(regimes.into())
    }

    /// What holds on a date. Before the first one it is the first.
    pub(super) fn on(&self, date: Date) -> &Regime {
        let behind = self.0.partition_point(|regime| regime.from <= date);
        &self.0[behind.saturating_sub(1)]
    }

    /// The dates on which the weeks begin to hold.
    pub(super) fn begin(&self) -> impl Iterator<Item = Date> {
        self.0.iter().map(|regime| regime.from)
    }

    /// The regular hours of a date.
    pub(super) fn hours(&self, date: Date) -> Option<Hours> {
        self.on(date).hours(date.weekday())
    }

    /// The hours of the nearest date before that has regular ones.
    pub(super) fn hours_before(&self, date: Date) -> Option<Hours> {
        (1..=7).find_map(|back: i64| self.hours(date.saturating_sub(back.days())))
    }

    /// The weekday that a week begins with, around a date.
    pub(super) fn begins(&self, date: Date) -> Weekday {
        self.on(date).begins()
    }
}
