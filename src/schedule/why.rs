//! Why a slot that was asked for is not in the ledger: it is still to come, nobody has been there yet, the
//! schedule began after it, or no slot is named at all. In words, of what the ledger tells and the law says.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::day;
use super::definition::{Policy, Schedule, Trigger};
use super::exchange::Exchange;
use super::occasion::Occasion;
use super::plan::foretold;
use super::progress::Progress;
use super::slot::{Decision, Key};
use super::told::{clock, slots, stretch};

/// Slots in one answer are counted no further than this.
const MOST_COUNTED: usize = 1_000_000;

/// A day, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// All of the day: what is for this date.
    Day(Date),
    /// This instant alone.
    Instant(Timestamp),
}

/// What is known of a schedule where somebody asks for its slots.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The schedule as it is in force.
    pub schedule: &'a Schedule,
    /// What becomes of its slots.
    pub policy: &'a Policy,
    /// What was asked about.
    pub when: When,
    /// The present.
    pub now: Timestamp,
    /// How far the schedule has been considered; `None` if it never was in force.
    pub progress: Option<&'a Progress>,
    /// What the ledger tells of it.
    pub told: &'a [Told],
    /// The first slot of all that the ledger has of it.
    pub oldest: Option<Timestamp>,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Of the slot, or of the first of a stretch; `None` where it cannot be read.
    pub key: Option<Key>,
    /// The slot's instant, or the first of the stretch.
    pub first: Timestamp,
    /// The last of the stretch; the same for a single slot.
    pub last: Timestamp,
}

/// Slots in a row that are absent for the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Absent {
    why: Why,
    /// What is to become of them, where that is not to fire.
    else_than_fire: Option<String>,
    count: u64,
    first: Occasion,
    last: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    ToCome,
    NotConsidered,
    BeforeItBegan,
}

impl When {
    /// Its first instant and its last, by the clocks of a zone.
    pub fn span(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        match self {
            Self::Day(date) => (day::first(date, zone), day::last(date, zone)),
            Self::Instant(at) => (at, at),
        }
    }
}

impl Question<'_> {
    /// A sentence for each stretch of slots that the ledger does not tell of; where no slot is named at all,
    /// one that says so.
    pub fn answers(&self) -> Vec<String> {
        let absent = self.absent();
        if absent.is_empty() && self.told.is_empty() {
            return vec![self.nothing()];
        }
        absent.iter().map(|absent| self.sentence(absent)).collect()
    }

    fn absent(&self) -> Vec<Absent> {
        let singles: BTreeSet<&Key> = self.told.iter().filter_map(|told| told.key.as_ref()).collect();
        let stretches: Vec<&Told> = self.told.iter().filter(|told| told.first < told.last).collect();
        let in_stretch = |at: Timestamp| stretches.iter().any(|told| (told.first..=told.last).contains(&at));
        let mut all: Vec<Absent> = Vec::new();
        for occasion in asked(self.schedule, self.when).take(MOST_COUNTED) {
            if singles.contains(&occasion.key) || in_stretch(occasion.at) {
                continue;
            }
            let why = self.why(&occasion);
            let entry = foretold(self.schedule, self.policy, occasion.clone());
            let fires = entry.decision == Decision::Fired;
            let else_than_fire = (!fires).then(|| format!("{}, {}", entry.decision.word(), entry.reason));
            match all.last_mut() {
                Some(last) if last.why == why && last.else_than_fire == else_than_fire => {
                    last.last = occasion.at;
                    last.count += 1;
                }
                Some(_) | None => {
                    let last = occasion.at;
                    all.push(Absent { why, else_than_fire, count: 1, first: occasion, last });
                }
            }
        }
        all
    }

    fn why(&self, occasion: &Occasion) -> Why {
        if occasion.at > self.now {
            Why::ToCome
        } else if self.progress.is_none_or(|progress| !progress.has_passed(&occasion.key)) {
            Why::NotConsidered
        } else {
            Why::BeforeItBegan
        }
    }

    fn sentence(&self, absent: &Absent) -> String {
        let zone = self.schedule.zone();
        let what = slots(absent.count, absent.first.at, absent.last, &zone);
        let why = match (absent.why, &absent.else_than_fire) {
            (Why::ToCome, None) => "still to come".to_owned(),
            (Why::ToCome, Some(skipped)) => format!("still to come, to be {skipped}"),
            // Nobody looks at these until there is one that may fire.
            (Why::NotConsidered, Some(skipped)) => format!("to be {skipped}"),
            (Why::NotConsidered, None) => {
                let upto = self.progress.map(|progress| progress.watermark);
                let upto = upto.map(|at| format!(", only what came up to {}", clock(at, &zone)));
                format!(
                    "not considered yet{}; nothing fires unless `sexton serve` runs",
                    upto.unwrap_or_default()
                )
            }
            (Why::BeforeItBegan, _) => match self.oldest {
                Some(oldest) if oldest <= absent.first.at => {
                    "named by the schedule as it is now, but it was changed later, and began anew".to_owned()
                }
                Some(oldest) => {
                    let oldest = clock(oldest, &zone);
                    format!("before the schedule began; the first in the ledger is {oldest}")
                }
                None => "before the schedule began".to_owned(),
            },
        };
        format!("Schedule `{}`, {what}: {why}.", self.schedule.name)
    }

    /// That no slot is named, and which ones are.
    fn nothing(&self) -> String {
        let zone = self.schedule.zone();
        let when = match self.when {
            When::Instant(at) => format!("at {}", clock(at, &zone)),
            When::Day(date) => format!("on {date}, a {}", date.strftime("%A")),
        };
        let name = &self.schedule.name;
        if self.schedule.is_reboot() {
            return format!(
                "Schedule `{name}` (@reboot) fires at the daemon's first start after each boot; there was none {when}."
            );
        }
        let misfit = self.misfit().map(|misfit| format!(": {misfit}")).unwrap_or_default();
        let (before, after) = self.neighbours();
        let shown =
            |slot: Option<Occasion>| slot.map_or_else(|| "never".to_owned(), |slot| clock(slot.at, &zone));
        let after = match (after, self.schedule.exchange().map(Exchange::horizon)) {
            (None, Some((code, last))) => format!("none that is known, {code} ends {last}"),
            (after, _) => shown(after),
        };
        let (before, spelled) = (shown(before), self.schedule.spelled());
        format!(
            "Schedule `{name}` ({spelled}) names no slot {when}{misfit}. The one before: {before}; the next: {after}."
        )
    }

    /// What it is about the day, or the time, that is not as the schedule has it.
    fn misfit(&self) -> Option<String> {
        let local = |at: Timestamp| at.to_zoned(self.schedule.zone()).datetime();
        let date = match self.when {
            When::Day(date) => date,
            When::Instant(at) => local(at).date(),
        };
        match &self.schedule.trigger {
            Trigger::Cron { cron, filter, .. } => {
                let of_time = || match self.when {
                    When::Day(_) => None,
                    When::Instant(at) => cron.misfit_of_time(local(at)),
                };
                let unknown = || filter.as_ref().and_then(|filter| filter.exchange.unknown(date));
                cron.misfit_of_day(date).or_else(of_time).or_else(unknown)
            }
            Trigger::Sessions(sessions) => {
                let in_a_break = || match self.when {
                    When::Day(_) => None,
                    When::Instant(at) => {
                        let (from, until) = sessions.rest(at)?;
                        let zone = self.schedule.zone();
                        Some(format!("it is in the break, {}", stretch(from, until, &zone, " to ")))
                    }
                };
                sessions.misfit_of_day(date).or_else(in_a_break)
            }
            Trigger::Reboot => None,
        }
    }

    /// The last that can fire before what was asked about, and the first after it.
    fn neighbours(&self) -> (Option<Occasion>, Option<Occasion>) {
        let schedule = self.schedule;
        let next = |occasion: &Occasion| schedule.after_key(&occasion.key);
        let is_open = |occasion: &Occasion| occasion.bar.is_none();
        let (here, later) = match self.when {
            When::Day(date) => {
                let from = |date: Date| schedule.occasions(date, Date::MAX).next();
                (from(date), date.tomorrow().ok().and_then(from))
            }
            When::Instant(at) => (schedule.after(before(at)), schedule.after(at)),
        };
        let earlier = match here {
            Some(here) => schedule.open_before(&here.key),
            None => schedule
                .last()
                .and_then(|last| if is_open(&last) { Some(last) } else { schedule.open_before(&last.key) }),
        };
        (earlier, std::iter::successors(later, next).find(is_open))
    }
}

/// The slots of a schedule that somebody asks about: those of a day, or those that are due at an instant.
pub fn asked(schedule: &Schedule, when: When) -> Box<dyn Iterator<Item = Occasion> + '_> {
    match when {
        When::Day(date) => Box::new(schedule.occasions(date, date)),
        When::Instant(at) => {
            let next = |occasion: &Occasion| schedule.after_key(&occasion.key);
            let all = std::iter::successors(schedule.after(before(at)), next);
            Box::new(all.take_while(move |occasion| occasion.at == at))
        }
    }
}

/// The instant before this one.
fn before(at: Timestamp) -> Timestamp {
    at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at)
}
