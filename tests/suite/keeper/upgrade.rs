//! Re-exec in place: another program goes on in the same process.

use sexton::keeper::protocol::{AttemptState, By, End, FromKeeper, LogLimit, Token};

use super::client::{PROGRAM, Place, read_when_there, runs, until};
use super::lost::record;

#[test]
fn twenty_attempts_survive_a_reexec() {
    let place = Place::new();
    let mut client = place.connect();
    for token in 1..=20 {
        let script = format!(
            "printf 'before '; while [ ! -e $HERE/go ]; do sleep 0.02; done; echo after; echo hunter2; exit {token}"
        );
        let mut launch = client.sh(token, &script);
        launch.mask = vec!["hunter2".into()];
        client.launch(launch);
    }
    client.spawned(Token(20));
    let pid = client.welcome().pid;
    client.reexec(PROGRAM);
    client.wait_for_end();
    let mut client = place.connect();
    assert_eq!(client.welcome().pid, pid, "it is the same process");
    let running = client.welcome().attempts.iter();
    assert!(running.clone().all(|attempt| matches!(attempt.state, AttemptState::Running { .. })));
    assert_eq!(running.count(), 20);
    std::fs::write(place.file("go"), "").expect("a file");
    for token in 1..=20 {
        let exited = client.exited(Token(token));
        assert_eq!((exited.end, exited.by), (End::Code(token as i32), By::Itself));
        assert!(exited.started_at.is_some());
        assert_eq!(client.lines(token), ["stdout F before after", "stdout F ***"]);
        client.ack(Token(token));
    }
    let launch = client.sh(21, "exit 1");
    assert_eq!(client.run(launch).end, End::Code(1));
}

#[test]
fn a_failed_reexec_goes_on_with_the_old_program() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "while [ ! -e $HERE/go ]; do sleep 0.02; done; exit 9");
    let token = client.launch(launch);
    client.spawned(token);
    for program in ["/no/such/program", "/etc/passwd"] {
        client.reexec(program);
        let error = client.wait(|message| {
            if let FromKeeper::ReexecFailed { error } = message { Some(error.clone()) } else { None }
        });
        assert!(error.contains(program), "{error}");
    }
    std::fs::write(place.file("go"), "").expect("a file");
    assert_eq!(client.exited(token).end, End::Code(9));
    client.ack(token);
    let launch = client.sh(2, "ls /proc/self/fd | wc -l");
    client.run(launch);
    assert_eq!(client.lines(2), ["stdout F 4"], "nothing stays open for children");
}

#[test]
fn timers_kills_tails_and_leftovers_survive_a_reexec() {
    let place = Place::new();
    let mut client = place.connect();
    let mut timed = client.sh(1, "sleep 1000");
    timed.timeout_ms = Some(1500);
    client.launch(timed);
    let mut killed = client.sh(2, "trap '' TERM; setsid -f sh -c 'trap \"\" TERM; echo $$ >$HERE/pid; while :; do sleep 1; done'; while :; do sleep 1; done");
    killed.kill_grace_ms = 1500;
    client.launch(killed);
    let pid = read_when_there(&place.file("pid")).trim().parse().expect("a pid");
    client.kill(Token(2));
    let mut long = client
        .sh(3, "seq 1 2000; echo up >$HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done; seq 2001 4000");
    long.log_limit = LogLimit { head: 1000, tail: 1000 };
    client.launch(long);
    let daemonised =
        client.sh(4, "setsid -f sleep 1005 >/dev/null 2>&1; while [ ! -e $HERE/go ]; do sleep 0.02; done");
    client.launch(daemonised);
    client.spawned(Token(4));
    read_when_there(&place.file("up"));
    client.reexec(PROGRAM);
    client.wait_for_end();
    let mut client = place.connect();
    std::fs::write(place.file("go"), "").expect("a file");
    let timed = record(&mut client, Token(1));
    assert_eq!((timed.end, timed.by), (End::Signal(15), By::Timeout));
    let killed = record(&mut client, Token(2));
    assert_eq!((killed.end, killed.by), (End::Signal(9), By::Kill));
    assert!(!runs(pid));
    let long = record(&mut client, Token(3));
    assert_eq!((long.end, long.log.lines), (End::Code(0), 4000));
    let lines = client.lines(3);
    assert_eq!(lines[0], "stdout F 1");
    assert_eq!(lines.last().expect("a line"), "stdout F 4000");
    assert_eq!(lines.iter().filter(|line| line.starts_with("sexton F ")).count(), 1);
    assert_eq!(record(&mut client, Token(4)).leftovers, 1);
}

#[test]
fn two_reexecs_in_a_row() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "while [ ! -e $HERE/go ]; do sleep 0.02; done; exit 9");
    let token = client.launch(launch);
    client.spawned(token);
    for _ in 0..2 {
        client.reexec(PROGRAM);
        client.wait_for_end();
        client = place.connect();
    }
    std::fs::write(place.file("go"), "").expect("a file");
    let exited = client.exited(token);
    assert_eq!(exited.end, End::Code(9));
    client.ack(token);
    let pid = client.welcome().pid.cast_signed();
    drop(client);
    until("it ends as any idle keeper", || !runs(pid));
}
