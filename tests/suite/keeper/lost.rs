//! A keeper that was killed: its successor finds what it left, ends it, and says so.

use sexton::keeper::protocol::{AttemptState, By, End, Exited, Token};
use sexton::keeper::verdict::{Row, Verdict, verdict};

use super::client::{Client, Place, kill_keeper, read_when_there, runs, signal, until};

/// What the successor says of an attempt, now or when it has ended what is left.
pub(super) fn record(client: &mut Client, token: Token) -> Exited {
    let known = client.welcome().attempts.iter().find(|attempt| attempt.token == token).cloned();
    match known.unwrap_or_else(|| panic!("{token:?} is not known")).state {
        AttemptState::Ended(exited) => *exited,
        AttemptState::Clearing | AttemptState::Spawning | AttemptState::Running { .. } => {
            client.exited(token)
        }
    }
}

#[test]
fn what_a_killed_keeper_left_is_ended_and_reported_as_lost() {
    let place = Place::new();
    let mut client = place.connect();
    let script = "setsid -f sh -c 'echo $$ >$HERE/daemon; exec sleep 1000'; sh -c 'trap \"\" TERM; echo $$ >$HERE/deaf; while :; do sleep 1; done' & echo $$ >$HERE/leader; wait";
    let mut launch = client.sh(1, script);
    launch.kill_grace_ms = 200;
    let token = client.launch(launch);
    client.spawned(token);
    let pids = ["daemon", "deaf", "leader"]
        .map(|name| read_when_there(&place.file(name)).trim().parse().expect("a pid"));
    let done = client.sh(2, "exit 3");
    let done = client.launch(done);
    client.exited(done);
    let keeper = kill_keeper(&place);
    assert!(pids.iter().all(|pid| runs(*pid)));

    let mut client = place.connect_as(2);
    let exited = record(&mut client, token);
    assert!(!pids.iter().any(|pid| runs(*pid)), "all are gone when the loss is told");
    let End::Lost(evidence) = &exited.end else { panic!("{exited:?}") };
    assert!(
        evidence.contains(&format!("the keeper (pid {keeper}) was killed while the attempt ran")),
        "{evidence}"
    );
    assert!(evidence.contains("of its processes were still running and were ended"), "{evidence}");
    assert!(exited.leftovers >= 3 && exited.unkillable == 0, "{exited:?}");
    assert_eq!(record(&mut client, done).end, End::Code(3), "an end that was written down is not lost");
}

#[test]
fn an_attempt_that_ended_meanwhile_is_lost_all_the_same() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "echo $$ >$HERE/leader; sleep 1000");
    let token = client.launch(launch);
    let leader: i32 = read_when_there(&place.file("leader")).trim().parse().expect("a pid");
    kill_keeper(&place);
    signal(-leader, "KILL");
    until("the leader is gone", || !runs(leader));
    let mut client = place.connect_as(2);
    let End::Lost(evidence) = record(&mut client, token).end else { panic!("not lost") };
    assert!(evidence.ends_with("none of its processes was still running"), "{evidence}");
}

#[test]
fn a_reboot_keeps_known_ends_and_loses_the_rest() {
    let place = Place::new();
    let mut client = place.connect();
    let done = client.sh(1, "exit 9");
    let done = client.launch(done);
    client.exited(done);
    let launch = client.sh(2, "exec sleep 1003");
    let running = client.launch(launch);
    let pid = client.spawned(running).pid.cast_signed();
    let before = client.welcome().clone();
    kill_keeper(&place);
    // As if this machine had been another boot then.
    let journal = place.path().join("journal");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    std::fs::write(&journal, text.replace(&before.boot_id, "an earlier boot")).expect("the journal");

    let mut client = place.connect_as(2);
    assert_eq!(record(&mut client, done).end, End::Code(9));
    let exited = record(&mut client, running);
    let End::Lost(evidence) = &exited.end else { panic!("{exited:?}") };
    assert!(evidence.starts_with("the machine was restarted"), "{evidence}");
    assert!(runs(pid), "a pid of another boot is not touched");
    signal(pid, "KILL");
    assert_eq!(exited.by, By::Itself);
    let welcome = client.welcome();
    assert_eq!(welcome.high_water, Token(2));
    assert_ne!(welcome.journal_id, before.journal_id);
    let row = Row { token: Token(3), created_at: before.journal_created_at + 1, boot_id: "an earlier boot" };
    assert!(matches!(verdict(welcome, row), Verdict::Lost(_)));
    let row = Row { created_at: i64::MAX, boot_id: &welcome.boot_id, ..row };
    assert_eq!(verdict(welcome, row), Verdict::NeverStarted);
}

#[test]
fn a_journal_that_is_gone_proves_nothing() {
    let place = Place::new();
    let client = place.connect();
    let created_at = client.welcome().journal_created_at;
    kill_keeper(&place);
    std::fs::remove_file(place.path().join("journal")).expect("a journal");
    let client = place.connect_as(2);
    let welcome = client.welcome();
    let row = Row { token: Token(1), created_at, boot_id: &welcome.boot_id };
    assert!(matches!(verdict(welcome, row), Verdict::Lost(_)));
}

#[test]
fn another_keepers_attempt_of_the_same_number_is_left_alone() {
    let (here, there) = (Place::new(), Place::new());
    let (mut client, mut other) = (here.connect(), there.connect());
    let launch = client.sh(1, "sleep 1000");
    let token = client.launch(launch);
    client.spawned(token);
    let launch = other.sh(1, "while [ ! -e $HERE/go ]; do sleep 0.05; done; exit 8");
    let theirs = other.launch(launch);
    other.spawned(theirs);
    kill_keeper(&here);
    let mut client = here.connect_as(2);
    assert!(matches!(record(&mut client, token).end, End::Lost(_)));
    std::fs::write(there.file("go"), "").expect("a file");
    assert_eq!(other.exited(theirs).end, End::Code(8));
}
