//! A daemon that is told to end: it does, at once, and what runs goes on without it; or, draining, it waits
//! for that and starts nothing more.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use sexton::clock::{Clock as _, System};
use sexton::run::state::Exit;
use sexton::store::record::RunState;

use super::annals::{Annals, assert_every_second};
use super::tower::Tower;
use crate::suite::keeper::client::{signal, until};

/// Runs till a gate opens, and then something more.
const GATED: &str = "
schedule: '@reboot'
serial:
  long: \"echo begun >>side; until [ -e gate ]; do sleep 0.05; done; echo over >>side; exit $CODE\"
  next: echo next >>side
";

/// A second, and what a busy machine may add to it. Whoever waits for a task waits for ever.
const AT_ONCE: Duration = Duration::from_secs(5);

fn gated(tower: &mut Tower, code: u8, words: &[&str]) {
    tower.pipeline("night", &format!("env: {{CODE: '{code}'}}\n{GATED}"));
    tower.start_as(tower.command(words));
    until("its task runs", || tower.lines("side") == ["begun"]);
}

fn ends_at_once(tower: &mut Tower, name: &str) {
    let start = Instant::now();
    tower.signal(name);
    assert_eq!(tower.end().code(), Some(0));
    assert!(start.elapsed() < AT_ONCE, "it took {:?}", start.elapsed());
}

#[tokio::test]
async fn a_task_goes_on_and_the_next_start_knows_its_end() {
    let mut tower = Tower::new();
    gated(&mut tower, 7, &[]);
    let keeper = tower.keeper().expect("a keeper");
    ends_at_once(&mut tower, "TERM");
    tower.has_said("running tasks go on, the next start takes them up");
    tower.has_said("sexton has ended; under way: runs: 1, tasks that run: 1");
    assert_eq!(tower.keeper(), Some(keeper));

    // It is still there for the next one, …
    tower.start();
    tower.has_said("taken up again: runs: 1, tasks that ran: 1");
    ends_at_once(&mut tower, "INT");
    // … and when it ends while nobody is there, that is known all the same.
    tower.write("gate", "");
    until("the task is over", || tower.lines("side") == ["begun", "over"]);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_end(1).await;
    assert_eq!(annals.exit(1, "long").await, Some(Exit::Code(7)));
    assert_eq!(annals.run(1).await.state, RunState::Failed);
    assert_eq!(tower.lines("side"), ["begun", "over"], "what follows a failure does not run");
    assert_eq!(tower.keeper(), Some(keeper));
    tower.stop();
}

#[tokio::test]
async fn a_daemon_that_drains_waits_for_what_runs_and_starts_nothing_more() {
    let mut tower = Tower::new();
    gated(&mut tower, 0, &["--drain"]);
    tower.pipeline("bell", "schedule: '* * * * * *'\nmax_active_runs: 20\ngrace: 1h\nexec: 'true'\n");
    tower.reload("beginning now: bell/default");
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("bell", 1).await;
    tower.signal("TERM");
    tower.wait_for("waiting for running tasks");
    let rung = annals.ledger("bell").await;
    let last = rung.last().unwrap().first;
    until("two more slots have come due", || {
        System.now().duration_since(last) > SignedDuration::from_millis(2_200)
    });
    // It does not hear this any more.
    tower.signal("HUP");
    tower.write("gate", "");
    assert_eq!(tower.end().code(), Some(0));
    tower.has_said("sexton has ended; under way: runs: 1, tasks that run: 0");
    assert_eq!(annals.exit(1, "long").await, Some(Exit::Code(0)));
    assert_eq!(tower.lines("side"), ["begun", "over"]);
    let after = annals.ledger("bell").await.len();
    assert!(after <= rung.len() + 1, "only a slot of the very moment may have come in between");

    // What came due meanwhile is late, and lost nothing.
    tower.start();
    annals.wait_for_end(1).await;
    assert_eq!(tower.lines("side"), ["begun", "over", "next"]);
    annals.wait_for_fires("bell", after + 2).await;
    tower.stop();
    let slots: Vec<_> = annals.check("bell").await.iter().map(|line| line.first).collect();
    assert_every_second(&slots);
}

#[tokio::test]
async fn a_second_signal_ends_a_daemon_that_drains() {
    let mut tower = Tower::new();
    gated(&mut tower, 0, &["--drain"]);
    tower.signal("TERM");
    tower.wait_for("waiting for running tasks");
    ends_at_once(&mut tower, "TERM");
    tower.has_said("running tasks go on, the next start takes them up");
    tower.write("gate", "");
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_end(1).await;
    assert_eq!(tower.lines("side"), ["begun", "over", "next"]);
    tower.stop();
}

#[tokio::test]
async fn a_daemon_that_has_nothing_to_drain_ends_at_once() {
    let mut tower = Tower::new();
    tower.pipeline("bell", "schedule: '* * * * * *'\nexec: 'true'\n");
    tower.start_as(tower.command(&["--drain"]));
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("bell", 1).await;
    annals.wait_till_idle().await;
    ends_at_once(&mut tower, "TERM");
}

#[test]
fn a_keeper_that_does_not_answer_holds_nobody_up() {
    let mut tower = Tower::new();
    gated(&mut tower, 0, &[]);
    let keeper = tower.keeper().expect("a keeper");
    signal(keeper, "STOP");
    ends_at_once(&mut tower, "TERM");
    // Nor the start of the next.
    tower.start();
    ends_at_once(&mut tower, "TERM");
    signal(keeper, "CONT");
    tower.write("gate", "");
    tower.start();
    until("all of it has run", || tower.lines("side") == ["begun", "over", "next"]);
    tower.stop();
}

#[tokio::test]
async fn a_daemon_that_drains_sleeps_meanwhile() {
    let mut tower = Tower::new();
    let gated = "exec: \"echo begun >>side; until [ -e gate ]; do sleep 0.05; done\"\n";
    let schedule = "schedule: '* * * * * *'\nstarting_deadline: 1s\n";
    tower.pipeline("night", &format!("{schedule}{gated}"));
    tower.start_as(tower.command(&["--drain"]));
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("night", 2).await;
    tower.signal("TERM");
    tower.wait_for("waiting for running tasks");
    let waits = annals.fired("night").await.last().unwrap().first;
    let past = |ms: i64| System.now().duration_since(waits) > SignedDuration::from_millis(ms);
    until("the run that waits is too old", || past(1_100));
    let before = cpu(tower.pid());
    until("more time has passed", || past(2_600));
    assert!(cpu(tower.pid()) - before < 50, "it is busy with what it will not decide any more");
    tower.write("gate", "");
    assert_eq!(tower.end().code(), Some(0));
}

/// The hundredths of a second that a process has been at work, all in all: proc(5), `utime` and `stime`.
fn cpu(pid: i32) -> u64 {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields = line.rsplit_once(") ").unwrap().1.split(' ');
    fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
