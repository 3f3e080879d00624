//! The law end to end: retries, timeouts, failures that count and that do not, and many tasks.

use super::desk::Desk;

#[test]
fn a_retry_is_another_attempt_with_its_own_log() {
    let yaml = "serial:\n  flaky:\n    retry: {limit: 2}\n    exec: 'echo try $SEXTON_ATTEMPT_NUMBER; [ $SEXTON_ATTEMPT_NUMBER -ge 2 ]'\n";
    let desk = Desk::new().pipeline("retry", yaml);
    desk.run("retry").exit(0).stdout_has("  flaky  succeeded  (2/3 attempts)\n");
    desk.ask(&["logs", "1", "flaky", "--attempt", "1"]).exit(0).stdout_is("try 1\n");
    desk.ask(&["logs", "1", "flaky"]).exit(0).stdout_is("try 2\n");
}

#[test]
fn a_retry_waits_its_delay_and_says_so() {
    let yaml = "serial:\n  flaky:\n    retry: {limit: 1, delay: 1s, on: [75]}\n    exec: '[ $SEXTON_ATTEMPT_NUMBER -ge 2 ] || exit 75'\n  final:\n    retry: {limit: 5, on: [75]}\n    exec: exit 2\n";
    let desk = Desk::new().pipeline("retry", yaml);
    let done = desk.run("retry").exit(1);
    done.stdout_has("retrying         flaky  exit code 75 (1/2 attempts)\n")
        .stdout_has("  final  failed     exit code 2 (1/6 attempts)\n");
}

#[test]
fn timeouts_kill_leaves_and_containers() {
    let yaml = "
parallel:
  leaf: {timeout: 2s, exec: sleep 1000}
  deaf:
    timeout: 2s
    kill_grace: 1s
    exec: \"trap '' TERM; echo deaf; while :; do sleep 0.1; done\"
  box:
    timeout: 3s
    serial: {quick: 'true', slow: sleep 1000, never: 'true'}
";
    let desk = Desk::new().pipeline("late", yaml);
    desk.run("late").exit(1).stdout_has(
        "
late       failed     because of `leaf`
  leaf     failed     timeout after 2s
  deaf     failed     timeout after 2s
  box      failed     timeout after 3s
    quick  succeeded
    slow   cancelled  `box` ran out of time
    never  cancelled  with `box`
",
    );
    desk.ask(&["logs", "1", "deaf"]).exit(0).stdout_is("deaf\n");
}

#[test]
fn rules_suppression_and_going_on_work_together() {
    let yaml = "
serial:
  checks:
    stop_on_error: false
    suppress_errors: true
    serial: {a: exit 1, b: 'true'}
  publish: 'true'
  risky:
    parallel: {x: exit 4, y: 'true'}
  after_it: 'true'
  alarm: {trigger_rule: one_failed, exec: 'true'}
  cleanup: {trigger_rule: all_done, exec: 'true'}
  spare: {skip: true, trigger_rule: all_done, exec: 'true'}
";
    let desk = Desk::new().pipeline("rules", yaml);
    desk.run("rules").exit(1).stdout_has(
        "
rules       failed           because of `risky/x`
  checks    failed           because of `checks/a`, suppressed
    a       failed           exit code 1
    b       succeeded
  publish   succeeded
  risky     failed           because of `risky/x`
    x       failed           exit code 4
    y       succeeded
  after_it  upstream_failed  because of `risky/x`
  alarm     succeeded
  cleanup   succeeded
  spare     skipped          `skip: true`
",
    );
}

#[test]
fn a_run_that_is_skipped_is_no_failure() {
    let desk = Desk::new().pipeline("off", "when: ds == '2000-01-01'\nexec: exit 1\n");
    desk.run("off")
        .date("2018-05-14")
        .exit(0)
        .stdout_has("off  skipped  `when: ds == '2000-01-01'` is false");
}

#[test]
fn two_thousand_tasks_at_sixteen_places() {
    let tasks: String = (0..2_000).map(|task| format!("  t{task}: 'true'\n")).collect();
    let desk = Desk::new().pipeline("wide", &format!("parallel:\n{tasks}"));
    let done = desk.run("wide").json().exit(0);
    let (mut running, mut most) = (0_i32, 0);
    for line in done.story().iter().filter(|line| line.starts_with('t')) {
        running += i32::from(line.ends_with(" running")) - i32::from(line.ends_with(" succeeded"));
        most = most.max(running);
    }
    assert_eq!((running, most), (0, 16), "as many as there are places, and no more");
    let tasks = desk.ask(&["tasks", "1", "--json"]).exit(0).story();
    assert_eq!(tasks.iter().filter(|line| line.ends_with(" succeeded")).count(), 2_001);
    desk.ask(&["tasks", "1"]).exit(0).stdout_has("… 1960 more");
}

#[test]
fn failures_beyond_ten_are_counted() {
    let tasks: String = (0..14).map(|task| format!("  t{task}: echo {task}; exit 1\n")).collect();
    let desk = Desk::new().pipeline("red", &format!("parallel:\n{tasks}"));
    let done = desk.run("red").exit(1).stdout_has("\n… and 4 more failed; see `sexton tasks 1`\n");
    done.stdout_has("t9, attempt 1").stdout_lacks("t10, attempt 1");
}
