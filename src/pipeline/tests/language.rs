//! What a file means: nodes, inheritance, parameters, order.

use std::fmt::Write;
use std::time::Duration;

use crate::calendar::book::Book;
use crate::yaml::report::SourceFile;

use super::super::command::Command;
use super::super::definition::{Defaults, parse};
use super::super::kind::Kind;
use super::super::node::{NodeId, TriggerRule};
use super::super::params::{ParamType, ParamValue};
use super::super::policy::RetryOn;
use super::findings::{messages, pipeline};

const NIGHTLY: &str = r#"
description: Ingest vendor data.
tags: [core, nightly]
timezone: America/New_York
params:
  vendor: {type: string, enum: [factset, bloomberg], default: factset}
  days: 3
  ratio: 0.5
  full: false
  from: {type: date, required: false}
  version: 010
env: {DATA_DIR: /srv/data, LEVEL: 1.10, FLAG: yes}
retry: {limit: 1, delay: 5m, backoff: 2, max_delay: 1h, jitter: 0.1, on: [75, 64-66, timeout, lost]}
serial:
  ingest:
    max_concurrent: 4
    env: {LEVEL: "2"}
    shell: bash -c
    parallel:
      fundamentals: {exec: "ingest factset --date {{ ds }}", timeout: 2h}
      minute_bars: ingest bars --date {{ ds }}
  "ingest/late":
    exec: [ingest, late, 010]
    retry: {limit: 2}
  check:
    when: logical_date.weekday == 1
    trigger_rule: all_done
    after: ingest/late
    stop_on_error: false
    kill_grace: 1m
    user: loader
    working_dir: /srv/{{ ds_nodash }}
    serial:
      a: {exec: a, skip: true, suppress_errors: true, description: d, doc: "x # d"}
"#;

#[test]
fn a_file_becomes_a_tree_in_document_order() {
    let pipeline = pipeline(NIGHTLY);
    let tree = &pipeline.tree;
    let paths: Vec<String> = tree.ids().map(|id| tree.path(id)).collect();
    assert_eq!(
        paths,
        ["/", "ingest", "ingest/fundamentals", "ingest/minute_bars", "ingest/late", "check", "check/a"]
    );
    assert_eq!((&*pipeline.name, &*pipeline.timezone), ("nightly", "America/New_York"));
    assert_eq!(tree.options(NodeId::ROOT).description.as_deref(), Some("Ingest vendor data."));
    let Kind::Exec(Command::Argv(argv)) = tree.kind(NodeId(4)) else { panic!("not argv") };
    assert_eq!(&**argv, ["ingest".into(), "late".into(), "010".into()] as [Box<str>; 3]);
    let check = tree.options(NodeId(5));
    assert_eq!((check.trigger_rule, check.stop_on_error), (TriggerRule::AllDone, false));
    assert_eq!(tree.after(NodeId(5)).collect::<Vec<_>>(), [NodeId(4)]);
    assert_eq!(tree.options(NodeId(1)).max_concurrent.map(u32::from), Some(4));
    assert_eq!(tree.options(NodeId(2)).timeout, Some(Duration::from_hours(2)));
}

#[test]
fn settings_are_inherited_from_the_nearest_and_env_key_by_key() {
    let pipeline = pipeline(NIGHTLY);
    let bars = pipeline.tree.settings(NodeId(3));
    let env: Vec<(&str, &str)> = bars.env.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(env, [("DATA_DIR", "/srv/data"), ("FLAG", "yes"), ("LEVEL", "2")]);
    assert_eq!(&*bars.shell, ["bash".into(), "-c".into()] as [Box<str>; 2]);
    assert_eq!(bars.retry.limit, 1);
    let on = RetryOn::Only { codes: [64, 65, 66, 75].into(), timeout: true, signal: false, lost: true };
    assert_eq!(bars.retry.on, on);
    let late = pipeline.tree.settings(NodeId(4));
    assert_eq!((late.retry.limit, late.retry.delay), (2, Duration::ZERO), "retry is inherited as a whole");
    let check = pipeline.tree.settings(NodeId(6));
    assert_eq!(&*check.env["LEVEL"], "1.10", "a number keeps its spelling");
    assert_eq!((check.user.as_deref(), check.kill_grace), (Some("loader"), Duration::from_mins(1)));
}

#[test]
fn parameters_are_inferred_bound_and_refused_all_at_once() {
    let pipeline = pipeline(NIGHTLY);
    let kinds: Vec<_> = pipeline.params.iter().map(|(name, param)| (name, param.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("vendor", ParamType::String),
            ("days", ParamType::Integer),
            ("ratio", ParamType::Number),
            ("full", ParamType::Boolean),
            ("from", ParamType::Date),
            ("version", ParamType::String),
        ]
    );
    let given = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()
    };
    let bound = pipeline.params.bind(&given(&[("days", "5"), ("from", "2026-11-20")])).unwrap();
    assert_eq!(bound["days"], ParamValue::Integer(5));
    assert_eq!(bound["from"].to_string(), "2026-11-20");
    assert_eq!(bound["vendor"].to_string(), "factset");
    assert!(!pipeline.params.bind(&[]).unwrap().contains_key("from"), "unset is not there");
    let wrong =
        pipeline.params.bind(&given(&[("dais", "5"), ("days", "x"), ("vendor", "reuters"), ("full", "yes")]));
    let wrong: Vec<String> = wrong.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        wrong,
        [
            "there is no parameter `dais`; did you mean `days`?",
            "the parameter `days` must be a whole number, found `x`",
            "the parameter `vendor` must be one of `factset` and `bloomberg`, found `reuters`",
            "the parameter `full` must be `true` or `false`, found `yes`",
        ]
    );
}

#[test]
fn a_pattern_must_match_all_of_a_value() {
    let pipeline = pipeline("params: {x: {type: string, pattern: '[a-z]+'}}\nexec: 'true'\n");
    let bind = |value: &str| pipeline.params.bind(&[("x".to_owned(), value.to_owned())]);
    assert!(bind("abc").is_ok());
    assert!(bind("abc; rm").is_err());
    let missing = pipeline.params.bind(&[]).unwrap_err();
    assert_eq!(missing[0].to_string(), "the parameter `x` (string) must be given");
}

#[test]
fn anchors_aliases_and_merge_keys_are_understood() {
    let pipeline =
        pipeline("parallel:\n  a: &a {exec: run, timeout: 5m}\n  b: {<<: *a, timeout: 1m}\n  c: *a\n");
    let timeout =
        |path: &str| pipeline.tree.options(pipeline.tree.find(path).unwrap()).timeout.unwrap().as_secs();
    assert_eq!((timeout("a"), timeout("b"), timeout("c")), (300, 60, 300));
}

#[test]
fn json_is_yaml() {
    let pipeline = pipeline(r#"{"serial": {"a": "run \"x\"", "b": {"exec": ["run", "y"]}}}"#);
    assert_eq!(pipeline.tree.kind(NodeId(1)), &Kind::Exec(Command::Shell("run \"x\"".into())));
    assert_eq!(pipeline.tree.len(), 3);
}

#[test]
fn the_hash_covers_the_text_the_name_and_the_defaults() {
    let hash = |path: &str, text: &str, defaults: &Defaults| {
        parse(&SourceFile::new(path, text), defaults, &Book::embedded()).0.unwrap().hash
    };
    let plain = Defaults::default();
    let base = hash("a.yaml", "exec: x\n", &plain);
    assert_eq!(base.len(), 64);
    assert_eq!(base, hash("other/a.yaml", "exec: x\n", &plain));
    assert_ne!(base, hash("b.yaml", "exec: x\n", &plain));
    assert_ne!(base, hash("a.yaml", "exec: y\n", &plain));
    let mut other = plain.clone();
    other.settings.retry.limit = 1;
    assert_ne!(base, hash("a.yaml", "exec: x\n", &other));
}

#[test]
fn a_path_key_adds_to_a_container_above_it() {
    let nested = pipeline("serial:\n  a: {serial: {b: {parallel: {c: x}}}}\n  a/b/d: x\n  a/e: x\n");
    let paths: Vec<String> = nested.tree.ids().map(|id| nested.tree.path(id)).collect();
    assert_eq!(paths, ["/", "a", "a/b", "a/b/c", "a/b/d", "a/e"]);
    assert_eq!(messages("serial:\n  a/b: x\n  a: {serial: {c: x}}\n"), ["there is no container `a` above"]);
    assert_eq!(messages("serial:\n  a: x\n  a/b: x\n"), ["`a` is not a container"]);
    assert_eq!(messages("serial:\n  a: {serial: {b: x}}\n  a/b: x\n"), ["`b` stands twice"]);
    assert_eq!(messages("serial:\n  a: {serial: {b: x}}\n  a/x/y: x\n"), ["there is no container `x` above"]);
}

proptest::proptest! {
    #[test]
    fn every_path_of_a_tree_is_found_again(names in proptest::collection::btree_set("[a-z][a-z0-9_. -]{0,6}[a-z0-9]", 1..8)) {
        let mut text = String::from("serial:\n");
        for (index, name) in names.iter().enumerate() {
            let child = if index % 2 == 0 { "run".to_owned() } else { format!("{{parallel: {{'{name}': run, X0: run}}}}") };
            writeln!(text, "  '{name}': {child}").unwrap();
        }
        let pipeline = pipeline(&text);
        for id in pipeline.tree.ids() {
            proptest::prop_assert_eq!(pipeline.tree.find(&pipeline.tree.path(id)), Some(id));
        }
    }
}
