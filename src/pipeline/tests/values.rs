//! The findings about the values of keys, as people see them.

use super::findings::findings;

#[test]
fn a_bad_boolean() {
    let text = "exec: run
skip: yes
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `skip` must be `true` or `false`, found `yes`
     --> nightly.yaml:2:7
      |
    2 | skip: yes
      |       ^^^ expected `true` or `false`
      |
      = help: write `true`
    "#);
}

#[test]
fn a_bad_number() {
    let text = "parallel: {a: run}
max_concurrent: 0
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `max_concurrent`: must be at least 1
     --> nightly.yaml:2:17
      |
    2 | max_concurrent: 0
      |                 ^
    "#);
}

#[test]
fn a_bad_enum_word() {
    let text = "exec: run
trigger_rule: all_don
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `trigger_rule` must be one of `all_success`, `all_done` and `one_failed`, found `all_don`
     --> nightly.yaml:2:15
      |
    2 | trigger_rule: all_don
      |               ^^^^^^^ expected one of `all_success`, `all_done` and `one_failed`
      |
      = help: did you mean `all_done`?
    "#);
}

#[test]
fn a_bad_duration() {
    let text = "exec: run
timeout: 5 minutes
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `timeout`: not a duration; write `90s`, `10m`, `4h`, `1d` or `1h30m`
     --> nightly.yaml:2:10
      |
    2 | timeout: 5 minutes
      |          ^^^^^^^^^
    "#);
}

#[test]
fn a_duration_of_nothing() {
    let text = "exec: run
timeout: 0s
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `timeout` must be longer than `0s`
     --> nightly.yaml:2:10
      |
    2 | timeout: 0s
      |          ^^
    "#);
}

#[test]
fn bad_retries() {
    let text = "exec: run
retry: {limt: 1, backoff: 0.5, jitter: 2, on: [0, timeouts]}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown key `limt`
     --> nightly.yaml:2:9
      |
    2 | retry: {limt: 1, backoff: 0.5, jitter: 2, on: [0, timeouts]}
      |         ^^^^ did you mean `limit`?

    error: `backoff` must be from 1 to 1000, found `0.5`
     --> nightly.yaml:2:27
      |
    2 | retry: {limt: 1, backoff: 0.5, jitter: 2, on: [0, timeouts]}
      |                           ^^^

    error: `jitter` must be from 0 to 1, found `2`
     --> nightly.yaml:2:40
      |
    2 | retry: {limt: 1, backoff: 0.5, jitter: 2, on: [0, timeouts]}
      |                                        ^

    error: `0` is no failure to retry on
     --> nightly.yaml:2:48
      |
    2 | retry: {limt: 1, backoff: 0.5, jitter: 2, on: [0, timeouts]}
      |                                                ^
      |
      = help: expected an exit code from 1 to 255, a range (`64-78`), `timeout`, `signal` or `lost`

    error: `timeouts` is no failure to retry on
     --> nightly.yaml:2:51
      |
    2 | retry: {limt: 1, backoff: 0.5, jitter: 2, on: [0, timeouts]}
      |                                                   ^^^^^^^^
      |
      = help: expected an exit code from 1 to 255, a range (`64-78`), `timeout`, `signal` or `lost`
    "#);
}

#[test]
fn bad_variables() {
    let text = "exec: run
env: {1A: x, SEXTON_X: y, B: [z], C: }
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `1A` cannot be the name of an environment variable
     --> nightly.yaml:2:7
      |
    2 | env: {1A: x, SEXTON_X: y, B: [z], C: }
      |       ^^

    error: `SEXTON_X`: names that begin with `SEXTON_` are set by Sexton
     --> nightly.yaml:2:14
      |
    2 | env: {1A: x, SEXTON_X: y, B: [z], C: }
      |              ^^^^^^^^

    error: `B` must be a text, found a list
     --> nightly.yaml:2:30
      |
    2 | env: {1A: x, SEXTON_X: y, B: [z], C: }
      |                              ^^^
      |
      = help: for an empty value write ""

    error: `C` must be a text, found nothing
     --> nightly.yaml:2:36
      |
    2 | env: {1A: x, SEXTON_X: y, B: [z], C: }
      |                                    ^
      |
      = help: for an empty value write ""
    "#);
}

#[test]
fn a_bad_time_zone() {
    let text = "exec: run
timezone: Europe/Lundon
";
    insta::assert_snapshot!(findings(text), @r#"
    error: there is no time zone `Europe/Lundon`
     --> nightly.yaml:2:11
      |
    2 | timezone: Europe/Lundon
      |           ^^^^^^^^^^^^^ did you mean `Europe/London`?
    "#);
}
