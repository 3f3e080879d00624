//! The findings about sessions, calendars and the run, as people see them.

use super::findings::{findings, pipeline};

#[test]
fn a_session_without_a_calendar() {
    let text = "schedule: 0 6 * * *
exec: run
when: session.is_session
";
    insta::assert_snapshot!(findings(text), @r#"
    error: no calendar: give the schedule or the pipeline a `calendar:`
     --> nightly.yaml:3:7
      |
    3 | when: session.is_session
      |       ^^^^^^^
    "#);
}

#[test]
fn a_schedule_without_a_calendar_beside_one_with() {
    let text = "schedule:
  - {name: nightly, calendar: XNYS, at: close + 4h}
  - {name: sunday, cron: 0 6 * * sun}
exec: run
when: session.is_session
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the schedule `sunday` has no calendar: give it or the pipeline a `calendar:`
     --> nightly.yaml:5:7
      |
    5 | when: session.is_session
      |       ^^^^^^^
    "#);
}

#[test]
fn a_session_by_calendars_that_a_run_by_hand_cannot_choose_from() {
    let text = "schedule:
  - {name: ny, calendar: XNYS, at: close + 4h}
  - {name: london, calendar: XLON, at: close + 4h}
exec: run
when: session.is_session
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the schedules go by `XLON` and `XNYS`, so a run by hand has no calendar: give the pipeline a `calendar:`
     --> nightly.yaml:5:7
      |
    5 | when: session.is_session
      |       ^^^^^^^
    "#);
    pipeline(&text.replace("exec:", "calendar: XLON\nexec:"));
    pipeline(&text.replace("session.is_session", "calendar('XNYS').is_session(ds)"));
}

#[test]
fn a_session_by_whichever_calendar_there_is() {
    for head in [
        "schedule: {calendar: XNYS, at: close + 4h}",
        "schedule: {calendar: XNYS, cron: 30 21 * * *}",
        "schedule: [{name: a, calendar: XNYS, at: close}, {name: b, calendar: XNYS, cron: 0 6 * * *}]",
        "calendar: XNYS",
        "calendar: XNYS\nschedule: 0 6 * * *",
        "calendar: XNYS\nschedule: [{name: a, calendar: XLON, at: close}, {name: b, cron: 0 6 * * sun}]",
    ] {
        pipeline(&format!("{head}\nexec: run {{{{ session.label }}}}\nwhen: session.next.is_early_close\n"));
    }
}

#[test]
fn a_calendar_with_a_mistake_is_one_finding() {
    let text = "calendar: XNYZ
exec: run
when: session.is_session
";
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no calendar `XNYZ`
     --> nightly.yaml:1:11
      |
    1 | calendar: XNYZ
      |           ^^^^ did you mean `XNYS`?
    "#);
    let text = "schedule: {calendar: XNYS, at: clos}
exec: run
when: session.is_session
";
    insta::assert_snapshot!(findings(text), @r#"
    error: expected `open`, `close`, `next_open`, `prev_close` or a time, found `clos`
     --> nightly.yaml:1:32
      |
    1 | schedule: {calendar: XNYS, at: clos}
      |                                ^^^^
      |
      = help: did you mean `close`?
    "#);
}

#[test]
fn mistakes_about_sessions() {
    let text = r#"calendar: XNYS
serial:
  a: {exec: run, when: session.is_last_of_mont}
  b: {exec: run, when: session}
  c: {exec: run, when: session.previous.label == "2026-11-25"}
  d: {exec: run, when: session.next == logical_date}
  e: run {{ session.close.hours }}
  f: run {{ session.shift("x") }} {{ session.shift }} {{ session.open() }}
  g: run {{ session.holiday_name }}
  h: {exec: run, when: session.is_closed and session.names}
  i: run {{ session + 1 }}
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown attribute `is_last_of_mont`
     --> nightly.yaml:3:24
      |
    3 |   a: {exec: run, when: session.is_last_of_mont}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^ did you mean `is_last_of_month`?

    error: `when` must be true or false, and this is a session
     --> nightly.yaml:4:24
      |
    4 |   b: {exec: run, when: session}
      |                        ^^^^^^^
      |
      = help: ask it, as in `session.is_session`

    error: a date is compared with a text
     --> nightly.yaml:5:24
      |
    5 |   c: {exec: run, when: session.previous.label == "2026-11-25"}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: make a date of a text: `date("2026-11-27")`; `ds` is the logical date as text

    error: a session is compared with a date
     --> nightly.yaml:6:24
      |
    6 |   d: {exec: run, when: session.next == logical_date}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: the date of a session is its `.label`

    error: unknown attribute `hours`
     --> nightly.yaml:7:13
      |
    7 |   e: run {{ session.close.hours }}
      |             ^^^^^^^^^^^^^^^^^^^ did you mean `hour`?

    error: expected a whole number
     --> nightly.yaml:8:27
      |
    8 |   f: run {{ session.shift("x") }} {{ session.shift }} {{ session.open() }}
      |                           ^^^

    error: `shift` is called: `shift(…)`
     --> nightly.yaml:8:38
      |
    8 |   f: run {{ session.shift("x") }} {{ session.shift }} {{ session.open() }}
      |                                      ^^^^^^^^^^^^^

    error: `open` is not called: leave out the brackets
     --> nightly.yaml:8:58
      |
    8 |   f: run {{ session.shift("x") }} {{ session.shift }} {{ session.open() }}
      |                                                          ^^^^^^^^^^^^^^

    warning: a holiday's name becomes part of a shell line as it is
     --> nightly.yaml:9:13
      |
    9 |   g: run {{ session.holiday_name }}
      |             ^^^^^^^^^^^^^^^^^^^^
      |
      = help: it may hold an apostrophe: add `| shquote`

    error: a session has no `+`
      --> nightly.yaml:11:13
       |
    11 |   i: run {{ session + 1 }}
       |             ^^^^^^^^^^^
       |
       = help: `session.shift(1)` is the next one, and `session.shift(-1)` the one before
    "#);
}

#[test]
fn mistakes_about_calendars() {
    let text = r#"serial:
  a: {exec: run, when: calendar("XLONN").is_session(ds)}
  b: {exec: run, when: calendar("nowhere").is_session(ds)}
  c: {exec: run, when: calendar("XLON").is_session("2026-11-31")}
  d: {exec: run, when: calendar("XLON").is_session()}
  e: {exec: run, when: calendar("XLON").is_sesion(ds)}
  f: {exec: run, when: calendar("XLON")}
  g: {exec: run, when: calendar.is_session(ds)}
  h: run {{ calendar("XLON").session(ds).lable }}
  i: {exec: run, when: calendar("nyse").is_session(data_interval_end)}
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no calendar `XLONN`
     --> nightly.yaml:2:33
      |
    2 |   a: {exec: run, when: calendar("XLONN").is_session(ds)}
      |                                 ^^^^^^^ did you mean `XLON`?

    error: there is no calendar `nowhere`
     --> nightly.yaml:3:33
      |
    3 |   b: {exec: run, when: calendar("nowhere").is_session(ds)}
      |                                 ^^^^^^^^^
      |
      = help: `sexton calendar list` shows those there are

    error: `2026-11-31` is no date; one is written like `2026-11-27`
     --> nightly.yaml:4:52
      |
    4 |   c: {exec: run, when: calendar("XLON").is_session("2026-11-31")}
      |                                                    ^^^^^^^^^^^^

    error: `is_session` takes a date: `ds`, or `"2026-11-27"`
     --> nightly.yaml:5:24
      |
    5 |   d: {exec: run, when: calendar("XLON").is_session()}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

    error: unknown method `is_sesion`
     --> nightly.yaml:6:24
      |
    6 |   e: {exec: run, when: calendar("XLON").is_sesion(ds)}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `is_session`?

    error: `when` must be true or false, and this is a calendar
     --> nightly.yaml:7:24
      |
    7 |   f: {exec: run, when: calendar("XLON")}
      |                        ^^^^^^^^^^^^^^^^
      |
      = help: ask it, as in `calendar("XLON").is_session(ds)`

    error: `calendar` is a function; call it: `calendar(…)`
     --> nightly.yaml:8:24
      |
    8 |   g: {exec: run, when: calendar.is_session(ds)}
      |                        ^^^^^^^^

    error: unknown attribute `lable`
     --> nightly.yaml:9:13
      |
    9 |   h: run {{ calendar("XLON").session(ds).lable }}
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `label`?

    error: an instant is no date: say `.date` behind it
      --> nightly.yaml:10:52
       |
    10 |   i: {exec: run, when: calendar("nyse").is_session(data_interval_end)}
       |                                                    ^^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn mistakes_about_the_run() {
    let text = "serial:
  a: {exec: run, when: run.is_lattest}
  b: {exec: run, when: run}
  c: {exec: run, when: run == 17}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown attribute `is_lattest`
     --> nightly.yaml:2:24
      |
    2 |   a: {exec: run, when: run.is_lattest}
      |                        ^^^^^^^^^^^^^^ did you mean `is_latest`?

    error: `when` must be true or false, and this is the run
     --> nightly.yaml:3:24
      |
    3 |   b: {exec: run, when: run}
      |                        ^^^
      |
      = help: ask it, as in `run.is_latest`

    error: the run is compared with a number
     --> nightly.yaml:4:24
      |
    4 |   c: {exec: run, when: run == 17}
      |                        ^^^^^^^^^
      |
      = help: its number is `run.id`, a text
    "#);
}
