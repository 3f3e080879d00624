//! The occasions of a schedule that goes by an exchange's sessions: one or several on each date that it takes. A
//! date whose exchange is closed has one that cannot fire. Beyond the calendar's dates there are none.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::calendar::Calendar;
use crate::calendar::offset::{Anchor, Offset, Shift};
use crate::calendar::session::Day;
use crate::duration;

use super::days::{Days, Taken};
use super::exchange::Exchange;
use super::occasion::Occasion;
use super::slot::Key;

/// On which dates of which exchange, and when.
#[derive(Clone, Debug)]
pub struct Sessions {
    /// Whose sessions.
    pub exchange: Exchange,
    /// When, on each.
    pub times: Times,
    /// Which of them.
    pub days: Days,
}

/// When, on the date of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// Once.
    At(Offset),
    /// Again and again, by absolute time, while the exchange is not at rest.
    Every {
        /// How long after the one before; more than nothing.
        step: Duration,
        /// The first.
        from: Offset,
        /// The last, if the steps come out there. Where the next date's first is not later, it is that one's.
        to: Offset,
    },
}

/// The occasions of one date.
#[derive(Clone, Copy, Debug)]
struct Row {
    label: Date,
    first: Timestamp,
    step: SignedDuration,
    /// How many there are; at least one.
    count: u32,
    closed: bool,
}

impl Times {
    /// As a pipeline file says it.
    fn spelled(&self) -> String {
        match self {
            Self::At(offset) => format!("at: {offset}"),
            Self::Every { step, from, to } => {
                format!("every: {}, between: [{from}, {to}]", duration::show(*step))
            }
        }
    }

    fn bounds(&self) -> (Offset, Offset) {
        match self {
            Self::At(offset) => (*offset, *offset),
            Self::Every { from, to, .. } => (*from, *to),
        }
    }
}

impl Sessions {
    /// The schedule as text, but for the zone of its times: none of what the calendar says is in it.
    pub(super) fn spelled(&self) -> String {
        format!("{} {}{}", self.exchange.spelled(), self.times.spelled(), self.days.spelled())
    }

    fn calendar(&self) -> &Calendar {
        self.exchange.calendar()
    }

    /// The first occasion that comes after a key.
    pub(super) fn after_key(&self, key: &Key, zone: &TimeZone) -> Option<Occasion> {
        let Key::Session { label, ordinal } = key else { return None };
        let here = self.row(*label, zone).and_then(|row| self.not_before(&row, ordinal.checked_add(1)?));
        here.or_else(|| {
            let mut later =
                std::iter::successors(later(self.calendar(), *label), |date| later(self.calendar(), *date));
            later.find_map(|date| self.not_before(&self.row(date, zone)?, 0))
        })
    }

    /// The last occasion that comes before a key.
    pub(super) fn before_key(&self, key: &Key, zone: &TimeZone) -> Option<Occasion> {
        let Key::Session { label, ordinal } = key else { return None };
        let here = self
            .row(*label, zone)
            .and_then(|row| self.not_after(&row, row.count.min(*ordinal).checked_sub(1)?));
        here.or_else(|| {
            let step = |date: &Date| earlier(self.calendar(), *date);
            let mut dates = std::iter::successors(step(label), step);
            dates.find_map(|date| {
                let row = self.row(date, zone)?;
                self.not_after(&row, row.count - 1)
            })
        })
    }

    /// The first occasion whose instant is after this one.
    pub(super) fn after(&self, at: Timestamp, zone: &TimeZone) -> Option<Occasion> {
        let begin = self.first_that_ends_after(at, zone)?;
        let mut dates = std::iter::successors(Some(begin), |date| later(self.calendar(), *date));
        dates.find_map(|date| {
            let row = self.row(date, zone)?;
            let gone = if row.first <= at { row.steps_to(at) + 1 } else { 0 };
            self.not_before(&row, gone)
        })
    }

    /// The first occasion of a date from an ordinal on. What falls into a break is none, and its ordinal is left out.
    fn not_before(&self, row: &Row, mut ordinal: u32) -> Option<Occasion> {
        while ordinal < row.count {
            let Some((_, until)) = self.rest(row.at(ordinal)) else {
                return Some(self.occasion(row, ordinal));
            };
            ordinal = row.steps_before(until)?;
        }
        None
    }

    /// The last one up to an ordinal.
    fn not_after(&self, row: &Row, mut ordinal: u32) -> Option<Occasion> {
        while let Some((from, _)) = self.rest(row.at(ordinal)) {
            ordinal = row.steps_before(from)?.checked_sub(1)?;
        }
        Some(self.occasion(row, ordinal))
    }

    /// From when to when the exchange rests around an instant, where that holds slots back.
    pub(super) fn rest(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        match self.times {
            Times::At(_) => None,
            Times::Every { .. } => {
                self.calendar().at(at)?.pause.filter(|(from, until)| *from <= at && at < *until)
            }
        }
    }

    /// Why a date is none of those that it takes.
    pub(super) fn misfit_of_day(&self, date: Date) -> Option<String> {
        match (self.calendar().day(date), self.days.take(self.calendar(), date)) {
            (_, Taken::Yes) => None,
            (Day::Session(_), Taken::No | Taken::Closed) => {
                Some(format!("it is a session, and none of its{}", self.days.spelled()))
            }
            (Day::Closed(_) | Day::Off | Day::Before | Day::Beyond, Taken::No | Taken::Closed) => {
                Some(self.exchange.why_none(date))
            }
        }
    }

    /// The key before all that a date and later ones have.
    pub(super) fn key_before(date: Date) -> Key {
        Key::Session { label: date.yesterday().unwrap_or(date), ordinal: u32::MAX }
    }

    /// The first date, taken or not, whose last instant is after this one.
    fn first_that_ends_after(&self, at: Timestamp, zone: &TimeZone) -> Option<Date> {
        let calendar = self.calendar();
        let (mut low, mut high) = (calendar.first(), calendar.last().tomorrow().ok()?);
        while low < high {
            let between = low.until(high).ok()?.get_days() / 2;
            let middle = low.checked_add(jiff::Span::new().days(between)).ok()?;
            // The next that has hours stands for those that have none.
            let dates = std::iter::successors(Some(middle), |date| later(calendar, *date));
            let mut known =
                dates.take_while(|date| *date < high).filter_map(|date| Some((date, self.ends(date, zone)?)));
            match known.next() {
                Some((date, end)) if end <= at => low = date.tomorrow().ok()?,
                Some(_) | None => high = middle,
            }
        }
        (low <= calendar.last()).then_some(low)
    }

    /// The last instant of a date, were it taken.
    fn ends(&self, date: Date, zone: &TimeZone) -> Option<Timestamp> {
        if matches!(self.calendar().day(date), Day::Off) {
            return None;
        }
        let (from, to) = self.times.bounds();
        Some(self.resolved(from, date, zone)?.max(self.resolved(to, date, zone)?))
    }

    fn row(&self, label: Date, zone: &TimeZone) -> Option<Row> {
        let closed = match self.days.take(self.calendar(), label) {
            Taken::Yes => false,
            Taken::Closed => true,
            Taken::No => return None,
        };
        let (from, to) = self.times.bounds();
        let first = self.resolved(from, label, zone)?;
        let alone = Row { label, first, step: SignedDuration::ZERO, count: 1, closed };
        let Times::Every { step, .. } = self.times else { return Some(alone) };
        if closed {
            return Some(alone);
        }
        let last = self.resolved(to, label, zone)?;
        let row = Row { step: SignedDuration::try_from(step).ok()?, ..alone };
        let before = self
            .next_first(label, last, zone)
            .map_or(last, |next| last.min(next.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(next)));
        (first <= before).then(|| Row { count: row.steps_to(before) + 1, ..row })
    }

    /// The first instant of the next date that fires, if that is no later than `last`.
    fn next_first(&self, label: Date, last: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (from, _) = self.times.bounds();
        let calendar = self.calendar();
        let dates = std::iter::successors(later(calendar, label), |date| later(calendar, *date));
        for date in dates {
            // Dates without hours, and beyond them the next with hours: the first that is later ends it.
            let Some(first) = self.resolved(from, date, zone) else { continue };
            if first > last {
                return None;
            }
            if self.days.take(calendar, date) == Taken::Yes {
                return Some(first);
            }
        }
        None
    }

    /// An instant on the date of a session or a closure, a time of day by the clocks of the zone.
    pub(super) fn resolved(&self, offset: Offset, label: Date, zone: &TimeZone) -> Option<Timestamp> {
        let calendar = self.calendar();
        let Anchor::Time(time) = offset.anchor else { return offset.resolve(calendar, label) };
        let at = |date: Date| {
            let zoned = zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible();
            zoned.ok().filter(|_| !matches!(calendar.day(date), Day::Off | Day::Before | Day::Beyond))
        };
        match offset.shift {
            Shift::None => at(label),
            Shift::Span(span) => at(label)?.checked_add(span).ok(),
            Shift::Sessions(by) => at(calendar.shifted(label, by)?),
        }
    }

    fn occasion(&self, row: &Row, ordinal: u32) -> Occasion {
        let Row { label, closed, .. } = *row;
        let at = row.at(ordinal);
        let day = self.calendar().day(label);
        let (bar, remarks) = match day {
            Day::Session(session) => (None, self.exchange.remarks(&session)),
            Day::Closed(_) if closed => (Some(self.exchange.why_none(label).into()), String::new()),
            Day::Closed(_) | Day::Off | Day::Before | Day::Beyond => (None, self.exchange.why_none(label)),
        };
        Occasion { key: Key::Session { label, ordinal }, at, date: label, bar, remarks: remarks.into() }
    }
}

impl Row {
    fn at(&self, ordinal: u32) -> Timestamp {
        let steps = i32::try_from(ordinal).unwrap_or(i32::MAX);
        self.first.saturating_add(self.step * steps).unwrap_or(self.first)
    }

    /// How many lie before an instant.
    fn steps_before(&self, at: Timestamp) -> Option<u32> {
        let before = at.checked_sub(SignedDuration::from_nanos(1)).ok()?;
        Some(if before < self.first { 0 } else { self.steps_to(before) + 1 })
    }

    /// How many steps lie between the first and an instant that is not before it.
    fn steps_to(&self, at: Timestamp) -> u32 {
        let since = at.duration_since(self.first).as_nanos();
        let steps = since.checked_div(self.step.as_nanos()).unwrap_or_default();
        u32::try_from(steps).unwrap_or(u32::MAX - 1)
    }
}

/// The next date that a calendar knows.
fn later(calendar: &Calendar, date: Date) -> Option<Date> {
    let next = date.tomorrow().ok()?.max(calendar.first());
    (next <= calendar.last()).then_some(next)
}

/// The date before, if the calendar knows it.
fn earlier(calendar: &Calendar, date: Date) -> Option<Date> {
    let before = date.yesterday().ok()?.min(calendar.last());
    (before >= calendar.first()).then_some(before)
}
