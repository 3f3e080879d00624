//! The findings about schedules, as people see them.

use super::findings::{findings, messages};

#[test]
fn a_cron_line_without_quotes() {
    insta::assert_snapshot!(findings("exec: run\nschedule: * * * * *\n"), @r#"
    error: a plain text cannot start with `*`
     --> nightly.yaml:2:11
      |
    2 | schedule: * * * * *
      |           ^^^^^^^^^ YAML reads this as an alias
      |
      = help: quote the cron line: schedule: "* * * * *"
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: {cron: */5 3 * * *, timezone: UTC}  # often\n"), @r#"
    error: a plain text cannot start with `*`
     --> nightly.yaml:2:18
      |
    2 | schedule: {cron: */5 3 * * *, timezone: UTC}  # often
      |                  ^^^^^^^^^^^ YAML reads this as an alias
      |
      = help: quote the cron line: cron: "*/5 3 * * *"
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: @daily\n"), @r#"
    error: a plain text cannot start with `@`
     --> nightly.yaml:2:11
      |
    2 | schedule: @daily
      |           ^^^^^^
      |
      = help: quote the cron line: schedule: "@daily"
    "#);
    let cut = "exec: run\nschedule: {cron: 0 9,13,17 * * 1-5, timezone: UTC}\n";
    insta::assert_snapshot!(findings(cut), @r#"
    error: inside `{}` a comma ends a text without quotes
     --> nightly.yaml:2:18
      |
    2 | schedule: {cron: 0 9,13,17 * * 1-5, timezone: UTC}
      |                  ^^^^^^^^^^^^^^^^^
      |
      = help: quote the cron line: cron: "0 9,13,17 * * 1-5"
    "#);
    for (line, quoted) in [
        ("schedule: *", "schedule: \"*\""),
        ("schedule: *,5 1 2 3 4 # x", "schedule: \"*,5 1 2 3 4\""),
        ("schedule: {name: a, cron: @daily}", "cron: \"@daily\""),
        (
            "schedule:\n- {cron: '0 5 * * *', name: a}\n- {name: b, cron: */2 1 * * *}",
            "cron: \"*/2 1 * * *\"",
        ),
    ] {
        let found = findings(&format!("exec: run\n{line}\n"));
        let help = format!("help: quote the cron line: {quoted}");
        assert!(found.contains(&help) && found.matches("error").count() == 1, "{found}");
    }
    let two = "exec: run\nschedule: {cron: 0 9,17 * * 1-5, timezon: UTC}\n";
    assert_eq!(messages(two), ["inside `{}` a comma ends a text without quotes", "unknown key `timezon`"]);
    // What is quoted, or another key, is not the mistake.
    for line in ["exec: 'cron: * * *' x: y", "reschedule: @x"] {
        assert!(!findings(&format!("{line}\n")).contains("cron line"), "{line}");
    }
    // An alias is an alias.
    assert_eq!(messages("exec: run\nschedule: *nightly\n"), ["there is no anchor `&nightly` above"]);
}

#[test]
fn a_mistake_in_an_expression_is_shown_where_it_stands() {
    insta::assert_snapshot!(findings("exec: run\nschedule: \"30 25 * * 1-5\"\n"), @r#"
    error: `25` is no hour
     --> nightly.yaml:2:15
      |
    2 | schedule: "30 25 * * 1-5"
      |               ^^
      |
      = help: expected 0 to 23
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: {cron: 0 5 * * mon-funday}\n"), @r#"
    error: `funday` is no day of the week
     --> nightly.yaml:2:30
      |
    2 | schedule: {cron: 0 5 * * mon-funday}
      |                              ^^^^^^
      |
      = help: expected 0 to 7, or sun to sat
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule:\n  cron: >-\n    0 5\n    32 * *\n"), @r#"
    error: `32` is no day of the month
     --> nightly.yaml:5:5
      |
    5 |     32 * *
      |     ^^
      |
      = help: expected 1 to 31
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: 0 5 * *\n"), @r#"
    error: expected five fields, or six with seconds, found 4
     --> nightly.yaml:2:11
      |
    2 | schedule: 0 5 * *
      |           ^^^^^^^
      |
      = help: the fields are: minute, hour, day of the month, month, day of the week
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: 0 0 31 2 *\n"), @r#"
    error: `0 0 31 2 *` never fires
     --> nightly.yaml:2:11
      |
    2 | schedule: 0 0 31 2 *
      |           ^^^^^^^^^^ no such date ever comes
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: \"0 5 \\x2a\\x2a * *\"\n"), @r#"
    error: `*` behind `*` means nothing
     --> nightly.yaml:2:20
      |
    2 | schedule: "0 5 \x2a\x2a * *"
      |                    ^^^^
      |
      = help: leave it out; Debian's cron reads over it
    "#);
}

#[test]
fn a_schedule_of_another_shape() {
    insta::assert_snapshot!(findings("exec: run\nschedule: []\n"), @r#"
    error: `schedule` is an empty list
     --> nightly.yaml:2:11
      |
    2 | schedule: []
      |           ^^
      |
      = help: leave `schedule` out where only people start runs
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule:\n"), @r#"
    error: a schedule must be an expression or a mapping with `cron` or `calendar`, found nothing
     --> nightly.yaml:2:9
      |
    2 | schedule:
      |         ^
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: {timezone: UTC}\n"), @r#"
    error: the schedule says nothing of when
     --> nightly.yaml:2:11
      |
    2 | schedule: {timezone: UTC}
      |           ^
      |
      = help: expected an expression, such as `cron: "30 21 * * 1-5"`, or sessions, such as `calendar: XNYS` with `at: close + 4h`
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: {crn: 0 5 * * *, dst: {gap: skipp, overlaps: both}}\n"), @r#"
    error: unknown key `crn`
     --> nightly.yaml:2:12
      |
    2 | schedule: {crn: 0 5 * * *, dst: {gap: skipp, overlaps: both}}
      |            ^^^ did you mean `cron`?

    error: `gap` must be one of `after` and `skip`, found `skipp`
     --> nightly.yaml:2:39
      |
    2 | schedule: {crn: 0 5 * * *, dst: {gap: skipp, overlaps: both}}
      |                                       ^^^^^ expected one of `after` and `skip`
      |
      = help: did you mean `skip`?

    error: unknown key `overlaps`
     --> nightly.yaml:2:46
      |
    2 | schedule: {crn: 0 5 * * *, dst: {gap: skipp, overlaps: both}}
      |                                              ^^^^^^^^ did you mean `overlap`?
    "#);
    insta::assert_snapshot!(findings("exec: run\nschedule: {cron: '@reboot', timezone: UTC, dst: {gap: skip}}\n"), @r#"
    error: `timezone` means nothing beside `@reboot`
     --> nightly.yaml:2:29
      |
    2 | schedule: {cron: '@reboot', timezone: UTC, dst: {gap: skip}}
      |                             ^^^^^^^^
      |
      = help: a boot has no time of day; leave it out

    error: `dst` means nothing beside `@reboot`
     --> nightly.yaml:2:44
      |
    2 | schedule: {cron: '@reboot', timezone: UTC, dst: {gap: skip}}
      |                                            ^^^
      |
      = help: a boot has no time of day; leave it out
    "#);
}

#[test]
fn several_schedules_are_told_apart_by_their_names() {
    let text = "exec: run
schedule:
  - 0 5 * * *
  - {cron: 0 6 * * *}
  - {name: late, cron: 0 21 * * *}
  - {name: late, cron: 0 22 * * *}
  - {name: a/b, cron: 0 23 * * *}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: where there are two, each schedule needs a `name`
     --> nightly.yaml:3:5
      |
    3 |   - 0 5 * * *
      |     ^^^^^^^^^
      |
      = help: for example `{name: nightly, cron: "30 21 * * 1-5"}`

    error: where there are two, each schedule needs a `name`
     --> nightly.yaml:4:12
      |
    4 |   - {cron: 0 6 * * *}
      |            ^^^^^^^^^
      |
      = help: for example `{name: nightly, cron: "30 21 * * 1-5"}`

    error: two schedules are called `late`
     --> nightly.yaml:6:12
      |
    5 |   - {name: late, cron: 0 21 * * *}
      |            ---- first here
    6 |   - {name: late, cron: 0 22 * * *}
      |            ^^^^ again here
      |
      = help: give one of them another name

    error: the schedule's name `a/b` contains `/`
     --> nightly.yaml:7:12
      |
    7 |   - {name: a/b, cron: 0 23 * * *}
      |            ^^^
      |
      = help: a name is letters, digits, `_`, `-`, `.` and spaces, at most 200 bytes
    "#);
}

#[test]
fn what_says_nothing_or_the_impossible() {
    let text = "exec: run
catchup: all
starting_deadline: 1h
grace: 5m
overlap: skip
max_active_runs: 2
start_date: 2026-01-01
end_date: 2026-12-31
";
    let said = |key: &str| format!("the pipeline has no schedule, so `{key}` says nothing");
    let keys = ["catchup", "starting_deadline", "grace", "overlap", "start_date", "end_date"];
    assert_eq!(messages(text), keys.map(said));
    insta::assert_snapshot!(findings("exec: run\ngrace: 5m\n"), @r#"
    warning: the pipeline has no schedule, so `grace` says nothing
     --> nightly.yaml:2:1
      |
    2 | grace: 5m
      | ^^^^^
    "#);
    let text = "exec: run
schedule: 0 5 * * *
params: {since: {type: date}}
catchup: last
starting_deadline: 0s
overlap: first
max_active_runs: 0
start_date: 2026-03-01
end_date: 2026-02-28
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the parameter `since` must be given, and a schedule gives none
     --> nightly.yaml:3:10
      |
    3 | params: {since: {type: date}}
      |          ^^^^^
      |
      = help: give it a `default`, or say `required: false`

    error: `catchup` must be one of `none`, `latest` and `all`, found `last`
     --> nightly.yaml:4:10
      |
    4 | catchup: last
      |          ^^^^ expected one of `none`, `latest` and `all`

    error: `starting_deadline` must be longer than `0s`
     --> nightly.yaml:5:20
      |
    5 | starting_deadline: 0s
      |                    ^^

    error: `overlap` must be one of `queue`, `skip` and `cancel_running`, found `first`
     --> nightly.yaml:6:10
      |
    6 | overlap: first
      |          ^^^^^ expected one of `queue`, `skip` and `cancel_running`

    error: `max_active_runs`: must be at least 1
     --> nightly.yaml:7:18
      |
    7 | max_active_runs: 0
      |                  ^

    error: `end_date` is before `start_date`
     --> nightly.yaml:9:11
      |
    8 | start_date: 2026-03-01
      |             ---------- this is later
    9 | end_date: 2026-02-28
      |           ^^^^^^^^^^
    "#);
    assert_eq!(
        messages("exec: run\nschedule: 0 5 * * *\nstart_date: 1 May\nend_date: 2026-02-30\n"),
        ["`start_date`: not a date; write `2026-11-20`", "`end_date`: there is no such date"]
    );
}
