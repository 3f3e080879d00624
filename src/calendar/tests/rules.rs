//! Rules: the dates that they name are those of the exchanges' own tables.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::super::rule::Yearly;
use super::shelf::{calendar, day, own};

/// The closures of a calendar that have this name.
fn closed(code: &str, name: &str, from: &str) -> BTreeSet<Date> {
    let calendar = calendar(code);
    let dates = day(from).series(jiff::Span::new().days(1)).take_while(|date| *date <= calendar.last());
    dates.filter(|date| calendar.names(*date).iter().any(|known| **known == *name)).collect()
}

/// The dates that a rule closes in a calendar of every weekday from 1990 to 2027.
fn ruled(rule: &str, from: &str) -> BTreeSet<Date> {
    let own = own(&format!(
        "code: ruled\ntimezone: UTC\nfrom: {from}\nto: 2027-12-31\n\
         hours: [{{days: mon-fri, open: 09:00, close: 17:00}}]\nclosed: {{it: {rule}}}\n"
    ));
    let dates = day(from).series(jiff::Span::new().days(1)).take_while(|date| *date <= own.last());
    dates.filter(|date| !own.names(*date).is_empty()).collect()
}

#[test]
fn rules_name_the_dates_that_exchanges_keep() {
    for (code, name, rule, from) in [
        ("XNYS", "Martin Luther King Jr. Day", "third monday of january", "1998-01-01"),
        ("XNYS", "Washington's Birthday", "third monday of february", "1990-01-01"),
        ("XNYS", "Good Friday", "easter - 2", "1990-01-01"),
        ("XNYS", "Memorial Day", "last monday of may", "1990-01-01"),
        ("XNYS", "Independence Day", "{rule: july 4, observed: nearest_weekday}", "1990-01-01"),
        ("XNYS", "Labor Day", "first monday of september", "1990-01-01"),
        ("XNYS", "Thanksgiving Day", "Fourth Thursday of November", "1990-01-01"),
        ("XNYS", "Christmas", "{rule: december 25, observed: nearest_weekday}", "1990-01-01"),
        ("XLON", "Easter Monday", "easter + 1", "1990-01-01"),
        ("ASEX", "Clean Monday", "orthodox_easter - 48", "1990-01-01"),
        ("ASEX", "Whit Monday", "orthodox_easter + 50", "1990-01-01"),
    ] {
        assert_eq!(ruled(rule, from), closed(code, name, from), "{code} {name}");
    }
}

#[test]
fn a_rule_holds_from_and_until_and_is_kept_elsewhere() {
    let dates = |rule: &str| ruled(rule, "2020-01-01").iter().map(ToString::to_string).collect::<Vec<_>>();
    // 1 January 2022 was a Saturday, 1 January 2023 a Sunday.
    assert_eq!(dates("{rule: january 1, from: 2022, until: 2024}"), ["2024-01-01"]);
    let kept = |observed: &str| {
        dates(&format!("{{rule: january 1, observed: {observed}, from: 2022, until: 2024}}"))
    };
    assert_eq!(kept("nearest_weekday"), ["2021-12-31", "2023-01-02", "2024-01-01"]);
    assert_eq!(kept("next_weekday"), ["2022-01-03", "2023-01-02", "2024-01-01"]);
    assert_eq!(kept("previous_weekday"), ["2021-12-31", "2022-12-30", "2024-01-01"]);
    assert_eq!(dates("{rule: february 29}"), ["2024-02-29"]);
    assert_eq!(dates("{rule: fifth friday of october, until: 2024-12-31}"), ["2020-10-30", "2021-10-29"]);
    assert_eq!(dates("[2024-05-02, easter + 1, {rule: may 1, from: 2026}]").len(), 10);
    // Weekdays are the exchange's: in Riyadh Friday and Saturday are the weekend.
    let riyadh = own(
        "code: riyadh\nextends: XSAU\nclosed: {it: {rule: april 17, observed: nearest_weekday, from: 2026, until: 2026}}\n",
    );
    assert_eq!(riyadh.names(day("2026-04-16")).len(), 1);
}

#[test]
fn easter_is_when_it_is() {
    let easters = |text: &str, years: &[i16]| {
        let easter = Yearly::parse(text).unwrap();
        years.iter().map(|year| easter.date(*year).unwrap().strftime("%m-%d").to_string()).collect::<Vec<_>>()
    };
    // The earliest, the latest, and some that rules of thumb get wrong.
    let western = easters("easter", &[1818, 2038, 1954, 1981, 2000, 2024, 2285]);
    assert_eq!(western, ["03-22", "04-25", "04-18", "04-19", "04-23", "03-31", "03-22"]);
    let orthodox = easters("orthodox_easter", &[1983, 2008, 2010, 2024, 2026, 2099, 2100]);
    assert_eq!(orthodox, ["05-08", "04-27", "04-04", "05-05", "04-12", "04-12", "05-02"]);
}

#[test]
fn what_is_no_rule_says_what_was_meant() {
    for (text, message, meant) in [
        ("januray 1", "`januray` is no month", Some("january")),
        ("february 30", "february has no such day", None),
        ("third Mondy of january", "`mondy` is no weekday", Some("monday")),
        ("thrid monday of january", "`thrid` is no ordinal", Some("third")),
        ("eastern - 2", "`eastern` is no feast", Some("easter")),
        ("easter - 500", "expected a number of days, at most 180", None),
        ("easter - x", "expected a number of days, at most 180", None),
        ("the day after tomorrow", "not a date and not a rule for dates", None),
        ("easter monday", "`easter` is no month", None),
    ] {
        let error = Yearly::parse(text).unwrap_err();
        assert_eq!((&*error.message, error.meant), (message, meant), "{text}");
        assert!(error.word.is_none_or(|word| text.to_lowercase().contains(&word)), "{text}");
    }
}
