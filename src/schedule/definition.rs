//! A schedule as a pipeline file defines it, and the rules by which its slots are decided. Which instants an
//! expression names is `cron`'s and `fires`'s to say.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::cron::Cron;
use super::fires::{self, Dst};

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
    },
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
    /// The schedule as text: with another text it is another schedule, and begins anew.
    pub fn spelled(&self) -> String {
        match &self.trigger {
            Trigger::Cron { text, cron: _, dst } => format!("{text} {}{}", self.timezone, dst.spelled()),
            Trigger::Reboot => "@reboot".to_owned(),
        }
    }

    /// Whether it waits for a boot, and not for a time.
    pub fn is_reboot(&self) -> bool {
        matches!(self.trigger, Trigger::Reboot)
    }

    /// The zone of its times. The name was known when the file was read; it is looked up each time, because
    /// the zone data may have been replaced since.
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }

    /// Its first slot after an instant; `None` where there is none by the clock.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.trigger {
            Trigger::Cron { cron, dst, .. } => fires::next(cron, &self.zone(), *dst, after),
            Trigger::Reboot => None,
        }
    }

    /// Its last slot before an instant; `None` where there is none by the clock.
    pub fn previous(&self, before: Timestamp) -> Option<Timestamp> {
        match &self.trigger {
            Trigger::Cron { cron, dst, .. } => fires::previous(cron, &self.zone(), *dst, before),
            Trigger::Reboot => None,
        }
    }

    /// The logical date of a slot: its own date in the schedule's zone.
    pub fn date(&self, slot: Timestamp) -> Date {
        slot.to_zoned(self.zone()).date()
    }
}
