//! Who may speak to a keeper, and what becomes of it when nobody does.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sexton::keeper::address::address;
use sexton::keeper::protocol::{By, End, FromKeeper, Refusal, Token};

use super::client::{PROGRAM, Place, read_when_there, runs, signal, until};
use super::lost::record;

#[test]
fn a_second_keeper_is_refused_and_told_who_is_there() {
    let place = Place::new();
    let client = place.connect();
    let output =
        Command::new(PROGRAM).args(["keeper", "--dir"]).arg(place.path()).output().expect("a keeper");
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("a keeper already serves"), "{text}");
    assert!(text.trim().ends_with(&format!("pid {}", client.welcome().pid)), "{text}");
}

#[test]
fn two_starters_get_one_keeper() {
    let place = Place::new();
    let pids: Vec<u32> = std::thread::scope(|scope| {
        let connect = |epoch| {
            scope.spawn({
                let place = &place;
                move || place.connect_as(epoch).welcome().pid
            })
        };
        // Equal epochs: whichever is later displaces the other, both are welcomed.
        let threads: Vec<_> = (0..4).map(|_| connect(1)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).collect()
    });
    assert!(pids.iter().all(|pid| *pid == pids[0]), "{pids:?}");
}

#[test]
fn socket_and_directory_are_private() {
    let place = Place::new();
    let _client = place.connect();
    let mode = |path: std::path::PathBuf| std::fs::metadata(path).expect("it").permissions().mode() & 0o777;
    assert_eq!(mode(place.path()), 0o700);
    assert_eq!(mode(place.path().join("keeper.sock")), 0o600);
    assert_eq!(mode(place.path().join("journal")), 0o600);
}

#[test]
fn a_long_directory_is_reached() {
    let mut place = Place::new();
    let long = place.dir.path().join("d".repeat(120));
    std::fs::create_dir(&long).expect("a directory");
    place.dir = tempfile::tempdir_in(&long).expect("a directory");
    let mut client = place.connect();
    let launch = client.sh(1, "exit 2");
    assert_eq!(client.run(launch).end, End::Code(2));
    assert!(
        address(&place.path()).expect("an address").path().to_string_lossy().starts_with("/proc/self/fd/")
    );
}

#[test]
fn the_newest_controller_wins_and_an_older_one_is_refused() {
    let place = Place::new();
    let mut old = place.connect_as(5);
    let launch = old.sh(1, "while [ ! -e $HERE/go ]; do sleep 0.02; done");
    let token = old.launch(launch);
    old.spawned(token);
    let mut new = place.connect_as(6);
    assert_eq!(old.receive(), FromKeeper::Superseded { epoch: 6 });
    old.wait_for_end();
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| place.connect_as(5)));
    let text = *refused.err().expect("a refusal").downcast::<String>().expect("a text");
    assert!(text.contains("Superseded { epoch: 6 }"), "{text}");
    std::fs::write(place.file("go"), "").expect("a file");
    assert_eq!(new.exited(token).end, End::Code(0));
    // An older epoch is refused by a successor too.
    new.ack(token);
    super::client::kill_keeper(&place);
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| place.connect_as(5)));
    assert!(refused.is_err());
}

#[test]
fn only_a_controller_is_listened_to() {
    let place = Place::new();
    let client = place.connect();
    let stream = std::os::unix::net::UnixStream::connect(place.path().join("keeper.sock")).expect("a socket");
    let mut stranger = super::client::Client::new(stream, place.dir.path().to_owned());
    let launch = client.sh(1, "echo >$HERE/ran");
    stranger.launch(launch);
    stranger.wait_for_end();
    let stream = std::os::unix::net::UnixStream::connect(place.path().join("keeper.sock")).expect("a socket");
    std::io::Write::write_all(&mut &stream, b"GET / HTTP/1.1\r\n\r\n").expect("a write");
    super::client::Client::new(stream, place.dir.path().to_owned()).wait_for_end();
    assert!(!place.file("ran").exists());
    drop(client);
    assert_eq!(place.connect().welcome().high_water, Token(0));
}

#[test]
fn no_event_is_lost_while_the_controller_is_away() {
    let place = Place::new();
    let mut client = place.connect();
    for token in 1..=20 {
        let launch = client.sh(token, &format!("while [ ! -e $HERE/go ]; do sleep 0.02; done; exit {token}"));
        client.launch(launch);
    }
    client.spawned(Token(20));
    drop(client);
    std::fs::write(place.file("go"), "").expect("a file");
    let mut client = place.connect();
    for token in 1..=20 {
        let exited = record(&mut client, Token(token));
        assert_eq!(exited.end, End::Code(token as i32));
        client.ack(Token(token));
    }
}

#[test]
fn a_known_token_is_answered_and_a_superseded_one_refused() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(5, "echo ran >>$HERE/runs; exit 4");
    let token = client.launch(launch.clone());
    let first = client.exited(token);
    client.launch(launch.clone());
    assert_eq!(client.exited(token), first);
    client.ack(token);
    client.launch(launch);
    let older = client.sh(4, "echo ran >>$HERE/runs");
    client.launch(older);
    for token in [5, 4] {
        let refused = client.wait(|message| {
            if let FromKeeper::Refused { token, why } = message { Some((*token, why.clone())) } else { None }
        });
        assert_eq!(refused, (Token(token), Refusal::Superseded { high_water: Token(5) }));
    }
    assert_eq!(std::fs::read_to_string(place.file("runs")).expect("runs"), "ran\n");
}

#[test]
fn a_malformed_launch_is_refused_and_its_token_is_still_good() {
    let place = Place::new();
    let mut client = place.connect();
    for broken in 0..4 {
        let mut launch = client.sh(1, "true");
        match broken {
            0 => launch.argv.clear(),
            1 => launch.cwd = "relative".into(),
            2 => launch.argv.push("a\0b".into()),
            _ => launch.env.push(("A=B".into(), "c".into())),
        }
        client.launch(launch);
        let why =
            client.wait(
                |message| {
                    if let FromKeeper::Refused { why, .. } = message { Some(why.clone()) } else { None }
                },
            );
        assert!(matches!(why, Refusal::Malformed(_)), "{why:?}");
    }
    let launch = client.sh(1, "exit 1");
    assert_eq!(client.run(launch).end, End::Code(1));
}

#[test]
fn a_controller_that_does_not_read_blocks_nobody() {
    let place = Place::new();
    let mut client = place.connect();
    for token in 1..=300 {
        let mut launch = client.sh(token, "");
        // The answers name this program: together they are more than a socket holds.
        launch.argv = vec![format!("/{}", "n".repeat(3000))];
        client.launch(launch);
    }
    let launch = client.sh(301, "echo done >$HERE/done");
    client.launch(launch);
    read_when_there(&place.file("done"));
    for token in 1..=301 {
        client.exited(Token(token));
        client.ack(Token(token));
    }
}

#[test]
fn an_idle_keeper_ends() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "true");
    client.run(launch);
    let pid = client.welcome().pid.cast_signed();
    drop(client);
    until("the keeper has ended", || !runs(pid));
    assert_ne!(place.connect().welcome().pid.cast_signed(), pid);
}

#[test]
fn a_keeper_with_something_to_tell_stays() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "exit 3");
    let token = client.launch(launch);
    client.exited(token);
    let pid = client.welcome().pid;
    drop(client);
    // Longer than an idle one would stay; there is no event to wait for.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let mut client = place.connect();
    assert_eq!(client.welcome().pid, pid);
    assert_eq!(record(&mut client, token).end, End::Code(3));
}

#[test]
fn a_bound_keeper_ends_its_attempts_with_its_controller() {
    let place = Place::new();
    let mut client = place.connect_bound();
    let mut launch = client.sh(1, "trap '' TERM; setsid -f sleep 1004; echo $$ $(pgrep -f '^sleep 1004') >$HERE/pids; while :; do sleep 1; done");
    launch.kill_grace_ms = 200;
    client.launch(launch);
    let pids = read_when_there(&place.file("pids"));
    let keeper = client.welcome().pid.cast_signed();
    drop(client);
    until("the keeper has ended", || !runs(keeper));
    for pid in pids.split_whitespace() {
        assert!(!runs(pid.parse().expect("a pid")), "{pid} runs");
    }
    let mut client = place.connect_as(2);
    let exited = record(&mut client, Token(1));
    assert_eq!((exited.end, exited.by), (End::Signal(9), By::Shutdown));
}

#[test]
fn a_keeper_that_is_asked_to_end_ends_its_attempts_and_knows_their_ends() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "trap 'exit 6' TERM; echo up >$HERE/up; while :; do sleep 0.1; done");
    let token = client.launch(launch);
    read_when_there(&place.file("up"));
    signal(client.welcome().pid.cast_signed(), "TERM");
    let exited = client.exited(token);
    assert_eq!((exited.end, exited.by), (End::Code(6), By::Shutdown));
    client.wait_for_end();
    let mut client = place.connect_as(2);
    assert_eq!(record(&mut client, token).by, By::Shutdown);
}
