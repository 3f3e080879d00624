//! Branches, sensors and lazy nodes: what becomes of them, and the findings about them as people see them.

use std::time::Duration;

use super::super::command::Command;
use super::super::kind::Kind;
use super::super::node::NodeId;
use super::super::sensor::{
    Condition, Http, Method, NoSlot, Object, ObjectStore, OnTimeout, OtherRun, Sensor, time_of_day,
};
use super::findings::{findings, messages, pipeline};

/// The sensor of a text as `sensor: …`, with what stands beside it on the node.
fn sensor(text: &str, beside: &str) -> Sensor {
    let pipeline = pipeline(&format!("sensor: {text}\n{beside}"));
    let Kind::Sensor(sensor) = pipeline.tree.kind(NodeId::ROOT) else { panic!("no sensor") };
    (**sensor).clone()
}

fn condition(text: &str) -> Condition {
    sensor(text, "calendar: XNYS\n").condition
}

#[test]
fn a_branch_has_its_children() {
    let tree = pipeline("branch: {half_day: {when: 'false', exec: x}, full_day: x}\n").tree;
    assert_eq!((tree.kind(NodeId::ROOT).word(), tree.len()), ("branch", 3));
    assert_eq!(tree.chooser(NodeId::ROOT), None);
    let (first, second) = (NodeId(1), NodeId(2));
    assert!(tree.is_behind(second, first) && !tree.is_behind(first, second));
}

#[test]
fn a_branch_that_chooses_has_a_child_that_does() {
    let text =
        "retry: {limit: 2}\nchoose: ./which {{ ds }}\nbranch: {a: x, b: {when: 'true', exec: y}, c: z}\n";
    let tree = pipeline(text).tree;
    let paths: Vec<_> = tree.ids().map(|id| tree.path(id)).collect();
    assert_eq!(paths, ["/", "choose", "a", "b", "c"]);
    assert_eq!(tree.kind(NodeId(1)), &Kind::Exec(Command::Shell("./which {{ ds }}".into())));
    assert_eq!((tree.chooser(NodeId::ROOT), tree.is_chooser(NodeId(2))), (Some(NodeId(1)), false));
    assert_eq!(tree.settings(NodeId(1)).retry.limit, 2);
    assert_eq!(tree.followers(NodeId(1)).collect::<Vec<_>>(), [NodeId(2), NodeId(3), NodeId(4)]);
    assert_eq!(tree.followers(NodeId(2)).count(), 0);
    assert_eq!(tree.forerunners(NodeId(4)).collect::<Vec<_>>(), [NodeId(1)]);
}

#[test]
fn a_lazy_node_has_two_children() {
    let tree = pipeline(
        "serial:\n  x: {lazy: [./plan, '{{ ds }}'], max_concurrent: 4}\n  y: {exec: y, after: x/generate}\n",
    )
    .tree;
    let kinds: Vec<_> = tree.ids().map(|id| (tree.path(id), tree.kind(id).word())).collect();
    let kinds: Vec<_> = kinds.iter().map(|(path, kind)| (path.as_str(), *kind)).collect();
    assert_eq!(
        kinds,
        [("/", "serial"), ("x", "lazy"), ("x/generate", "exec"), ("x/execute", "awaited"), ("y", "exec")]
    );
    assert_eq!(tree.leaves(NodeId(1)), 2);
}

#[test]
fn a_sensor_waits_for_one_thing() {
    let Condition::Time { at, timezone } = condition("{time: 09:00, timezone: America/New_York}") else {
        panic!()
    };
    assert_eq!((&*at.text, timezone.as_deref()), ("09:00", Some("America/New_York")));
    let Condition::Session { at, calendar } = condition("{session: open + 5m, calendar: XNYS}") else {
        panic!()
    };
    assert_eq!((&*at.text, &*calendar.unwrap().text, at.place.start), ("open + 5m", "XNYS", 18));
    assert_eq!(
        condition("{file: '/in/{{ ds }}_*.zip', stable_for: 0s}"),
        Condition::File { glob: "/in/{{ ds }}_*.zip".into(), stable_for: Duration::ZERO }
    );
    assert_eq!(
        condition("{file: /in/x}"),
        Condition::File { glob: "/in/x".into(), stable_for: Duration::from_secs(10) }
    );
    assert_eq!(
        condition("{exec: [test, -e, x]}"),
        Condition::Exec(Command::Argv(["test", "-e", "x"].map(Into::into).into()))
    );
    let Condition::Run(run) =
        condition("{run: nightly, task: ingest/bars, offset: -1 session, no_slot: wait}")
    else {
        panic!()
    };
    let OtherRun { pipeline, task, offset, no_slot } = run;
    assert_eq!((&*pipeline.text, &*task.unwrap().text), ("nightly", "ingest/bars"));
    assert_eq!(no_slot, NoSlot::Wait);
    assert_eq!(&*offset.unwrap().text, "-1 session");
}

#[test]
fn what_a_sensor_says_of_exchanges_is_known() {
    let found = |sensor: &str, beside: &str| messages(&format!("sensor: {sensor}\n{beside}"));
    let none = ["no calendar: give the schedule or the pipeline a `calendar:`"];
    assert_eq!(found("{session: open + 5m}", ""), none);
    let shown = findings("sensor: {session: open + 5m}");
    assert!(shown.contains("help: or name one beside the sensor's `session`: `calendar: XNYS`"), "{shown}");
    assert_eq!(found("{run: nightly, offset: -1 session}", ""), none);
    assert!(found("{session: open + 5m}", "schedule: {calendar: XLON, at: close}\n").is_empty());
    assert!(found("{run: nightly, offset: -1d}", "").is_empty());
    assert_eq!(found("{session: open, calendar: XNYX}", ""), ["there is no calendar `XNYX`"]);
    assert_eq!(found("{session: opening + 5m, calendar: XNYS}", "").len(), 1);
    assert_eq!(found("{run: nightly, offset: yesterday}", "").len(), 1);
}

#[test]
fn a_time_of_day_by_other_clocks_than_the_schedules() {
    let text = "schedule: {calendar: XNYS, at: close}
serial:
  nine: {sensor: {time: '09:00'}}
  ten: {sensor: {time: '{{ params.at }}'}}
params: {at: '10:00'}
";
    insta::assert_snapshot!(findings(text), @r#"
    warning: 09:00 is by the clocks of UTC, the pipeline's zone, and its schedule goes by America/New_York
     --> nightly.yaml:3:25
      |
    3 |   nine: {sensor: {time: '09:00'}}
      |                         ^^^^^^^
      |
      = help: name the zone that is meant beside `time`: `timezone: America/New_York`

    warning: this is by the clocks of UTC, the pipeline's zone, and its schedule goes by America/New_York
     --> nightly.yaml:4:24
      |
    4 |   ten: {sensor: {time: '{{ params.at }}'}}
      |                        ^^^^^^^^^^^^^^^^^
      |
      = help: name the zone that is meant beside `time`: `timezone: America/New_York`
    "#);
    let two = "schedule: [{name: a, cron: 0 6 * * *}, {name: b, cron: 0 6 * * *, timezone: Asia/Tokyo}]\n";
    let time = "sensor: {time: '09:00'}\n";
    assert_eq!(
        messages(&format!("{two}{time}")),
        ["09:00 is by the clocks of UTC, the pipeline's zone, and its schedule `b` goes by Asia/Tokyo"]
    );
    for meant in [
        "schedule: {calendar: XNYS, at: close}\nsensor: {time: '09:00', timezone: UTC}\n",
        "schedule: {calendar: XNYS, at: close}\ntimezone: America/New_York\nsensor: {time: '09:00'}\n",
        "schedule: '@reboot'\ntimezone: Asia/Tokyo\nsensor: {time: '09:00'}\n",
        time,
    ] {
        assert_eq!(messages(meant), Vec::<String>::new(), "{meant}");
    }
}

#[test]
fn a_request_says_how_and_what_is_a_good_answer() {
    let plain = Http {
        url: "https://x.example/{{ ds }}".into(),
        method: Method::Get,
        headers: Box::default(),
        status: [200..=299].into(),
        body: None,
    };
    assert_eq!(condition("{http: 'https://x.example/{{ ds }}'}"), Condition::Http(plain.clone()));
    let full = "{http: 'https://x.example/{{ ds }}', method: HEAD, status: [200, 301-399],
        headers: {X-Key: '{{ secret(\"k\") }}', Accept: 1}, body: 'done {{ ds }}'}";
    assert_eq!(
        condition(full),
        Condition::Http(Http {
            method: Method::Head,
            headers: [("X-Key", "{{ secret(\"k\") }}"), ("Accept", "1")]
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            status: [200..=200, 301..=399].into(),
            body: Some("done {{ ds }}".into()),
            ..plain
        })
    );
    let secrets = pipeline(&format!("sensor: {full}\n")).secrets;
    assert_eq!(secrets.keys().map(|name| &**name).collect::<Vec<_>>(), ["k"]);
}

#[test]
fn a_store_is_of_the_kind_its_url_says() {
    let object = |url: &str, store, endpoint: Option<&str>| {
        Condition::Object(Object { url: url.into(), store, endpoint: endpoint.map(Into::into) })
    };
    assert_eq!(
        condition(
            "{object: 's3://b/{{ ds }}', endpoint: 'http://m:9000', region: eu, access_key: i, secret_key: s}"
        ),
        object(
            "s3://b/{{ ds }}",
            ObjectStore::S3 { region: Some("eu".into()), keys: Some(("i".into(), "s".into())) },
            Some("http://m:9000"),
        )
    );
    assert_eq!(
        condition("{object: 'gs://b/k'}"),
        object("gs://b/k", ObjectStore::Gcs { service_account: None }, None)
    );
    assert_eq!(
        condition("{object: 'az://c/b', account: desk, access_key: k}"),
        object("az://c/b", ObjectStore::Azure { account: "desk".into(), access_key: Some("k".into()) }, None)
    );
}

#[test]
fn a_sensor_is_patient_in_its_way() {
    let usual = sensor("{file: x}", "");
    assert_eq!((usual.poke_interval, usual.on_timeout), (Duration::from_secs(30), OnTimeout::Fail));
    let own = sensor("{file: x}", "timeout: 1h\npoke_interval: 20s\non_timeout: skip_rest\n");
    assert_eq!(own.on_timeout, OnTimeout::SkipRest);
    assert_eq!(own.poke_interval, Duration::from_secs(20));
}

#[test]
fn times_of_day_are_read() {
    for (text, expected) in [("09:00", "09:00:00"), ("23:59:59", "23:59:59"), ("00:00", "00:00:00")] {
        assert_eq!(time_of_day(text).unwrap().to_string(), expected);
    }
    for text in ["9:00", "24:00", "09:60", "09:00:60", "09", "09:00:00:00", "0900", "-1:00", "+1:00", ""] {
        assert!(time_of_day(text).is_err(), "{text}");
    }
}

#[test]
fn a_child_that_can_never_be_chosen() {
    let text = "branch:
  half_day: {when: 'true', exec: a}
  full_day: b
  never: {when: 'true', exec: c}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `never` can never be chosen
     --> nightly.yaml:4:3
      |
    3 |   full_day: b
      |   -------- this has no `when`: it is always chosen
    4 |   never: {when: 'true', exec: c}
      |   ^^^^^ its turn never comes
      |
      = help: give `full_day` a `when`, or make it the last child
    "#);
    // Each of these may be passed over.
    pipeline("branch:\n  a: {skip: true, exec: a}\n  b: {exec: b, trigger_rule: one_failed}\n  c: c\n");
}

#[test]
fn a_branch_whose_child_has_the_chooser_s_name() {
    let text = "choose: ./which
branch:
  a: x
  choose: y
";
    insta::assert_snapshot!(findings(text), @r#"
    error: the branch has a child `choose` already
     --> nightly.yaml:4:3
      |
    1 | choose: ./which
      |         ------- this command is a child of that name
    ...
    4 |   choose: y
      |   ^^^^^^ again here
      |
      = help: give the other another name
    "#);
}

#[test]
fn a_choice_without_a_branch() {
    let text = "serial:
  a: {choose: ./which, exec: x}
  b: {choose: ./which}
  c: {branch: {x: run}, choose: {x: y}}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `choose` means nothing on `exec`
     --> nightly.yaml:2:7
      |
    2 |   a: {choose: ./which, exec: x}
      |       ^^^^^^
      |
      = help: it belongs on a `branch`

    error: the node `b` has no kind
     --> nightly.yaml:3:3
      |
    3 |   b: {choose: ./which}
      |   ^
      |
      = help: `choose` goes with a `branch`, which has the children to choose from

    error: `choose` must be a command line, or a list of a program and its arguments, found a mapping
     --> nightly.yaml:4:33
      |
    4 |   c: {branch: {x: run}, choose: {x: y}}
      |                                 ^^^^^^
    "#);
}

#[test]
fn a_name_below_what_is_not_there_yet() {
    let text = "serial:
  plan: {lazy: ./plan}
  x: {exec: 'x {{ outputs[\"plan/execute/a\"].rows | shquote }}', after: plan/execute/a/b}
  plan/more: run
";
    insta::assert_snapshot!(findings(text), @r#"
    error: nothing outside can name `plan/execute/a`: its tree is not there yet
     --> nightly.yaml:3:19
      |
    3 |   x: {exec: 'x {{ outputs["plan/execute/a"].rows | shquote }}', after: plan/execute/a/b}
      |                   ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: it can leave data for others in $SEXTON_RUN_DIR

    error: nothing outside can name `plan/execute/a/b`: its tree is not there yet
     --> nightly.yaml:3:72
      |
    2 |   plan: {lazy: ./plan}
      |   ---- its tree is written when it runs
    3 |   x: {exec: 'x {{ outputs["plan/execute/a"].rows | shquote }}', after: plan/execute/a/b}
      |                                                                        ^^^^^^^^^^^^^^^^
      |
      = help: wait for all of it: `after: plan`

    error: `plan` is not a container
     --> nightly.yaml:4:3
      |
    2 |   plan: {lazy: ./plan}
      |   ---- declared here
    3 |   x: {exec: 'x {{ outputs["plan/execute/a"].rows | shquote }}', after: plan/execute/a/b}
    4 |   plan/more: run
      |   ^^^^^^^^^ this path leads into it
    "#);
}

#[test]
fn sensors_that_wait_for_nothing_or_too_much() {
    let text = "parallel:
  a: {sensor: /in/x}
  b: {sensor: {stable_for: 1m}}
  c: {sensor: {file: x, http: 'https://x'}}
  d: {sensor: {fiel: x}}
  e: {sensor: {file: x, method: GET}}
  f: {sensor: {file: x}, poke_interval: 0s, on_timeout: skip}
  g: {sensor: {time: 09:00}, poke_interval: 1m, stop_on_error: false}
  h: {exec: x, on_timeout: fail}
";
    insta::assert_snapshot!(findings(text), @r#"
    error: `sensor` must be a mapping that says what is waited for, found `/in/x`
     --> nightly.yaml:2:15
      |
    2 |   a: {sensor: /in/x}
      |               ^^^^^
      |
      = help: for instance `sensor: {file: "/incoming/{{ ds }}.csv"}`

    error: the sensor waits for nothing
     --> nightly.yaml:3:15
      |
    3 |   b: {sensor: {stable_for: 1m}}
      |               ^^^^^^^^^^^^^^^^
      |
      = help: expected one of the keys `time`, `session`, `file`, `http`, `object`, `exec` and `run`

    error: a sensor waits for one thing
     --> nightly.yaml:4:25
      |
    4 |   c: {sensor: {file: x, http: 'https://x'}}
      |                ----     ^^^^ `http` here
      |                |
      |                `file` here
      |
      = help: make each a sensor, as children of a `parallel`

    error: unknown key `fiel`
     --> nightly.yaml:5:16
      |
    5 |   d: {sensor: {fiel: x}}
      |                ^^^^ did you mean `file`?

    error: `method` means nothing on `file`
     --> nightly.yaml:6:25
      |
    6 |   e: {sensor: {file: x, method: GET}}
      |                         ^^^^^^
      |
      = help: it belongs to `http`

    error: `poke_interval` must be longer than `0s`
     --> nightly.yaml:7:41
      |
    7 |   f: {sensor: {file: x}, poke_interval: 0s, on_timeout: skip}
      |                                         ^^

    error: `on_timeout` means nothing without a `timeout`
     --> nightly.yaml:7:57
      |
    7 |   f: {sensor: {file: x}, poke_interval: 0s, on_timeout: skip}
      |                                                         ^^^^
      |
      = help: say how long the sensor waits: `timeout: 3h`

    error: `on_timeout` must be one of `fail`, `skip_rest` and `continue`, found `skip`
     --> nightly.yaml:7:57
      |
    7 |   f: {sensor: {file: x}, poke_interval: 0s, on_timeout: skip}
      |                                                         ^^^^ expected one of `fail`, `skip_rest` and `continue`

    error: `poke_interval` means nothing on `time`: its instant is known
     --> nightly.yaml:8:45
      |
    8 |   g: {sensor: {time: 09:00}, poke_interval: 1m, stop_on_error: false}
      |                                             ^^

    error: `stop_on_error` means nothing on `sensor`
     --> nightly.yaml:8:49
      |
    8 |   g: {sensor: {time: 09:00}, poke_interval: 1m, stop_on_error: false}
      |                                                 ^^^^^^^^^^^^^
      |
      = help: it belongs on a `serial`

    error: `on_timeout` means nothing on `exec`
     --> nightly.yaml:9:16
      |
    9 |   h: {exec: x, on_timeout: fail}
      |                ^^^^^^^^^^
      |
      = help: it belongs on a `sensor`
    "#);
}

#[test]
fn what_a_sensor_says_is_looked_at() {
    for (text, message) in [
        ("{time: '9:00'}", "`9:00` is no time of day; write `09:00` or `21:30:15`"),
        ("{time: '09:00', timezone: Mars}", "there is no time zone `Mars`"),
        ("{file: ''}", "`file` is empty"),
        ("{file: '{{ dss }}'}", "unknown name `dss`"),
        ("{http: 'ftp://x'}", "`http` must be a URL that begins with `https://` or `http://`"),
        ("{http: 'http://x', status: 99}", "`99` is no code of an answer"),
        ("{http: 'http://x', status: [299-200]}", "`299-200` is no code of an answer"),
        ("{http: 'http://x', status: []}", "`status` must name at least one code"),
        ("{http: 'http://x', method: PUT}", "`method` must be one of `GET`, `HEAD` and `POST`, found `PUT`"),
        ("{http: 'http://x', headers: x}", "`headers` must be a mapping of names to values, found `x`"),
        ("{http: 'http://x', headers: {a b: x}}", "`a b` cannot be the name of a header"),
        ("{http: 'http://x', headers: {a: }}", "`a` must be a text, found nothing"),
        ("{object: 'http://b/k'}", "`object` must be a URL that begins with `s3://`, `gs://` or `az://`"),
        ("{object: 's3://bucket'}", "`object` must name a bucket and a key in it: `s3://bucket/key`"),
        ("{object: 's3://b/k', access_key: x}", "`access_key` and `secret_key` go together"),
        ("{object: 'gs://b/k', region: x}", "`region` means nothing on `gs://`"),
        ("{object: 'az://c/b'}", "`az://` needs the `account` whose container it is"),
        ("{run: a/b}", "`run` names a pipeline, and `a/b` contains `/`"),
        ("{run: x, no_slot: fail}", "`no_slot` must be one of `skip`, `pass` and `wait`, found `fail`"),
        (
            "{exec: }",
            "`exec` must be a command line, or a list of a program and its arguments, found nothing",
        ),
    ] {
        assert_eq!(messages(&format!("sensor: {text}\n")), [message], "{text}");
    }
    let body = messages("sensor: {http: 'http://x', body: '('}\n");
    assert!(body[0].starts_with("not a regular expression"), "{body:?}");
}

#[test]
fn children_of_a_branch_stand_in_order_unless_they_are_chosen() {
    let children = "{a: {when: 'true', exec: x, after: b}, b: y}";
    let circle = messages(&format!("branch: {children}\n"));
    assert_eq!(circle, ["these wait for each other: `b` → `a` → `b`"]);
    pipeline(&format!("choose: ./which\nbranch: {children}\n"));
    let around = "serial:\n  r: {choose: c, branch: {a: {exec: x, after: z}}}\n  z: y\n";
    assert_eq!(messages(around), ["these wait for each other: `r/a` → `z` → `r/a`"]);
}
