//! Schedules by the sessions of exchanges: what a file says about them, and what is wrong with it.

use jiff::Timestamp;

use crate::pipeline::sessions_ahead;
use crate::schedule::definition::Schedule;
use crate::yaml::report::{Report, SourceFile};

use super::findings::{findings, messages, pipeline};

fn spelled(schedule: &str) -> String {
    let pipeline = pipeline(&format!("exec: run\nschedule: {schedule}\n"));
    let each = pipeline.timetable.schedules.iter().map(Schedule::spelled);
    each.collect::<Vec<_>>().join("; ")
}

#[test]
fn schedules_of_sessions_are_read() {
    for (schedule, text) in [
        ("{calendar: XNYS, at: close + 4h}", "XNYS at: close + 4h"),
        (
            "{calendar: nasdaq, at: open - 45m, days: first_of_month}",
            "XNYS at: open - 45m days: first_of_month",
        ),
        (
            "{calendar: XNYS, at: close, days: [mon-thu, early_closes]}",
            "XNYS at: close days: mon-thu, early_closes",
        ),
        (
            "{calendar: XNYS, at: next_open - 90m, days: 'nth(-2)_of_month'}",
            "XNYS at: next_open - 1h30m days: nth(-2)_of_month",
        ),
        ("{calendar: XNYS, at: close + 2 sessions}", "XNYS at: close + 2 sessions"),
        ("{calendar: XNYS, at: '16:30'}", "XNYS at: 16:30"),
        ("{calendar: XNYS, at: 16:30, timezone: Europe/London}", "XNYS at: 16:30 Europe/London"),
        ("{calendar: XNYS, every: 15m}", "XNYS every: 15m, between: [open, close]"),
        (
            "{calendar: 24/7, every: 1h, between: [open + 30m, 15:00]}",
            "24/7 every: 1h, between: [open + 30m, 15:00]",
        ),
        ("{calendar: {all_of: [XNYS, LSE]}, at: close + 1h}", "{all_of: [XNYS, XLON]} at: close + 1h"),
        ("{calendar: {any_of: [XNYS, XLON]}, at: open}", "{any_of: [XNYS, XLON]} at: open"),
        ("{cron: 30 21 * * 1-5, calendar: XNYS}", "30 21 * * 1-5 UTC calendar: XNYS"),
        (
            "{cron: 30 21 * * 1-5, timezone: America/New_York, calendar: XNYS, roll: next}",
            "30 21 * * 1-5 America/New_York calendar: XNYS roll: next",
        ),
        ("{cron: 30 21 * * 1-5, calendar: XNYS, roll: skip}", "30 21 * * 1-5 UTC calendar: XNYS"),
        (
            "[{name: a, calendar: XNYS, at: close}, {name: b, cron: 0 5 * * *}]",
            "XNYS at: close; 0 5 * * * UTC",
        ),
    ] {
        assert_eq!(spelled(schedule), text, "{schedule}");
    }
}

#[test]
fn a_session_schedule_lives_by_its_exchanges_clocks_and_a_pipeline_has_a_calendar() {
    let tokyo = pipeline("exec: run\ntimezone: Europe/London\nschedule: {calendar: XTKS, at: close}\n");
    assert_eq!(&*tokyo.timetable.schedules[0].timezone, "Asia/Tokyo");
    let place = tokyo.schedule_places[0];
    assert_eq!(&tokyo.source[place.start as usize..place.end as usize], "close");
    assert!(tokyo.calendar.is_none());
    let manual = pipeline("exec: run\ncalendar: jpx\n");
    assert_eq!(manual.calendar.unwrap().code(), "XTKS");
}

#[test]
fn calendars_that_do_not_exist_have_neighbours() {
    insta::assert_snapshot!(findings("exec: run\nschedule: {calendar: XNSY, at: close}\n"), @r"
    error: there is no calendar `XNSY`
     --> nightly.yaml:2:22
      |
    2 | schedule: {calendar: XNSY, at: close}
      |                      ^^^^ did you mean `XNYS`?
    ");
    insta::assert_snapshot!(findings("exec: run\ncalendar: nowhere at all\n"), @r"
    error: there is no calendar `nowhere at all`
     --> nightly.yaml:2:11
      |
    2 | calendar: nowhere at all
      |           ^^^^^^^^^^^^^^
      |
      = help: `sexton calendar list` shows them all
    ");
    insta::assert_snapshot!(findings("exec: run\nschedule: {calendar: {all_off: [XNYS]}, at: close}\n"), @r"
    error: unknown key `all_off` of `calendar`
     --> nightly.yaml:2:23
      |
    2 | schedule: {calendar: {all_off: [XNYS]}, at: close}
      |                       ^^^^^^^
      |
      = help: write `{all_of: [XNYS, XLON]}` for the dates on which all have a session, or `any_of`
    ");
    for (calendar, message) in [
        ("[XNYS]", "expected the code of a calendar, found a list"),
        ("{all_of: XNYS}", "`all_of` must be a list of calendars, found `XNYS`"),
        ("{all_of: []}", "`all_of` must be a list of calendars, found a list"),
        ("{all_of: [XNYS, NYSE]}", "`all_of` names XNYS twice"),
        (
            "{all_of: [XNYS], any_of: [XLON]}",
            "`calendar` must be a code, or one of `all_of` and `any_of`, found 2 keys",
        ),
        ("{any_of: [XNYS, [XLON]]}", "expected the code of a calendar, found a list"),
    ] {
        assert_eq!(
            messages(&format!("exec: run\nschedule: {{calendar: {calendar}, at: close}}\n")),
            [message]
        );
    }
}

#[test]
fn offsets_and_days_are_found_at_their_places() {
    insta::assert_snapshot!(findings("exec: run\nschedule: {calendar: XNYS, at: clsoe + 4h, days: [mon, first_of_moth]}\n"), @r"
    error: expected `open`, `close`, `next_open`, `prev_close` or a time, found `clsoe`
     --> nightly.yaml:2:32
      |
    2 | schedule: {calendar: XNYS, at: clsoe + 4h, days: [mon, first_of_moth]}
      |                                ^^^^^
      |
      = help: did you mean `close`?

    error: `first_of_moth` is no word of `days`
     --> nightly.yaml:2:56
      |
    2 | schedule: {calendar: XNYS, at: clsoe + 4h, days: [mon, first_of_moth]}
      |                                                        ^^^^^^^^^^^^^
      |
      = help: did you mean `first_of_month`?
    ");
    insta::assert_snapshot!(findings("exec: run\nschedule: {calendar: XNYS, every: 15m, between: [open, close + 4 hours]}\n"), @r"
    error: not a duration; write `90s`, `10m`, `4h`, `1d` or `1h30m`
     --> nightly.yaml:2:64
      |
    2 | schedule: {calendar: XNYS, every: 15m, between: [open, close + 4 hours]}
      |                                                                ^^^^^^^
      |
      = help: for example `close + 4h`, `open - 45m`, `close + 2 sessions` or `16:30`
    ");
    for (keys, found) in [
        ("at: [open]", vec!["`at` must be a text, found a list"]),
        ("every: 0s", vec!["`every` must be longer than `0s`"]),
        ("every: 15m, between: open", vec!["`between` must be a list of two, found `open`"]),
        ("every: 15m, between: [open]", vec!["`between` must be a list of two, found a list"]),
        (
            "every: 15m, between: [open, {}]",
            vec!["`between` must hold offsets such as `open + 30m`, found a mapping"],
        ),
        ("at: close, days: []", vec!["`days` names nothing"]),
        ("at: close, days: {mon: 1}", vec!["`days` must be a text or a list of texts, found a mapping"]),
    ] {
        assert_eq!(messages(&format!("exec: run\nschedule: {{calendar: XNYS, {keys}}}\n")), found, "{keys}");
    }
}

#[test]
fn keys_that_do_not_go_together_are_told() {
    insta::assert_snapshot!(findings("exec: run\nschedule: {calendar: XNYS, at: close, timezone: UTC}\n"), @r"
    error: sessions are by the clocks of their exchange, America/New_York
     --> nightly.yaml:2:49
      |
    2 | schedule: {calendar: XNYS, at: close, timezone: UTC}
      |                                                 ^^^
      |
      = help: leave `timezone` out; only a time of day, as in `at: 16:30`, may have one of its own
    ");
    for (schedule, found) in [
        ("{calendar: XNYS}", vec!["the schedule has a `calendar`, and no time"]),
        ("{at: close}", vec!["`at` needs a `calendar`"]),
        ("{every: 15m}", vec!["`every` needs a `calendar`"]),
        ("{calendar: XNYS, at: close, every: 15m}", vec!["the schedule has both `at` and `every`"]),
        (
            "{calendar: XNYS, at: close, between: [open, close]}",
            vec!["`between` says nothing without `every`"],
        ),
        ("{calendar: XNYS, at: close, dst: {gap: skip}}", vec!["`dst` is for `cron` lines"]),
        ("{calendar: XNYS, at: close, roll: next}", vec!["`roll` is for a `cron` line with a `calendar`"]),
        (
            "{cron: 0 5 * * *, roll: next}",
            vec!["`roll` needs a `calendar`: without one there is no date to be moved"],
        ),
        (
            "{cron: 0 5 * * *, calendar: XNYS, roll: forth}",
            vec!["`roll` must be one of `skip`, `previous` and `next`, found `forth`"],
        ),
        (
            "{cron: 0 5 * * *, calendar: XNYS, at: close, days: mon}",
            vec![
                "`at` is for sessions, and `cron` says when already",
                "`days` is for sessions, and `cron` says when already",
            ],
        ),
        ("{cron: '@reboot', calendar: XNYS}", vec!["`calendar` means nothing beside `@reboot`"]),
    ] {
        assert_eq!(messages(&format!("exec: run\nschedule: {schedule}\n")), found, "{schedule}");
    }
    let two = "exec: run\nschedule: [{calendar: XNYS, at: close}, {name: b, calendar: XNYS, at: open}]\n";
    assert_eq!(messages(two), ["where there are two, each schedule needs a `name`"]);
}

#[test]
fn ends_that_stand_the_wrong_way_round_are_a_mistake() {
    let told = |between: &str| {
        findings(&format!("exec: run\nschedule: {{calendar: XNYS, every: 15m, between: [{between}]}}\n"))
    };
    insta::assert_snapshot!(told("close, open"), @r"
    error: `between` ends before it begins: `close` is at 2027-12-31 16:00:00 EST, and `open` at 09:30:00 EST
     --> nightly.yaml:2:49
      |
    2 | schedule: {calendar: XNYS, every: 15m, between: [close, open]}
      |                                                 ^^^^^^^^^^^^^
      |
      = help: the earlier one stands first, as in `[open, close]`
    ");
    for between in ["16:00, 10:00", "open + 8h, close", "next_open, close", "open + 2h, open + 1h"] {
        assert!(told(between).contains("`between` ends before it begins"), "{between}");
    }
    // On a short day alone there may be nothing between them.
    for between in ["open, open", "15:00, close", "close, next_open", "prev_close, open"] {
        assert_eq!(told(between), "", "{between}");
    }
}

#[test]
fn what_is_no_cron_line_but_a_time_of_a_session_is_told_so() {
    insta::assert_snapshot!(findings("exec: run\nschedule: close + 4h\n"), @r"
    error: `close + 4h` is a time of a session, and no cron line
     --> nightly.yaml:2:11
      |
    2 | schedule: close + 4h
      |           ^^^^^^^^^^
      |
      = help: say of which exchange: `{calendar: XNYS, at: close + 4h}`
    ");
    let time = findings("exec: run\nschedule: 16:30\n");
    assert!(time.contains("`{calendar: XNYS, at: 16:30}`"), "{time}");
    assert!(time.contains("as a cron line it is `30 16 * * *`"), "{time}");
}

#[test]
fn a_date_that_never_comes_never_comes_on_a_session_either() {
    for cron in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        let found = messages(&format!("exec: run\nschedule: {{cron: \"{cron}\", calendar: XNYS}}\n"));
        assert_eq!(found, [format!("`{cron}` never fires")]);
    }
}

/// What `check` says at an instant.
fn ahead(text: &str, now: &str) -> String {
    let pipeline = pipeline(&format!("exec: run\nschedule: {text}\n"));
    let now: Timestamp = now.parse().unwrap();
    let mut report = Report::default();
    let file = SourceFile::new("nightly.yaml", pipeline.source.clone());
    report.add(&file, sessions_ahead::findings(&pipeline, now));
    report.render(false)
}

#[test]
fn what_no_session_is_like_never_fires() {
    let now = "2026-10-21T00:00:00Z";
    for schedule in [
        "{calendar: XNYS, at: close, days: sat}",
        "{calendar: XNYS, at: close, days: nth(24)_of_month}",
        "{cron: 0 9 * * sat, calendar: XNYS}",
    ] {
        let found = ahead(schedule, now);
        assert!(
            found.starts_with("error: the schedule never fires: no date of XNYS from 1990-01-01"),
            "{found}"
        );
    }
    // It may have one some day.
    let found = ahead("{calendar: 24/7, at: close, days: holidays}", now);
    assert!(found.starts_with("warning: the schedule never fires"), "{found}");
    // It is rare, and rolls.
    assert_eq!(ahead("{cron: 0 9 * * sat, calendar: XNYS, roll: previous}", now), "");
}

#[test]
fn the_end_of_a_calendar_is_told_sixty_days_before() {
    let shanghai = "{calendar: XSHG, at: close}";
    assert_eq!(ahead(shanghai, "2026-10-31T12:00:00Z"), "");
    insta::assert_snapshot!(ahead(shanghai, "2026-11-02T00:00:00Z"), @r"
    warning: XSHG ends in 59 days, 2026-12-31
     --> nightly.yaml:2:32
      |
    2 | schedule: {calendar: XSHG, at: close}
      |                                ^^^^^ there is no slot after that
      |
      = help: a newer sexton may have more of it, and a file in `calendars/` may say `to` and what is known
    ");
    insta::assert_snapshot!(ahead(shanghai, "2026-12-31T12:00:00Z"), @r"
    error: calendar exhausted: XSHG ends 2026-12-31
     --> nightly.yaml:2:32
      |
    2 | schedule: {calendar: XSHG, at: close}
      |                                ^^^^^ there is no slot any more
      |
      = help: a newer sexton may have more of it, and a file in `calendars/` may say `to` and what is known
    ");
    assert!(
        ahead("{cron: 0 9 * * *, calendar: XSHG}", "2027-03-01T00:00:00Z").contains("calendar exhausted")
    );
    assert!(ahead("{calendar: XSHG, at: close}\nend_date: 2026-12-31", "2026-12-01T00:00:00Z").is_empty());
    assert!(
        ahead("{calendar: XSHG, at: close}", "2026-12-31T00:00:00Z").contains("XSHG ends today, 2026-12-31")
    );
}

#[test]
fn a_time_on_the_other_side_of_a_short_day_is_told() {
    insta::assert_snapshot!(ahead("{calendar: XNYS, at: close - 5h}", "2026-11-21T00:00:00Z"), @r"
    warning: on 2026-11-27, `close - 5h` is at 2026-11-27 08:00:00 EST, before the open at 09:30:00 EST: early close (Day after Thanksgiving)
     --> nightly.yaml:2:32
      |
    2 | schedule: {calendar: XNYS, at: close - 5h}
      |                                ^^^^^^^^^^
      |
      = help: count from the other end, or leave short days to a schedule of their own, `days: early_closes`
    ");
    let after = ahead("{calendar: XNYS, at: open + 5h}", "2026-11-21T00:00:00Z");
    assert!(
        after.contains("`open + 5h` is at 2026-11-27 14:30:00 EST, after the close at 13:00:00 EST"),
        "{after}"
    );
    // What is so on every day is meant, and what is on the days that are left out is not met.
    for meant in ["at: close - 10h", "at: close - 3h", "at: close + 4h", "at: close - 5h, days: mon-thu"] {
        let now = if meant.contains("days") { "2027-01-01T00:00:00Z" } else { "2026-11-21T00:00:00Z" };
        assert_eq!(ahead(&format!("{{calendar: XNYS, {meant}}}"), now), "", "{meant}");
    }
}
