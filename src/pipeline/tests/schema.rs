//! The JSON Schema accepts what the reader accepts, as far as it can tell. As much of a validator as that
//! takes: a schema that uses a word it does not know is a failed test.

use serde_json::{Map, Value, json};

use crate::yaml::composer;
use crate::yaml::diagnostic::Diagnostics;
use crate::yaml::document::{Document, ValueId, View};

use super::super::schema::json_schema;
use super::findings::{messages, pipeline};

/// What refuses no value: notes, and rules for values of another kind.
const SILENT: [&str; 18] = [
    "$schema",
    "$defs",
    "title",
    "description",
    "default",
    "examples",
    "required",
    "properties",
    "additionalProperties",
    "propertyNames",
    "minProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "pattern",
    "minimum",
    "maximum",
];

/// A text as JSON; what is spelled like a number or a truth is one.
fn value(document: &Document<'_>, id: ValueId) -> Value {
    match document.view(id) {
        View::Scalar { text, plain: true } => serde_json::from_str(text)
            .ok()
            .filter(|value: &Value| value.is_number() || value.is_boolean())
            .unwrap_or_else(|| json!(text)),
        View::Scalar { text, plain: false } => json!(text),
        View::List(items) => items.iter().map(|&item| value(document, item)).collect(),
        View::Mapping(_) => {
            let entries = document.entries(id);
            let entry = |(key, id)| (document.key(key).to_owned(), value(document, id));
            Value::Object(entries.map(entry).collect::<Map<_, _>>())
        }
    }
}

/// Why a value does not fit; `None` if it does.
fn misfit(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let rules = schema.as_object().unwrap();
    let known = |key: &str| schema["properties"].get(key).is_some();
    let all = |rule: &Value| rule.as_array().unwrap().clone();
    let fits = |schema: &Value| misfit(root, schema, value).is_none();
    let number = |rule: &Value| rule.as_f64().unwrap();
    let size = |rule: &Value| rule.as_u64().unwrap() as usize;
    let fine = |(word, rule): (&String, &Value)| match (word.as_str(), value) {
        ("$ref", _) => fits(&root["$defs"][rule.as_str().unwrap().rsplit('/').next().unwrap()]),
        ("anyOf", _) => all(rule).iter().any(fits),
        ("allOf", _) => all(rule).iter().all(fits),
        ("oneOf", _) => all(rule).iter().filter(|schema| fits(schema)).count() == 1,
        ("enum", _) => all(rule).contains(value),
        ("const", _) => rule == value,
        ("type", _) => {
            let names = if rule.is_array() { all(rule) } else { vec![rule.clone()] };
            names.iter().any(|name| match name.as_str().unwrap() {
                "string" => value.is_string(),
                "integer" => value.is_i64() || value.is_u64(),
                "number" => value.is_number(),
                "boolean" => value.is_boolean(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                other => panic!("the type {other}"),
            })
        }
        ("required", Value::Object(members)) => {
            all(rule).iter().all(|key| members.contains_key(key.as_str().unwrap()))
        }
        ("properties", Value::Object(members)) => members
            .iter()
            .filter(|(key, _)| known(key))
            .all(|(key, value)| misfit(root, &rule[key], value).is_none()),
        ("additionalProperties", Value::Object(members)) => members
            .iter()
            .filter(|(key, _)| !known(key))
            .all(|(_, value)| *rule != json!(false) && misfit(root, rule, value).is_none()),
        ("propertyNames", Value::Object(members)) => {
            members.keys().all(|key| misfit(root, rule, &json!(key)).is_none())
        }
        ("minProperties", Value::Object(members)) => members.len() >= size(rule),
        ("items", Value::Array(items)) => items.iter().all(|item| misfit(root, rule, item).is_none()),
        ("minItems", Value::Array(items)) => items.len() >= size(rule),
        ("maxItems", Value::Array(items)) => items.len() <= size(rule),
        ("minLength", Value::String(text)) => text.len() >= size(rule),
        ("pattern", Value::String(text)) => {
            regex_lite::Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)
        }
        ("minimum", Value::Number(_)) => number(value) >= number(rule),
        ("maximum", Value::Number(_)) => number(value) <= number(rule),
        (word, _) => {
            assert!(SILENT.contains(&word), "the validator of this test does not know `{word}`");
            true
        }
    };
    let (word, rule) = rules.iter().find(|rule| !fine(*rule))?;
    Some(format!("{word} {rule}: {value}"))
}

fn refused(text: &str) -> Option<String> {
    let mut found = Diagnostics::default();
    let document = composer::read(text, &mut found).expect(text);
    let root = json_schema();
    misfit(&root, &root, &value(&document, document.root()))
}

#[test]
fn the_schema_accepts_what_the_reader_accepts() {
    let guide = include_str!("../../../docs/language.md").split("```yaml\n").skip(1);
    let guide =
        guide.filter_map(|rest| rest.split("```").next()).filter(|text| !text.starts_with("# sexton"));
    let schedules = [
        "30 21 * * 1-5",
        "'@reboot'",
        "{cron: H 5 * * *}",
        "{cron: 0 5 * * *, name: x, timezone: Europe/London, dst: {gap: after, overlap: second}}",
        "[0 5 * * *]",
        "[{cron: 0 5 * * *}]",
        "[{cron: 0 5 * * *, name: a}, {name: b, cron: 0 6 * * *, dst: {}}]",
        "{calendar: XNYS, at: close + 4h, days: [mon, last_of_month]}",
        "{calendar: {any_of: [XNYS, XLON]}, every: 15m, between: [open, close - 1h]}",
        "[{calendar: XNYS, at: '16:30', timezone: Europe/London, name: a}, {name: b, cron: 0 6 * * *}]",
        "{cron: 0 5 * * *, calendar: XNYS, roll: previous}",
    ];
    let policies = "catchup: none\nstarting_deadline: 2h\ngrace: 0s\noverlap: cancel_running\n\
                    max_active_runs: 3\nstart_date: 2026-01-01\nend_date: 2026-12-31\n";
    let schedules = schedules.map(|schedule| format!("exec: run\nschedule: {schedule}\n{policies}"));
    let sensors = [
        "{time: 09:00, timezone: Europe/London}",
        "{session: open + 5m, calendar: XNYS}",
        "{file: x, stable_for: 0s}",
        "{exec: [test, -e, x]}",
        "{http: 'http://x', status: 404, method: HEAD}",
        "{http: 'http://x', status: 200-299, headers: {X: 1}, body: done}",
        "{http: 'http://x', status: [200, 301-399]}",
        "{object: 's3://b/k', endpoint: 'http://m', region: eu, access_key: i, secret_key: s}",
        "{object: 'gs://b/k', service_account: '{}'}",
        "{object: 'az://c/b', account: a, access_key: k}",
        "{run: nightly, task: a/b, offset: -1 session, no_slot: pass}",
    ];
    let sensors = sensors
        .map(|sensor| format!("sensor: {sensor}\ntimeout: 1h\non_timeout: skip_rest\ncalendar: XNYS\n"));
    for text in guide.map(str::to_owned).chain(schedules).chain(sensors) {
        pipeline(&text);
        assert_eq!(refused(&text), None, "{text}");
    }
}

#[test]
fn the_schema_refuses_what_can_be_seen_to_be_wrong() {
    for text in [
        "schedule: ''",
        "schedule: []",
        "schedule: {name: x}",
        "schedule: {calendar: XNYS}",
        "schedule: {at: close}",
        "schedule: {calendar: XNYS, every: 15m, between: [open]}",
        "schedule: {cron: 0 5 * * *, calendar: XNYS, roll: forth}",
        "schedule: {calendar: {none_of: [XNYS]}, at: close}",
        "schedule: {cron: 0 5 * * *, dst: {gap: both}}",
        "schedule: [0 5 * * *, 0 6 * * *]",
        "schedule: [{cron: 0 5 * * *}, {cron: 0 6 * * *}]",
        "schedule: 0 5 * * *\ncatchup: some",
        "schedule: 0 5 * * *\noverlap: both",
        "schedule: 0 5 * * *\nmax_active_runs: 0",
        "schedule: 0 5 * * *\nend_date: tomorrow",
        "schedule: 0 5 * * *\ngrace: 5",
    ] {
        let text = format!("exec: run\n{text}\n");
        assert!(refused(&text).is_some(), "{text}");
        assert!(!messages(&text).is_empty(), "{text}");
    }
    for text in [
        "sensor: {}",
        "sensor: /in/x",
        "sensor: {stable_for: 1m}",
        "sensor: {file: x, http: 'http://x'}",
        "sensor: {file: x, stable: 1m}",
        "sensor: {http: 'http://x', status: 99}",
        "sensor: {http: 'http://x', method: PUT}",
        "sensor: {run: x, no_slot: fail}",
        "{sensor: {file: x}, timeout: 1h, on_timeout: skip}",
        "{sensor: {file: x}, poke_interval: 5}",
        "branch: {}",
        "lazy: {a: b}",
        "{lazy: ./plan, branch: {a: b}}",
    ] {
        assert!(refused(text).is_some(), "{text}");
        assert!(!messages(text).is_empty(), "{text}");
    }
}
