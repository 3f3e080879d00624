//! Whether a slot is the last one that may have a run by now.

use jiff::Timestamp;
use jiff::civil::{Date, date};

use super::market::at;
use crate::calendar::book::Book;
use crate::schedule::definition::Policy;
use crate::schedule::plan::is_latest;
use crate::schedule::slot::Key;

fn of(label: Date) -> Key {
    Key::Session { label, ordinal: 0 }
}

fn utc(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_closed_day_makes_no_session_late() {
    // Due at 16:30 in New York; on the half day at 13:30.
    let schedule = at(&Book::embedded(), "XNYS", "close + 30m", &[]);
    let policy = Policy::default();
    let wednesday = of(date(2026, 11, 25));
    for (now, latest) in [
        ("2026-11-25T21:30:00Z", true),
        // Thanksgiving, in the evening.
        ("2026-11-27T02:00:00Z", true),
        ("2026-11-27T18:29:59Z", true),
        ("2026-11-27T18:30:00Z", false),
        ("2027-03-01T00:00:00Z", false),
    ] {
        assert_eq!(is_latest(&schedule, &policy, &wednesday, utc(now)), latest, "{now}");
    }
    let friday = of(date(2026, 11, 27));
    assert!(is_latest(&schedule, &policy, &friday, utc("2026-11-30T21:00:00Z")), "the weekend is none");
    assert!(!is_latest(&schedule, &policy, &friday, utc("2026-11-30T21:30:00Z")));
}

#[test]
fn dates_that_have_no_runs_make_none_late() {
    let schedule = at(&Book::embedded(), "XNYS", "close", &[]);
    let wednesday = of(date(2026, 11, 25));
    let now = utc("2026-12-05T00:00:00Z");
    let ended = Policy { end_date: Some(date(2026, 11, 25)), ..Policy::default() };
    assert!(is_latest(&schedule, &ended, &wednesday, now));
    let begins = Policy { start_date: Some(date(2026, 12, 7)), ..Policy::default() };
    assert!(is_latest(&schedule, &begins, &wednesday, now));
    assert!(!is_latest(&schedule, &begins, &wednesday, utc("2026-12-08T00:00:00Z")));
}

#[test]
fn behind_the_table_nothing_is_due() {
    let book = Book::embedded();
    let schedule = at(&book, "XSHG", "close", &[]);
    let last = book.get("XSHG").unwrap().last();
    let key = of(book.get("XSHG").unwrap().previous_label(last.tomorrow().unwrap()).unwrap());
    assert!(is_latest(&schedule, &Policy::default(), &key, utc("2100-01-01T00:00:00Z")));
}

#[test]
fn a_key_of_another_kind_of_schedule_is_the_latest() {
    let schedule = at(&Book::embedded(), "XNYS", "close", &[]);
    let key = Key::Instant(utc("2026-11-20T00:00:00Z"));
    assert!(is_latest(&schedule, &Policy::default(), &key, utc("2026-12-05T00:00:00Z")));
}
