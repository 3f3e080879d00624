//! The table of crash points: the keeper dies at each, its successor tells the truth, nothing runs twice.

use sexton::keeper::protocol::{AttemptState, End, Exited, Token};
use sexton::keeper::verdict::{Row, Verdict, verdict};

use super::client::{Client, Place, until};
use super::lost::record;

/// One attempt whose keeper dies at `point`; what its successor says of it. The task notes each of its
/// starts; how many there were is the last value.
fn die_at(point: &str, before_death: impl FnOnce(&mut Client, Token)) -> (Place, Client, Token) {
    let place = Place::new();
    let mut client = place.start_with_crash(point);
    let launch = client.sh(1, "echo start >>$HERE/starts; exit 5");
    let token = client.launch(launch);
    before_death(&mut client, token);
    client.wait_for_end();
    let client = place.connect_as(2);
    (place, client, token)
}

fn starts(place: &Place) -> usize {
    std::fs::read_to_string(place.file("starts")).unwrap_or_default().lines().count()
}

fn verdict_of(client: &Client, token: Token) -> &'static str {
    let welcome = client.welcome();
    let row = Row { token, created_at: welcome.journal_created_at + 1, boot_id: &welcome.boot_id };
    match verdict(welcome, row) {
        Verdict::Live(_) => "live",
        Verdict::Ended(_) => "ended",
        Verdict::NeverStarted => "never started",
        Verdict::Lost(_) => "lost",
    }
}

fn is_lost(exited: &Exited, words: &str) {
    let End::Lost(evidence) = &exited.end else { panic!("{exited:?}") };
    assert!(evidence.contains(words), "{evidence}");
}

#[test]
fn before_spawning_nothing_has_happened() {
    let (place, mut client, token) = die_at("before-spawning", |_, _| {});
    assert_eq!(verdict_of(&client, token), "never started");
    let launch = client.sh(1, "echo start >>$HERE/starts; exit 5");
    assert_eq!(client.run(launch).end, End::Code(5));
    assert_eq!(starts(&place), 1);
}

#[test]
fn a_torn_spawning_line_is_none() {
    // The first write of a journal's owner is its own line, the second the epoch, the third the launch.
    let (place, mut client, token) = die_at("torn-write:3", |_, _| {});
    assert_eq!(verdict_of(&client, token), "never started");
    let launch = client.sh(1, "echo start >>$HERE/starts; exit 5");
    assert_eq!(client.run(launch).end, End::Code(5));
    assert_eq!(starts(&place), 1);
}

#[test]
fn after_spawning_nobody_knows_and_it_is_lost() {
    let (place, mut client, token) = die_at("after-spawning", |_, _| {});
    is_lost(
        &record(&mut client, token),
        "was killed as the attempt was being started; none of its processes",
    );
    assert_eq!(starts(&place), 0);
    // Its token is used up: the daemon starts a new attempt.
    client.ack(token);
    let launch = client.sh(2, "echo start >>$HERE/starts; exit 5");
    assert_eq!(client.run(launch).end, End::Code(5));
}

#[test]
fn after_the_fork_what_runs_is_found_by_its_mark() {
    let place = Place::new();
    let mut client = place.start_with_crash("after-fork");
    let launch = client.sh(1, "echo $$ >$HERE/leader; exec sleep 1000");
    let token = client.launch(launch);
    client.wait_for_end();
    let leader = super::client::read_when_there(&place.file("leader")).trim().parse().expect("a pid");
    assert!(super::client::runs(leader));
    let mut client = place.connect_as(2);
    is_lost(
        &record(&mut client, token),
        "as the attempt was being started; 1 of its processes was still running",
    );
    assert!(!super::client::runs(leader));
}

#[test]
fn after_spawned_it_is_lost() {
    let (place, mut client, token) = die_at("after-spawned", |_, _| {});
    is_lost(&record(&mut client, token), "was killed while the attempt ran");
    assert!(starts(&place) <= 1);
}

#[test]
fn after_the_exit_before_it_is_written_it_is_lost() {
    let (place, mut client, token) = die_at("after-exit", |_, _| {});
    is_lost(&record(&mut client, token), "while the attempt ran; none of its processes was still running");
    assert_eq!(starts(&place), 1);
}

#[test]
fn after_exited_is_written_it_is_told_by_the_successor() {
    let (place, mut client, token) = die_at("after-exited", |_, _| {});
    assert_eq!(verdict_of(&client, token), "ended");
    assert_eq!(record(&mut client, token).end, End::Code(5));
    assert_eq!(starts(&place), 1);
}

#[test]
fn after_it_is_sent_it_is_told_again_until_acknowledged() {
    let (place, mut client, token) = die_at("after-sent", |client, token| {
        assert_eq!(client.exited(token).end, End::Code(5));
    });
    assert_eq!(record(&mut client, token).end, End::Code(5));
    drop(client);
    let mut client = place.connect_as(3);
    assert_eq!(record(&mut client, token).end, End::Code(5));
    client.ack(token);
    drop(client);
    let client = place.connect_as(4);
    assert_eq!(client.welcome().attempts, []);
    assert_eq!(client.welcome().high_water, token);
    assert_eq!(starts(&place), 1);
}

#[test]
fn after_an_acknowledgement_is_written_it_is_forgotten() {
    let (_place, client, token) = die_at("after-acked", |client, token| {
        client.exited(token);
        client.ack(token);
    });
    assert_eq!(client.welcome().attempts, []);
    assert_eq!(client.welcome().high_water, token);
}

#[test]
fn a_death_before_a_reexec_loses_as_any_other() {
    let place = Place::new();
    let mut client = place.start_with_crash("before-reexec");
    let launch = client.sh(1, "exec sleep 1000");
    let token = client.launch(launch);
    let pid = client.spawned(token).pid.cast_signed();
    client.reexec(super::client::PROGRAM);
    client.wait_for_end();
    let mut client = place.connect_as(2);
    is_lost(&record(&mut client, token), "1 of its processes was still running and was ended");
    until("it is gone", || !super::client::runs(pid));
}

#[test]
fn a_death_in_the_middle_of_a_recovery_repeats_it() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "trap '' TERM; echo $$ >$HERE/leader; while :; do sleep 1; done");
    let token = client.launch(launch);
    let leader = super::client::read_when_there(&place.file("leader")).trim().parse().expect("a pid");
    client.spawned(token);
    let first = super::client::kill_keeper(&place);
    let client = place.connect_as(2);
    let state = &client.welcome().attempts[0].state;
    assert!(matches!(state, AttemptState::Clearing), "{state:?}");
    super::client::kill_keeper(&place);
    let mut client = place.connect_as(3);
    // Its grace of ten seconds begins anew; this ends it sooner.
    super::client::signal(leader, "KILL");
    is_lost(
        &record(&mut client, token),
        &format!("the keeper (pid {first}) was killed while the attempt ran"),
    );
    assert!(!super::client::runs(leader));
}
