//! A calendar: every session and every closure from its first date to its last, to be asked by date and by
//! instant. It never knows a file, and beyond its dates it guesses nothing.

use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::hours::{Hours, Times, instant};
use super::row::{Note, Row, Shut};
use super::session::{Closure, Day, Period, Session, Source};
use super::week::{WEEKDAYS, Week, Weeks, number};

/// What stands at the head of a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) code: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) aliases: Box<[Arc<str>]>,
    pub(super) timezone: Arc<str>,
    pub(super) from: Date,
    pub(super) to: Date,
    pub(super) announced_to: Date,
    /// Where the data come from, and when.
    pub(super) origin: Arc<str>,
    /// Who defines it.
    pub(super) definer: Source,
    /// Who says what nothing else says: where it is made of others, they do.
    pub(super) source: Source,
}

/// Where the regular hours come from.
#[derive(Clone, Debug)]
pub(super) enum Basis {
    /// Weeks of its own.
    Weeks(Weeks),
    /// Those of another calendar.
    Extends(Arc<Calendar>),
    /// Those of the first of these.
    AllOf(Arc<[Arc<Calendar>]>),
    /// Those of the first of these that has any on the date.
    AnyOf(Arc<[Arc<Calendar>]>),
}

/// An exchange's sessions from its first date to its last.
#[derive(Clone, Debug)]
pub struct Calendar {
    pub(super) head: Head,
    pub(super) zone: TimeZone,
    pub(super) basis: Basis,
    /// Of the sessions, in order.
    pub(super) labels: Box<[Date]>,
    /// Their hours, in the same order; no two overlap.
    pub(super) rows: Box<[Row]>,
    /// By label.
    pub(super) closures: Box<[Shut]>,
    /// By date.
    pub(super) notes: Box<[Note]>,
}

impl Basis {
    /// The other calendars that it is made of.
    pub(super) fn members(&self) -> &[Arc<Calendar>] {
        match self {
            Self::Weeks(_) => &[],
            Self::Extends(base) => std::slice::from_ref(base),
            Self::AllOf(all) | Self::AnyOf(all) => all,
        }
    }

    /// The regular week around a date, Monday first, by the clock that it is written by.
    fn week(&self, date: Date) -> Week {
        match self {
            Self::Weeks(weeks) => weeks.on(date).days,
            Self::Extends(base) => base.basis.week(date),
            Self::AllOf(all) => all.first().map(|first| first.basis.week(date)).unwrap_or_default(),
            Self::AnyOf(any) => {
                let or = |one: Week, other: Week| std::array::from_fn(|day| one[day].or(other[day]));
                any.iter().map(|one| one.basis.week(date)).reduce(or).unwrap_or_default()
            }
        }
    }

    /// The regular hours of a date; `zone` is that of hours of its own.
    pub(super) fn regular(&self, date: Date, zone: &TimeZone) -> Option<Times> {
        let of = |calendar: &Arc<Calendar>| calendar.basis.regular(date, &calendar.zone);
        match self {
            Self::Weeks(weeks) => Some(weeks.hours(date)?.at(date, zone)),
            Self::Extends(base) => of(base),
            Self::AllOf(all) => all.first().and_then(of),
            Self::AnyOf(any) => any.iter().find_map(of),
        }
    }

    /// The hours that a session on a date without regular ones has: those of the nearest weekday before.
    pub(super) fn nearest(&self, date: Date, zone: &TimeZone) -> Option<Times> {
        match self {
            Self::Weeks(weeks) => Some(weeks.hours_before(date)?.at(date, zone)),
            Self::Extends(base) => base.basis.nearest(date, &base.zone),
            Self::AllOf(all) | Self::AnyOf(all) => {
                all.first().and_then(|first| first.basis.nearest(date, &first.zone))
            }
        }
    }

    fn week_begins(&self, date: Date) -> Weekday {
        match self {
            Self::Weeks(weeks) => weeks.begins(date),
            Self::Extends(base) => base.basis.week_begins(date),
            Self::AllOf(all) | Self::AnyOf(all) => {
                all.first().map_or(Weekday::Monday, |first| first.basis.week_begins(date))
            }
        }
    }
}

impl Calendar {
    /// Its code: `XNYS`.
    pub fn code(&self) -> &str {
        &self.head.code
    }

    /// What people call it: `New York Stock Exchange`.
    pub fn name(&self) -> &str {
        &self.head.name
    }

    /// Other codes that mean it.
    pub fn aliases(&self) -> &[Arc<str>] {
        &self.head.aliases
    }

    /// The IANA name of its zone.
    pub fn timezone(&self) -> &str {
        &self.head.timezone
    }

    /// Its zone, as the zone data were when its instants were computed.
    pub fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    /// The first date it knows.
    pub fn first(&self) -> Date {
        self.head.from
    }

    /// The last date it knows.
    pub fn last(&self) -> Date {
        self.head.to
    }

    /// The last date that has been announced; what comes after is projected.
    pub fn announced_to(&self) -> Date {
        self.head.announced_to
    }

    /// Where its data come from, and when they were taken.
    pub fn origin(&self) -> &str {
        &self.head.origin
    }

    /// What a date is.
    pub fn day(&self, date: Date) -> Day {
        if date < self.first() {
            return Day::Before;
        }
        if date > self.last() {
            return Day::Beyond;
        }
        if let Some(session) = self.session(date) {
            return Day::Session(session);
        }
        self.shut(date).map_or(Day::Off, |shut| Day::Closed(self.closure(shut)))
    }

    /// The session of this label.
    pub fn session(&self, label: Date) -> Option<Session> {
        self.position(label).ok().map(|at| self.unpacked(at))
    }

    /// The label of the first session after a date, of those it knows.
    pub fn next_label(&self, after: Date) -> Option<Date> {
        self.labels.get(self.labels.partition_point(|label| *label <= after)).copied()
    }

    /// The label of the last session before a date, of those it knows.
    pub fn previous_label(&self, before: Date) -> Option<Date> {
        let behind = self.labels.partition_point(|label| *label < before);
        self.labels.get(behind.checked_sub(1)?).copied()
    }

    /// The label so many sessions on, or with a number below zero back. From a date without a session, the
    /// next one is one on and the last one is one back. `None` where that is not known.
    pub fn shifted(&self, label: Date, by: i32) -> Option<Date> {
        if !(self.first()..=self.last()).contains(&label) {
            return None;
        }
        let by = by as isize;
        let at = match self.position(label) {
            Ok(at) => at.checked_add_signed(by)?,
            Err(_) if by == 0 => return None,
            // One on is the session that stands there now.
            Err(at) => at.checked_add_signed(if by > 0 { by - 1 } else { by })?,
        };
        self.labels.get(at).copied()
    }

    /// The first session that opens after an instant, of those it knows.
    pub fn first_after(&self, at: Timestamp) -> Option<Session> {
        let next = self.opened(at);
        (next < self.rows.len()).then(|| self.unpacked(next))
    }

    /// The last session that has opened by an instant, of those it knows.
    pub fn last_opened(&self, at: Timestamp) -> Option<Session> {
        self.opened(at).checked_sub(1).map(|last| self.unpacked(last))
    }

    /// The session that an instant lies in: from its open on, and before its close. Its break is part of it.
    pub fn at(&self, at: Timestamp) -> Option<Session> {
        self.last_opened(at).filter(|session| session.contains(at))
    }

    /// The sessions with labels from a date to a date, both included.
    pub fn sessions(
        &self,
        from: Date,
        to: Date,
    ) -> impl DoubleEndedIterator<Item = Session> + ExactSizeIterator {
        let first = self.labels.partition_point(|label| *label < from);
        let behind = self.labels.partition_point(|label| *label <= to).max(first);
        (first..behind).map(|at| self.unpacked(at))
    }

    /// What a date is called: the holiday, or what is special about its session. Most have no name.
    pub fn names(&self, date: Date) -> &[Arc<str>] {
        self.note(date).map_or(&[], |note| &note.names)
    }

    /// Who defines the calendar.
    pub fn defined_by(&self) -> &Source {
        &self.head.definer
    }

    /// Who says what a date is that nobody has singled out: where it is made of others, it is the first of them.
    pub fn mostly_by(&self) -> &Source {
        &self.head.source
    }

    /// Who says what a date is.
    pub fn source(&self, date: Date) -> &Source {
        self.note(date).map_or(&self.head.source, |note| &note.source)
    }

    /// The hours that a date has if nothing else is said, by the clock of the calendar's zone or, where they
    /// are another calendar's, of that one's. `None` where it has none by its week.
    pub fn regular(&self, date: Date) -> Option<Hours> {
        self.basis.week(date)[number(date.weekday())]
    }

    /// Whether a session has the regular hours of its weekday, break and all. `false` for what is no session.
    pub fn is_regular(&self, label: Date) -> bool {
        self.row(label).is_some_and(|row| self.basis.regular(label, &self.zone) == Some(row.times()))
    }

    /// The weekday that the exchange's week begins with, around a date: the first after its weekend.
    pub fn week_begins(&self, date: Date) -> Weekday {
        self.basis.week_begins(date)
    }

    /// The regular week that holds on a date, from the weekday that it begins with: hours as of
    /// [`Self::regular`].
    pub fn regular_week(&self, date: Date) -> [(Weekday, Option<Hours>); 7] {
        let (begins, week) = (number(self.week_begins(date)), self.basis.week(date));
        std::array::from_fn(|day| {
            let day = (begins + day) % 7;
            (WEEKDAYS[day], week[day])
        })
    }

    /// The dates from a date to a date, both included, on which another regular week begins. Of a calendar that is
    /// made of others, those of the first of them.
    pub fn new_weeks(&self, from: Date, to: Date) -> Vec<Date> {
        match &self.basis {
            Basis::Weeks(weeks) => weeks.begin().filter(|date| (from..=to).contains(date)).collect(),
            Basis::Extends(_) | Basis::AllOf(_) | Basis::AnyOf(_) => {
                self.basis.members().first().map(|first| first.new_weeks(from, to)).unwrap_or_default()
            }
        }
    }

    /// Whether a session is the first of its week, month, quarter or year. The week is the exchange's: it
    /// begins after its weekend. `false` for what is no session, and where the calendar begins too late to know.
    pub fn is_first_of(&self, label: Date, period: Period) -> bool {
        let (begin, _) = self.bounds(label, period);
        let is_session = self.position(label).is_ok();
        is_session && begin >= self.first() && self.previous_label(label).is_none_or(|other| other < begin)
    }

    /// Whether a session is the last of its week, month, quarter or year. `false` for what is no session, and
    /// where the calendar ends too early to know.
    pub fn is_last_of(&self, label: Date, period: Period) -> bool {
        let (_, end) = self.bounds(label, period);
        let is_session = self.position(label).is_ok();
        is_session && end <= self.last() && self.next_label(label).is_none_or(|other| other > end)
    }

    /// Which session of its month it is, from 1, counted from the month's beginning and from its end. `None`
    /// for what is no session, and in a month that the calendar does not know all of.
    pub fn nth_of_month(&self, label: Date) -> Option<(u32, u32)> {
        let at = self.position(label).ok()?;
        let (begin, end) = self.bounds(label, Period::Month);
        if begin < self.first() || end > self.last() {
            return None;
        }
        let before = at - self.labels.partition_point(|label| *label < begin);
        let after = self.labels.partition_point(|label| *label <= end) - at;
        Some((before as u32 + 1, after as u32))
    }

    /// The first and the last date of the period around a date.
    fn bounds(&self, date: Date, period: Period) -> (Date, Date) {
        match period {
            Period::Week => {
                let back = date.weekday().since(self.basis.week_begins(date));
                let begin = date.saturating_sub(i64::from(back).days());
                (begin, begin.saturating_add(6.days()))
            }
            Period::Month => (date.first_of_month(), date.last_of_month()),
            Period::Quarter => {
                let months = i64::from((date.month() - 1) % 3);
                let begin = date.first_of_month().saturating_sub(months.months());
                (begin, begin.saturating_add(2.months()).last_of_month())
            }
            Period::Year => (date.first_of_year(), date.last_of_year()),
        }
    }

    /// Where a label is, or would be.
    fn position(&self, label: Date) -> Result<usize, usize> {
        self.labels.binary_search(&label)
    }

    /// How many sessions have opened by an instant.
    fn opened(&self, at: Timestamp) -> usize {
        // The second that has begun, also before 1970.
        let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
        self.rows.partition_point(|row| row.open <= second)
    }

    pub(super) fn row(&self, label: Date) -> Option<Row> {
        self.position(label).ok().map(|at| self.rows[at])
    }

    pub(super) fn shut(&self, label: Date) -> Option<&Shut> {
        self.closures.binary_search_by_key(&label, |shut| shut.label).ok().map(|at| &self.closures[at])
    }

    fn note(&self, date: Date) -> Option<&Note> {
        self.notes.binary_search_by_key(&date, |note| note.date).ok().map(|at| &self.notes[at])
    }

    fn unpacked(&self, at: usize) -> Session {
        let (label, row) = (self.labels[at], self.rows[at]);
        let times = row.times();
        Session {
            label,
            open: instant(times.open),
            close: instant(times.close),
            pause: times.pause.map(|(from, to)| (instant(from), instant(to))),
            early_close: row.early_close,
            late_open: row.late_open,
            projected: label > self.announced_to(),
        }
    }

    fn closure(&self, shut: &Shut) -> Closure {
        Closure {
            name: shut.name.clone(),
            ad_hoc: shut.ad_hoc,
            would_open: instant(shut.times.open),
            would_close: instant(shut.times.close),
            projected: shut.label > self.announced_to(),
        }
    }
}
