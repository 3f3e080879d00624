//! A schedule as a pipeline file defines it, and the rules by which its slots are decided. Which instants an
//! expression names is `cron`'s and `fires`'s to say.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;
use super::day;
use super::exchange::Exchange;
use super::filtered::{Filter, Filtered};
use super::fires::{self, Dst};
use super::occasion::Occasion;
use super::sessions::Sessions;
use super::slot::Key;

/// What a schedule is called that was not given a name.
pub const UNNAMED: &str = "default";

/// Everything a pipeline file says about when to run.
#[derive(Clone, Debug, Default)]
pub struct Timetable {
    /// In the order of the file; their names differ.
    pub schedules: Box<[Schedule]>,
    /// What becomes of their slots.
    pub policy: Policy,
}

/// What makes runs.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its name within the pipeline.
    pub name: Box<str>,
    /// What it waits for.
    pub trigger: Trigger,
    /// The IANA zone its times are in.
    pub timezone: Box<str>,
}

/// What a schedule waits for.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// The instants that an expression names.
    Cron {
        /// As it was written, `H` and all.
        text: Box<str>,
        /// What it says.
        cron: Cron,
        /// What it does where the clock jumps.
        dst: Dst,
        /// The exchange on whose session dates alone it fires, if it is bound to one.
        filter: Option<Filter>,
    },
    /// The sessions of an exchange.
    Sessions(Sessions),
    /// The first start of the daemon after each boot of the machine.
    Reboot,
}

/// How a pipeline's slots become runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What becomes of slots that were missed.
    pub catchup: Catchup,
    /// A slot older than this makes no run any more, also while its run waits to start.
    pub starting_deadline: Option<Duration>,
    /// A slot that is late by no more than this was not missed.
    pub grace: Duration,
    /// What a slot does that comes due while `max_active_runs` are under way.
    pub overlap: Overlap,
    /// Runs of the pipeline that may be under way at the same time, of all kinds.
    pub max_active_runs: NonZeroU32,
    /// The first logical date there is.
    pub start_date: Option<Date>,
    /// The last one.
    pub end_date: Option<Date>,
}

/// What becomes of slots that were missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Catchup {
    /// Nothing: they stay missed.
    None,
    /// The latest one fires.
    Latest,
    /// Each one fires.
    All,
}

/// What a slot does that comes due while as many runs are under way as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Its run waits.
    Queue,
    /// It makes no run.
    Skip,
    /// The oldest scheduled run under way is cancelled for it.
    CancelRunning,
}

impl Catchup {
    /// As it is written everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Latest => "latest",
            Self::All => "all",
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            catchup: Catchup::Latest,
            starting_deadline: None,
            grace: Duration::from_mins(1),
            overlap: Overlap::Queue,
            max_active_runs: NonZeroU32::MIN,
            start_date: None,
            end_date: None,
        }
    }
}

impl Schedule {
    /// The schedule as text: with another text it is another schedule, and begins anew. What an exchange's
    /// calendar says is not in it.
    pub fn spelled(&self) -> String {
        match &self.trigger {
            Trigger::Cron { text, cron: _, dst, filter } => {
                let filter = filter.as_ref().map(Filter::spelled).unwrap_or_default();
                format!("{text} {}{}{filter}", self.timezone, dst.spelled())
            }
            Trigger::Sessions(sessions) => {
                let own = *self.timezone == *sessions.exchange.calendar().timezone();
                let zone = if own { String::new() } else { format!(" {}", self.timezone) };
                format!("{}{zone}", sessions.spelled())
            }
            Trigger::Reboot => "@reboot".to_owned(),
        }
    }

    /// Whether it waits for a boot, and not for a time.
    pub fn is_reboot(&self) -> bool {
        matches!(self.trigger, Trigger::Reboot)
    }

    /// The exchange whose sessions it goes by, if it does.
    pub fn exchange(&self) -> Option<&Exchange> {
        match &self.trigger {
            Trigger::Cron { filter, .. } => filter.as_ref().map(|filter| &filter.exchange),
            Trigger::Sessions(sessions) => Some(&sessions.exchange),
            Trigger::Reboot => None,
        }
    }

    /// The zone of its times. The name was known when the file was read; it is looked up each time, because
    /// the zone data may have been replaced since.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }

    /// The date of an instant by its clocks.
    pub fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone()).date()
    }

    /// Its first occasion after an instant; `None` where there is none by the clock.
    pub fn after(&self, at: Timestamp) -> Option<Occasion> {
        let zone = self.zone();
        match &self.trigger {
            Trigger::Cron { cron, dst, filter: None, .. } => {
                fires::next(cron, &zone, *dst, at).map(|next| self.named(next))
            }
            Trigger::Cron { cron, dst, filter: Some(filter), .. } => {
                Filtered { cron, dst: *dst, zone: &zone, filter }.after(at)
            }
            Trigger::Sessions(sessions) => sessions.after(at, &zone),
            Trigger::Reboot => None,
        }
    }

    /// The occasion after this one. A key of another kind of schedule has none after it.
    pub fn after_key(&self, key: &Key) -> Option<Occasion> {
        let zone = self.zone();
        match (&self.trigger, key) {
            (Trigger::Cron { filter: None, .. }, Key::Instant(at)) => self.after(*at),
            (Trigger::Cron { cron, dst, filter: Some(filter), .. }, key) => {
                Filtered { cron, dst: *dst, zone: &zone, filter }.after_key(key)
            }
            (Trigger::Sessions(sessions), key) => sessions.after_key(key, &zone),
            (Trigger::Cron { .. } | Trigger::Reboot, _) => None,
        }
    }

    /// The occasion before this one. A key of another kind of schedule has none before it.
    pub fn before_key(&self, key: &Key) -> Option<Occasion> {
        let zone = self.zone();
        match (&self.trigger, key) {
            (Trigger::Cron { cron, dst, filter: None, .. }, Key::Instant(at)) => {
                fires::previous(cron, &zone, *dst, *at).map(|before| self.named(before))
            }
            (Trigger::Cron { cron, dst, filter: Some(filter), .. }, key) => {
                Filtered { cron, dst: *dst, zone: &zone, filter }.before_key(key)
            }
            (Trigger::Sessions(sessions), key) => sessions.before_key(key, &zone),
            (Trigger::Cron { .. } | Trigger::Reboot, _) => None,
        }
    }

    /// The last occasion before this one that can fire.
    pub fn open_before(&self, key: &Key) -> Option<Occasion> {
        if let Trigger::Cron { cron, dst, filter: Some(filter), .. } = &self.trigger {
            return Filtered { cron, dst: *dst, zone: &self.zone(), filter }.open_before(key);
        }
        let mut before = self.before_key(key)?;
        while before.bar.is_some() {
            before = self.before_key(&before.key)?;
        }
        Some(before)
    }

    /// The last occasion of all, where there is one.
    pub(super) fn last(&self) -> Option<Occasion> {
        match &self.trigger {
            Trigger::Cron { .. } => self.before_key(&Key::Instant(Timestamp::MAX)),
            Trigger::Sessions(_) => self.before_key(&Key::Session { label: Date::MAX, ordinal: 0 }),
            Trigger::Reboot => None,
        }
    }

    /// The key before all that a date and later ones have; `None` where there is none by the clock.
    pub(super) fn key_before(&self, date: Date) -> Option<Key> {
        match &self.trigger {
            Trigger::Cron { cron, dst, filter: Some(filter), .. } => {
                Some(Filtered { cron, dst: *dst, zone: &self.zone(), filter }.key_before(date))
            }
            Trigger::Cron { filter: None, .. } => {
                let begin = day::first(date, &self.zone());
                let before = begin.checked_sub(SignedDuration::from_nanos(1));
                Some(Key::Instant(before.unwrap_or(begin)))
            }
            Trigger::Sessions(_) => Some(Sessions::key_before(date)),
            Trigger::Reboot => None,
        }
    }

    /// The occasions of the dates from one to another, both included: those that are for them, and those that
    /// are named on them, wherever they move.
    pub fn occasions(&self, first: Date, last: Date) -> Occasions<'_> {
        let key = self.key_before(first);
        Occasions { schedule: self, key, dates: (first, last), end: day::last(last, &self.zone()) }
    }

    fn named(&self, at: Timestamp) -> Occasion {
        Occasion::plain(Key::Instant(at), at, self.date(at))
    }
}

/// Occasions of some dates, in their order.
#[derive(Clone, Debug)]
pub struct Occasions<'a> {
    schedule: &'a Schedule,
    /// What has been told; `None` at the end.
    key: Option<Key>,
    dates: (Date, Date),
    end: Timestamp,
}

impl Iterator for Occasions<'_> {
    type Item = Occasion;

    fn next(&mut self) -> Option<Occasion> {
        let (first, last) = self.dates;
        loop {
            let occasion = self.schedule.after_key(self.key.as_ref()?);
            self.key = occasion.as_ref().map(|occasion| occasion.key.clone());
            let occasion = occasion?;
            let (named, is_over) = match &occasion.key {
                // Where a day's midnight comes twice, a part of its end lies among its neighbour's slots.
                Key::Instant(at) => (self.schedule.date(*at), *at > self.end),
                Key::Session { .. } | Key::Boot(_) | Key::Clock(_) => (occasion.date, true),
            };
            if [named, occasion.date].iter().any(|date| (first..=last).contains(date)) {
                return Some(occasion);
            }
            if is_over && occasion.date > last {
                self.key = None;
            }
        }
    }
}
