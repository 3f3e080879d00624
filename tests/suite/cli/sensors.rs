//! Sensors in a foreground run: what is said while they wait, what they find, and that they cost nothing.

use std::fs;

use super::desk::{Desk, until};
use crate::suite::sensor::server::{Reply, Server, nobody, status};

/// Waits till a run has said this.
fn said(going: &super::desk::Going, words: &str) {
    until(&format!("{words:?} is said"), || going.so_far().stdout.contains(words));
}

#[test]
fn a_run_waits_for_its_file_and_says_so() {
    let yaml =
        "serial:\n  feed: {sensor: {file: 'in/feed_{{ ds_nodash }}_*.zip', stable_for: 1s}}\n  load: ls in\n";
    let desk = Desk::new().pipeline("night", yaml).file("in/other", "");
    let going = desk.run("night").date("2026-11-20").start();
    let pattern = desk.path("in/feed_20261120_*.zip").display().to_string();
    said(&going, &format!("waiting          feed  no file matches {pattern}\n"));
    until("it is written down", || {
        let told = desk.ask(&["why", "1", "feed"]).exit(0).stdout;
        told.starts_with("`feed` waits since ")
            && told.contains(&format!(": no file matches {pattern}; next by "))
    });
    desk.ask(&["why", "1"]).exit(0).stdout_has("  poked once, at ").stdout_has(&pattern);
    desk.ask(&["tasks", "1"]).exit(0).stdout_has("waiting");
    fs::write(desk.path("new"), "rows").unwrap();
    fs::rename(desk.path("new"), desk.path("in/feed_20261120_a.zip")).unwrap();
    let path = desk.path("in/feed_20261120_a.zip").display().to_string();
    going.exit(0).stdout_has(&format!("  feed  succeeded  {path} is there, still for 1s\n"));
    desk.ask(&["logs", "1", "load"]).exit(0).stdout_has("feed_20261120_a.zip");
    desk.ask(&["why", "1", "feed"])
        .exit(0)
        .stdout_is(&format!("`feed` succeeded: {path} is there, still for 1s.\n"));
}

#[test]
fn an_interrupt_ends_the_waiting() {
    let yaml = "parallel:\n  feed: {sensor: {file: /nowhere/x}}\n  clock: {sensor: {time: '23:59:59'}}\n  \
                look: {sensor: {exec: 'sleep 1000'}}\n";
    let desk = Desk::new().pipeline("night", yaml);
    let going = desk.run("night").start();
    said(&going, "no file matches /nowhere/x: there is no directory /nowhere\n");
    said(&going, "waiting          clock  waits until ");
    said(&going, " (23:59:59 UTC)\n");
    going.signal("INT");
    going
        .exit(130)
        .stdout_has("\n  feed   cancelled  by an interrupt\n")
        .stdout_has("\n  clock  cancelled  by an interrupt\n")
        .stdout_has("\n  look   cancelled  by an interrupt\n");
    desk.ask(&["why", "1", "feed"])
        .exit(0)
        .stdout_has("`feed` cancelled: by an interrupt.\n  poked once, at ");
}

#[test]
fn a_sensor_that_can_never_be_true_fails_at_once() {
    let yaml = "parallel:\n  web: {sensor: {http: 'http://vendor.example:x/'}}\n  \
                file: {sensor: {file: '/in/[x'}}\n  \
                secret: {sensor: {http: 'http://vendor.example/', headers: {k: '{{ secret(\"none\") }}'}}}\n  \
                itself: {sensor: {run: '{{ pipeline }}'}}\n";
    let desk = Desk::new().pipeline("night", yaml);
    desk.run("night")
        .exit(1)
        .stdout_has("web     failed  `http://vendor.example:x/` is no address: invalid port number\n")
        .stdout_has("file    failed  `/in/[x` is no pattern: invalid range pattern\n")
        .stdout_has("secret  failed  the secret `none` is not declared in sexton.yaml\n")
        .stdout_has("itself  failed  it would wait for its own run to end; give it an `offset`, or the ");
}

#[test]
fn a_command_looks_again_and_again_and_takes_no_place() {
    let yaml = "parallel:\n  \
        busy: {exec: 'while ! test -e done; do sleep 0.02; done', working_dir: DIR}\n  \
        look: {sensor: {exec: 'echo looking; n=$(cat count 2>/dev/null || echo 0); echo $((n+1)) >count; \
               test $n -ge 2 && echo seen=$n >$SEXTON_OUTPUT'}, poke_interval: 1s, working_dir: DIR}\n  \
        then: {exec: 'touch done; test {{ outputs[\"look\"].seen }} = 2', after: look, working_dir: DIR}\n";
    let desk = Desk::new().file("config/sexton.yaml", "parallelism: 2\n");
    let yaml = yaml.replace("DIR", &desk.path("").display().to_string());
    let desk = desk.pipeline("night", &yaml);
    desk.run("night").exit(0);
    desk.ask(&["logs", "1", "look"]).exit(0).stdout_is("looking\n");
    desk.ask(&["why", "1", "look"])
        .exit(0)
        .stdout_has("attempt 1: ")
        .stdout_has("exit code 1\n  attempt 2: ")
        .stdout_has("exit code 1\n  attempt 3: ")
        .stdout_has("exit code 0\n");
}

#[test]
fn sensors_wait_beside_tasks_that_take_every_place() {
    let yaml = "parallel:\n  busy: {exec: 'while ! test -e found; do sleep 0.02; done', working_dir: DIR}\n  \
                look: {sensor: {exec: 'touch found'}, working_dir: DIR}\n";
    let desk = Desk::new().file("config/sexton.yaml", "parallelism: 1\n");
    let yaml = yaml.replace("DIR", &desk.path("").display().to_string());
    desk.pipeline("night", &yaml).run("night").exit(0);
}

#[test]
fn a_secret_is_read_anew_while_a_sensor_waits_and_shown_nowhere() {
    let server = Server::start(|_, asked| match asked.header("authorization") {
        Some("Bearer new-secret") => status(200),
        Some("Bearer old-secret") => Reply { body: "old-secret is no good".to_owned(), ..status(401) },
        _ => status(500),
    });
    let yaml = format!(
        "sensor: {{http: '{}', headers: {{Authorization: 'Bearer {{{{ secret(\"key\") }}}}'}}}}\npoke_interval: 1s\n",
        server.url("/ready")
    );
    let desk = Desk::new().file("key", "old-secret\n").pipeline("night", &yaml);
    let settings = format!("secrets: {{key: {{file: '{}'}}}}\n", desk.path("key").display());
    let desk = desk.file("config/sexton.yaml", &settings);
    let going = desk.run("night").start();
    said(&going, &format!("waiting          /  HTTP 401 from {}\n", server.url("/ready")));
    fs::write(desk.path("key"), "new-secret\n").unwrap();
    let done = going.exit(0).stdout_has(&format!("succeeded  HTTP 200 from {}", server.url("/ready")));
    assert!(!done.all().contains("-secret"), "{}", done.all());
    let state = desk.path("state");
    assert_eq!(
        super::secrets::holding(&state, &["old-secret", "new-secret"]),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn a_sensor_that_times_out_says_what_it_waited_for() {
    let nobody = nobody();
    let yaml = format!("sensor: {{http: 'http://{nobody}/'}}\ntimeout: 1s\n");
    let desk = Desk::new().pipeline("night", &yaml);
    desk.run("night").exit(1).stdout_has("night  failed  timeout after 1s\n");
    desk.ask(&["why", "1"])
        .exit(0)
        .stdout_has("`/` failed: timeout after 1s.\n  poked once, at ")
        .stdout_has(&format!(": connection refused by {nobody}\n"));
}

#[test]
fn a_run_in_the_foreground_knows_when_others_are_meant_to_run() {
    let sensor = |no_slot: &str| format!("{{sensor: {{run: weekly, no_slot: {no_slot}}}, timeout: 1s}}");
    let yaml = format!("parallel:\n  skipped: {}\n  passed: {}\n", sensor("skip"), sensor("pass"));
    let desk = Desk::new().pipeline("night", &yaml).pipeline("broken", "exce: 'true'\n");
    let desk = desk.pipeline("sundays", "{name: weekly, schedule: 0 7 * * sun, exec: 'true'}\n");
    desk.run("night")
        .date("2018-05-14")
        .exit(0)
        .stdout_has("  skipped  skipped    `weekly` has no slot on 2018-05-14\n")
        .stdout_has("  passed   succeeded  `weekly` has no slot on 2018-05-14\n");
    let words = "`weekly` has no run for 2018-05-13, and no slot of it is to come: the first was at 2018-05-13 07:00:00Z";
    desk.run("night").date("2018-05-13").exit(1).stdout_has(words);
    desk.run("weekly").date("2018-05-13").exit(0);
    desk.run("night")
        .date("2018-05-13")
        .exit(0)
        .stdout_has("run 3 of `weekly` for 2018-05-13 has succeeded\n");
}

/// What a process costs: threads, descriptors, and milliseconds of processor time so far.
fn costs(pid: i32) -> (usize, usize, u64) {
    let count = |what: &str| fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    (count("task"), count("fd"), ticks * 10)
}

/// The processes that a process has made, all the way down.
fn descendants(pid: i32) -> usize {
    let children = |pid: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut all = children(&pid.to_string());
    let mut next = 0;
    while let Some(pid) = all.get(next).cloned() {
        all.extend(children(&pid));
        next += 1;
    }
    all.len()
}

#[test]
fn ten_thousand_waiting_sensors_cost_no_process_and_no_thread() {
    const MANY: usize = 10_000;
    let sensors: String =
        (0..MANY).map(|n| format!("  s{n}: {{sensor: {{file: 'in/{n}.csv', stable_for: 0s}}}}\n")).collect();
    let desk = Desk::new().pipeline("few", "sensor: {file: in/none.csv}\n");
    let desk = desk.pipeline("many", &format!("parallel:\n{sensors}")).file("in/x", "");
    let few = {
        let going = desk.run("few").start();
        said(&going, "no file matches ");
        let costs = (costs(going.pid()), descendants(going.pid()));
        going.signal("INT");
        going.exit(130);
        costs
    };
    let going = desk.run("many").start();
    until("all have been looked for", || {
        let said = going.so_far().stdout;
        said.lines().filter(|line| line.contains("  no file matches ")).count() == MANY
    });
    let ((threads, descriptors, _), processes) = (costs(going.pid()), descendants(going.pid()));
    let ((few_threads, few_descriptors, _), few_processes) = few;
    assert!(threads <= few_threads + 4, "{threads} threads, and {few_threads} for one sensor");
    assert!(descriptors <= few_descriptors + 4, "{descriptors} descriptors, and {few_descriptors} for one");
    assert_eq!(processes, few_processes);
    let before = costs(going.pid()).2;
    for n in 0..MANY {
        fs::write(desk.path(&format!("in/{n}.csv")), "").unwrap();
    }
    let mut going = going;
    assert_eq!(going.end().code(), Some(0), "{}", going.so_far().stderr);
    assert!(before < 30_000, "{before} ms of processor time for ten thousand first looks");
}
