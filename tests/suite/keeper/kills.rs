//! Ending whole trees: kills, timeouts, leftovers.

use std::time::{Duration, Instant};

use sexton::keeper::protocol::{By, End, FromKeeper, Refusal, Token};

use super::client::{Client, Place, read_when_there, runs, until};

/// Scripts that write the pids of everything they leave about into `$HERE/pids`, one line.
const DAEMON: &str = "setsid sh -c '(setsid sleep 1000 >/dev/null 2>&1 & echo $! >$HERE/pids)' ";

fn pids(place: &Place) -> Vec<i32> {
    read_when_there(&place.file("pids")).split_whitespace().map(|pid| pid.parse().expect("a pid")).collect()
}

fn all_gone(pids: &[i32]) -> bool {
    pids.iter().all(|pid| !runs(*pid))
}

/// Runs until killed, after having written its pids.
fn kill_and_check(script: &str, grace_ms: u64) -> (sexton::keeper::protocol::Exited, Duration) {
    let place = Place::new();
    let mut client = place.connect();
    let mut launch = client.sh(1, script);
    launch.kill_grace_ms = grace_ms;
    let token = client.launch(launch);
    let pids = pids(&place);
    assert!(pids.iter().all(|pid| runs(*pid)), "{pids:?} run");
    let start = Instant::now();
    client.kill(token);
    let exited = client.exited(token);
    assert!(all_gone(&pids), "{pids:?} are gone when the end is told");
    assert_eq!(exited.by, By::Kill);
    assert_eq!(exited.unkillable, 0);
    (exited, start.elapsed())
}

#[test]
fn a_kill_asks_first() {
    let (exited, took) = kill_and_check("echo $$ >$HERE/pids; sleep 1000", 60_000);
    assert_eq!(exited.end, End::Signal(15));
    assert!(took < Duration::from_secs(20));
}

#[test]
fn a_task_may_end_in_its_own_way_when_asked() {
    let script = "trap 'exit 7' TERM; echo $$ >$HERE/pids; while :; do sleep 1; done";
    let (exited, _) = kill_and_check(script, 60_000);
    assert_eq!(exited.end, End::Code(7));
}

#[test]
fn what_ignores_the_question_is_killed_after_its_grace() {
    let (exited, took) = kill_and_check("trap '' TERM; echo $$ >$HERE/pids; while :; do sleep 1; done", 300);
    assert_eq!(exited.end, End::Signal(9));
    assert!(took >= Duration::from_millis(300));
}

#[test]
fn children_and_grandchildren_are_killed() {
    kill_and_check("sleep 1000 & a=$!; sh -c 'sleep 1000 & wait' & echo $$ $a $! >$HERE/pids; wait", 60_000);
}

#[test]
fn what_left_the_session_is_killed() {
    kill_and_check(
        "setsid sleep 1000 & setsid -f sleep 1001; echo $$ $! $(pgrep -f 'sleep 1001' | head -1) >$HERE/pids; wait",
        60_000,
    );
}

#[test]
fn what_daemonised_is_killed() {
    kill_and_check(&format!("{DAEMON}; wait; sleep 1000"), 60_000);
}

#[test]
fn what_daemonised_and_cleared_its_environment_is_killed_while_its_descent_is_known() {
    let script = "env -i /usr/bin/setsid /bin/sleep 1000 & echo $$ $! >$HERE/pids; wait";
    kill_and_check(script, 60_000);
}

#[test]
fn stopped_processes_are_ended() {
    kill_and_check("sleep 1000 & kill -STOP $!; echo $$ $! >$HERE/pids; wait", 60_000);
}

#[test]
fn a_tree_that_keeps_forking_is_killed() {
    let script = "f() { trap '' TERM; while :; do sleep 0.01 & setsid sh -c 'trap \"\" TERM; sleep 0.05; sleep 5' & sleep 0.02; done; }
        f & echo $$ $! >$HERE/pids; f";
    let (exited, _) = kill_and_check(script, 200);
    assert_eq!(exited.end, End::Signal(9));
}

#[test]
fn a_kill_is_idempotent_and_an_unknown_one_is_refused() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "echo ready; sleep 1000");
    let token = client.launch(launch);
    for _ in 0..3 {
        client.kill(token);
    }
    assert_eq!(client.exited(token).by, By::Kill);
    client.kill(token);
    client.kill(Token(99));
    let refused = client.wait(|message| {
        if let FromKeeper::Refused { token, why } = message { Some((*token, why.clone())) } else { None }
    });
    assert_eq!(refused, (Token(99), Refusal::Unknown));
}

#[test]
fn a_timeout_ends_the_attempt() {
    let place = Place::new();
    let mut client = place.connect();
    let mut launch = client.sh(1, "sleep 1000");
    launch.timeout_ms = Some(200);
    let exited = client.run(launch);
    assert_eq!((exited.end, exited.by), (End::Signal(15), By::Timeout));
    assert!(exited.ended_at - exited.started_at.expect("a start") >= 200);
}

#[test]
fn a_timeout_needs_no_controller() {
    let place = Place::new();
    let mut client = place.connect();
    let mut launch = client.sh(1, "trap '' TERM; echo $$ >$HERE/pids; while :; do sleep 1; done");
    launch.timeout_ms = Some(300);
    launch.kill_grace_ms = 100;
    let token = client.launch(launch);
    client.spawned(token);
    drop(client);
    let pids = pids(&place);
    until("the timeout has come", || all_gone(&pids));
    let mut client = place.connect();
    let exited = ended_or_wait(&mut client, token);
    assert_eq!((exited.end, exited.by), (End::Signal(9), By::Timeout));
}

fn ended_or_wait(client: &mut Client, token: Token) -> sexton::keeper::protocol::Exited {
    use sexton::keeper::protocol::AttemptState;

    let attempt =
        client.welcome().attempts.iter().find(|attempt| attempt.token == token).expect("known").clone();
    match attempt.state {
        AttemptState::Ended(exited) => *exited,
        AttemptState::Spawning | AttemptState::Running { .. } | AttemptState::Clearing => {
            client.exited(token)
        }
    }
}

#[test]
fn leftovers_are_ended_before_the_end_is_told() {
    let place = Place::new();
    let mut client = place.connect();
    let mut launch = client.sh(
        1,
        "sh -c 'trap \"\" TERM; while :; do sleep 1; done' >/dev/null 2>&1 & echo $! >$HERE/pids; exit 4",
    );
    launch.kill_grace_ms = 300;
    let exited = client.run(launch);
    assert!(all_gone(&pids(&place)));
    assert_eq!((exited.end, exited.by), (End::Code(4), By::Itself));
    assert!(exited.leftovers >= 1);
}

#[test]
fn leftovers_that_daemonised_are_found_though_others_run() {
    let place = Place::new();
    let mut client = place.connect();
    let other = client.sh(1, "setsid -f sleep 1002 >/dev/null 2>&1; echo up; sleep 1000");
    let other = client.launch(other);
    client.spawned(other);
    until("the other is up", || client.lines(1) == ["stdout F up"]);
    let launch = client.sh(2, DAEMON);
    let exited = client.run(launch);
    assert!(all_gone(&pids(&place)));
    assert_eq!((exited.end, exited.leftovers), (End::Code(0), 1));
    let plain = client.sh(3, "true");
    assert_eq!(client.run(plain).leftovers, 0);
    client.kill(other);
    assert_eq!(client.exited(other).by, By::Kill);
    assert!(
        !std::process::Command::new("pgrep").args(["-f", "^sleep 1002$"]).status().expect("pgrep").success()
    );
}

#[test]
fn a_pipe_that_stays_open_is_read_a_second_more() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "(sleep 0.2; echo late; sleep 1000) & echo early");
    let start = Instant::now();
    let exited = client.run(launch);
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(exited.end, End::Code(0));
    assert_eq!(client.lines(1), ["stdout F early", "stdout F late"]);
}
