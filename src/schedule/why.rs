//! Why a slot that was asked for is not in the ledger: it is still to come, nobody has been there yet, the
//! schedule began after it, or no slot is named at all. In words, of what the ledger tells and the law says.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::definition::{Policy, Schedule, Trigger};
use super::preview;
use super::slot::Decision;

/// Slots in one answer are counted no further than this.
const MOST_COUNTED: usize = 1_000_000;

/// What is known of a schedule where somebody asks for its slots in a stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The schedule as it is in force.
    pub schedule: &'a Schedule,
    /// What becomes of its slots.
    pub policy: &'a Policy,
    /// The first instant and the last that was asked about; one instant, or a day.
    pub span: (Timestamp, Timestamp),
    /// The present.
    pub now: Timestamp,
    /// How far the schedule has been considered; `None` if it never was in force.
    pub watermark: Option<Timestamp>,
    /// What the ledger tells of in the span: first and last of each line, in the order of time.
    pub told: &'a [(Timestamp, Timestamp)],
    /// The first slot of all that the ledger has of it.
    pub oldest: Option<Timestamp>,
}

/// Slots in a row that are absent for the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Absent {
    why: Why,
    count: u64,
    first: Timestamp,
    last: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    ToCome,
    NotConsidered,
    BeforeItBegan,
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
        let (from, to) = self.span;
        // A slot at the first instant itself is in it.
        let before = from.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(from);
        let next = |slot: &Timestamp| self.schedule.next(*slot);
        let slots = std::iter::successors(next(&before), next).take_while(|slot| *slot <= to);
        let mut told = self.told.iter().peekable();
        let mut all: Vec<Absent> = Vec::new();
        for slot in slots.take(MOST_COUNTED) {
            while told.next_if(|(_, last)| *last < slot).is_some() {}
            if told.peek().is_some_and(|(first, _)| *first <= slot) {
                continue;
            }
            let why = self.why(slot);
            match all.last_mut() {
                Some(last) if last.why == why => {
                    last.last = slot;
                    last.count += 1;
                }
                Some(_) | None => all.push(Absent { why, count: 1, first: slot, last: slot }),
            }
        }
        all
    }

    fn why(&self, slot: Timestamp) -> Why {
        if slot > self.now {
            Why::ToCome
        } else if self.watermark.is_none_or(|watermark| slot > watermark) {
            Why::NotConsidered
        } else {
            Why::BeforeItBegan
        }
    }

    fn sentence(&self, absent: &Absent) -> String {
        let zone = self.schedule.zone();
        let what = slots(absent.count, absent.first, absent.last, &zone);
        let verdict = preview::of(self.schedule, self.policy, absent.first);
        let skipped = verdict.filter(|entry| entry.decision != Decision::Fired);
        let skipped = skipped.map(|entry| format!("{}, {}", entry.decision.word(), entry.reason));
        let why = match (absent.why, skipped) {
            (Why::ToCome, None) => "still to come".to_owned(),
            (Why::ToCome, Some(skipped)) => format!("still to come, to be {skipped}"),
            // Nobody looks at these until there is one that may fire.
            (Why::NotConsidered, Some(skipped)) => format!("to be {skipped}"),
            (Why::NotConsidered, None) => {
                let upto = self.watermark.map(|at| format!(", only what came up to {}", clock(at, &zone)));
                format!(
                    "not considered yet{}; nothing fires unless `sexton serve` runs",
                    upto.unwrap_or_default()
                )
            }
            (Why::BeforeItBegan, _) => match self.oldest {
                Some(oldest) if oldest <= absent.first => {
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
        let (from, to) = self.span;
        let local = from.to_zoned(zone.clone());
        let when = if from == to {
            format!("at {}", clock(from, &zone))
        } else {
            format!("on {}, a {}", local.date(), local.strftime("%A"))
        };
        let name = &self.schedule.name;
        match &self.schedule.trigger {
            Trigger::Cron { cron, .. } => {
                let time = || cron.misfit_of_time(local.datetime()).filter(|_| from == to);
                let misfit = cron.misfit_of_day(local.date()).or_else(time);
                let misfit = misfit.map(|misfit| format!(": {misfit}")).unwrap_or_default();
                let around = |slot: Option<Timestamp>| {
                    slot.map_or_else(|| "never".to_owned(), |slot| clock(slot, &zone))
                };
                let before = around(self.schedule.previous(from));
                let after = around(self.schedule.next(to));
                let spelled = self.schedule.spelled();
                format!(
                    "Schedule `{name}` ({spelled}) names no slot {when}{misfit}. The one before: {before}; the next: {after}."
                )
            }
            Trigger::Reboot => format!(
                "Schedule `{name}` (@reboot) fires at the daemon's first start after each boot; there was none {when}."
            ),
        }
    }
}

/// An instant by the clocks of a zone: `2026-11-21 02:30:00 EST`, and in UTC `2026-11-21 02:30:00Z`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let format = if is_utc(zone) { "%Y-%m-%d %H:%M:%SZ" } else { "%Y-%m-%d %H:%M:%S %Z" };
    at.to_zoned(zone.clone()).strftime(format).to_string()
}

/// Two instants of which the second comes after the first: the date stands there once if it is the same.
pub fn stretch(first: Timestamp, last: Timestamp, zone: &TimeZone, between: &str) -> String {
    let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let mut end = clock(last, zone);
    if date(first) == date(last) {
        end = end.split_once(' ').map_or(end.clone(), |(_, time)| time.to_owned());
    }
    format!("{}{between}{end}", clock(first, zone))
}

/// Slots in a row, in a sentence: `slot 2026-11-21 02:30:00Z`, `24 slots from … to …`.
pub fn slots(count: u64, first: Timestamp, last: Timestamp, zone: &TimeZone) -> String {
    if count == 1 {
        format!("slot {}", clock(first, zone))
    } else {
        format!("{count} slots from {}", stretch(first, last, zone, " to "))
    }
}

fn is_utc(zone: &TimeZone) -> bool {
    *zone == TimeZone::UTC || zone.iana_name() == Some("UTC")
}

#[cfg(test)]
mod tests {
    use super::super::cron::{Dialect, Line};
    use super::super::day;
    use super::super::fires::Dst;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(text: &str, timezone: &str) -> Schedule {
        let trigger = match Line::parse(text, Dialect::Extended).unwrap() {
            Line::Times(cron) => Trigger::Cron { text: text.into(), cron, dst: Dst::default() },
            Line::Reboot => Trigger::Reboot,
        };
        Schedule { name: "default".into(), trigger, timezone: timezone.into() }
    }

    /// What is asked about the 21 November 2026, a Saturday, at its noon.
    fn noon<'a>(schedule: &'a Schedule, policy: &'a Policy) -> Question<'a> {
        let date = jiff::civil::date(2026, 11, 21);
        let zone = schedule.zone();
        Question {
            schedule,
            policy,
            span: (day::first(date, &zone), day::last(date, &zone)),
            now: at("2026-11-21T12:00:00Z"),
            watermark: Some(at("2026-11-21T12:00:00Z")),
            told: &[],
            oldest: None,
        }
    }

    #[test]
    fn what_the_ledger_tells_needs_no_words() {
        let (schedule, policy) = (schedule("0 */6 * * *", "UTC"), Policy::default());
        let told = ["2026-11-21T00:00:00Z", "2026-11-21T06:00:00Z"].map(|slot| (at(slot), at(slot)));
        let question = Question { told: &told, ..noon(&schedule, &policy) };
        let before = Question { now: at("2026-11-21T11:00:00Z"), ..question };
        let to_come = "Schedule `default`, 2 slots from 2026-11-21 12:00:00Z to 18:00:00Z: still to come.";
        assert_eq!(before.answers(), [to_come]);
        // A stretch speaks for all in it.
        let told = [(at("2026-11-20T00:00:00Z"), at("2026-11-22T00:00:00Z"))];
        assert_eq!(Question { told: &told, ..question }.answers(), [""; 0]);
    }

    #[test]
    fn a_slot_that_nobody_has_considered_is_one_for_serve() {
        let (schedule, policy) = (schedule("30 2 * * *", "Europe/London"), Policy::default());
        let question = Question { watermark: Some(at("2026-11-20T02:30:00Z")), ..noon(&schedule, &policy) };
        let answer = "Schedule `default`, slot 2026-11-21 02:30:00 GMT: not considered yet, only what came up to \
                      2026-11-20 02:30:00 GMT; nothing fires unless `sexton serve` runs.";
        assert_eq!(question.answers(), [answer]);
        let answers = Question { watermark: None, ..question }.answers();
        assert!(
            answers[0].ends_with("not considered yet; nothing fires unless `sexton serve` runs."),
            "{answers:?}"
        );
        // It waits for its first date: nobody need look.
        let start_date = Some("2026-12-01".parse().unwrap());
        let policy = Policy { start_date, ..policy };
        let answers = Question { policy: &policy, ..question }.answers();
        let skipped = "Schedule `default`, slot 2026-11-21 02:30:00 GMT: to be skipped, before start_date (2026-12-01).";
        assert_eq!(answers, [skipped]);
        let answers = Question { policy: &policy, now: at("2026-11-21T00:00:00Z"), ..question }.answers();
        assert!(
            answers[0].ends_with("still to come, to be skipped, before start_date (2026-12-01)."),
            "{answers:?}"
        );
    }

    #[test]
    fn slots_before_the_schedule_began_are_its_past() {
        let (schedule, policy) = (schedule("30 2 * * *", "UTC"), Policy::default());
        let question = noon(&schedule, &policy);
        let slot = "Schedule `default`, slot 2026-11-21 02:30:00Z: ";
        assert_eq!(question.answers(), [format!("{slot}before the schedule began.")]);
        let first = Question { oldest: Some(at("2026-11-22T02:30:00Z")), ..question };
        let began = "before the schedule began; the first in the ledger is 2026-11-22 02:30:00Z.";
        assert_eq!(first.answers(), [format!("{slot}{began}")]);
        let changed = Question { oldest: Some(at("2026-11-20T02:00:00Z")), ..question };
        let later = "named by the schedule as it is now, but it was changed later, and began anew.";
        assert_eq!(changed.answers(), [format!("{slot}{later}")]);
    }

    #[test]
    fn a_day_without_slots_has_neighbours_and_a_field_that_does_not_match() {
        let (schedule, policy) = (schedule("30 2 * * 1-5", "America/New_York"), Policy::default());
        let question = noon(&schedule, &policy);
        let answer = "Schedule `default` (30 2 * * 1-5 America/New_York) names no slot on 2026-11-21, a Saturday: the \
                      day of the week does not match. The one before: 2026-11-20 02:30:00 EST; the next: 2026-11-23 \
                      02:30:00 EST.";
        assert_eq!(question.answers(), [answer]);
        let instant = at("2026-11-20T07:31:00Z");
        let answers = Question { span: (instant, instant), ..question }.answers();
        let minute = "names no slot at 2026-11-20 02:31:00 EST: the minute does not match. The one before: 2026-11-20 \
                      02:30:00 EST;";
        assert!(answers[0].contains(minute), "{answers:?}");
    }

    #[test]
    fn a_boot_comes_when_it_comes() {
        let (schedule, policy) = (schedule("@reboot", "UTC"), Policy::default());
        let answers = noon(&schedule, &policy).answers();
        assert!(
            answers[0].ends_with("after each boot; there was none on 2026-11-21, a Saturday."),
            "{answers:?}"
        );
    }
}
