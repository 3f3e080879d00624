//! Calendars of the user's own: with hours of theirs, like another, or of several.

use super::super::session::{Day, Period};
use super::shelf::{at, book, closure, day, good, hours, own, usable};

#[test]
fn a_calendar_with_hours_of_its_own() {
    let desk = own("code: desk\ntimezone: Europe/Berlin\nfrom: 2025-01-01\nto: 2027-12-31\n\
                    name: The desk\naliases: [team]\n\
                    hours:\n  - {days: [mon, wed], open: 09:00, close: 17:00}\n  - {days: sat-sun, open: 10:00, close: 12:00}\n  \
                    - {from: 2026-06-01, days: mon-fri, open: 08:00, close: 16:00, break: [12:00, 12:30]}\n\
                    closed: {New Year's Day: january 1, Midsummer: {rule: june 24, observed: nearest_weekday}}\n");
    assert_eq!((desk.name(), desk.timezone()), ("The desk", "Europe/Berlin"));
    assert_eq!(desk.announced_to(), day("2027-12-31"));
    assert_eq!(hours(&desk, "2026-05-27"), "09:00-17:00");
    assert_eq!(hours(&desk, "2026-05-30"), "10:00-12:00");
    assert_eq!(desk.day(day("2026-05-28")), Day::Off);
    assert_eq!(hours(&desk, "2026-06-01"), "08:00-12:00 12:30-16:00");
    assert_eq!(desk.day(day("2026-06-06")), Day::Off);
    assert_eq!(closure(&desk, "2026-06-24").name.as_deref(), Some("Midsummer"));
    // 24 June 2027 is a Thursday; New Year's Day of 2027 a Friday, of 2025 a Wednesday.
    assert_eq!(closure(&desk, "2025-01-01").would_open, at("2025-01-01T08:00:00Z"));
    assert_eq!(desk.source(day("2026-05-27")).text(), "own.yaml");
    assert_eq!(desk.new_weeks(day("2026-01-01"), day("2026-12-31")), [day("2026-06-01")]);
}

#[test]
fn a_calendar_like_another() {
    let book = good(&[
        (
            "desk.yaml",
            "code: desk\nextends: NASDAQ\nclosed: {Offsite: [2026-09-17]}\nreopened: [2026-11-26]\n",
        ),
        ("us.yaml", "override: XNYS\nclosed_ad_hoc: {Mourning: [2026-12-09]}\n"),
    ]);
    let desk = book.get("DESK").unwrap();
    assert_eq!((desk.name(), desk.timezone()), ("desk", "America/New_York"));
    assert_eq!((desk.first(), desk.last()), (day("1990-01-01"), day("2027-12-31")));
    // What the other has, with what files say of that one, and its own.
    assert_eq!(closure(&desk, "2026-12-25").name.as_deref(), Some("Christmas"));
    assert_eq!(closure(&desk, "2026-12-09").name.as_deref(), Some("Mourning"));
    assert_eq!(closure(&desk, "2026-09-17").name.as_deref(), Some("Offsite"));
    assert_eq!(hours(&desk, "2026-11-26"), "09:30-16:00");
    assert!(desk.session(day("2026-11-27")).unwrap().early_close);
    assert_eq!(desk.source(day("2026-12-09")).text(), "us.yaml");
    assert_eq!(desk.source(day("2026-12-25")).text(), "table");
    assert_eq!(desk.source(day("2026-09-17")).text(), "desk.yaml");
    assert_eq!(desk.source(day("2026-09-18")).text(), "table");
    assert_eq!(desk.defined_by().text(), "desk.yaml");
    // The other is as it was.
    assert_eq!(hours(&book.get("XNYS").unwrap(), "2026-09-17"), "09:30-16:00");
}

#[test]
fn a_calendar_like_another_may_end_elsewhere_and_tell_other_time() {
    let later = own("code: later\nextends: XSHG\nto: 2027-03-31\nclosed: {New Year's Day: [2027-01-01]}\n");
    assert_eq!(hours(&later, "2027-01-04"), "09:30-11:30 13:00-15:00");
    let utc = own(
        "code: utc\nextends: XNYS\ntimezone: UTC\nfrom: 2020-01-01\nearly_close: {19:00: [2026-11-25]}\n",
    );
    assert_eq!(hours(&utc, "2026-11-25"), "14:30-19:00");
    assert!(utc.session(day("2026-11-25")).unwrap().early_close);
    assert!(utc.is_regular(day("2026-11-24")));
    assert_eq!(utc.day(day("2019-12-31")), Day::Before);
}

#[test]
fn where_all_are_open() {
    let both = own("code: both\nall_of: [XNYS, XLON]\n");
    // The hours are those of the first.
    assert_eq!(hours(&both, "2026-11-27"), "09:30-13:00");
    assert!(both.session(day("2026-11-27")).unwrap().early_close);
    // Christmas Eve is a half day in London only.
    assert_eq!(hours(&both, "2026-12-23"), "09:30-16:00");
    assert_eq!(closure(&both, "2026-11-26").name.as_deref(), Some("Thanksgiving Day"));
    let monday = closure(&both, "2026-05-04");
    assert!(monday.name.is_some());
    assert_eq!(monday.would_open, at("2026-05-04T13:30:00Z"));
    assert_eq!(both.day(day("2026-11-28")), Day::Off);
    assert!(both.is_last_of(day("2026-11-30"), Period::Month));
    let [nyse, london] = ["XNYS", "XLON"].map(super::shelf::calendar);
    for session in both.sessions(both.first(), both.last()) {
        assert!(nyse.session(session.label).is_some() && london.session(session.label).is_some());
    }
}

#[test]
fn where_any_is_open() {
    let any = own("code: any\nany_of: [XNYS, XLON]\n");
    assert_eq!(any.timezone(), "America/New_York");
    // New York where it is open, else London, by New York's clock.
    assert_eq!(hours(&any, "2026-11-25"), "09:30-16:00");
    assert_eq!(hours(&any, "2026-11-26"), "03:00-11:30");
    assert!(!any.session(day("2026-11-26")).unwrap().early_close);
    assert_eq!(closure(&any, "2026-12-25").name.as_deref(), Some("Christmas"));
    let [nyse, london] = ["XNYS", "XLON"].map(super::shelf::calendar);
    let either = |date| nyse.session(date).is_some() || london.session(date).is_some();
    let all = any.first().series(jiff::Span::new().days(1)).take_while(|date| *date <= any.last());
    assert!(all.clone().all(|date| any.session(date).is_some() == either(date)));
    // Weeks that begin on different days.
    let gulf = own("code: gulf\nany_of: [XSAU, XLON]\n");
    assert!(gulf.session(day("2026-11-22")).is_some() && gulf.session(day("2026-11-27")).is_some());
    assert_eq!((gulf.first(), gulf.last()), (day("2021-01-01"), day("2027-12-31")));
}

#[test]
fn calendars_are_made_of_calendars() {
    let book = good(&[
        ("a.yaml", "code: a\nall_of: [XNYS, XLON]\n"),
        ("b.yaml", "code: b\nextends: a\nclosed: {Retreat: [2026-10-05]}\n"),
        ("c.yaml", "code: c\nany_of: [b, XTKS]\n"),
        ("d.yaml", "override: b\nclosed: {Retreat: [2026-10-06]}\n"),
    ]);
    let c = book.get("c").unwrap();
    assert_eq!(closure(&book.get("b").unwrap(), "2026-10-06").name.as_deref(), Some("Retreat"));
    assert_eq!(c.regular(day("2026-10-06")), c.regular(day("2026-10-07")));
    // New York's day off is Tokyo's session, the evening before in New York.
    assert_eq!(hours(&c, "2026-10-06"), "10-05 20:00-10-05 22:30 10-05 23:30-02:30");
    assert_eq!(book.files("c"), ["c.yaml"]);
    assert_eq!(book.files("b"), ["b.yaml", "d.yaml"]);
}

#[test]
fn a_whole_table_takes_the_place_of_what_comes_with_the_program() {
    let table = "code: XNYS\ntimezone: America/New_York\nfrom: 2026-01-01\nto: 2026-12-31\n\
                 hours: [{days: mon-fri, open: 09:00, close: 18:00}]\n";
    let book = usable(&[("XNYS.yaml", table), ("z.yaml", "override: XNYS\nclosed: {It: [2026-12-09]}\n")]);
    let nyse = book.get("xnys").unwrap();
    assert_eq!(hours(&nyse, "2026-12-25"), "09:00-18:00");
    assert_eq!(closure(&nyse, "2026-12-09").name.as_deref(), Some("It"));
    assert_eq!(nyse.defined_by().text(), "XNYS.yaml");
    // The aliases were the other table's.
    assert!(book.get("NASDAQ").is_err());
    assert_eq!(book.codes().count(), 71);
}

#[test]
fn what_a_file_with_mistakes_was_to_define_is_told_apart_from_what_nobody_knows() {
    let (book, report) = book(&[
        ("desk.yaml", "code: desk\nextends: XNYS\nclosd: [2026-12-09]\n"),
        ("team.yaml", "code: team\nextends: desk\n"),
    ]);
    assert_eq!(report.iter().count(), 1, "{}", report.render(false));
    let error = book.get("Desk").unwrap_err();
    assert_eq!(error.to_string(), "the calendar `Desk` cannot be used: desk.yaml has mistakes");
    assert!(book.get("team").is_err());
    assert!(book.get("XNYS").is_ok());
}
