//! What people write who come from elsewhere, and what they are told to write here.

use super::findings::{findings, messages};

/// Each text has one mistake, and these words are what mends it.
#[track_caller]
fn mended(table: &[(&str, &str)]) {
    for (text, words) in table {
        let found = findings(text);
        assert!(found.contains(words), "{text}\n{found}");
        assert_eq!(messages(text).len(), 1, "{text}\n{found}");
    }
}

#[test]
fn signs_and_words_of_other_languages_in_a_condition() {
    mended(&[
        ("exec: x\nwhen: logical_date.weekday = 5\n", "= help: two sides are compared with `==`"),
        ("exec: x\nwhen: true && false\n", "= help: write `and`"),
        ("exec: x\nwhen: true || false\n", "= help: write `or`"),
        ("exec: x\nwhen: '!params.a'\nparams: {a: true}\n", "= help: write `not`"),
        ("exec: x\nwhen: yes\n", "^^^ did you mean `true`?"),
        ("exec: x\nwhen: off\n", "^^^ did you mean `false`?"),
        ("exec: x\nwhen: logical_date.day_of_week == 5\n", "did you mean `weekday`?"),
    ]);
}

#[test]
fn keys_of_other_programs() {
    mended(&[
        ("exec: x\nretries: 3\n", "^^^^^^^ did you mean `retry`?"),
        ("serial:\n  a: x\n  b: {exec: x, depends_on: a}\n", "did you mean `after`?"),
        ("serial:\n  a: x\n  b: {exec: x, needs: a}\n", "did you mean `after`?"),
        ("serial: {a: {command: x}}\n", "did you mean `exec`?"),
        ("run: x\n", "did you mean `exec`?"),
        ("exec: x\nif: true\n", "did you mean `when`?"),
    ]);
}

#[test]
fn keys_in_and_beside_a_sensor() {
    mended(&[
        ("sensor: {file: /in/x, stable: 1m}\n", "did you mean `stable_for`?"),
        ("sensor: {file: /in/x, timeout: 3h}\n", "error: `timeout` stands beside `sensor`, not inside it"),
        (
            "sensor: {file: /in/x, poke_interval: 1m}\n",
            "= help: write `sensor: {…}`, and `poke_interval: …` below it",
        ),
        ("sensor: {file: /in/x, on_timeout: skip_rest}\n", "`on_timeout` stands beside `sensor`"),
        ("sensor: {file: /in/x, retry: {limit: 1}}\n", "`retry` stands beside `sensor`"),
    ]);
}

#[test]
fn a_command_that_chooses_among_the_children() {
    mended(&[("branch:\n  choose: ./x\n  a: run\n  b: run\n", "put `choose` beside `branch`")]);
}

#[test]
fn a_key_that_is_too_far_in() {
    for (text, place) in [
        ("exec: run\n  timeout: 5m\n", ":2:3"),
        ("serial:\n  a: run\n\n      timeout: 5m\n  b: run\n", ":4:7"),
        ("serial:\n  a:\n    exec: run\n      --flag: 3\n", ":4:7"),
        ("tags:\n  - a: run\n      timeout: 5m\n", ":3:7"),
    ] {
        let found = findings(text);
        let words = "is indented deeper than `";
        assert!(found.contains(words) && found.contains(&format!("nightly.yaml{place}")), "{text}\n{found}");
    }
    insta::assert_snapshot!(findings("serial:\n  a: run\n    timeout: 5m\n"), @r"
    error: this is indented deeper than `a` above, which has a value already
     --> nightly.yaml:3:5
      |
    3 |     timeout: 5m
      |     ^^^^^^^
      |
      = help: indent it like `a`, or quote a text that goes on here
    ");
    for text in
        ["exec: echo a: b\n", "serial:\n  a: run\n  b: echo x: y\n", "serial:\n  a: run\n    to: x: y\n"]
    {
        assert!(findings(text).contains("a second `: ` on one line") || text.contains("to: x"), "{text}");
    }
}

#[test]
fn a_calendar_among_pipelines() {
    insta::assert_snapshot!(findings("name: Our desk\ncode: desk\nextends: XNYS\nclosed: {x: [2026-01-01]}\n"), @r"
    error: this looks like a calendar, and not like a pipeline
     --> nightly.yaml:2:1
      |
    2 | code: desk
      | ^^^^
      |
      = help: a calendar's file belongs into `calendars/`, beside `pipelines/`
    ");
    assert_eq!(messages("code: desk\nexec: x\n"), ["unknown key `code`"]);
}
