//! `runs`, `tasks`, `logs` and `why` over what is recorded.

use super::books::Books;
use super::desk::Desk;

const NIGHT: &str = "
serial:
  load:
    retry: {limit: 1}
    exec: 'echo out $SEXTON_ATTEMPT_NUMBER; echo err >&2; [ $SEXTON_ATTEMPT_NUMBER = 2 ]'
  idle: {when: 'ds == \"2000-01-01\"', exec: 'true'}
  check: seq 1 5; exit 7
  publish: {serial: {files: 'true'}}
";

fn recorded() -> Desk {
    let desk = Desk::new().pipeline("night", NIGHT).pipeline("good", "exec: 'true'");
    desk.run("night").date("2018-05-14").exit(1);
    desk.run("good").date("2018-05-15").exit(0);
    desk
}

#[test]
fn runs_are_listed_the_newest_first() {
    let desk = recorded();
    let done = desk.ask(&["runs"]).exit(0).stderr_is("");
    let rows: Vec<Vec<&str>> = done.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["RUN", "PIPELINE", "DATE", "STATE", "KIND", "STARTED", "TOOK"]);
    assert_eq!(rows[1][..5], ["2", "good", "2018-05-15", "succeeded", "manual"]);
    assert_eq!(rows[2][..5], ["1", "night", "2018-05-14", "failed", "manual"]);
    let done = desk.ask(&["runs", "night", "--json"]).exit(0);
    assert_eq!(done.json().len(), 1);
    assert_eq!(done.json()[0]["logical_date"], "2018-05-14");
    assert_eq!(desk.ask(&["runs", "--limit", "1"]).exit(0).stdout.lines().count(), 2);
    desk.ask(&["runs", "nigth"])
        .exit(2)
        .stderr_has("no pipeline `nigth` is known here; did you mean `night`?");
    desk.ask(&["runs", "--limit", "0"]).exit(2);
}

#[test]
fn tasks_are_a_tree_of_the_newest_run_unless_one_is_named() {
    let desk = recorded();
    desk.ask(&["tasks"]).exit(0).stdout_is("run 2, good [2018-05-15]: succeeded\ngood  succeeded\n");
    desk.ask(&["tasks", "1"]).exit(0).stdout_is(
        "run 1, night [2018-05-14]: failed
night      failed           because of `check`
  load     succeeded        (2/2 attempts)
  idle     skipped          `when: ds == \"2000-01-01\"` is false
  check    failed           exit code 7
  publish  upstream_failed  because of `check`
",
    );
    let done = desk.ask(&["tasks", "1", "--json"]).exit(0);
    let expected = [
        "/ failed",
        "load succeeded",
        "idle skipped",
        "check failed",
        "publish upstream_failed",
        "publish/files upstream_failed",
    ];
    assert_eq!(done.story(), expected);
    desk.ask(&["tasks", "9"]).exit(2).stderr_is("error: there is no run 9; see `sexton runs`\n");
}

#[test]
fn logs_are_what_was_printed() {
    let desk = recorded();
    desk.ask(&["logs", "1", "load"]).exit(0).stdout_has("out 2\n").stdout_has("err\n").stdout_lacks("out 1");
    desk.ask(&["logs", "1", "load", "--attempt", "1"]).exit(0).stdout_has("out 1\n");
    desk.ask(&["logs", "1", "check", "--tail", "2"]).exit(0).stdout_is("4\n5\n");
    desk.ask(&["logs", "1", "check", "--tail", "100"]).exit(0).stdout_is("1\n2\n3\n4\n5\n");
    let done = desk.ask(&["logs", "1", "load", "--timestamps"]).exit(0);
    let line = done.stdout.lines().find(|line| line.ends_with(" stderr F err")).expect("a stamped line");
    assert!(line.split(' ').next().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{}", done.all());
    desk.ask(&["logs", "2", "good"])
        .exit(0)
        .stdout_is("")
        .stderr_is("attempt 1 of `good` has printed nothing\n");
}

#[test]
fn errors_of_logs_name_the_next_step() {
    let desk = recorded();
    let error = |words: &[&str], text: &str| {
        desk.ask(words).exit(2).stdout_is("").stderr_is(&format!("error: {text}\n"));
    };
    error(&["logs", "9", "load"], "there is no run 9; see `sexton runs`");
    error(&["logs", "1", "laod"], "run 1 has no task `laod`; did you mean `load`?");
    error(&["logs", "1", "elsewhere"], "run 1 has no task `elsewhere`; see `sexton tasks 1`");
    error(&["logs", "1", "idle"], "`idle` has not been tried in run 1; see `sexton why 1 'idle'`");
    error(&["logs", "1", "check", "--attempt", "2"], "`check` has 1 attempt, and no attempt 2");
    error(
        &["logs", "1", "publish"],
        "`publish` is a container; its tasks have logs of their own, see `sexton tasks 1`",
    );
}

#[test]
fn why_is_a_sentence_and_the_facts() {
    let desk = recorded();
    let why = |path: &str| desk.ask(&["why", "1", path]).exit(0).stdout;
    let lines = |path: &str| {
        why(path).lines().filter(|line| !line.starts_with("  attempt")).map(str::to_owned).collect::<Vec<_>>()
    };
    let check = "`check` failed: exit code 7.";
    assert_eq!(
        lines("/"),
        ["`/` failed: because of `check`.", check, "  log: sexton logs 1 'check'", "  tasks: sexton tasks 1"]
    );
    assert_eq!(lines("night"), lines("/"), "the pipeline's name is the whole run");
    assert_eq!(lines("load"), ["`load` succeeded (2/2 attempts).", "  log: sexton logs 1 'load'"]);
    assert_eq!(why("idle"), "`idle` skipped: `when: ds == \"2000-01-01\"` is false.\n");
    assert_eq!(lines("check"), [check, "  log: sexton logs 1 'check'"]);
    let files =
        ["`publish/files` upstream_failed: because of `check`.", check, "  log: sexton logs 1 'check'"];
    assert_eq!(lines("publish/files"), files);
    let load = why("load");
    let attempts: Vec<&str> = load.lines().filter(|line| line.starts_with("  attempt")).collect();
    assert!(attempts[0].ends_with(", exit code 1") && attempts[1].ends_with(", exit code 0"), "{load}");
    desk.ask(&["why", "1", "chek"])
        .exit(2)
        .stderr_is("error: run 1 has no task `chek`; did you mean `check`?\n");
}

#[test]
fn a_desk_where_nothing_has_run_says_so() {
    let desk = Desk::new();
    for words in [&["runs"][..], &["tasks"], &["logs", "1", "a"], &["why", "1"]] {
        desk.ask(words).exit(2).stderr_has("does not exist: nothing has run here yet");
    }
    assert!(!desk.path("state").exists(), "reading makes nothing");
}

#[tokio::test]
async fn it_is_said_whose_runs_they_are_where_a_daemon_has_its_own() {
    let desk = Desk::new().pipeline("good", "serial: {a: echo done}");
    desk.run("good").without_env("SEXTON_STATE_DIR").exit(0);
    let ask = |words: &[&str]| desk.ask(words).without_env("SEXTON_STATE_DIR").exit(0);
    let all = [&["runs"][..], &["tasks", "1"], &["logs", "1", "a"], &["why", "1"], &["why", "1", "a"]];
    for words in all {
        ask(words).stderr_is("");
    }
    let home = desk.path(".local/state/sexton").display().to_string();
    let daemon = ".local/state/sexton/daemon";
    Books::open(&desk, daemon, &[("p", "exec: x", &[])], "2026-11-19T00:00:00Z").await.close().await;
    for words in all {
        ask(words).stderr_is(&format!(
            "this is of your desk, {home}/desk; of the daemon it is with --state-dir {home}/daemon\n"
        ));
    }
    ask(&["runs", "--json"]).stderr_is("");
    ask(&["tasks", "--json"]).stderr_is("");
    // Who names a directory means it.
    ask(&["runs", "--state-dir", daemon]).stderr_is("");
    desk.ask(&["why", "9"]).without_env("SEXTON_STATE_DIR").exit(2).stderr_has("of the daemon it is with");
}
