//! What a cron line names that is held against an exchange.

use std::sync::LazyLock;

use jiff::civil::date;

use crate::calendar::book::Book;
use crate::schedule::filtered::Roll;

use super::market::{cron, named};

static BOOK: LazyLock<Book> = LazyLock::new(Book::embedded);

const NEW_YORK: &str = "America/New_York";

fn rolled(line: &str, roll: Roll, from: &str, to: &str) -> String {
    named(&cron(&BOOK, line, NEW_YORK, "XNYS", roll), from, to)
}

#[test]
fn a_date_without_a_session_has_a_slot_that_cannot_fire() {
    insta::assert_snapshot!(rolled("30 21 * * *", Roll::Skip, "2026-11-25", "2026-11-30"), @r"
    2026-11-25 21:30 [2026-11-25]
    2026-11-26 21:30 [2026-11-26] no: XNYS is closed (Thanksgiving Day)
    2026-11-27 21:30 [2026-11-27] early close (Day after Thanksgiving)
    2026-11-28 21:30 [2026-11-28] no: XNYS has no session on Saturdays
    2026-11-29 21:30 [2026-11-29] no: XNYS has no session on Sundays
    2026-11-30 21:30 [2026-11-30]
    ");
    // The date is that of the line's own clocks.
    let utc = cron(&BOOK, "30 2 * * *", "UTC", "XNYS", Roll::Skip);
    insta::assert_snapshot!(named(&utc, "2026-11-27", "2026-11-28"), @r"
    2026-11-27 02:30 [2026-11-27] early close (Day after Thanksgiving)
    2026-11-28 02:30 [2026-11-28] no: XNYS has no session on Saturdays
    ");
}

#[test]
fn it_may_roll_to_the_session_after() {
    insta::assert_snapshot!(rolled("30 21 26 * *", Roll::Next, "2026-11-26", "2026-11-27"), @"2026-11-27 21:30 [2026-11-27] rolled from 2026-11-26 21:30: XNYS is closed (Thanksgiving Day); early close (Day after Thanksgiving)");
    // Those that come to one instant are one, and the day's own slot is it.
    insta::assert_snapshot!(rolled("30 21 * * *", Roll::Next, "2026-11-26", "2026-11-30"), @r"
    2026-11-27 21:30 [2026-11-27] no: rolled to 2026-11-27 21:30, one with the slot of 2026-11-27 21:30; XNYS is closed (Thanksgiving Day)
    2026-11-27 21:30 [2026-11-27] early close (Day after Thanksgiving)
    2026-11-30 21:30 [2026-11-30] no: rolled to 2026-11-30 21:30, one with the slot of 2026-11-30 21:30; XNYS has no session on Saturdays
    2026-11-30 21:30 [2026-11-30] no: rolled to 2026-11-30 21:30, one with the slot of 2026-11-30 21:30; XNYS has no session on Sundays
    2026-11-30 21:30 [2026-11-30]
    ");
    insta::assert_snapshot!(rolled("30 21 * * sat,sun", Roll::Next, "2026-11-28", "2026-11-30"), @r"
    2026-11-30 21:30 [2026-11-30] no: rolled to 2026-11-30 21:30, one with the slot of 2026-11-29 21:30; XNYS has no session on Saturdays
    2026-11-30 21:30 [2026-11-30] rolled from 2026-11-29 21:30: XNYS has no session on Sundays
    ");
}

#[test]
fn it_may_roll_to_the_session_before() {
    insta::assert_snapshot!(rolled("30 21 * * *", Roll::Previous, "2026-11-25", "2026-11-29"), @r"
    2026-11-25 21:30 [2026-11-25]
    2026-11-25 21:30 [2026-11-25] no: rolled to 2026-11-25 21:30, one with the slot of 2026-11-25 21:30; XNYS is closed (Thanksgiving Day)
    2026-11-27 21:30 [2026-11-27] early close (Day after Thanksgiving)
    2026-11-27 21:30 [2026-11-27] no: rolled to 2026-11-27 21:30, one with the slot of 2026-11-27 21:30; XNYS has no session on Saturdays
    2026-11-27 21:30 [2026-11-27] no: rolled to 2026-11-27 21:30, one with the slot of 2026-11-27 21:30; XNYS has no session on Sundays
    ");
    insta::assert_snapshot!(rolled("0 8 1 * *", Roll::Previous, "2026-10-30", "2026-11-01"), @"2026-10-30 08:00 [2026-10-30] rolled from 2026-11-01 08:00: XNYS has no session on Sundays");
}

/// Slots are considered in the order in which they are named: one that fires stands behind none that is due
/// later.
#[test]
fn several_times_a_day_roll_in_order() {
    let schedule = cron(&BOOK, "0 9,17 * * *", NEW_YORK, "XNYS", Roll::Next);
    let all: Vec<_> = schedule.occasions(date(2026, 11, 26), date(2026, 12, 1)).collect();
    let firing: Vec<_> = all.iter().filter(|occasion| occasion.bar.is_none()).collect();
    assert!(firing.windows(2).all(|pair| pair[0].at < pair[1].at), "{firing:?}");
    let instants: Vec<_> =
        firing.iter().map(|one| one.at.to_zoned(schedule.zone()).strftime("%d %H").to_string()).collect();
    assert_eq!(instants, ["27 09", "27 17", "30 09", "30 17", "01 09", "01 17"]);
    for (at, occasion) in all.iter().enumerate().filter(|(_, occasion)| occasion.bar.is_none()) {
        let before = all[..at].iter().filter(|other| other.at > occasion.at);
        assert_eq!(before.count(), 0, "{occasion:?} waits for another");
    }
}

#[test]
fn beyond_the_table_nothing_is_guessed() {
    let ends = |roll| {
        let schedule = cron(&BOOK, "0 9 * * *", "Asia/Shanghai", "XSHG", roll);
        schedule.last().map(|occasion| (occasion.key.text(), occasion.date)).unwrap()
    };
    assert_eq!(ends(Roll::Skip), ("2026-12-31T01:00:00Z".to_owned(), date(2026, 12, 31)));
    assert_eq!(ends(Roll::Next), ("2026-12-31T01:00:00Z".to_owned(), date(2026, 12, 31)));
    let schedule = cron(&BOOK, "0 9 * * *", "Asia/Shanghai", "XSHG", Roll::Skip);
    assert_eq!(schedule.after("2027-01-01T00:00:00Z".parse().unwrap()), None);
    // Nor before it.
    assert_eq!(
        schedule.after("1980-01-01T00:00:00Z".parse().unwrap()).map(|one| one.date),
        Some(date(1990, 12, 3))
    );
}

#[test]
fn what_a_schedule_is_held_against_is_in_its_text() {
    let spelled = |code: &str, roll| cron(&BOOK, "30 21 * * 1-5", NEW_YORK, code, roll).spelled();
    assert_eq!(spelled("nyse", Roll::Skip), "30 21 * * 1-5 America/New_York calendar: XNYS");
    assert_eq!(
        spelled("all_of XNYS XLON", Roll::Previous),
        "30 21 * * 1-5 America/New_York calendar: {all_of: [XNYS, XLON]} roll: previous"
    );
}

/// Three days of seconds without a session are passed over.
#[test]
fn the_slot_before_a_weekend_is_found_at_once() {
    let schedule = cron(&BOOK, "* * * * * *", NEW_YORK, "XNYS", Roll::Skip);
    let monday = schedule.occasions(date(2026, 11, 30), date(2026, 11, 30)).next().unwrap();
    let before = schedule.open_before(&monday.key).unwrap();
    assert_eq!(
        before.at.to_zoned(schedule.zone()).to_string(),
        "2026-11-27T23:59:59-05:00[America/New_York]"
    );
}
