//! Which occasions a schedule of sessions names.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, date};

use crate::calendar::book::Book;
use crate::schedule::days::DayWord;
use crate::schedule::definition::Schedule;
use crate::schedule::filtered::Roll;
use crate::schedule::occasion::Occasion;
use crate::schedule::slot::Key;

use super::market::{at, changed, cron, every, named, told};

static BOOK: LazyLock<Book> = LazyLock::new(Book::embedded);

#[test]
fn a_session_moves_with_its_close_and_a_closed_day_is_told() {
    let schedule = at(&BOOK, "XNYS", "close + 4h", &[]);
    insta::assert_snapshot!(named(&schedule, "2026-11-25", "2026-11-30"), @r"
    2026-11-25 20:00 [2026-11-25]
    2026-11-26 20:00 [2026-11-26] no: XNYS is closed (Thanksgiving Day)
    2026-11-27 17:00 [2026-11-27] early close (Day after Thanksgiving)
    2026-11-30 20:00 [2026-11-30]
    ");
    // An offset is absolute time, and the exchange's clocks have changed in between.
    let weekend = at(&BOOK, "XNYS", "close + 4h", &[]);
    insta::assert_snapshot!(named(&weekend, "2026-03-06", "2026-03-09").replace(" [", "Z ["), @r"
    2026-03-06 20:00Z [2026-03-06]
    2026-03-09 20:00Z [2026-03-09]
    ");
    let instants: Vec<String> =
        weekend.occasions(date(2026, 3, 6), date(2026, 3, 9)).map(|one| one.at.to_string()).collect();
    assert_eq!(instants, ["2026-03-07T01:00:00Z", "2026-03-10T00:00:00Z"]);
    insta::assert_snapshot!(named(&at(&BOOK, "XNYS", "close + 4h", &[]), "2025-01-08", "2025-01-10"), @r"
    2025-01-08 20:00 [2025-01-08]
    2025-01-09 20:00 [2025-01-09] no: XNYS is closed (National Day of Mourning for Jimmy Carter); ad hoc
    2025-01-10 20:00 [2025-01-10]
    ");
}

#[test]
fn the_label_is_the_date_whenever_it_fires() {
    // The session of Monday opens on Sunday evening.
    insta::assert_snapshot!(named(&at(&BOOK, "CMES", "open - 30m", &[]), "2026-03-06", "2026-03-09"), @r"
    2026-03-05 16:30 [2026-03-06]
    2026-03-08 16:30 [2026-03-09]
    ");
    insta::assert_snapshot!(named(&at(&BOOK, "XNYS", "close + 10h", &[]), "2026-11-20", "2026-11-23"), @r"
    2026-11-21 02:00 [2026-11-20]
    2026-11-24 02:00 [2026-11-23]
    ");
    // Of the next session, over a holiday and a weekend; and settlement, two sessions on.
    insta::assert_snapshot!(named(&at(&BOOK, "XNYS", "next_open - 90m", &[]), "2026-11-25", "2026-11-27"), @r"
    2026-11-27 08:00 [2026-11-25]
    2026-11-27 08:00 [2026-11-26] no: XNYS is closed (Thanksgiving Day)
    2026-11-30 08:00 [2026-11-27] early close (Day after Thanksgiving)
    ");
    insta::assert_snapshot!(named(&at(&BOOK, "XNYS", "close + 2 sessions", &[]), "2026-11-24", "2026-11-25"), @r"
    2026-11-27 13:00 [2026-11-24]
    2026-11-30 16:00 [2026-11-25]
    ");
    insta::assert_snapshot!(named(&at(&BOOK, "XNYS", "16:30", &[]), "2026-11-27", "2026-11-27"), @"2026-11-27 16:30 [2026-11-27] early close (Day after Thanksgiving)");
}

#[test]
fn a_time_of_day_may_have_a_zone_of_its_own() {
    let mut schedule = at(&BOOK, "XNYS", "07:00", &[]);
    schedule.timezone = "Europe/London".into();
    let instants: Vec<String> =
        schedule.occasions(date(2026, 3, 27), date(2026, 3, 30)).map(|one| one.at.to_string()).collect();
    assert_eq!(instants, ["2026-03-27T07:00:00Z", "2026-03-30T06:00:00Z"]);
    assert_eq!(schedule.spelled(), "XNYS at: 07:00 Europe/London");
}

#[test]
fn days_take_some_of_the_sessions() {
    let days = |words: &[&str], from: &str, to: &str| {
        let schedule = at(&BOOK, "XNYS", "close", words);
        let lines = named(&schedule, from, to);
        lines.lines().map(|line| line[18..].replacen(']', "", 1)).collect::<Vec<_>>()
    };
    let november = |words: &[&str]| days(words, "2026-11-01", "2026-11-30");
    assert_eq!(november(&["first_of_month"]), ["2026-11-02"]);
    assert_eq!(november(&["last_of_month"]), ["2026-11-30"]);
    assert_eq!(november(&["nth(3)_of_month"]), ["2026-11-04"]);
    assert_eq!(november(&["nth(-2)_of_month"]), ["2026-11-27 early close (Day after Thanksgiving)"]);
    assert_eq!(
        november(&["first_of_week"]),
        ["2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23", "2026-11-30"]
    );
    assert_eq!(november(&["last_of_week"])[3], "2026-11-27 early close (Day after Thanksgiving)");
    assert_eq!(
        days(&["first_of_quarter"], "2026-01-01", "2026-12-31"),
        ["2026-01-02", "2026-04-01", "2026-07-01", "2026-10-01"]
    );
    assert_eq!(
        days(&["last_of_year", "first_of_year"], "2026-01-01", "2026-12-31"),
        ["2026-01-02", "2026-12-31"]
    );
    // A week whose Monday is a holiday begins on Tuesday.
    assert_eq!(days(&["first_of_week"], "2026-09-07", "2026-09-11"), ["2026-09-08"]);
    // A weekday that is a holiday is told; the first of a month that is one is another day.
    let thursdays = november(&["thu"]);
    assert_eq!(thursdays[3], "2026-11-26 no: XNYS is closed (Thanksgiving Day)");
    assert_eq!(november(&["fri-mon"]).len(), 9);
    assert_eq!(days(&["first_of_month"], "2027-01-01", "2027-01-31"), ["2027-01-04"]);
    assert_eq!(november(&["early_closes"]), ["2026-11-27 early close (Day after Thanksgiving)"]);
    // On closures it fires, against the hours the day would have had.
    let holidays = named(&at(&BOOK, "XNYS", "open + 1h", &["holidays"]), "2026-11-01", "2026-12-31");
    insta::assert_snapshot!(holidays, @r"
    2026-11-26 10:30 [2026-11-26] XNYS is closed (Thanksgiving Day)
    2026-12-25 10:30 [2026-12-25] XNYS is closed (Christmas)
    ");
    // Any of the words is enough.
    assert_eq!(november(&["thu", "holidays"])[3], "2026-11-26 XNYS is closed (Thanksgiving Day)");
}

#[test]
fn words_of_days_are_read_and_written_alike() {
    for word in [
        "first_of_week",
        "last_of_month",
        "first_of_quarter",
        "last_of_year",
        "nth(1)_of_month",
        "nth(-1)_of_month",
        "mon",
        "mon-thu",
        "sun-thu",
        "early_closes",
        "holidays",
    ] {
        assert_eq!(DayWord::parse(word).unwrap().spelled(), word);
    }
    for (word, message, help) in [
        ("first_of_moth", "`first_of_moth` is no word of `days`", "did you mean `first_of_month`?"),
        (
            "nth(0)_of_month",
            "`0` is no place in a month",
            "count from 1, or from the end with -1 for the last session",
        ),
        (
            "nth(32)_of_month",
            "`32` is no place in a month",
            "count from 1, or from the end with -1 for the last session",
        ),
        ("monday", "`monday` is no word of `days`", "there are `early_closes`"),
    ] {
        let (found, advice) = DayWord::parse(word).unwrap_err();
        assert_eq!(found, message);
        assert!(advice.starts_with(help), "{advice}");
    }
}

#[test]
fn during_a_session_both_ends_are_in_it() {
    let schedule = every(&BOOK, "XNYS", "3h", ["open", "close"], &[]);
    insta::assert_snapshot!(named(&schedule, "2026-11-25", "2026-11-27"), @r"
    2026-11-25 09:30 [2026-11-25]
    2026-11-25 12:30 [2026-11-25]
    2026-11-25 15:30 [2026-11-25]
    2026-11-26 09:30 [2026-11-26] no: XNYS is closed (Thanksgiving Day)
    2026-11-27 09:30 [2026-11-27] early close (Day after Thanksgiving)
    2026-11-27 12:30 [2026-11-27] early close (Day after Thanksgiving)
    ");
    let quarters = every(&BOOK, "XNYS", "15m", ["open", "close"], &[]);
    let day = date(2026, 11, 25);
    let all: Vec<_> = quarters.occasions(day, day).collect();
    assert_eq!(all.len(), 27);
    assert_eq!(all[26].key, Key::Session { label: day, ordinal: 26 });
    assert_eq!(told(&quarters, &all[26]), "2026-11-25 16:00 [2026-11-25]");
    // Other ends are possible.
    let tokyo = every(&BOOK, "XTKS", "1h", ["open + 1h", "close - 30m"], &[]);
    insta::assert_snapshot!(named(&tokyo, "2026-11-20", "2026-11-20").replace(" [2026-11-20]", ""), @r"
    2026-11-20 10:00
    2026-11-20 11:00
    2026-11-20 13:00
    2026-11-20 14:00
    2026-11-20 15:00
    ");
    // The half day has no afternoon.
    let afternoon = every(&BOOK, "XNYS", "1h", ["15:00", "close"], &[]);
    assert_eq!(afternoon.occasions(date(2026, 11, 25), date(2026, 11, 27)).count(), 3);
}

/// The occasions of a date on XHKG, which rests from 12:00 to 13:00, and their ordinals.
fn in_hong_kong(schedule: &Schedule, day: Date) -> Vec<(String, u32)> {
    let shown = |occasion: &Occasion| {
        let Key::Session { ordinal, .. } = occasion.key else { panic!("{:?}", occasion.key) };
        (told(schedule, occasion)[11..16].to_owned(), ordinal)
    };
    schedule.occasions(day, day).map(|occasion| shown(&occasion)).collect()
}

#[test]
fn in_a_break_there_is_no_slot_and_it_ends_with_one() {
    let day = date(2026, 11, 23);
    let clocks = |step: &str, between: [&str; 2]| {
        let all = in_hong_kong(&every(&BOOK, "XHKG", step, between, &[]), day);
        all.into_iter().map(|(clock, ordinal)| format!("{clock} {ordinal}")).collect::<Vec<_>>()
    };
    // Where it begins there is none, where it ends there is one; the steps go on as they were.
    assert_eq!(clocks("30m", ["11:00", "13:30"]), ["11:00 0", "11:30 1", "13:00 4", "13:30 5"]);
    assert_eq!(clocks("59m59s", ["11:00", "13:30"]), ["11:00 0", "11:59 1"]);
    assert_eq!(clocks("59m59s", ["11:00:01", "13:30"]), ["11:00 0"]);
    assert_eq!(clocks("59m59s", ["11:00:02", "13:30"]), ["11:00 0", "13:00 2"]);
    // One that would begin or end in it.
    assert_eq!(clocks("45m", ["12:15", "14:00"]), ["13:00 1", "13:45 2"]);
    assert_eq!(clocks("45m", ["11:15", "12:59"]), ["11:15 0"]);
    // Where all are in it, the next is on a half day, which has none.
    let at_lunch = every(&BOOK, "XHKG", "10m", ["12:00", "12:50"], &[]);
    assert_eq!(in_hong_kong(&at_lunch, day), []);
    let next = at_lunch.after("2026-11-22T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(told(&at_lunch, &next), "2026-12-24 12:00 [2026-12-24] early close (Christmas Eve)");
    // What is said to be once a session is where it is said.
    assert_eq!(in_hong_kong(&at(&BOOK, "XHKG", "12:30", &[]), day), [("12:30".to_owned(), 0)]);
    // A half day has no break.
    let half = in_hong_kong(&every(&BOOK, "XHKG", "30m", ["11:00", "close"], &[]), date(2026, 12, 24));
    assert_eq!(half.last(), Some(&("12:00".to_owned(), 2)));
}

#[test]
fn over_a_break_the_slots_are_neighbours() {
    let schedule = every(&BOOK, "XHKG", "30m", ["open", "close"], &[]);
    let day = date(2026, 11, 23);
    let all: Vec<Occasion> = schedule.occasions(day, date(2026, 11, 24)).collect();
    assert_eq!(all.len(), 24);
    for pair in all.windows(2) {
        assert_eq!(schedule.after_key(&pair[0].key).as_ref(), Some(&pair[1]));
        assert_eq!(schedule.before_key(&pair[1].key).as_ref(), Some(&pair[0]));
        assert_eq!(schedule.after(pair[0].at).as_ref(), Some(&pair[1]));
    }
    // Also from within.
    let noon = Key::Session { label: day, ordinal: 5 };
    let clock = |occasion: Option<Occasion>| told(&schedule, &occasion.unwrap())[..16].to_owned();
    assert_eq!(clock(schedule.after_key(&noon)), "2026-11-23 13:00");
    assert_eq!(clock(schedule.before_key(&noon)), "2026-11-23 11:30");
    let lunch: Timestamp = "2026-11-23T04:40:00Z".parse().unwrap();
    assert_eq!(clock(schedule.after(lunch)), "2026-11-23 13:00");
}

#[test]
fn a_cron_line_on_session_dates_knows_no_break() {
    let lunch = cron(&BOOK, "*/20 12 * * *", "Asia/Hong_Kong", "XHKG", Roll::Skip);
    assert_eq!(lunch.occasions(date(2026, 11, 23), date(2026, 11, 23)).count(), 3);
}

#[test]
fn where_sessions_touch_an_instant_belongs_to_the_later() {
    let schedule = every(&BOOK, "24/7", "8h", ["open", "close"], &[]);
    insta::assert_snapshot!(named(&schedule, "2026-11-27", "2026-11-28"), @r"
    2026-11-27 00:00 [2026-11-27]
    2026-11-27 08:00 [2026-11-27]
    2026-11-27 16:00 [2026-11-27]
    2026-11-28 00:00 [2026-11-28]
    2026-11-28 08:00 [2026-11-28]
    2026-11-28 16:00 [2026-11-28]
    ");
    // Where the next day is not taken, it is this one's.
    let fridays = every(&BOOK, "24/7", "12h", ["open", "close"], &["fri"]);
    insta::assert_snapshot!(named(&fridays, "2026-11-27", "2026-11-30"), @r"
    2026-11-27 00:00 [2026-11-27]
    2026-11-27 12:00 [2026-11-27]
    2026-11-28 00:00 [2026-11-27]
    ");
}

#[test]
fn several_exchanges_are_taken_together() {
    let both = at(&BOOK, "all_of XNYS XLON", "close + 1h", &[]);
    insta::assert_snapshot!(named(&both, "2026-11-25", "2026-11-27"), @r"
    2026-11-25 17:00 [2026-11-25]
    2026-11-26 17:00 [2026-11-26] no: XNYS is closed (Thanksgiving Day)
    2026-11-27 14:00 [2026-11-27] early close (Day after Thanksgiving)
    ");
    insta::assert_snapshot!(named(&both, "2026-08-31", "2026-09-01"), @r"
    2026-08-31 17:00 [2026-08-31] no: XLON is closed (Summer Bank Holiday)
    2026-09-01 17:00 [2026-09-01]
    ");
    // The hours of the first that has a session, shown by the clocks of the first of all.
    let either = at(&BOOK, "any_of XNYS XLON", "close", &[]);
    insta::assert_snapshot!(named(&either, "2026-11-25", "2026-11-26"), @r"
    2026-11-25 16:00 [2026-11-25]
    2026-11-26 11:30 [2026-11-26]
    ");
    insta::assert_snapshot!(named(&either, "2026-12-25", "2026-12-25"), @"2026-12-25 16:00 [2026-12-25] no: XNYS is closed (Christmas), XLON is closed (Christmas)");
    assert_eq!(both.spelled(), "{all_of: [XNYS, XLON]} at: close + 1h");
}

#[test]
fn beyond_the_table_nothing_is_guessed() {
    let schedule = at(&BOOK, "XSHG", "close", &[]);
    let last: Timestamp = "2026-12-31T07:00:00Z".parse().unwrap();
    assert_eq!(schedule.after(last), None);
    assert_eq!(schedule.last().map(|occasion| occasion.at), Some(last));
    assert_eq!(schedule.exchange().unwrap().horizon(), ("XSHG", date(2026, 12, 31)));
    // Of the last session nobody knows the next.
    let next = at(&BOOK, "XSHG", "next_open", &[]);
    assert_eq!(next.last().map(|occasion| occasion.date), Some(date(2026, 12, 30)));
    let month = at(&BOOK, "XSHG", "close", &["first_of_month"]);
    assert_eq!(month.last().map(|occasion| occasion.date), Some(date(2026, 12, 1)));
    // Together they end with the first that does.
    assert_eq!(at(&BOOK, "all_of XNYS XSHG", "close", &[]).exchange().unwrap().horizon().0, "XSHG");
}

#[test]
fn what_is_extrapolated_or_changed_is_said() {
    let book = changed(
        "override: XNYS\nannounced_to: 2026-11-25\nclosed_ad_hoc: {National Day of Mourning: [2026-11-24]}\n\
         early_close: {12:00: [2026-11-25]}\nreopened: {Thanksgiving Day: [2026-11-26]}\n",
    );
    insta::assert_snapshot!(named(&at(&book, "XNYS", "close", &[]), "2026-11-24", "2026-11-30"), @r"
    2026-11-24 16:00 [2026-11-24] no: XNYS is closed (National Day of Mourning); ad hoc; by config/calendars/changes.yaml
    2026-11-25 12:00 [2026-11-25] early close; hours of config/calendars/changes.yaml
    2026-11-26 16:00 [2026-11-26] projected: XNYS's dates are announced to 2026-11-25; hours of config/calendars/changes.yaml
    2026-11-27 13:00 [2026-11-27] early close (Day after Thanksgiving); projected: XNYS's dates are announced to 2026-11-25
    2026-11-30 16:00 [2026-11-30] projected: XNYS's dates are announced to 2026-11-25
    ");
}

#[test]
fn no_data_of_a_calendar_are_in_the_text_of_a_schedule() {
    let book = changed("override: XNYS\nclosed_ad_hoc: {x: [2026-11-24]}\n");
    let spelled = |book: &Book| at(book, "nasdaq", "close + 4h", &["mon-thu", "last_of_month"]).spelled();
    assert_eq!(spelled(&BOOK), "XNYS at: close + 4h days: mon-thu, last_of_month");
    assert_eq!(spelled(&book), spelled(&BOOK));
    let every = every(&BOOK, "XNYS", "15m", ["open", "close"], &[]);
    assert_eq!(every.spelled(), "XNYS every: 15m, between: [open, close]");
}
