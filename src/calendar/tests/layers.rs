//! Files that change a calendar: what they may say of a date, what comes of it, and what they are told.

use super::super::session::Day;
use super::shelf::{at, book, closure, day, drawn, good, hours, messages, usable, warnings};

/// XNYS as one file changes it.
fn nyse(text: &str) -> std::sync::Arc<super::super::calendar::Calendar> {
    usable(&[("us.yaml", &format!("override: XNYS\n{text}"))]).get("XNYS").unwrap()
}

#[test]
fn every_key_changes_its_dates_and_no_other() {
    let book = good(&[(
        "us.yaml",
        "override: XNYS\n\
         closed: {Founders' Day: [2026-12-08]}\n\
         closed_ad_hoc: {Snow: [2026-12-09]}\n\
         reopened: {Special: [2026-11-26]}\n\
         early_close: {12:00: {Storm warning: [2026-12-10]}, 14:00: [2026-12-11]}\n\
         late_open: {10:30: [2026-12-11]}\n\
         session: {10:00-12:00 13:00-15:00: [2026-12-14]}\n\
         extra: {Test: [2026-12-12]}\n",
    )]);
    let nyse = book.get("XNYS").unwrap();
    assert_eq!(closure(&nyse, "2026-12-08").name.as_deref(), Some("Founders' Day"));
    assert!(!closure(&nyse, "2026-12-08").ad_hoc && closure(&nyse, "2026-12-09").ad_hoc);
    for (label, told, names) in [
        ("2026-11-26", "09:30-16:00", "Special"),
        ("2026-12-10", "09:30-12:00", "Storm warning"),
        ("2026-12-11", "10:30-14:00", ""),
        ("2026-12-12", "09:30-16:00", "Test"),
        ("2026-12-14", "10:00-12:00 13:00-15:00", ""),
        ("2026-12-15", "09:30-16:00", ""),
        ("2026-11-27", "09:30-13:00", "Day after Thanksgiving"),
    ] {
        assert_eq!(hours(&nyse, label), told, "{label}");
        let found = nyse.names(day(label)).join(", ");
        assert!(names.is_empty() == found.is_empty() && found.contains(names), "{label}: {found}");
    }
    let both = nyse.session(day("2026-12-11")).unwrap();
    assert!(both.early_close && both.late_open);
    assert_eq!(nyse.source(day("2026-12-15")).text(), "table");
    assert_eq!(nyse.source(day("2026-12-12")).text(), "us.yaml");
}

#[test]
fn hours_are_said_on_top_of_hours() {
    // The table closes at 13:00 that day.
    let late = nyse("late_open: {10:00: [2026-11-27]}\n");
    assert_eq!(hours(&late, "2026-11-27"), "10:00-13:00");
    let whole = nyse("session: {09:30-16:00: [2026-11-27]}\n");
    assert_eq!(hours(&whole, "2026-11-27"), "09:30-16:00");
    assert!(whole.is_regular(day("2026-11-27")));
    let opened = nyse("reopened: {It: [2026-12-25]}\nearly_close: {12:00: [2026-12-25]}\n");
    assert_eq!(hours(&opened, "2026-12-25"), "09:30-12:00");
    // A half day has lost its break, and with a later close has it again.
    let book = usable(&[("hk.yaml", "override: XHKG\nearly_close: {15:00: [2026-12-24]}\n")]);
    assert_eq!(hours(&book.get("XHKG").unwrap(), "2026-12-24"), "09:30-12:00 13:00-15:00");
    // An extra session has the hours of the weekday before it, and may have others.
    let friday = "override: XTAE\nextra: {Make-up: [2026-12-12]}\n";
    assert_eq!(hours(&usable(&[("il.yaml", friday)]).get("XTAE").unwrap(), "2026-12-12"), "09:59-13:50");
    let short = format!("{friday}early_close: {{12:00: [2026-12-12]}}\n");
    assert_eq!(hours(&usable(&[("il.yaml", &short)]).get("XTAE").unwrap(), "2026-12-12"), "09:59-12:00");
}

#[test]
fn an_extra_session_that_is_cancelled_is_closed_and_would_have_had_its_hours() {
    let book = usable(&[("in.yaml", "override: XBOM\nclosed_ad_hoc: {Cancelled: [2025-02-01]}\n")]);
    let cancelled = closure(&book.get("XBOM").unwrap(), "2025-02-01");
    assert_eq!(cancelled.would_close, at("2025-02-01T10:00:00Z"));
}

#[test]
fn later_files_win_by_date() {
    let files = [
        (
            "a.yaml",
            "override: XNYS\nclosed: {A: [2026-12-08, 2026-12-09]}\nearly_close: {12:00: [2026-12-10]}\n",
        ),
        ("b.yaml", "override: NYSE\nreopened: {B: [2026-12-09]}\nearly_close: {13:00: [2026-12-10]}\n"),
    ];
    let nyse = usable(&files).get("XNYS").unwrap();
    assert_eq!(closure(&nyse, "2026-12-08").name.as_deref(), Some("A"));
    assert_eq!(
        (hours(&nyse, "2026-12-09"), hours(&nyse, "2026-12-10")),
        ("09:30-16:00".into(), "09:30-13:00".into())
    );
    assert_eq!(nyse.source(day("2026-12-08")).text(), "a.yaml");
    assert_eq!(nyse.source(day("2026-12-09")).text(), "b.yaml");
    assert_eq!(
        warnings(&files),
        [
            "a.yaml: what is said of 2026-12-09 is overridden by b.yaml",
            "a.yaml: what is said of 2026-12-10 is overridden by b.yaml"
        ]
    );
    assert_eq!(usable(&files).files("nasdaq"), ["a.yaml", "b.yaml"]);
}

#[test]
fn the_ends_may_be_moved_and_the_last_file_counts() {
    let files = [
        ("a.yaml", "override: XSHG\nto: 2027-06-30\nannounced_to: 2027-06-30\n"),
        ("b.yaml", "override: XSHG\nto: 2027-12-31\nclosed: {New Year's Day: [2027-01-01]}\n"),
    ];
    let shanghai = usable(&files).get("XSHG").unwrap();
    assert_eq!((shanghai.last(), shanghai.announced_to()), (day("2027-12-31"), day("2027-06-30")));
    assert!(!shanghai.session(day("2027-06-30")).unwrap().projected);
    assert!(shanghai.session(day("2027-07-01")).unwrap().projected);
    assert_eq!(warnings(&files), ["a.yaml: `to` is said again by b.yaml"]);
    let shorter = nyse("to: 2026-12-31\n");
    assert_eq!(shorter.day(day("2027-01-04")), Day::Beyond);
    assert_eq!(shorter.announced_to(), day("2026-12-31"));
}

#[test]
fn years_without_a_word_of_their_holidays_are_a_mistake() {
    let nyse = |rest: &str| messages(&format!("override: XNYS\n{rest}\n"));
    let none = "nothing says on which days `XNYS` is closed in";
    assert_eq!(nyse("to: 2030-12-31"), [format!("{none} years from 2028 to 2030")]);
    // What is no regular holiday is no word of them; a name in one year is none of another.
    assert_eq!(nyse("to: 2028-12-31\nclosed_ad_hoc: [2028-03-01]"), [format!("{none} 2028")]);
    assert_eq!(nyse("to: 2029-12-31\nclosed: {Christmas: [2028-12-25]}"), [format!("{none} 2029")]);
    assert_eq!(nyse("to: 2030-12-31\nclosed: {Christmas: [2029-12-25]}"), [format!("{none} 2028 and 2030")]);
    let rule =
        "to: 2030-12-31\nclosed: {Christmas: {rule: december 25, observed: nearest_weekday, from: 2028}}";
    assert_eq!(nyse(rule), [""; 0]);
    // Two weeks that had none in some year either may have none.
    assert_eq!(nyse("to: 2028-01-14"), [""; 0]);
    assert_eq!(nyse("to: 2028-06-30"), [format!("{none} 2028")]);
    // Neither may what is never closed.
    assert_eq!(messages("override: 24/7\nto: 2030-12-31\n"), [""; 0]);
    let desk = messages("code: desk\nextends: XNYS\nto: 2028-12-31\n");
    assert_eq!(desk, ["nothing says on which days `desk` is closed in 2028"]);
    // Another file may say it.
    let files = [
        ("a.yaml", "override: XSHG\nto: 2027-12-31\n"),
        ("b.yaml", "override: XSHG\nclosed: {New Year's Day: [2027-01-01]}\n"),
    ];
    good(&files);
    insta::assert_snapshot!(drawn("override: XNYS\nto: 2030-12-31\n"), @r"
        error: nothing says on which days `XNYS` is closed in years from 2028 to 2030
         --> own.yaml:2:5
          |
        2 | to: 2030-12-31
          |     ^^^^^^^^^^ what is known ends 2027-12-31
          |
          = help: nothing is guessed: name the holidays under `closed`, as dates or as rules such as `december 25`, or let `to` be earlier
        ");
}

#[test]
fn what_is_said_in_vain_is_told() {
    for (text, told) in [
        ("closed: {Christmas: [2026-12-25]}", "`XNYS` is closed on 2026-12-25 already (Christmas)"),
        ("closed: [2026-12-25]", "`XNYS` is closed on 2026-12-25 already (Christmas)"),
        ("closed: [2026-12-26]", "2026-12-26 is a Saturday, on which `XNYS` has no session"),
        ("closed: [2029-12-26]", "2029-12-26 is outside of `XNYS`, which knows 1990-01-01 to 2027-12-31"),
        ("reopened: [2026-12-24]", "`XNYS` is not closed on 2026-12-24"),
        ("reopened: [2026-12-26]", "2026-12-26 is a Saturday, on which `XNYS` has no session"),
        ("extra: [2026-12-24]", "`XNYS` has a session on 2026-12-24 already"),
        ("extra: [2026-12-25]", "`XNYS` is closed on 2026-12-25 (Christmas), so this says nothing"),
        (
            "early_close: {13:00: [2026-11-27]}",
            "`XNYS` closes at 13:00 on 2026-11-27 already (Day after Thanksgiving)",
        ),
        (
            "early_close: {16:30: [2026-11-25]}",
            "on 2026-11-25 this is not before the regular close of `XNYS`, 16:00",
        ),
        (
            "early_close: {13:00: [2026-12-25]}",
            "`XNYS` is closed on 2026-12-25 (Christmas), so this says nothing",
        ),
        (
            "late_open: {09:00: [2026-11-25]}",
            "on 2026-11-25 this is not after the regular open of `XNYS`, 09:30",
        ),
        ("session: {09:30-16:00: [2026-11-25]}", "`XNYS` has these hours on 2026-11-25 already"),
        ("session: {09:30-16:00: [2026-11-28]}", "2026-11-28 is a Saturday, on which `XNYS` has no session"),
        // Of rules it is told once, and only if all of it is in vain.
        (
            "closed: {Christmas: {rule: december 25, observed: nearest_weekday}}",
            "`XNYS` is closed on 1990-12-25 already (Christmas)",
        ),
        ("closed: {Easter: easter}", "1990-04-15 is a Sunday, on which `XNYS` has no session"),
        ("closed: {New: {rule: may 1, from: 2028}}", "the rule names no date from 1990-01-01 to 2027-12-31"),
        (
            "early_close: {17:00: {Late: last friday of may}}",
            "on 1990-05-25 this is not before the regular close of `XNYS`, 16:00",
        ),
    ] {
        let text = format!("override: XNYS\n{text}\n");
        assert_eq!(warnings(&[("us.yaml", &text)]), [format!("us.yaml: {told}")], "{text}");
    }
    // A name for what had none says something; so does a rule of which some dates are new.
    let unnamed = "override: XBOM\nclosed_ad_hoc: {Strike: [1998-04-28]}\n";
    for text in [unnamed, "override: XNYS\nclosed: {May Day: may 1}\n"] {
        assert_eq!(warnings(&[("us.yaml", text)]), [""; 0], "{text}");
    }
    // What another file has said already.
    let twice = [
        ("a.yaml", "override: XNYS\nclosed: {A: [2026-12-09]}\n"),
        ("b.yaml", "override: XNYS\nclosed: [2026-12-09]\n"),
    ];
    assert_eq!(warnings(&twice), ["b.yaml: `XNYS` is closed on 2026-12-09 already (A)"]);
}

#[test]
fn what_says_again_that_a_date_is_closed_is_told_what_it_does() {
    let told = |text: &str| {
        let (_, report) = book(&[("us.yaml", &format!("override: XNYS\n{text}\n"))]);
        let told = report.iter().map(|(_, found)| format!("{}; {}", found.message, found.help.join("; ")));
        told.collect::<Vec<_>>().join("\n")
    };
    let thanksgiving = "`XNYS` is closed on 2026-11-26 already (Thanksgiving Day); the table says so; ";
    for text in
        ["closed: [2026-11-26]", "closed_ad_hoc: [2026-11-26]", "closed_ad_hoc: {Mourning: [2026-11-26]}"]
    {
        assert_eq!(told(text), format!("{thanksgiving}this can go"), "{text}");
        // And it is the holiday that it was.
        let closure = closure(&nyse(&format!("{text}\n")), "2026-11-26");
        assert_eq!((closure.name.as_deref(), closure.ad_hoc), (Some("Thanksgiving Day"), false), "{text}");
    }
    let text = "closed: {Turkey: [2026-11-26]}";
    assert_eq!(told(text), format!("{thanksgiving}all that this does is to call it `Turkey`"));
    assert_eq!(closure(&nyse(text), "2026-11-26").name.as_deref(), Some("Turkey"));
    let text = "closed: [2025-01-09]";
    assert_eq!(
        told(text),
        "`XNYS` is closed on 2025-01-09 already (National Day of Mourning for Jimmy Carter); \
         the table has it as closed ad hoc; this makes a holiday of it"
    );
    let changed = nyse(text);
    assert!(!closure(&changed, "2025-01-09").ad_hoc && !changed.names(day("2025-01-09")).is_empty());
    let hours = "on 2026-11-27 already (Day after Thanksgiving); the table says so; all that this does";
    for (text, what) in [
        ("early_close: {13:00: {Short: [2026-11-27]}}", "closes at 13:00"),
        ("session: {09:30-13:00: {Short: [2026-11-27]}}", "has these hours"),
    ] {
        assert_eq!(told(text), format!("`XNYS` {what} {hours} is to call it `Short`"), "{text}");
    }
    // Of a rule it is told once, if no date of it says more.
    let told = told("closed: {Xmas: {rule: december 25, observed: nearest_weekday}}");
    assert!(told.starts_with("`XNYS` is closed on 1990-12-25 already (Christmas)"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn what_is_odd_holds_all_the_same() {
    let nyse = nyse("early_close: {17:00: [2026-11-25]}\nlate_open: {09:00: [2026-11-24]}\n");
    assert_eq!(hours(&nyse, "2026-11-25"), "09:30-17:00");
    assert_eq!(hours(&nyse, "2026-11-24"), "09:00-16:00");
    let session = nyse.session(day("2026-11-25")).unwrap();
    assert!(!session.early_close && !session.late_open);
}
