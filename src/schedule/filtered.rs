//! The occasions of a cron expression that is held against a calendar: on a date without a session one cannot fire,
//! or moves to the session before or after it. Where several come to one instant, one of them fires.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::calendar::session::Day;

use super::cron::Cron;
use super::day;
use super::exchange::Exchange;
use super::fires::{self, Dst};
use super::occasion::Occasion;
use super::slot::Key;

/// What a cron expression is held against.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Whose sessions.
    pub exchange: Exchange,
    /// What becomes of a date without one.
    pub roll: Roll,
}

/// What becomes of an occasion on a date without a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roll {
    /// It does not fire.
    Skip,
    /// It fires at the same time of the session date before.
    Previous,
    /// It fires at the same time of the session date after.
    Next,
}

impl Roll {
    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Previous => "previous",
            Self::Next => "next",
        }
    }
}

/// An expression by the clocks of a zone, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filtered<'a> {
    pub(super) cron: &'a Cron,
    pub(super) dst: Dst,
    pub(super) zone: &'a TimeZone,
    pub(super) filter: &'a Filter,
}

impl Filter {
    /// As a pipeline file says it, with a blank before it.
    pub(super) fn spelled(&self) -> String {
        let roll =
            if self.roll == Roll::Skip { String::new() } else { format!(" roll: {}", self.roll.word()) };
        format!(" calendar: {}{roll}", self.exchange.spelled())
    }
}

impl Filtered<'_> {
    /// The first occasion that comes after a key.
    pub(super) fn after_key(&self, key: &Key) -> Option<Occasion> {
        let Key::Instant(key) = key else { return None };
        let begin = self.begin();
        // An occasion before the calendar's first session is none.
        let mut from = (*key).max(begin.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(begin));
        loop {
            from = self.named_after(from)?;
            if self.date(from) > self.filter.exchange.calendar().last() {
                return None;
            }
            if let Some(occasion) = self.occasion(from) {
                return Some(occasion);
            }
        }
    }

    /// The last occasion that comes before a key.
    pub(super) fn before_key(&self, key: &Key) -> Option<Occasion> {
        let Key::Instant(key) = key else { return None };
        let end = day::last(self.filter.exchange.calendar().last(), self.zone);
        let mut before = (*key).min(end);
        loop {
            before = self.named_before(before)?;
            if before < self.begin() {
                return None;
            }
            if let Some(occasion) = self.occasion(before) {
                return Some(occasion);
            }
        }
    }

    /// The last occasion before a key that can fire.
    pub(super) fn open_before(&self, key: &Key) -> Option<Occasion> {
        let calendar = self.filter.exchange.calendar();
        let mut before = self.before_key(key)?;
        while before.bar.is_some() {
            // Days without a session may have many, and none that can.
            let jump = match (self.filter.roll, &before.key) {
                (Roll::Skip, Key::Instant(named)) => {
                    Key::Instant(self.behind(calendar.previous_label(self.date(*named))))
                }
                (Roll::Skip | Roll::Previous | Roll::Next, key) => key.clone(),
            };
            before = self.before_key(&jump)?;
        }
        Some(before)
    }

    /// The first occasion whose instant is after this one.
    pub(super) fn after(&self, at: Timestamp) -> Option<Occasion> {
        let calendar = self.filter.exchange.calendar();
        let today = self.date(at);
        let from = match (self.filter.roll, calendar.day(today)) {
            (Roll::Skip | Roll::Previous, _) => at,
            // What was named since the last session may still be to come.
            (Roll::Next, _) => self.behind(calendar.previous_label(today)).min(at),
        };
        let mut next = self.after_key(&Key::Instant(from));
        while let Some(occasion) = next {
            if occasion.at > at {
                return Some(occasion);
            }
            next = self.after_key(&occasion.key);
        }
        None
    }

    /// The key before all that are named on a date and later, or moved there.
    pub(super) fn key_before(&self, date: Date) -> Key {
        let begin = day::first(date, self.zone);
        let begin = begin.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(begin);
        let calendar = self.filter.exchange.calendar();
        Key::Instant(match self.filter.roll {
            Roll::Skip | Roll::Previous => begin,
            Roll::Next => self.behind(calendar.previous_label(date)).min(begin),
        })
    }

    /// The occasion of an instant that the expression names; `None` where the calendar does not know enough.
    fn occasion(&self, named: Timestamp) -> Option<Occasion> {
        let Filter { exchange, roll } = self.filter;
        let calendar = exchange.calendar();
        let date = self.date(named);
        let key = Key::Instant(named);
        let label = match calendar.day(date) {
            Day::Before | Day::Beyond => return None,
            Day::Session(session) => {
                let remarks = exchange.remarks(&session).into();
                let occasion = Occasion { remarks, ..Occasion::plain(key, named, date) };
                let heir = self.heir(date, named);
                return Some(if heir == named { occasion } else { self.merged(occasion, heir) });
            }
            Day::Closed(_) | Day::Off => match roll {
                Roll::Skip => {
                    let bar = Some(exchange.why_none(date).into());
                    return Some(Occasion { bar, ..Occasion::plain(key, named, date) });
                }
                Roll::Previous => calendar.previous_label(date)?,
                Roll::Next => calendar.next_label(date)?,
            },
        };
        let at = self.on(label, self.time(named))?;
        let occasion = Occasion::plain(key, at, label);
        let heir = self.heir(label, named);
        if heir != named {
            return Some(self.merged(occasion, heir));
        }
        let mut remarks = format!("rolled from {}: {}", self.shown(named), exchange.why_none(date));
        if let Some(session) = calendar.session(label) {
            let unusual = exchange.remarks(&session);
            if !unusual.is_empty() {
                remarks = format!("{remarks}; {unusual}");
            }
        }
        Some(Occasion { remarks: remarks.into(), ..occasion })
    }

    /// One that comes to the instant of another.
    fn merged(&self, occasion: Occasion, heir: Timestamp) -> Occasion {
        let Key::Instant(named) = occasion.key else { return occasion };
        let one = format!("one with the slot of {}", self.shown(heir));
        let bar = if named == occasion.at {
            one
        } else {
            let why = self.filter.exchange.why_none(self.date(named));
            format!("rolled to {}, {one}; {why}", self.shown(occasion.at))
        };
        Occasion { bar: Some(bar.into()), remarks: Box::default(), ..occasion }
    }

    /// Of all that come to the time of this one on a session date: the one that fires. Slots are considered in
    /// the order in which they are named, so where a day has several times it is the first, which none that is
    /// due later stands before.
    fn heir(&self, label: Date, named: Timestamp) -> Timestamp {
        let calendar = self.filter.exchange.calendar();
        let until = |date: Option<Date>, fallback: Date| date.unwrap_or(fallback);
        let (first, last) = match self.filter.roll {
            Roll::Skip => return named,
            Roll::Previous => {
                let next = until(calendar.next_label(label), calendar.last());
                (label, next.yesterday().unwrap_or(next).max(label))
            }
            Roll::Next => {
                let before = until(calendar.previous_label(label), calendar.first());
                (before.tomorrow().unwrap_or(before).min(label), label)
            }
        };
        let time = self.time(named);
        let dates =
            std::iter::successors(Some(first), |date| date.tomorrow().ok()).take_while(|date| *date <= last);
        let mut all = dates.filter_map(|date| self.named_at(date, time));
        let heir = match self.filter.roll {
            Roll::Next if self.cron.is_once_a_day() => all.last(),
            Roll::Skip | Roll::Previous | Roll::Next => all.next(),
        };
        heir.unwrap_or(named)
    }

    /// The instant at which the expression names this time on this date, if it does.
    fn named_at(&self, date: Date, time: Time) -> Option<Timestamp> {
        let at = self.on(date, time)?;
        let before = at.checked_sub(SignedDuration::from_nanos(1)).ok()?;
        self.named_after(before).filter(|named| *named == at)
    }

    fn named_after(&self, after: Timestamp) -> Option<Timestamp> {
        fires::next(self.cron, self.zone, self.dst, after)
    }

    fn named_before(&self, before: Timestamp) -> Option<Timestamp> {
        fires::previous(self.cron, self.zone, self.dst, before)
    }

    /// A time of day on a date, by the clocks of the zone.
    fn on(&self, date: Date, time: Time) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible().ok()
    }

    /// The first instant that the calendar knows.
    fn begin(&self) -> Timestamp {
        day::first(self.filter.exchange.calendar().first(), self.zone)
    }

    /// The last instant of a session date; the beginning where there is none.
    fn behind(&self, label: Option<Date>) -> Timestamp {
        label.map_or_else(|| self.begin(), |label| day::last(label, self.zone))
    }

    fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    fn time(&self, at: Timestamp) -> Time {
        at.to_zoned(self.zone.clone()).time()
    }

    fn shown(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        local.strftime(if local.second() == 0 { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
    }
}
