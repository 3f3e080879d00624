//! A disk that takes nothing while slots come due: nothing is launched that is not written down, and it all
//! goes on by itself when there is space again.

use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use sexton::run::state::Exit;
use sexton::schedule::slot::Decision;

use super::annals::{Annals, assert_every_second};
use super::tower::Tower;
use crate::suite::keeper::client::until;

const CANNOT: &str = "the database cannot be written";
const DUE: &str = "
schedule: '* * * * * *'
max_active_runs: 20
grace: 1h
exec: echo $SEXTON_SCHEDULED_AT >>side
";

/// A daemon for which a write that fails is no reason to die: it ignores SIGXFSZ, as nothing sends one on a
/// disk that is full.
fn command(tower: &Tower) -> Command {
    let serve = tower.command(&[]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    tower.surround(&mut command);
    command
}

/// Whether the files of the daemon may grow: as on a full disk, but for this one process.
fn set_full(tower: &Tower, full: bool) {
    let limit = Rlimit { current: full.then_some(0), maximum: None };
    prlimit(Pid::from_raw(tower.pid()), Resource::Fsize, limit).expect("a limit");
}

/// A tower on whose full disk slots come due.
async fn full() -> (Tower, Annals) {
    let mut tower = Tower::new();
    tower.pipeline("due", DUE);
    tower.start_as(command(&tower));
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("due", 2).await;
    set_full(&tower, true);
    until("it says so", || tower.count(CANNOT) > 0);
    (tower, annals)
}

#[tokio::test]
async fn what_comes_due_on_a_full_disk_fires_when_there_is_space_again() {
    let (mut tower, annals) = full().await;
    let ran = tower.lines("side").len();
    let fired = annals.fired("due").await.len();
    until("more slots have come due", || tower.count(CANNOT) >= 3);
    assert_eq!(annals.fired("due").await.len(), fired);
    assert!(tower.lines("side").len() <= fired, "only what is written down runs: {ran}, {fired}");
    set_full(&tower, false);
    annals.wait_for_fires("due", fired + 4).await;
    tower.remove("due");
    tower.reload("reloaded: ");
    annals.wait_till_idle().await;
    tower.stop();

    let lines = annals.check("due").await;
    assert!(lines.iter().all(|line| line.decision == Decision::Fired), "{lines:#?}");
    assert!(lines.iter().any(|line| line.reason.ends_with(" late")), "{lines:#?}");
    let slots: Vec<_> = lines.iter().map(|line| line.first).collect();
    assert_every_second(&slots);
    let mut ran: Vec<jiff::Timestamp> =
        tower.lines("side").iter().map(|line| line.parse().unwrap()).collect();
    ran.sort();
    assert_eq!(ran, slots, "each ran once");
    for line in lines {
        assert_eq!(annals.exit(line.run.unwrap().0, "/").await, Some(Exit::Code(0)));
    }
}

#[tokio::test]
async fn a_full_disk_holds_nobody_up_who_wants_to_end() {
    let (mut tower, annals) = full().await;
    tower.signal("HUP");
    tower.stop();
    tower.has_said("the next start decides it");
    // What it could not decide, the next start does.
    tower.start();
    let fired = annals.fired("due").await.len();
    annals.wait_for_fires("due", fired + 1).await;
    tower.remove("due");
    tower.reload("reloaded: ");
    annals.wait_till_idle().await;
    tower.stop();
    let slots: Vec<_> = annals.check("due").await.iter().map(|line| line.first).collect();
    assert_every_second(&slots);
    assert_eq!(tower.lines("side").len(), slots.len(), "each ran once");
}

#[tokio::test]
async fn a_reload_on_a_full_disk_waits_for_space() {
    let (mut tower, annals) = full().await;
    tower.pipeline("new", &DUE.replace("side", "other"));
    tower.signal("HUP");
    let tries = tower.count(CANNOT);
    until("it is tried again", || tower.count(CANNOT) > tries + 1);
    tower.has_not_said("reloaded: ");
    set_full(&tower, false);
    tower.wait_for("reloaded: 2 pipelines, 2 schedules; beginning now: new/default");
    annals.wait_for_fires("new", 2).await;
    tower.stop();
    for pipeline in ["due", "new"] {
        let slots: Vec<_> = annals.check(pipeline).await.iter().map(|line| line.first).collect();
        assert_every_second(&slots);
    }
}
