//! What people are told of their calendar files: everything in one go, with its place and what was meant.

use super::shelf::{book, drawn, messages};

#[test]
fn all_mistakes_are_shown_with_their_places() {
    insta::assert_snapshot!(drawn(
        "code: desk\ntimezone: Europe/Lundon\nfrom: 2026-01-01\nto: 2025-12-31\nhours:\n  \
         - {days: mon-fry, open: 9:00, close: 17:00}\n  - {days: sat, open: 12:00, close: 10:00}\n\
         closed: {Christmas: [2026-13-25, third mondy of may]}\nearly_close: {24:00: [2026-12-24]}\nholidays: []\n"
    ), @r#"
        error: there is no time zone `Europe/Lundon`
         --> own.yaml:2:11
          |
        2 | timezone: Europe/Lundon
          |           ^^^^^^^^^^^^^ did you mean `Europe/London`?

        error: `to` is before `from`
         --> own.yaml:4:5
          |
        3 | from: 2026-01-01
          |       ---------- this is later
        4 | to: 2025-12-31
          |     ^^^^^^^^^^

        error: `fry` is no weekday
         --> own.yaml:6:16
          |
        6 |   - {days: mon-fry, open: 9:00, close: 17:00}
          |                ^^^ did you mean `fri`?

        error: `open`: not a time; write `09:30`, `-1d 17:00` for the evening before, or `+1d 00:00`
         --> own.yaml:6:27
          |
        6 |   - {days: mon-fry, open: 9:00, close: 17:00}
          |                           ^^^^

        error: open and close must come one after another, found 12:00-10:00
         --> own.yaml:7:5
          |
        7 |   - {days: sat, open: 12:00, close: 10:00}
          |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

        error: `2026-13-25` is no date
         --> own.yaml:8:22
          |
        8 | closed: {Christmas: [2026-13-25, third mondy of may]}
          |                      ^^^^^^^^^^
          |
          = help: write it as `2026-11-20`

        error: `mondy` is no weekday
         --> own.yaml:8:40
          |
        8 | closed: {Christmas: [2026-13-25, third mondy of may]}
          |                                        ^^^^^ did you mean `monday`?

        error: `24:00`: there is no such time of day; midnight at the end of a day is `+1d 00:00`
         --> own.yaml:9:15
          |
        9 | early_close: {24:00: [2026-12-24]}
          |               ^^^^^

        error: unknown key `holidays`
          --> own.yaml:10:1
           |
        10 | holidays: []
           | ^^^^^^^^
           |
           = help: the keys here are `code`, `override`, `name`, `aliases`, `timezone`, `from`, `to`, `announced_to`, `source`, `extends`, `all_of`, `any_of`, `hours`, `closed`, `closed_ad_hoc`, `early_close`, `late_open`, `session`, `extra` and `reopened`
        "#);
    insta::assert_snapshot!(drawn(
        "override: XNYZ\nclosed: {A: [2026-12-09, 2026-12-09], B: [2026-12-10]}\n\
         early_close: {13:00: [2026-12-10], 09:00: [2026-12-11]}\nhours: []\n"
    ), @r#"
        error: there is no calendar `XNYZ`
         --> own.yaml:1:11
          |
        1 | override: XNYZ
          |           ^^^^ did you mean `XNYS`?

        error: 2026-12-09 stands twice under `closed`
         --> own.yaml:2:26
          |
        2 | closed: {A: [2026-12-09, 2026-12-09], B: [2026-12-10]}
          |              ----------  ^^^^^^^^^^
          |              |
          |              first here

        error: 2026-12-10 stands under `closed` and under `early_close`
         --> own.yaml:3:23
          |
        2 | closed: {A: [2026-12-09, 2026-12-09], B: [2026-12-10]}
          |                                           ---------- first here
        3 | early_close: {13:00: [2026-12-10], 09:00: [2026-12-11]}
          |                       ^^^^^^^^^^

        error: an override has no `hours`
         --> own.yaml:4:8
          |
        4 | hours: []
          |        ^^
          |
          = help: a calendar of its own, with a `code`, may have one
        "#);
    insta::assert_snapshot!(drawn("override: XNYS\nearly_close: {09:00: [2026-12-11]}\n"), @r#"
        error: the session of 2026-12-11 would not open before it closes
         --> own.yaml:2:23
          |
        2 | early_close: {09:00: [2026-12-11]}
          |                       ^^^^^^^^^^
        "#);
    insta::assert_snapshot!(drawn("override: XNYS\nclosed: {Christmas: [2026-12-25], Snow: [2026-12-26]}\n"), @r#"
        warning: `XNYS` is closed on 2026-12-25 already (Christmas)
         --> own.yaml:2:22
          |
        2 | closed: {Christmas: [2026-12-25], Snow: [2026-12-26]}
          |                      ^^^^^^^^^^
          |
          = help: the table says so; this can go

        warning: 2026-12-26 is a Saturday, on which `XNYS` has no session
         --> own.yaml:2:42
          |
        2 | closed: {Christmas: [2026-12-25], Snow: [2026-12-26]}
          |                                          ^^^^^^^^^^
        "#);
}

#[test]
fn what_is_nearly_right_is_shown_as_it_should_be() {
    insta::assert_snapshot!(drawn(
        "override: XNYS\nclosed: [1st monday of march, 25 december, 3 days, 20261209]\nearly_close: [2026-12-31]\n"
    ), @r"
        error: `1st monday of march` is no date
         --> own.yaml:2:10
          |
        2 | closed: [1st monday of march, 25 december, 3 days, 20261209]
          |          ^^^^^^^^^^^^^^^^^^^ as a rule it is `first monday of march`

        error: `25 december` is no date
         --> own.yaml:2:31
          |
        2 | closed: [1st monday of march, 25 december, 3 days, 20261209]
          |                               ^^^^^^^^^^^ as a rule it is `december 25`

        error: `3 days` is no date
         --> own.yaml:2:44
          |
        2 | closed: [1st monday of march, 25 december, 3 days, 20261209]
          |                                            ^^^^^^
          |
          = help: write it as `2026-11-20`, or as a rule such as `first monday of march`

        error: `20261209` is no date
         --> own.yaml:2:52
          |
        2 | closed: [1st monday of march, 25 december, 3 days, 20261209]
          |                                                    ^^^^^^^^
          |
          = help: write it as `2026-11-20`

        error: expected times with the dates of each, found a list
         --> own.yaml:3:14
          |
        3 | early_close: [2026-12-31]
          |              ^^^^^^^^^^^^
          |
          = help: for example `early_close: {13:00: [2026-12-31]}`
        ");
}

#[test]
fn a_file_says_what_it_is() {
    for (text, message) in [
        ("", "a calendar is a mapping, found nothing"),
        ("[XNYS]", "a calendar is a mapping, found a list"),
        ("closed: [2026-12-09]", "the file names no calendar"),
        ("code: a\noverride: XNYS", "a file has a `code` or an `override`, not both"),
        ("code: a", "the calendar has no hours"),
        ("code: a\nextends: XNYS\nall_of: [XNYS, XLON]", "a calendar has `extends` or `all_of`, not both"),
        ("code: a\nall_of: [XNYS]", "`all_of` needs two calendars at least"),
        ("code: a b\nextends: XNYS", "`a b` is no code of a calendar"),
        ("override: XNYS\nname: It", "an override has no `name`"),
        ("code: a\nextends: XNYZ", "there is no calendar `XNYZ`"),
        ("code: a\nextends: A", "`a` is made of itself: a -> a"),
        ("code: XNYS\nextends: NASDAQ", "there is no calendar `NASDAQ`"),
        (
            "code: a\nextends: XNYS\nfrom: 1980-01-01",
            "`XNYS` begins 1990-01-01: what was before is not known",
        ),
        (
            "code: a\nall_of: [XNYS, XSHG]\nto: 2027-12-31",
            "`XSHG` ends 2026-12-31: what comes after is not known",
        ),
        ("override: XNYS\nto: 1980-12-31", "the calendar begins 1990-01-01, and cannot end before that"),
        ("override: XNYS\nto: 2990-12-31", "a calendar speaks of the years 1900 to 2199"),
        ("override: XNYS\nto: 2027-12-31\nannounced_to: 2028-12-31", "`announced_to` is after `to`"),
        ("override: XNYS\nclosed: {It: {observed: next_weekday}}", "the mapping has no `rule`"),
        ("override: XNYS\nclosed: [{rule: may 1, until: 2020, from: 2024}]", "`until` is before `from`"),
        ("override: XNYS\nearly_close: [2026-12-09]", "expected times with the dates of each, found a list"),
        (
            "override: XNYS\nclosed: {It: [2026-12-09]}\nextra: [2026-12-09]",
            "2026-12-09 stands under `closed` and under `extra`",
        ),
        (
            "override: XNYS\nsession: {09:00-08:00: [2026-12-09]}",
            "open, break and close must come one after another",
        ),
    ] {
        let found = messages(text);
        assert_eq!(found, [message], "{text}");
    }
}

#[test]
fn hours_say_all_that_they_need() {
    let of =
        |rest: &str| messages(&format!("code: a\ntimezone: UTC\nfrom: 2026-01-01\nto: 2026-12-31\n{rest}\n"));
    for (text, message) in [
        ("hours: {days: mon-fri}", "`hours` must be a list, found a mapping"),
        ("hours: []", "`hours` names no weekday"),
        ("hours: [{open: 09:00, close: 10:00}]", "the hours have no `days`"),
        ("hours: [{days: mon, close: 10:00}]", "the hours have no `open`"),
        (
            "hours: [{days: mon,tue, open: 09:00, close: 10:00}]",
            "inside `{}` a comma ends a text without quotes",
        ),
        ("hours: [{days: mon, open: 09:00, close: 10:00, brake: []}]", "unknown key `brake`"),
        (
            "hours: [{days: mon, open: 09:00, close: 10:00, break: [09:30]}]",
            "`break` is two times, such as `[11:30, 12:30]`",
        ),
        (
            "hours: [{days: mon, open: 09:00, close: 10:00, break: [09:30, 11:00]}]",
            "open, break and close must come one after another, found 09:00-09:30 11:00-10:00",
        ),
        (
            "hours: [{days: mon-wed, open: 09:00, close: 10:00}, {days: wed, open: 09:00, close: 10:00}]",
            "`wed` has hours already, from the same date",
        ),
        (
            "hours: [{from: 2026-06-01, days: mon, open: 09:00, close: 10:00}]",
            "there are no hours before 2026-06-01",
        ),
        (
            "hours: [{days: mon-fri, open: -1d 08:00, close: 17:00}]",
            "the session of 2026-01-02 begins before that of 2026-01-01 has ended",
        ),
        (
            "hours: [{days: mon, open: -9d 08:00, close: 17:00}]",
            "`open`: a time is at most 6 days from its session's date",
        ),
        (
            "hours: [{days: mon, open: 09:00, close: 24:00}]",
            "`close`: there is no such time of day; midnight at the end of a day is `+1d 00:00`",
        ),
        (
            "hours: [{days: mon, open: 09:00, close: 10:00}]\nreopened: [2026-12-07]",
            "a calendar with `hours` of its own closes nothing that could be `reopened`",
        ),
    ] {
        assert_eq!(of(text), [message], "{text}");
    }
    let nothing = messages("code: a\nhours: [{days: mon, open: 09:00, close: 10:00}]\n");
    assert_eq!(nothing.len(), 3, "{nothing:?}");
}

#[test]
fn codes_are_taken_once_and_nothing_is_made_of_itself() {
    let told = |files: &[(&str, &str)]| {
        let (_, report) = book(files);
        report.iter().map(|(file, found)| format!("{}: {}", file.path, found.message)).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&[("a.yaml", "code: desk\nextends: XNYS\n"), ("b.yaml", "code: DESK\nextends: XLON\n")]),
        ["b.yaml: the code `DESK` is taken by a.yaml"]
    );
    assert_eq!(
        told(&[
            ("a.yaml", "code: a\nextends: b\n"),
            ("b.yaml", "code: b\nall_of: [XNYS, c]\n"),
            ("c.yaml", "code: c\nextends: A\n")
        ]),
        [
            "a.yaml: `a` is made of itself: a -> b -> c -> a",
            "b.yaml: `b` is made of itself: b -> c -> a -> b",
            "c.yaml: `c` is made of itself: c -> a -> b -> c"
        ]
    );
    assert_eq!(
        told(&[
            ("a.yaml", "code: a\nextends: XNYS\naliases: [nyse, XLON, b]\n"),
            ("b.yaml", "code: b\nextends: XNYS\naliases: [a, B2]\n")
        ]),
        [
            "a.yaml: `nyse` means `XNYS` already",
            "a.yaml: `XLON` means `XLON` already",
            "a.yaml: `b` means `b` already",
            "b.yaml: `a` means `a` already"
        ]
    );
    assert_eq!(
        told(&[("a.yaml", "code: NASDAQ\nextends: XNYS\n")]),
        ["a.yaml: `NASDAQ` was another code of `XNYS`, and now means this"]
    );
    let chain: Vec<(String, String)> = (0..30)
        .map(|at| {
            (
                format!("{at}.yaml"),
                format!(
                    "code: c{at}\nextends: {}\n",
                    if at == 0 { "XNYS".to_owned() } else { format!("c{}", at - 1) }
                ),
            )
        })
        .collect();
    let chain: Vec<(&str, &str)> = chain.iter().map(|(path, text)| (&**path, &**text)).collect();
    assert!(
        told(&chain).contains(&"29.yaml: more than 16 calendars are made of each other in a row".to_owned())
    );
}

#[test]
fn sessions_that_run_into_each_other_are_shown_where_that_is_said() {
    let (_, report) = book(&[("us.yaml", "override: XNYS\nsession: {09:30-+1d 10:00: [2026-12-08]}\n")]);
    let found: Vec<_> =
        report.iter().map(|(_, found)| (found.message.clone(), found.primary.span.start)).collect();
    assert_eq!(
        found,
        [("the session of 2026-12-09 begins before that of 2026-12-08 has ended".to_owned(), 43)]
    );
}

#[test]
fn no_text_breaks_the_reader() {
    for text in [
        "code: [a]",
        "code: {}",
        "override:",
        "closed: ~",
        "code: a\nhours: [~]",
        "code: a\nhours: [[]]",
        "override: XNYS\nclosed: {~: [2026-12-09]}",
        "override: XNYS\nclosed: {'': [2026-12-09]}",
        "override: XNYS\nsession: {'': []}",
        "override: XNYS\nclosed: [[[]]]",
        "override: XNYS\nearly_close: {13:00: {A: {B: 1}}}",
        "code: é\nextends: XNYS",
        "override: XNYS\nclosed: [+02026-12-09]",
        "override: XNYS\nclosed: {rule: {a: b}}",
        "code: a\nany_of: {a: b}",
        "code: a\nall_of: [[a], {}]",
        "\u{0}",
        "override: XNYS\nclosed: *x",
    ] {
        messages(text);
    }
}
