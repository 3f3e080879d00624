//! Why a slot that was asked for is not in the ledger.

use jiff::Timestamp;

use crate::calendar::book::Book;
use crate::schedule::cron::{Dialect, Line};
use crate::schedule::definition::{Policy, Schedule, Trigger};
use crate::schedule::filtered::Roll;
use crate::schedule::fires::Dst;
use crate::schedule::progress::Progress;
use crate::schedule::slot::Key;
use crate::schedule::why::{Question, Told, When};

use super::market::{at as sessions, cron, every};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn schedule(text: &str, timezone: &str) -> Schedule {
    let trigger = match Line::parse(text, Dialect::Extended).unwrap() {
        Line::Times(cron) => Trigger::Cron { text: text.into(), cron, dst: Dst::default(), filter: None },
        Line::Reboot => Trigger::Reboot,
    };
    Schedule { name: "default".into(), trigger, timezone: timezone.into() }
}

/// A line of the ledger.
fn line(first: &str, last: &str) -> Told {
    Told { key: Some(Key::Instant(at(first))), first: at(first), last: at(last) }
}

/// All is considered up to the noon of the 21 November 2026.
const NOON: Progress = Progress { watermark: Timestamp::constant(1_795_262_400, 0), considered: None };

/// What is asked about the 21 November 2026, a Saturday, at its noon.
fn noon<'a>(schedule: &'a Schedule, policy: &'a Policy) -> Question<'a> {
    Question {
        schedule,
        policy,
        when: When::Day(jiff::civil::date(2026, 11, 21)),
        now: at("2026-11-21T12:00:00Z"),
        progress: Some(&NOON),
        told: &[],
        oldest: None,
    }
}

#[test]
fn what_the_ledger_tells_needs_no_words() {
    let (schedule, policy) = (schedule("0 */6 * * *", "UTC"), Policy::default());
    let told = ["2026-11-21T00:00:00Z", "2026-11-21T06:00:00Z"].map(|slot| line(slot, slot));
    let question = Question { told: &told, ..noon(&schedule, &policy) };
    let before = Question { now: at("2026-11-21T11:00:00Z"), ..question };
    let to_come = "Schedule `default`, 2 slots from 2026-11-21 12:00:00Z to 18:00:00Z: still to come.";
    assert_eq!(before.answers(), [to_come]);
    // A stretch speaks for all in it.
    let told = [line("2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z")];
    assert_eq!(Question { told: &told, ..question }.answers(), [""; 0]);
}

#[test]
fn a_slot_that_nobody_has_considered_is_one_for_serve() {
    let (schedule, policy) = (schedule("30 2 * * *", "Europe/London"), Policy::default());
    let upto = Progress::upto(at("2026-11-20T02:30:00Z"));
    let question = Question { progress: Some(&upto), ..noon(&schedule, &policy) };
    let answer = "Schedule `default`, slot 2026-11-21 02:30:00 GMT: not considered yet, only what came up to \
                  2026-11-20 02:30:00 GMT; nothing fires unless `sexton serve` runs.";
    assert_eq!(question.answers(), [answer]);
    let answers = Question { progress: None, ..question }.answers();
    assert!(
        answers[0].ends_with("not considered yet; nothing fires unless `sexton serve` runs."),
        "{answers:?}"
    );
    // It waits for its first date: nobody need look.
    let start_date = Some("2026-12-01".parse().unwrap());
    let policy = Policy { start_date, ..policy };
    let answers = Question { policy: &policy, ..question }.answers();
    let skipped =
        "Schedule `default`, slot 2026-11-21 02:30:00 GMT: to be skipped, before start_date (2026-12-01).";
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
    let answers = Question { when: When::Instant(instant), ..question }.answers();
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

#[test]
fn a_slot_that_rolls_is_told_on_both_of_its_days() {
    let book = Book::embedded();
    let schedule = cron(&book, "30 21 * * 1-5", "America/New_York", "XNYS", Roll::Next);
    let policy = Policy::default();
    let about = |day: &str| {
        let when = When::Day(day.parse().unwrap());
        Question { when, ..noon(&schedule, &policy) }.answers()
    };
    let rolled = "Schedule `default`, slot 2026-11-27 21:30:00 EST: still to come, to be skipped, rolled to 2026-11-27 \
                  21:30, one with the slot of 2026-11-27 21:30; XNYS is closed (Thanksgiving Day).";
    assert_eq!(about("2026-11-26"), [rolled]);
    let own = "Schedule `default`, slot 2026-11-27 21:30:00 EST: still to come.";
    assert_eq!(about("2026-11-27"), [rolled, own]);
    let told = [Told {
        key: Some(Key::Instant(at("2026-11-27T02:30:00Z"))),
        ..line("2026-11-28T02:30:00Z", "2026-11-28T02:30:00Z")
    }];
    let when = When::Day("2026-11-26".parse().unwrap());
    assert_eq!(Question { when, told: &told, ..noon(&schedule, &policy) }.answers(), [""; 0]);
}

#[test]
fn a_session_that_days_do_not_take_is_none_of_them() {
    let book = Book::embedded();
    let schedule = sessions(&book, "XNYS", "close", &["first_of_month"]);
    let policy = Policy::default();
    let when = When::Day("2026-11-24".parse().unwrap());
    let answer = "Schedule `default` (XNYS at: close days: first_of_month) names no slot on 2026-11-24, a Tuesday: it is \
                  a session, and none of its days: first_of_month. The one before: 2026-11-02 16:00:00 EST; the next: \
                  2026-12-01 16:00:00 EST.";
    assert_eq!(Question { when, ..noon(&schedule, &policy) }.answers(), [answer]);
}

#[test]
fn a_time_in_a_break_is_told_to_be_in_it() {
    let book = Book::embedded();
    let schedule = every(&book, "XHKG", "1h", ["open + 30m", "close"], &[]);
    let policy = Policy::default();
    let when = When::Instant(at("2026-11-23T12:00:00+08:00"));
    let answers = Question { when, ..noon(&schedule, &policy) }.answers();
    let why = "it is in the break, 2026-11-23 12:00:00 HKT to 13:00:00 HKT. The one before: 2026-11-23 11:00:00 HKT; \
               the next: 2026-11-23 13:00:00 HKT.";
    assert!(answers.len() == 1 && answers[0].ends_with(why), "{answers:?}");
}
