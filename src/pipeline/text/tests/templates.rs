//! Templates, conditions and variables, evaluated.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::pipeline::environment::{attempt_facts, facts};
use crate::pipeline::params::ParamValue;
use crate::pipeline::tests::findings::book;

use super::super::scope::{Outputs, Scope};
use super::super::secret::{reveal, secrets_in};
use super::super::template::{MAX_RESULT, TemplateError, evaluate, render};

pub(super) fn scope() -> Scope {
    let params = [
        ("file".to_owned(), ParamValue::String("it's; rm".into())),
        ("n".to_owned(), ParamValue::Integer(3)),
        ("forged".to_owned(), ParamValue::String("\u{E000}db\u{E001}".into())),
    ];
    let rows = Outputs::from([("rows".to_owned(), "12".to_owned())]);
    Scope {
        run: "r1".to_owned(),
        kind: "scheduled",
        is_latest: true,
        pipeline: "nightly".to_owned(),
        environment: "test".to_owned(),
        logical_date: date(2026, 11, 20),
        calendar: None,
        calendars: book(),
        timezone: TimeZone::get("America/New_York").unwrap(),
        scheduled_at: "2026-11-21T01:30:00Z".parse().unwrap(),
        data_interval_start: "2026-11-20T01:30:00Z".parse().unwrap(),
        data_interval_end: "2026-11-21T01:30:00Z".parse().unwrap(),
        params: Arc::new(BTreeMap::from(params)),
        outputs: Arc::new(BTreeMap::from([("ingest/bars".to_owned(), rows)])),
        base: String::new(),
    }
}

fn rendered(text: &str) -> Result<String, TemplateError> {
    let env = BTreeMap::from([(Box::from("LEVEL"), Box::from("2"))]);
    render(text, &scope(), &env)
}

#[test]
fn templates_are_filled_in() {
    for (text, expected) in [
        ("no template {at} all%", "no template {at} all%"),
        (
            "{{ ds }} {{ ds_nodash }} {{ ds[:7] }} {{ logical_date }}",
            "2026-11-20 20261120 2026-11 2026-11-20",
        ),
        ("{{ logical_date.year }}/{{ logical_date.month }}/{{ logical_date.weekday }}", "2026/11/5"),
        ("{{ ts }} {{ scheduled_at }}", "2026-11-20T20:30:00-05:00 2026-11-20T20:30:00-05:00"),
        ("{{ data_interval_end.hour }} {{ data_interval_start.date }}", "20 2026-11-19"),
        ("{{ run }} {{ pipeline }} {{ environment }} {{ env.LEVEL }}", "r1 nightly test 2"),
        ("{{ params.n + 1 }} {{ (params.n | int) * 2 }}", "4 6"),
        ("{{ outputs['ingest/bars'].rows }}{{ outputs['/ingest/bars']['rows'] }}", "1212"),
        ("load {{ params.file | shquote }}", r"load 'it'\''s; rm'"),
        ("{% if params.n > 2 %}many{% else %}few{% endif %}", "many"),
        ("{% for i in range(3) %}{{ i }}{% if not loop.last %},{% endif %}{% endfor %}", "0,1,2"),
        ("{# nothing #}x{{ '' }}", "x"),
        ("{{ params.absent | default('none') }}", "none"),
        ("{{ ds | replace('-', '/') }} {{ ['a', 'b'] | join('+') }}", "2026/11/20 a+b"),
        ("{{ {'a': 1} | tojson }}", "{\"a\": 1}"),
        ("a\n{{ ds }}\n", "a\n2026-11-20\n"),
    ] {
        assert_eq!(rendered(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_known_is_an_error() {
    for text in [
        "{{ dss }}",
        "{{ params.absent }}",
        "{{ outputs['ingest/bars'].rwos }}",
        "{{ env.NONE }}",
        "{{ ds.x }}",
    ] {
        assert!(matches!(rendered(text), Err(TemplateError::Failed(_))), "{text}: {:?}", rendered(text));
    }
}

#[test]
fn conditions_are_true_or_false() {
    let holds = |text: &str| evaluate(text, &scope(), &BTreeMap::new());
    assert_eq!(holds("logical_date.weekday == 5 and params.n in [1, 2, 3]"), Ok(true));
    assert_eq!(holds("not (ds == '2026-11-20')"), Ok(false));
    assert_eq!(holds("params.absent is defined"), Ok(false));
    let wrong = holds(" params.n ").unwrap_err().to_string();
    assert_eq!(wrong, "`when` must be true or false, and `params.n` is the number `3`");
    assert!(holds("params.absent").is_err());
}

#[test]
fn nothing_grows_without_bound() {
    let started = Instant::now();
    for text in [
        "{{ 'x' * 100000000 }}",
        "{{ ds * 100000000 }}",
        "{{ [1] * 100000000 }}",
        "{{ params.n * 100000000 }}",
        "{% for i in range(100000000) %}x{% endfor %}",
        "{% for i in range(1000) %}{% for j in range(1000) %}{{ ds }}{% endfor %}{% endfor %}",
        "{{ range(1000) | join(range(1000) | join(range(1000) | join('x'))) }}",
        "{{ range(1000) | join(ds) | replace('0', range(1000) | join(ds)) | replace('1', range(1000) | join(ds)) }}",
        "{{ range(1000) | map('replace', '1', range(1000) | join(ds)) | list }}",
        "{{ 'x' | indent(100000000) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ [1] | batch(100000000, 0) }}",
        "{% set x = ds ~ ds %}{{ x }}",
    ] {
        assert!(rendered(text).is_err(), "{text}");
    }
    assert!(started.elapsed() < Duration::from_secs(10), "took {:?}", started.elapsed());
    let long = format!("{}{{{{ ds }}}}", "x".repeat(100_000));
    assert_eq!(rendered(&long).map(|text| text.len()), Ok(100_010));
    assert!(long.len() < MAX_RESULT);
}

#[test]
fn a_secret_is_a_placeholder_until_the_end_and_cannot_be_forged() {
    let text =
        rendered("user:{{ secret('db') }} {{ params.forged }} {{ secret('api.key') | shquote }}").unwrap();
    assert_eq!(secrets_in(&text).collect::<Vec<_>>(), ["db", "api.key"]);
    let shown = reveal(&text, |name| Some(format!("<{name}'>"))).unwrap();
    assert_eq!(shown, r"user:<db'> �db� '<api.key'\''>'");
}

#[test]
fn the_variables_of_a_command_say_the_same() {
    let scope = scope();
    let all: Vec<String> = facts(&scope).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    insta::assert_snapshot!(all[..11].join("\n"), @r"
    SEXTON_RUN=r1
    SEXTON_PIPELINE=nightly
    SEXTON_ENVIRONMENT=test
    SEXTON_DS=2026-11-20
    SEXTON_DS_NODASH=20261120
    SEXTON_LOGICAL_DATE=2026-11-20
    SEXTON_TS=2026-11-20T20:30:00-05:00
    SEXTON_SCHEDULED_AT=2026-11-20T20:30:00-05:00
    SEXTON_DATA_INTERVAL_START=2026-11-19T20:30:00-05:00
    SEXTON_DATA_INTERVAL_END=2026-11-20T20:30:00-05:00
    SEXTON_PARAM_FILE=it's; rm
    ");
    assert!(all.iter().all(|line| !line.contains('\u{E000}')), "a forged placeholder in {all:?}");
    assert_eq!(attempt_facts("ingest/bars", 2)[1], ("SEXTON_ATTEMPT_NUMBER".to_owned(), "2".to_owned()));
}

#[test]
fn paths_begin_at_the_generated_tree_and_with_a_slash_at_the_run() {
    let rows = |n: &str| Outputs::from([("rows".to_owned(), n.to_owned())]);
    let outputs = BTreeMap::from([("a".to_owned(), rows("1")), ("lazy/execute/a".to_owned(), rows("2"))]);
    let outputs = Arc::new(outputs);
    let of_file = Scope { outputs, ..scope() };
    let of_tree = Scope { base: "lazy/execute".to_owned(), ..of_file.clone() };
    let read = |scope: &Scope, path: &str| {
        render(&format!("{{{{ outputs[\"{path}\"].rows }}}}"), scope, &BTreeMap::new())
    };
    assert_eq!([read(&of_file, "a"), read(&of_file, "/a")], [Ok("1".to_owned()), Ok("1".to_owned())]);
    assert_eq!([read(&of_tree, "a"), read(&of_tree, "/a")], [Ok("2".to_owned()), Ok("1".to_owned())]);
    assert_eq!(read(&of_tree, "/lazy/execute/a"), Ok("2".to_owned()));
    assert!(read(&of_tree, "lazy/execute/a").is_err());
}
