//! The traps that schedulers before this one fell into, in the order of the survey, each with its facts.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::super::offset::Offset;
use super::super::session::{Day, Period};
use super::shelf::{BOOK, at, book, calendar, closure, day, good, hours, own, session, usable};

/// An offset's instant, in UTC.
fn resolved(code: &str, label: &str, offset: &str) -> String {
    let calendar = calendar(code);
    Offset::parse(offset)
        .unwrap()
        .resolve(&calendar, day(label))
        .map_or("none".to_owned(), |at| at.to_string())
}

/// The share of sessions whose open has another date in UTC than the label.
fn opens_on_another_utc_date(code: &str) -> f64 {
    let calendar = calendar(code);
    let sessions: Vec<_> = calendar.sessions(calendar.first(), calendar.last()).collect();
    let other = sessions.iter().filter(|one| one.open.to_zoned(jiff::tz::TimeZone::UTC).date() != one.label);
    other.count() as f64 / sessions.len() as f64
}

#[test]
fn trap_01_a_label_is_no_utc_date() {
    for (code, least, most) in [
        ("XNZE", 1.0, 1.0),
        ("CMES", 0.99, 1.0),
        ("us_futures", 0.99, 1.0),
        ("XASX", 0.44, 0.46),
        ("IEPA", 0.0, 0.0),
    ] {
        let share = opens_on_another_utc_date(code);
        assert!((least..=most).contains(&share), "{code}: {share}");
    }
    // Found by its instants all the same.
    let opened = session("XNZE", "2026-11-23");
    assert_eq!(opened.open, at("2026-11-22T21:00:00Z"));
    assert_eq!(calendar("XNZE").at(at("2026-11-22T23:00:00Z")), Some(opened));
}

#[test]
fn trap_02_sessions_open_the_evening_before() {
    let monday = session("CMES", "2026-03-09");
    assert_eq!((monday.open, monday.close), (at("2026-03-08T22:00:00Z"), at("2026-03-09T22:00:00Z")));
    assert_eq!(resolved("CMES", "2026-03-09", "open - 30m"), "2026-03-08T21:30:00Z");
    assert_eq!(hours(&calendar("IEPA"), "2026-11-23"), "11-22 20:00-18:00");
    // The first of June by its label, though it opens in May.
    assert_eq!(session("CMES", "2026-06-01").open, at("2026-05-31T22:00:00Z"));
    assert!(calendar("CMES").is_first_of(day("2026-06-01"), Period::Month));
    assert_eq!(calendar("CMES").nth_of_month(day("2026-06-01")), Some((1, 22)));
}

#[test]
fn trap_03_clocks_change_inside_the_week() {
    assert_eq!(session("CMES", "2026-03-06").open, at("2026-03-05T23:00:00Z"));
    assert_eq!(session("CMES", "2026-03-09").open, at("2026-03-08T22:00:00Z"));
    assert_eq!(session("XNYS", "2026-03-06").close, at("2026-03-06T21:00:00Z"));
    assert_eq!(session("XNYS", "2026-03-09").close, at("2026-03-09T20:00:00Z"));
    // Added as time that passes, not to the clock: Sunday has 23 hours.
    assert_eq!(resolved("XNYS", "2026-03-09", "close - 1d"), "2026-03-08T20:00:00Z");
    assert_eq!(resolved("XNYS", "2026-03-06", "close + 2d12h"), "2026-03-09T09:00:00Z");
    // Europe changes its clocks in another week.
    let gap = |label| session("XNYS", label).open.duration_since(session("XLON", label).open).as_mins();
    assert_eq!([gap("2026-03-06"), gap("2026-03-09"), gap("2026-03-30")], [390, 330, 390]);
}

#[test]
fn trap_04_midnight_may_not_exist() {
    let calendar = own("code: noite\ntimezone: America/Sao_Paulo\nfrom: 2018-01-01\nto: 2018-12-31\n\
                        hours: [{days: mon-sun, open: 00:00, close: +1d 00:00}]\n");
    // On 4 November 2018 the day began at one.
    let sunday = calendar.session(day("2018-11-04")).unwrap();
    assert_eq!(sunday.open, at("2018-11-04T03:00:00Z"));
    assert_eq!(sunday.close.duration_since(sunday.open).as_hours(), 23);
    assert_eq!(calendar.session(day("2018-11-03")).unwrap().close, sunday.open);
    let midnight = Offset::parse("00:00").unwrap();
    assert_eq!(midnight.resolve(&calendar, day("2018-11-04")), Some(sunday.open));
    // And one that is there twice: 18 February 2018, 00:00 to 01:00, is the first.
    let twice = Offset::parse("23:30").unwrap().resolve(&calendar, day("2018-02-17"));
    assert_eq!(twice, Some(at("2018-02-18T01:30:00Z")));
    assert_eq!(resolved("BVMF", "2018-11-05", "00:00"), "2018-11-05T02:00:00Z");
    assert_eq!(resolved("XSGO", "2026-09-07", "00:00"), "2026-09-07T03:00:00Z");
}

#[test]
fn trap_05_touching_sessions_share_no_instant() {
    for (code, label) in [("24/7", "2026-11-22"), ("24/5", "2026-11-24"), ("CMES", "2026-11-24")] {
        let (calendar, own) = (calendar(code), session(code, label));
        let next = calendar.session(calendar.next_label(day(label)).unwrap()).unwrap();
        assert_eq!(own.close, next.open, "{code}");
        assert_eq!(calendar.at(own.close), Some(next), "{code}");
        let before = own.close - 1.nanosecond();
        assert_eq!(calendar.at(before), Some(own), "{code}");
    }
    let weekend = calendar("24/5").at(at("2026-11-21T12:00:00Z"));
    assert_eq!(weekend, None);
}

#[test]
fn trap_06_the_boundary_belongs_to_one_side() {
    let (nyse, friday) = (calendar("XNYS"), session("XNYS", "2026-11-20"));
    // Strictly after: a tick at the open does not find the same open again.
    assert_eq!(nyse.first_after(friday.open).unwrap().label, day("2026-11-23"));
    assert_eq!(nyse.first_after(friday.open - 1.nanosecond()).unwrap(), friday);
    assert_eq!(nyse.at(friday.open), Some(friday.clone()));
    assert_eq!(nyse.at(friday.close), None);
    assert_eq!(nyse.last_opened(friday.close), Some(friday));
}

#[test]
fn trap_07_an_early_close_moves_what_hangs_on_it() {
    assert_eq!(resolved("XNYS", "2026-11-27", "close + 30m"), "2026-11-27T18:30:00Z");
    assert_eq!(resolved("XNYS", "2026-11-25", "close + 30m"), "2026-11-25T21:30:00Z");
    // Before the open, which is at 14:30.
    assert_eq!(resolved("XNYS", "2026-11-27", "close - 5h"), "2026-11-27T13:00:00Z");
    // A time of day stays where it is.
    assert_eq!(resolved("XNYS", "2026-11-27", "16:30"), "2026-11-27T21:30:00Z");
}

#[test]
fn trap_08_early_is_earlier_than_that_weekday_regularly_is() {
    let tase = calendar("XTAE");
    let early = tase.sessions(tase.first(), tase.last()).filter(|session| session.early_close);
    assert_eq!(early.count(), 240);
    for (label, told, early) in [
        ("2025-11-23", "09:59-15:40", false), // a Sunday, as always
        ("2026-01-09", "09:59-13:50", false), // a Friday, as since that week
        ("2026-04-03", "09:59-14:15", false), // a Friday, later than usual
        ("2026-04-06", "09:59-14:15", true),
    ] {
        assert_eq!(hours(&tase, label), told);
        assert_eq!(session("XTAE", label).early_close, early, "{label}");
    }
    // An examination day: everything an hour later.
    let exam = session("XKRX", "2020-12-03");
    assert_eq!(hours(&calendar("XKRX"), "2020-12-03"), "10:00-16:30");
    assert_eq!((exam.early_close, exam.late_open), (false, true));
    let ashes = session("BVMF", "2026-02-18");
    assert_eq!((hours(&calendar("BVMF"), "2026-02-18"), ashes.late_open), ("13:00-18:00".to_owned(), true));
}

#[test]
fn trap_09_breaks_and_half_days_without_one() {
    let (tokyo, hong_kong) = (calendar("XTKS"), calendar("XHKG"));
    assert_eq!(hours(&tokyo, "2026-11-24"), "09:00-11:30 12:30-15:30");
    // Lunch is in the session.
    let lunch = tokyo.at(at("2026-11-24T03:00:00Z")).unwrap();
    assert_eq!(lunch.pause, Some((at("2026-11-24T02:30:00Z"), at("2026-11-24T03:30:00Z"))));
    let open = |time: &str| lunch.is_open(at(&format!("2026-11-24T{time}Z")));
    assert_eq!(
        ["00:00:00", "02:29:59", "02:30:00", "03:29:59", "03:30:00", "06:30:00"].map(open),
        [true, true, false, false, true, false]
    );
    assert_eq!(hours(&hong_kong, "2026-12-23"), "09:30-12:00 13:00-16:00");
    for half in ["2026-12-24", "2026-12-31"] {
        assert_eq!(hours(&hong_kong, half), "09:30-12:00");
        assert!(session("XHKG", half).early_close);
    }
    // Long ago there was a session till 12:30, and no break in it either.
    assert_eq!(hours(&hong_kong, "1996-12-24"), "10:00-12:30");
    assert_eq!(hours(&calendar("XKRX"), "1999-11-17"), "10:00-13:00 14:00-16:00");
}

#[test]
fn trap_10_a_weekend_is_no_holiday_and_may_have_a_session() {
    let bombay = calendar("XBOM");
    assert_eq!(hours(&bombay, "2025-02-01"), "09:15-15:30");
    assert_eq!(hours(&bombay, "2024-01-20"), "09:15-15:30");
    assert_eq!(bombay.day(day("2025-02-08")), Day::Off);
    assert!(!bombay.is_regular(day("2025-02-08")) && bombay.regular(day("2025-02-01")).is_none());
    let moscow = calendar("XMOS");
    let weekend = |label: &Date| label.weekday().to_monday_one_offset() > 5;
    let extra = moscow.sessions(moscow.first(), moscow.last()).filter(|session| weekend(&session.label));
    assert_eq!(extra.count(), 40);
    assert_eq!(moscow.next_label(day("2024-12-27")), Some(day("2024-12-28")));
}

#[test]
fn trap_11_what_is_announced_at_short_notice() {
    let before = calendar("XNYS");
    assert_eq!(before.day(day("2026-12-09")), Day::Session(session("XNYS", "2026-12-09")));
    let file = "override: nyse\nclosed_ad_hoc: {National Day of Mourning: [2026-12-09]}\n\
                early_close: {13:00: [2026-12-10]}\nreopened: [2025-01-09]\n";
    let after = good(&[("config/calendars/us.yaml", file)]).get("XNYS").unwrap();
    let mourning = closure(&after, "2026-12-09");
    assert_eq!(mourning.name.as_deref(), Some("National Day of Mourning"));
    assert!(mourning.ad_hoc);
    assert_eq!(mourning.would_close, at("2026-12-09T21:00:00Z"));
    assert_eq!(hours(&after, "2026-12-10"), "09:30-13:00");
    assert_eq!(after.source(day("2026-12-09")).text(), "config/calendars/us.yaml");
    assert_eq!(after.source(day("2026-12-11")).text(), "table");
    assert_eq!(after.shifted(day("2026-12-08"), 1), Some(day("2026-12-10")));
    // And the other way: what the table has as closed.
    assert_eq!(
        closure(&before, "2025-01-09").name.as_deref(),
        Some("National Day of Mourning for Jimmy Carter")
    );
    assert_eq!(hours(&after, "2025-01-09"), "09:30-16:00");
}

#[test]
fn trap_12_which_data_a_run_went_by_is_known() {
    let embedded = BOOK.version();
    assert!(embedded.starts_with("exchange_calendars 4.13.2, tzdata"), "{embedded}");
    let file = |text| [("/etc/sexton/calendars/us.yaml", text)];
    let one = usable(&file("override: XNYS\nclosed: {a: [2026-12-09]}\n")).version();
    let other = usable(&file("override: XNYS\nclosed: {a: [2026-12-10]}\n")).version();
    assert!(one.starts_with(&*embedded) && other.starts_with(&*embedded));
    assert!(one != other && one != embedded, "{one}");
    // The same file in a directory that is named another way is the same data.
    let moved = usable(&[("calendars/us.yaml", "override: XNYS\nclosed: {a: [2026-12-09]}\n")]).version();
    assert_eq!(one, moved);
}

#[test]
fn trap_13_beyond_its_end_a_table_says_nothing() {
    let shanghai = calendar("XSHG");
    assert_eq!(shanghai.last(), day("2026-12-31"));
    assert_eq!(shanghai.day(day("2027-01-04")), Day::Beyond);
    assert_eq!(shanghai.day(day("1990-12-02")), Day::Before);
    assert_eq!(shanghai.next_label(day("2026-12-31")), None);
    assert_eq!(shanghai.shifted(day("2026-12-30"), 2), None);
    assert_eq!(shanghai.first_after(at("2026-12-31T12:00:00Z")), None);
    assert_eq!(resolved("XSHG", "2026-12-31", "next_open"), "none");
    assert_eq!(resolved("XSHG", "2027-01-04", "16:30"), "none");
    // There may be sessions in between.
    assert_eq!(resolved("XSHG", "2027-03-01", "prev_close"), "none");
    assert_eq!(resolved("XSHG", "1990-11-01", "next_open"), "none");
    // The week and the year that begin in it end beyond, or with it.
    assert!(!shanghai.is_last_of(day("2026-12-31"), Period::Week));
    assert!(shanghai.is_last_of(day("2026-12-31"), Period::Year));
    // What has not been announced is marked.
    let hong_kong = calendar("XHKG");
    assert_eq!(hong_kong.announced_to(), day("2026-12-31"));
    assert!(!session("XHKG", "2026-12-31").projected);
    assert!(session("XHKG", "2027-01-04").projected);
    assert!(closure(&hong_kong, "2027-01-01").projected);
    // Whoever knows more says so.
    let longer = "override: XSHG\nto: 2027-12-31\nclosed: {New Year's Day: [2027-01-01]}\n";
    let longer = usable(&[("cn.yaml", longer)]).get("SSE").unwrap();
    assert_eq!(longer.next_label(day("2026-12-31")), Some(day("2027-01-04")));
    assert!(longer.session(day("2027-01-04")).unwrap().projected);
}

#[test]
fn trap_14_gaps_of_many_days() {
    for (code, last, next) in [
        ("ASEX", "2015-06-26", "2015-08-03"), // 38 days
        ("XSHG", "1999-02-09", "1999-03-01"),
        ("XBUE", "2002-01-04", "2002-01-17"),
        ("XMOS", "2010-12-30", "2011-01-11"),
    ] {
        let calendar = calendar(code);
        assert_eq!(calendar.next_label(day(last)), Some(day(next)), "{code}");
        assert_eq!(calendar.previous_label(day(next)), Some(day(last)), "{code}");
        assert_eq!(calendar.first_after(session(code, last).open).unwrap().label, day(next), "{code}");
    }
}

#[test]
fn trap_15_hours_are_those_of_the_date() {
    let tokyo = calendar("XTKS");
    assert_eq!(hours(&tokyo, "2024-11-01"), "09:00-11:30 12:30-15:00");
    assert_eq!(hours(&tokyo, "2024-11-05"), "09:00-11:30 12:30-15:30");
    assert_eq!(closure(&tokyo, "2024-11-04").would_close, at("2024-11-04T06:00:00Z"));
    let seoul = calendar("XKRX");
    let told = ["1994-06-01", "1996-06-03", "1999-06-01", "2010-06-01", "2020-06-01"]
        .map(|date| hours(&seoul, date));
    assert_eq!(
        told,
        [
            "09:40-11:40 13:20-15:20",
            "09:30-11:30 13:00-15:00",
            "09:00-12:00 13:00-15:00",
            "09:00-15:00",
            "09:00-15:30"
        ]
    );
    assert_eq!(seoul.new_weeks(day("1996-01-01"), day("2027-12-31")).len(), 3);
    let santiago = calendar("XSGO");
    assert_eq!(santiago.new_weeks(day("2025-01-01"), day("2025-12-31")).len(), 2);
}

#[test]
fn trap_16_so_many_sessions_on_are_counted_in_sessions() {
    let nyse = calendar("XNYS");
    let on = |label: &str, by| nyse.shifted(day(label), by).map(|date| date.to_string()).unwrap();
    assert_eq!(
        [on("2026-11-25", 1), on("2026-11-25", 2), on("2026-11-25", -1)],
        ["2026-11-27", "2026-11-30", "2026-11-24"]
    );
    // From a date without a session the next is one on, and the last is one back.
    assert_eq!(
        [on("2026-11-26", 1), on("2026-11-26", 2), on("2026-11-28", -1)],
        ["2026-11-27", "2026-11-30", "2026-11-27"]
    );
    assert_eq!(nyse.shifted(day("2026-11-26"), 0), None);
    assert_eq!(nyse.shifted(day("2026-11-25"), 0), Some(day("2026-11-25")));
    assert_eq!(resolved("XNYS", "2026-11-26", "close + 2 sessions"), "2026-11-30T21:00:00Z");
    // Where both are open.
    let both = own("code: both\nall_of: [XNYS, XLON]\n");
    assert_eq!(both.shifted(day("2026-05-22"), 1), Some(day("2026-05-26")));
    assert_eq!(both.shifted(day("2026-11-25"), 1), Some(day("2026-11-27")));
}

#[test]
fn trap_17_first_and_last_are_by_label_and_by_the_exchanges_week() {
    let check = |code: &str, label: &str, period, expected: (bool, bool)| {
        let calendar = calendar(code);
        let found = (calendar.is_first_of(day(label), period), calendar.is_last_of(day(label), period));
        assert_eq!(found, expected, "{code} {label} {period:?}");
    };
    // A Monday that is closed.
    check("XNYS", "2026-01-20", Period::Week, (true, false));
    check("XNYS", "2026-01-23", Period::Week, (false, true));
    // Weeks that begin on a Sunday, until they do not any more.
    check("XSAU", "2026-11-22", Period::Week, (true, false));
    check("XSAU", "2026-11-26", Period::Week, (false, true));
    check("XTAE", "2025-11-23", Period::Week, (true, false));
    check("XTAE", "2025-11-27", Period::Week, (false, true));
    check("XTAE", "2026-11-23", Period::Week, (true, false));
    check("XTAE", "2026-11-27", Period::Week, (false, true));
    // The last of November 2024 was a half day.
    check("XNYS", "2024-11-29", Period::Month, (false, true));
    assert!(session("XNYS", "2024-11-29").early_close);
    check("XNYS", "2026-10-01", Period::Quarter, (true, false));
    check("XNYS", "2026-10-01", Period::Year, (false, false));
    check("XNYS", "2026-01-02", Period::Year, (true, false));
    check("XNYS", "2026-12-31", Period::Quarter, (false, true));
    // What is no session is neither.
    check("XNYS", "2026-01-01", Period::Year, (false, false));
    assert_eq!(calendar("XNYS").nth_of_month(day("2026-11-27")), Some((19, 2)));
    assert_eq!(calendar("XNYS").nth_of_month(day("2026-11-26")), None);
    assert_eq!(calendar("XSAU").week_begins(day("2026-11-26")), jiff::civil::Weekday::Sunday);
}

#[test]
fn trap_18_a_slot_for_a_session_is_named_by_it_and_not_by_when_it_fires() {
    // Before the session opens, and after the next one has.
    assert_eq!(resolved("XNYS", "2026-11-23", "open - 45m"), "2026-11-23T13:45:00Z");
    assert_eq!(resolved("XNYS", "2026-11-23", "next_open - 90m"), "2026-11-24T13:00:00Z");
    assert_eq!(resolved("XNYS", "2026-11-23", "prev_close + 4h"), "2026-11-21T01:00:00Z");
    assert_eq!(resolved("XNYS", "2026-11-26", "prev_close"), "2026-11-25T21:00:00Z");
}

#[test]
fn trap_19_other_codes_in_any_case_and_what_they_are_not() {
    for (code, canonical) in [
        ("nasdaq", "XNYS"),
        ("Xnas", "XNYS"),
        ("hkex", "XHKG"),
        ("ICE", "IEPA"),
        ("OSE", "XOSL"),
        ("us_FUTURES", "us_futures"),
        ("24/7", "24/7"),
    ] {
        assert_eq!(BOOK.get(code).unwrap().code(), canonical);
    }
    assert!(calendar("XICE").name().contains("Iceland"), "{}", calendar("XICE").name());
    assert_eq!(calendar("XICE").timezone(), "Atlantic/Reykjavik");
    for (code, meant) in
        [("XNSE", None), ("XNYC", Some("XNYS")), ("NASDQ", Some("NASDAQ")), ("SIFMA_US", None)]
    {
        let unknown = BOOK.get(code).unwrap_err();
        assert_eq!(unknown.to_string(), format!("there is no calendar `{code}`"));
        if let Some(meant) = meant {
            assert_eq!(unknown.meant.as_deref(), Some(meant));
        }
    }
}

#[test]
fn trap_20_instants_are_made_of_labels_and_the_clock_again() {
    let book = good(&[("us.yaml", "override: XNYS\nclosed: {a: [2026-12-09]}\n")]);
    let old = book.get("XNYS").unwrap();
    let new = book.fresh().get("XNYS").unwrap();
    assert!(!std::sync::Arc::ptr_eq(&old, &new));
    let all = |calendar: &super::super::calendar::Calendar| {
        calendar.sessions(calendar.first(), calendar.last()).collect::<Vec<_>>()
    };
    assert_eq!(all(&old), all(&new));
    assert_eq!(book.fresh().version(), book.version());
    // Every zone is in the data that are built in, too.
    for code in BOOK.codes() {
        let zone = calendar(code).timezone().to_owned();
        assert!(jiff::tz::TimeZoneDatabase::bundled().get(&zone).is_ok(), "{code}: {zone}");
    }
}

#[test]
fn trap_21_the_open_and_the_close_are_those_of_the_continuous_trading() {
    assert_eq!(hours(&calendar("XTAE"), "2026-11-23"), "09:59-17:15");
    assert_eq!(hours(&calendar("XASX"), "2026-11-23"), "10:00-16:00");
    let odd = own("code: odd\ntimezone: UTC\nfrom: 2026-01-01\nto: 2026-12-31\n\
                   hours: [{days: mon, open: 09:29:30, close: 16:00:05}]\n");
    assert_eq!(odd.session(day("2026-11-23")).unwrap().open, at("2026-11-23T09:29:30Z"));
    let (_, report) = book(&[(
        "odd.yaml",
        "code: odd\ntimezone: UTC\nfrom: 2026-01-01\nto: 2026-12-31\n\
                                          hours: [{days: mon, open: 9:30, close: 24:00}]\n",
    )]);
    assert_eq!(report.iter().count(), 2);
}
