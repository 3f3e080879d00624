//! Runs that are stopped: by their user, by a second one, and by `kill -9`. Nothing of them stays.

use super::desk::{Desk, Going, lives, pids, signal, until};

/// A tree of processes one of which does not want to end; what runs is in `pids`.
const STUBBORN: &str = "
parallel:
  deaf:
    kill_grace: 1s
    exec: \"trap '' TERM; sleep 1000 & echo $$ $! >$SEXTON_RUN_DIR/deaf; while :; do sleep 0.1; done\"
  meek: setsid sleep 1000 & echo $$ $! >$SEXTON_RUN_DIR/meek; wait
";

/// A run of it that is half-way, and its processes.
fn half_way(desk: &Desk) -> (Going, Vec<i32>) {
    let going = desk.run("stubborn").start();
    let work = |name: &str| desk.path(&format!("state/work/1/{name}"));
    let all = [pids(&work("deaf")), pids(&work("meek"))].concat();
    assert!(all.iter().all(|&pid| lives(pid)), "{all:?} live");
    (going, all)
}

fn all_gone(desk: &Desk, pids: &[i32]) {
    until("its processes are gone", || !pids.iter().any(|&pid| lives(pid)));
    until("its keeper is gone", || desk.keeper().is_none());
}

#[test]
fn an_interrupt_cancels_the_run_and_ends_its_processes() {
    let desk = Desk::new().pipeline("stubborn", STUBBORN);
    let (going, pids) = half_way(&desk);
    going.signal("INT");
    let done = going.exit(130);
    assert!(!pids.iter().any(|&pid| lives(pid)), "gone when it ends: {}", done.all());
    let done =
        done.stdout_has("\nstubborn  cancelled  by an interrupt\n  deaf    cancelled  by an interrupt\n");
    done.stderr_has("cancelling; ").stdout_has("run 1: cancelled in ");
    all_gone(&desk, &pids);
    desk.ask(&["runs"]).exit(0).stdout_has("  cancelled  manual");
    desk.ask(&["why", "1", "meek"]).exit(0).stdout_has("`meek` cancelled: by an interrupt.\n");
}

#[test]
fn a_termination_does_the_same() {
    let desk = Desk::new().pipeline("stubborn", STUBBORN);
    let (going, pids) = half_way(&desk);
    going.signal("TERM");
    going.exit(130);
    all_gone(&desk, &pids);
}

#[test]
fn a_second_interrupt_leaves_at_once() {
    let desk = Desk::new().pipeline("stubborn", &STUBBORN.replace("kill_grace: 1s", "kill_grace: 3s"));
    let (going, pids) = half_way(&desk);
    going.signal("INT");
    until("it is cancelling", || going.so_far().stderr.contains("cancelling"));
    going.signal("INT");
    let done = going.exit(130).stderr_has("leaving at once");
    assert!(pids.iter().any(|&pid| lives(pid)), "it did not wait for them: {}", done.all());
    all_gone(&desk, &pids);
}

#[test]
fn a_state_directory_is_used_by_one_at_a_time() {
    let desk = Desk::new().pipeline("stubborn", STUBBORN).pipeline("other", "exec: 'true'");
    let (going, _) = half_way(&desk);
    let done = desk.run("other").exit(2).stdout_is("");
    done.stderr_has(&format!("is in use by process {}: ", going.pid())).stderr_has("--state-dir");
    desk.ask(&["runs"]).exit(0).stdout_has("  running  manual").stderr_is("");
    desk.ask(&["why", "1", "meek"]).exit(0).stdout_has("`meek` runs since ");
    going.signal("INT");
    going.exit(130);
    desk.run("other").exit(0);
}

#[test]
fn a_killed_run_takes_its_processes_with_it_and_is_closed_by_the_next() {
    let desk = Desk::new().pipeline("stubborn", STUBBORN).pipeline("other", "exec: 'true'");
    let (mut going, pids) = half_way(&desk);
    going.signal("KILL");
    going.end();
    let done = desk.run("other").exit(0).stderr_is("closing what an earlier sexton run left unfinished …\n");
    done.stdout_has("\nother  succeeded\n").stdout_lacks("meek");
    all_gone(&desk, &pids);
    let runs = desk.ask(&["runs", "--json"]).exit(0).json();
    let states: Vec<_> = runs.iter().map(|run| (&run["pipeline"], &run["state"])).collect();
    assert_eq!(states, [(&"other".into(), &"succeeded".into()), (&"stubborn".into(), &"cancelled".into())]);
    let sentence = "`meek` cancelled: by the next sexton run.\n";
    desk.ask(&["why", "1", "meek"]).exit(0).stdout_has(sentence).stdout_has("killed on request");
}

#[test]
fn what_ended_before_the_next_run_came_is_known_to_it() {
    let desk = Desk::new().pipeline("stubborn", STUBBORN).pipeline("other", "exec: 'true'");
    let (mut going, pids) = half_way(&desk);
    going.signal("KILL");
    going.end();
    all_gone(&desk, &pids);
    let state = desk.path("state").display().to_string();
    let nobody = format!("nobody is at work in {state}: the next `sexton run` closes what is under way\n");
    desk.ask(&["runs"]).exit(0).stderr_is(&nobody).stdout_has("  running  manual");
    desk.ask(&["why", "1"]).exit(0).stderr_is(&nobody);
    desk.run("other").exit(0);
    desk.ask(&["tasks", "1"]).exit(0).stdout_has("stubborn  cancelled  by the next sexton run");
}

#[test]
fn the_keeper_of_a_killed_run_may_be_killed_too() {
    let desk = Desk::new().pipeline("stubborn", STUBBORN).pipeline("other", "exec: 'true'");
    let (mut going, pids) = half_way(&desk);
    let keeper = desk.keeper().expect("a keeper");
    signal(keeper, "KILL");
    going.signal("KILL");
    going.end();
    desk.run("other").exit(0);
    all_gone(&desk, &pids);
    desk.ask(&["runs"]).exit(0).stdout_has("stubborn");
}

#[test]
fn no_keeper_stays_after_a_run() {
    let desk = Desk::new().pipeline("other", "exec: 'true'");
    desk.run("other").exit(0);
    until("its keeper is gone", || desk.keeper().is_none());
}
