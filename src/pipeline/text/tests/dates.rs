//! Dates in templates: what they know, their arithmetic, and what `check` says of mistakes.

use std::collections::BTreeMap;

use crate::pipeline::tests::findings::findings;

use super::super::template::{TemplateError, evaluate, render};
use super::super::vocabulary::Shape;
use super::templates::scope;

fn rendered(text: &str) -> Result<String, TemplateError> {
    render(text, &scope(), &BTreeMap::new())
}

fn holds(text: &str) -> Result<bool, TemplateError> {
    evaluate(text, &scope(), &BTreeMap::new())
}

fn values(table: &[(&str, &str)]) {
    for (expression, expected) in table {
        assert_eq!(rendered(&format!("{{{{ {expression} }}}}")).as_deref(), Ok(*expected), "{expression}");
    }
}

#[test]
fn a_date_knows_its_place() {
    values(&[
        ("logical_date", "2026-11-20"),
        ("logical_date.weekday", "5"),
        ("logical_date.weekday_name", "Friday"),
        ("logical_date.is_weekend", "False"),
        ("date('2026-11-22').is_weekend", "True"),
        ("date('2026-11-22').weekday", "7"),
        ("logical_date.first_of_month", "2026-11-01"),
        ("logical_date.last_of_month", "2026-11-30"),
        ("date('2028-02-10').last_of_month", "2028-02-29"),
        ("logical_date.quarter", "4"),
        ("date('2026-04-01').quarter", "2"),
        ("logical_date.iso_week", "47"),
        ("date('2027-01-01').iso_week", "53"),
        ("logical_date.day_of_year", "324"),
        ("logical_date.strftime('%Y%m')", "202611"),
        ("logical_date.strftime('%G-W%V %A %-d %b')", "2026-W47 Friday 20 Nov"),
        ("logical_date.last_of_month.weekday_name", "Monday"),
        ("scheduled_at.weekday_name", "Friday"),
        ("scheduled_at.last_of_month", "2026-11-30"),
        ("scheduled_at.strftime('%H:%M %Z')", "20:30 EST"),
        ("data_interval_start.date.plus(1)", "2026-11-20"),
        ("[logical_date] | tojson", "[\"2026-11-20\"]"),
    ]);
}

#[test]
fn every_attribute_that_check_knows_is_there() {
    for (thing, shape) in [("logical_date", Shape::Date), ("scheduled_at", Shape::Instant)] {
        for (name, _) in shape.attributes() {
            assert_eq!(holds(&format!("{thing}.{name} is defined")), Ok(true), "{thing}.{name}");
        }
    }
}

#[test]
fn dates_are_added_to_and_counted() {
    values(&[
        ("logical_date.plus(1)", "2026-11-21"),
        ("logical_date.plus(-1)", "2026-11-19"),
        ("logical_date.minus(3)", "2026-11-17"),
        ("logical_date.plus(days=11)", "2026-12-01"),
        ("logical_date.plus(weeks=2, days=1)", "2026-12-05"),
        ("logical_date.minus(months=1)", "2026-10-20"),
        ("date('2026-12-31').minus(months=1)", "2026-11-30"),
        ("date('2028-02-29').plus(years=1)", "2029-02-28"),
        ("logical_date.plus(0)", "2026-11-20"),
        ("logical_date.days_until('2026-12-25')", "35"),
        ("logical_date.days_until(date('2026-11-01'))", "-19"),
        ("logical_date.days_until(logical_date.last_of_month)", "10"),
        ("date(ds).minus(1)", "2026-11-19"),
        ("date(logical_date)", "2026-11-20"),
        ("logical_date.minus(1).strftime('%Y%m%d')", "20261119"),
    ]);
}

#[test]
fn dates_are_compared() {
    for text in [
        "logical_date < date('2026-12-01')",
        "logical_date == date(ds)",
        "logical_date != logical_date.last_of_month",
        "logical_date in [date('2026-11-20'), date('2026-11-27')]",
        "date('2026-11-01') <= logical_date <= date('2026-11-30')",
        "date('9999-12-31') > logical_date",
        "([date('2026-12-01'), logical_date] | sort | first) == logical_date",
        "data_interval_start < scheduled_at",
        "scheduled_at == data_interval_end",
        "scheduled_at.date == logical_date",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
}

#[test]
fn what_is_no_date_is_said_in_words() {
    for (text, expected) in [
        ("{{ date(params.file) }}", "`it's; rm` is no date; one is written like `2026-11-27`"),
        ("{{ date(params.n) }}", "expected a date, found the number `3`"),
        ("{{ date(ds[:7]) }}", "`2026-11` is no date; one is written like `2026-11-27`"),
        ("{{ logical_date.plus(99999999) }}", "there is no such date: they go from the year -9999 to 9999"),
        (
            "{{ logical_date.plus(9223372036854775807) }}",
            "there is no such date: they go from the year -9999 to 9999",
        ),
        (
            "{{ logical_date.plus(years=99999) }}",
            "there is no such date: they go from the year -9999 to 9999",
        ),
        ("{{ logical_date.plus(1, days=2) }}", "the days are given twice"),
        (
            "{% for d in [scheduled_at] %}{{ date(d) }}{% endfor %}",
            "an instant is no date: say `.date` behind it",
        ),
    ] {
        assert_eq!(rendered(text), Err(TemplateError::Failed(expected.to_owned())), "{text}");
    }
}

#[test]
fn what_could_grow_or_fail_late_is_refused() {
    let long = format!("{{{{ logical_date.strftime('{}') }}}}", "%255Y".repeat(100));
    for text in [
        &*long,
        "{{ logical_date.weekday_name * 1000000 }}",
        "{{ logical_date.plus(1.5) }}",
        "{{ logical_date.plus(days='x') }}",
        "{{ logical_date.plus(dais=1) }}",
        "{{ logical_date.strftime('%H') }}",
        "{{ logical_date.strftime(params.n) }}",
        "{{ logical_date + 1 }}",
        "{{ logical_date.days_until() }}",
        "{{ logical_date.nothing() }}",
        "{{ ds.upper() }}",
        "{% for d in [ds] %}{{ d.plus(1) }}{% endfor %}",
        "{{ date() }}",
        "{{ date(1, 2) }}",
        "{{ date('2026-02-29') }}",
        "{{ date('20261127') }}",
    ] {
        assert!(rendered(text).is_err(), "{text}: {:?}", rendered(text));
    }
    let wide = rendered("{{ logical_date.strftime('%255Y %255d') }}").unwrap();
    assert!(wide.len() < 1_000, "{}", wide.len());
}

#[test]
fn a_date_that_there_is_not() {
    let text = r#"exec: run
when: logical_date < date("2026-11-31")
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: `2026-11-31` is no date; one is written like `2026-11-27`
     --> nightly.yaml:2:27
      |
    2 | when: logical_date < date("2026-11-31")
      |                           ^^^^^^^^^^^^
    "#);
}

#[test]
fn a_date_beside_a_text() {
    let text = r#"serial:
  a: {exec: run, when: logical_date == "2026-11-27"}
  b: {exec: run, when: 'logical_date in [date("2026-11-27"), "2026-12-24"]'}
  c: {exec: run, when: scheduled_at < logical_date}
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: a date is compared with a text
     --> nightly.yaml:2:24
      |
    2 |   a: {exec: run, when: logical_date == "2026-11-27"}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: make a date of a text: `date("2026-11-27")`; `ds` is the logical date as text

    error: a date is compared with a text
     --> nightly.yaml:3:25
      |
    3 |   b: {exec: run, when: 'logical_date in [date("2026-11-27"), "2026-12-24"]'}
      |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: make a date of a text: `date("2026-11-27")`; `ds` is the logical date as text

    error: an instant is compared with a date
     --> nightly.yaml:4:24
      |
    4 |   c: {exec: run, when: scheduled_at < logical_date}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: an instant has a `.date`
    "#);
}

#[test]
fn a_date_with_a_sign() {
    let text = "exec: run --from {{ logical_date - 3 }}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: a date has no `-`
     --> nightly.yaml:1:21
      |
    1 | exec: run --from {{ logical_date - 3 }}
      |                     ^^^^^^^^^^^^^^^^
      |
      = help: `logical_date.plus(3)` and `.minus(3)` are so many days later and earlier, `.days_until(date)` counts the days between
    "#);
}

#[test]
fn a_condition_that_is_no_question() {
    let text = "serial:
  a: {exec: run, when: logical_date.last_of_month}
  b: {exec: run, when: not scheduled_at}
  c: {exec: run, when: ds}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `when` must be true or false, and this is a date
     --> nightly.yaml:2:24
      |
    2 |   a: {exec: run, when: logical_date.last_of_month}
      |                        ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: compare it, as in `logical_date == logical_date.last_of_month`

    error: this is an instant, and neither true nor false
     --> nightly.yaml:3:28
      |
    3 |   b: {exec: run, when: not scheduled_at}
      |                            ^^^^^^^^^^^^
      |
      = help: compare it, as in `scheduled_at.hour < 12`

    error: `when` must be true or false, and this is a text
     --> nightly.yaml:4:24
      |
    4 |   c: {exec: run, when: ds}
      |                        ^^
    "#);
}

#[test]
fn mistakes_in_brackets() {
    let text = r#"serial:
  a: run {{ logical_date.pluss(1) }}
  b: run {{ logical_date.plus(dys=1) }}
  c: run {{ logical_date.plus(1, 2) }}
  d: run {{ logical_date.strftime("%H:%M") }}
  e: run {{ logical_date.weekday() }}
  f: run {{ logical_date.plus }}
  g: run {{ logical_date.last_of_month.wekday }}
  h: run {{ ds.upper() }}
  i: run {{ date(20261127) }}
  j: run {{ date(scheduled_at) }}
  k: run {{ date }}
"#;
    insta::assert_snapshot!(findings(text), @r#"
    error: unknown method `pluss`
     --> nightly.yaml:2:13
      |
    2 |   a: run {{ logical_date.pluss(1) }}
      |             ^^^^^^^^^^^^^^^^^^^^^ did you mean `plus`?

    error: unknown unit `dys`
     --> nightly.yaml:3:35
      |
    3 |   b: run {{ logical_date.plus(dys=1) }}
      |                                   ^ did you mean `days`?

    error: `plus` takes one number, of days
     --> nightly.yaml:4:34
      |
    4 |   c: run {{ logical_date.plus(1, 2) }}
      |                                  ^
      |
      = help: the rest goes by name: `plus(weeks=1, days=2)`

    error: `%H:%M` cannot be filled in: %H failed: requires time to format
     --> nightly.yaml:5:35
      |
    5 |   d: run {{ logical_date.strftime("%H:%M") }}
      |                                   ^^^^^^^

    error: `weekday` is not called: leave out the brackets
     --> nightly.yaml:6:13
      |
    6 |   e: run {{ logical_date.weekday() }}
      |             ^^^^^^^^^^^^^^^^^^^^^^

    error: `plus` is called: `plus(…)`
     --> nightly.yaml:7:13
      |
    7 |   f: run {{ logical_date.plus }}
      |             ^^^^^^^^^^^^^^^^^

    error: unknown attribute `wekday`
     --> nightly.yaml:8:13
      |
    8 |   g: run {{ logical_date.last_of_month.wekday }}
      |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `weekday`?

    error: a text has no methods
     --> nightly.yaml:9:13
      |
    9 |   h: run {{ ds.upper() }}
      |             ^^^^^^^^^^
      |
      = help: there may be a filter: `… | upper`

    error: expected a date, found a number
      --> nightly.yaml:10:18
       |
    10 |   i: run {{ date(20261127) }}
       |                  ^^^^^^^^
       |
       = help: one is written like `"2026-11-27"`, in quotes

    error: an instant is no date: say `.date` behind it
      --> nightly.yaml:11:18
       |
    11 |   j: run {{ date(scheduled_at) }}
       |                  ^^^^^^^^^^^^

    error: `date` is a function; call it: `date(…)`
      --> nightly.yaml:12:13
       |
    12 |   k: run {{ date }}
       |             ^^^^
    "#);
}

#[test]
fn somebody_elses_format_is_somebody_elses_text() {
    let text = "params: {format: '%Y'}
exec: run {{ logical_date.strftime(params.format) }} {{ logical_date.strftime('%Y') }}
";
    insta::assert_snapshot!(findings(text), @r#"
    warning: the parameter `format` becomes part of a shell line as it is
     --> nightly.yaml:2:36
      |
    2 | exec: run {{ logical_date.strftime(params.format) }} {{ logical_date.strftime('%Y') }}
      |                                    ^^^^^^^^^^^^^
      |
      = help: write "$SEXTON_PARAM_FORMAT", or {{ params.format | shquote }}
    "#);
}
