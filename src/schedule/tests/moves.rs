//! The law of slots where calendars change: what has fired never fires again, and nothing is lost.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;

use crate::calendar::book::Book;
use crate::schedule::definition::{Catchup, Policy, Schedule, Timetable};
use crate::schedule::filtered::Roll;
use crate::schedule::plan::{Known, consider, next_wake, rebase};
use crate::schedule::progress::Progress;
use crate::schedule::situation::Situation;
use crate::schedule::slot::{Entry, Key};

use super::market::{at, changed, cron, every};

static BOOK: LazyLock<Book> = LazyLock::new(Book::embedded);

/// An instant of November 2026 in New York.
fn on(text: &str) -> Timestamp {
    format!("2026-11-{}:00-05:00", text.replace(' ', "T")).parse().unwrap()
}

/// A schedule, how far it has been considered, and what became of its slots.
struct Story {
    policy: Policy,
    known: Vec<Known>,
}

impl Story {
    fn begin(schedule: &Schedule, policy: Policy, now: &str) -> Self {
        Self { policy, known: vec![Known::since(Progress::beginning(schedule, on(now)))] }
    }

    /// What becomes of the slots that are due by now, a line each.
    fn look(&mut self, schedule: &Schedule, now: &str) -> String {
        let timetable = Timetable { schedules: Box::new([schedule.clone()]), policy: self.policy.clone() };
        let situation = Situation { now: on(now), paused_by: None, active: &[], absence: None };
        told(&consider(&timetable, &mut self.known, &situation).entries)
    }

    fn wakes(&self, schedule: &Schedule) -> Option<Timestamp> {
        next_wake(schedule, &self.policy, &self.known[0].progress)
    }
}

fn told(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let count = if entry.count > 1 { format!(" x{}", entry.count) } else { String::new() };
        format!("{}{count} {}: {}\n", entry.key.text(), entry.decision.word(), entry.reason)
    };
    entries.iter().map(line).collect()
}

fn close(book: &Book) -> Schedule {
    at(book, "XNYS", "close + 4h", &[])
}

#[test]
fn each_session_fires_and_each_closed_day_has_its_line() {
    let schedule = close(&BOOK);
    let mut story = Story::begin(&schedule, Policy::default(), "24 20:00");
    assert_eq!(story.wakes(&schedule), Some(on("25 20:00")));
    assert_eq!(story.look(&schedule, "25 19:59"), "");
    assert_eq!(story.look(&schedule, "25 20:00"), "session 2026-11-25 fired: on time\n");
    // At the very instant it neither fires twice nor is lost.
    assert_eq!(story.look(&schedule, "25 20:00"), "");
    // On a closed day somebody looks too, so that its line is there the same evening.
    assert_eq!(story.wakes(&schedule), Some(on("26 20:00")));
    let closed = "session 2026-11-26 skipped: XNYS is closed (Thanksgiving Day)\n";
    assert_eq!(story.look(&schedule, "26 20:00"), closed);
    let early = "session 2026-11-27 fired: on time; early close (Day after Thanksgiving)\n";
    assert_eq!(story.look(&schedule, "27 17:00"), early);
    assert_eq!(story.wakes(&schedule), Some(on("30 20:00")));
}

#[test]
fn catching_up_counts_sessions_and_not_days() {
    let schedule = close(&BOOK);
    let policy = Policy { catchup: Catchup::Latest, ..Policy::default() };
    let mut story = Story::begin(&schedule, policy, "24 20:00");
    insta::assert_snapshot!(story.look(&schedule, "28 09:00"), @r"
    session 2026-11-25 missed: late by more than grace (1m); catchup: latest takes only the last of those missed
    session 2026-11-26 skipped: XNYS is closed (Thanksgiving Day)
    session 2026-11-27 fired: missed by 16h, catchup: latest; early close (Day after Thanksgiving)
    ");
    // A holiday takes nothing of it: the last one is before it.
    let mut story = Story::begin(&schedule, Policy::default(), "24 20:00");
    insta::assert_snapshot!(story.look(&schedule, "27 09:00"), @r"
    session 2026-11-25 fired: missed by 1d13h, catchup: latest
    session 2026-11-26 skipped: XNYS is closed (Thanksgiving Day)
    ");
}

#[test]
fn an_early_close_that_is_announced_moves_the_slot_at_once() {
    let noon = changed("override: XNYS\nearly_close: {12:00: [2026-11-25]}\n");
    let (schedule, early) = (close(&BOOK), close(&noon));
    let mut story = Story::begin(&schedule, Policy::default(), "24 20:00");
    assert_eq!(story.wakes(&schedule), Some(on("25 20:00")));
    assert_eq!(story.wakes(&early), Some(on("25 16:00")));
    let moved = "session 2026-11-25 fired: on time; early close; hours of config/calendars/changes.yaml\n";
    assert_eq!(story.look(&early, "25 16:00"), moved);
    // And taken back: it has fired.
    assert_eq!(story.look(&schedule, "25 20:00"), "");
    assert_eq!(story.wakes(&schedule), Some(on("26 20:00")));
}

#[test]
fn a_slot_that_is_moved_into_the_past_fires_now() {
    let noon = changed("override: XNYS\nearly_close: {12:00: [2026-11-25]}\n");
    let (schedule, early) = (close(&BOOK), close(&noon));
    // Neither catchup nor a deadline has a say in it.
    let policy = Policy {
        catchup: Catchup::None,
        starting_deadline: Some(Duration::from_mins(5)),
        ..Policy::default()
    };
    let mut story = Story::begin(&schedule, policy, "24 20:00");
    assert_eq!(story.look(&schedule, "25 19:00"), "");
    assert_eq!(story.wakes(&early), Some(on("25 16:00")));
    insta::assert_snapshot!(story.look(&early, "25 19:01"), @"session 2026-11-25 fired: its time was moved to 2026-11-25 16:00:00 EST, which was over; early close; hours of config/calendars/changes.yaml");
    assert_eq!(story.look(&early, "25 20:00"), "");
    // What was due before, and not moved, is as late as ever.
    assert_eq!(
        story.look(&early, "30 20:30"),
        "session 2026-11-26 skipped: XNYS is closed (Thanksgiving Day)\n\
         session 2026-11-27 expired: older than starting_deadline (5m)\n\
         session 2026-11-30 expired: older than starting_deadline (5m)\n"
    );
}

#[test]
fn a_closure_at_short_notice_skips_and_a_reopened_day_fires() {
    let changes = changed(
        "override: XNYS\nclosed_ad_hoc: {National Day of Mourning: [2026-11-25]}\n\
         reopened: {Thanksgiving Day: [2026-11-26]}\n",
    );
    let (schedule, other) = (close(&BOOK), close(&changes));
    let mut story = Story::begin(&schedule, Policy::default(), "24 20:00");
    assert_eq!(story.look(&schedule, "25 12:00"), "");
    insta::assert_snapshot!(story.look(&other, "25 20:00"), @"session 2026-11-25 skipped: XNYS is closed (National Day of Mourning); ad hoc; by config/calendars/changes.yaml");
    insta::assert_snapshot!(story.look(&other, "26 20:00"), @"session 2026-11-26 fired: on time; hours of config/calendars/changes.yaml");
}

#[test]
fn a_month_end_that_becomes_another_day_is_not_lost() {
    // Monday the 30th is closed when Friday is over: Friday was the last session of the month.
    let changes = changed("override: XNYS\nclosed_ad_hoc: {Storm: [2026-11-30]}\n");
    let last = |book: &Book| at(book, "XNYS", "close", &["last_of_month"]);
    let mut story = Story::begin(&last(&BOOK), Policy::default(), "24 20:00");
    assert_eq!(story.look(&last(&BOOK), "28 12:00"), "");
    insta::assert_snapshot!(story.look(&last(&changes), "28 12:01"), @"session 2026-11-27 fired: its time was moved to 2026-11-27 13:00:00 EST, which was over; early close (Day after Thanksgiving)");
    assert_eq!(story.look(&last(&BOOK), "30 16:00"), "session 2026-11-30 fired: on time\n");
}

#[test]
fn what_rolls_is_considered_by_the_instant_it_was_named_for() {
    let line = |book: &Book| cron(book, "30 21 * * *", "America/New_York", "XNYS", Roll::Next);
    let reopened = changed("override: XNYS\nreopened: {Thanksgiving Day: [2026-11-26]}\n");
    let mut story = Story::begin(&line(&BOOK), Policy::default(), "25 21:30");
    assert_eq!(story.look(&line(&BOOK), "26 22:00"), "");
    // It was to be on Friday, and is on Thursday, which is over.
    insta::assert_snapshot!(story.look(&line(&reopened), "26 22:01"), @"2026-11-27T02:30:00Z fired: its time was moved to 2026-11-26 21:30:00 EST, which was over; hours of config/calendars/changes.yaml");
    insta::assert_snapshot!(story.look(&line(&reopened), "27 21:30"), @"2026-11-28T02:30:00Z fired: on time; early close (Day after Thanksgiving)");
    assert_eq!(story.look(&line(&BOOK), "27 21:31"), "");
}

#[test]
fn slots_of_a_session_have_places_in_it() {
    let schedule = every(&BOOK, "XNYS", "3h", ["open", "close"], &[]);
    let late = changed("override: XNYS\nlate_open: {12:00: [2026-11-25]}\n");
    let late = every(&late, "XNYS", "3h", ["open", "close"], &[]);
    let mut story = Story::begin(&schedule, Policy::default(), "24 20:00");
    assert_eq!(story.look(&schedule, "25 09:30"), "session 2026-11-25 fired: on time\n");
    // The first has fired; the others are where the late open puts them.
    let second = "session 2026-11-25 #1 fired: on time; late open; hours of config/calendars/changes.yaml\n";
    assert_eq!(story.look(&late, "25 12:00"), "");
    assert_eq!(story.look(&late, "25 15:00"), second);
}

#[test]
fn a_clock_that_was_set_goes_on_from_its_now() {
    let schedule = close(&BOOK);
    let mut story = Story::begin(&schedule, Policy::default(), "23 20:00");
    let timetable = Timetable { schedules: Box::new([schedule.clone()]), policy: Policy::default() };
    let set = (on("24 09:00"), on("29 09:00"));
    let noted = rebase(&timetable, &mut story.known, vec![BTreeSet::new()], set);
    insta::assert_snapshot!(told(&noted), @"clock 2026-11-29T14:00:00Z x3 rebased: the clock was set forward by 5d; the 3 slots in between are not replayed");
    assert_eq!(story.wakes(&schedule), Some(on("30 20:00")));
    assert_eq!(story.look(&schedule, "30 20:00"), "session 2026-11-30 fired: on time\n");
    // Back: what has fired by the wrong clock does not fire by the right one.
    let fired = BTreeSet::from([Key::Session { label: date(2026, 11, 30), ordinal: 0 }]);
    rebase(&timetable, &mut story.known, vec![fired], (on("30 20:10"), on("27 12:00")));
    insta::assert_snapshot!(story.look(&schedule, "30 20:00"), @"session 2026-11-27 fired: missed by 3d3h, catchup: latest; early close (Day after Thanksgiving)");
}

#[test]
fn dates_bound_sessions() {
    let schedule = close(&BOOK);
    let policy = Policy {
        start_date: Some(date(2026, 11, 26)),
        end_date: Some(date(2026, 11, 27)),
        ..Policy::default()
    };
    let mut story = Story::begin(&schedule, policy, "23 20:00");
    assert_eq!(story.wakes(&schedule), Some(on("26 20:00")));
    insta::assert_snapshot!(story.look(&schedule, "30 20:00"), @r"
    session 2026-11-24 skipped: before start_date (2026-11-26)
    session 2026-11-25 skipped: before start_date (2026-11-26)
    session 2026-11-26 skipped: XNYS is closed (Thanksgiving Day)
    session 2026-11-27 fired: missed by 3d3h, catchup: latest; early close (Day after Thanksgiving)
    session 2026-11-30 skipped: after end_date (2026-11-27)
    ");
    assert_eq!(story.wakes(&schedule), None);
}

#[test]
fn a_schedule_that_begins_leaves_the_past_alone() {
    for now in ["25 20:00", "26 19:59", "25 20:01"] {
        let progress = Progress::beginning(&close(&BOOK), on(now));
        assert_eq!(
            progress.considered,
            Some(Key::Session { label: date(2026, 11, 25), ordinal: 0 }),
            "{now}"
        );
    }
    let begun = |code: &str, now: &str| {
        Progress::beginning(&at(&BOOK, code, "close", &[]), now.parse().unwrap()).considered
    };
    let nothing_yet = Some(Key::Session { label: date(1989, 12, 31), ordinal: u32::MAX });
    assert_eq!(begun("XSHG", "1990-01-01T00:00:00Z"), nothing_yet);
    let last = Some(Key::Session { label: date(2026, 12, 31), ordinal: 0 });
    assert_eq!(begun("XSHG", "2027-06-01T00:00:00Z"), last);
    let schedule = at(&BOOK, "XSHG", "close", &[]);
    let exhausted = Progress::beginning(&schedule, "2027-06-01T00:00:00Z".parse().unwrap());
    assert_eq!(next_wake(&schedule, &Policy::default(), &exhausted), None);
}

#[test]
fn a_weekend_of_minutes_folds() {
    let schedule = cron(&BOOK, "* * * * *", "America/New_York", "XNYS", Roll::Skip);
    let mut story = Story::begin(&schedule, Policy::default(), "27 23:59");
    let lines = story.look(&schedule, "30 00:00");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(
        lines,
        [
            "2026-11-28T05:00:00Z x1440 skipped: XNYS has no session on Saturdays",
            "2026-11-29T05:00:00Z x1440 skipped: XNYS has no session on Sundays",
            "2026-11-30T05:00:00Z fired: on time",
        ]
    );
}
