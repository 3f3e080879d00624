//! The daemon is killed again and again while a pipeline is due every second: each slot is decided once, its
//! run is made once and runs once, and ends with the code that it ended with.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;
use sexton::run::state::Exit;
use sexton::schedule::slot::Decision;

use super::annals::{Annals, assert_every_second};
use super::tower::{READY, Tower};
use crate::suite::keeper::client::{DEADLINE, PROGRAM, until};

/// Kills, and seconds that a task takes: of a usual run, and of a long one.
const USUAL: (u64, u64) = (5, 1);
const LONG: (u64, u64) = (50, 5);

fn pipeline(seconds: u64) -> String {
    format!(
        "
schedule: '* * * * * *'
max_active_runs: 20
grace: 1h
exec: |
  echo \"start $SEXTON_SCHEDULED_AT $SEXTON_RUN\" >>side
  sleep {seconds}
  code=$((SEXTON_RUN * 31 % 7))
  echo \"exit $SEXTON_SCHEDULED_AT $SEXTON_RUN $code\" >>side
  exit $code
"
    )
}

/// What the tasks themselves say of a slot.
#[derive(Debug, Default)]
struct Told {
    starts: Vec<i64>,
    exits: Vec<(i64, i32)>,
}

fn told(tower: &Tower) -> BTreeMap<Timestamp, Told> {
    let mut slots: BTreeMap<Timestamp, Told> = BTreeMap::new();
    for line in tower.lines("side") {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["start", slot, run] => {
                slots.entry(slot.parse().unwrap()).or_default().starts.push(run.parse().unwrap());
            }
            ["exit", slot, run, code] => {
                let exit = (run.parse().unwrap(), code.parse().unwrap());
                slots.entry(slot.parse().unwrap()).or_default().exits.push(exit);
            }
            _ => panic!("the tasks say {line:?}"),
        }
    }
    slots
}

/// When anything was last written to the database.
fn written(tower: &Tower) -> Option<SystemTime> {
    std::fs::metadata(tower.state().join("sexton.db-wal")).ok()?.modified().ok()
}

/// Waits for a moment to kill at, another one each time: soon after a commit, soon after a task has started,
/// while the daemon starts, or whenever. Nothing depends on where one falls.
fn moment(tower: &Tower, kill: u64) {
    let spread = |most: u64| std::thread::sleep(Duration::from_micros(kill * 7_919 % most));
    let settled = || {
        let ran = tower.lines("side").len();
        until("something more has run", || tower.lines("side").len() > ran);
    };
    match kill % 5 {
        0 => spread(60_000),
        1 => {
            tower.wait_for(READY);
            spread(1_100_000);
        }
        2 => {
            settled();
            spread(3_000);
        }
        _ => {
            settled();
            // A turn begins with the next commit; the launch follows it.
            let (before, start) = (written(tower), Instant::now());
            while written(tower) == before {
                assert!(start.elapsed() < DEADLINE, "nothing is written");
                std::thread::sleep(Duration::from_micros(50));
            }
            spread(9_000);
        }
    }
}

#[tokio::test]
async fn a_daemon_that_is_killed_loses_and_doubles_no_slot() {
    let long = std::env::var_os("SEXTON_LONG").is_some();
    let (kills, seconds) = if long { LONG } else { USUAL };
    let round: u64 = std::env::var("SEXTON_ROUND").map_or(0, |round| round.parse().unwrap());
    let mut tower = Tower::new();
    tower.pipeline("due", &pipeline(seconds));
    let mut keeper = None;
    tower.start();
    for kill in 0..kills {
        tower.kill();
        let serving = tower.keeper().expect("it outlives its daemon");
        assert_eq!(*keeper.get_or_insert(serving), serving, "it is the same one all the time");
        tower.launch(tower.command(&[]));
        moment(&tower, round * kills + kill);
    }
    tower.kill();
    tower.start();
    // It is due till the very end, so a last life has to do with what all others have left.
    let annals = Annals::of(&tower).await;
    let fired = annals.fired("due").await.len();
    annals.wait_for_fires("due", fired + 2).await;
    tower.remove("due");
    tower.reload("reloaded: ");
    annals.wait_till_idle().await;
    tower.stop();
    check(&tower, &annals).await;
}

async fn check(tower: &Tower, annals: &Annals) {
    let lines = annals.check("due").await;
    assert_every_second(&lines.iter().map(|line| line.first).collect::<Vec<_>>());
    let mut told = told(tower);
    for line in &lines {
        assert_eq!(line.decision, Decision::Fired, "{line:?}");
        let run = line.run.unwrap().0;
        let Told { starts, exits } = told.remove(&line.first).unwrap_or_default();
        assert_eq!(starts, [run], "the slot of {} ran once, as this run", line.first);
        let [(of, code)] = exits[..] else { panic!("the slot of {} ended {exits:?}", line.first) };
        assert_eq!((of, annals.exit(run, "/").await), (run, Some(Exit::Code(code))), "{line:?}");
    }
    assert!(told.is_empty(), "what is not in the ledger has run: {told:?}");
}

/// What a command that reads says at this tower: on standard output, and on standard error.
fn ask(tower: &Tower, words: &[&str]) -> (String, String) {
    let mut command = Command::new(PROGRAM);
    command.args(words);
    tower.surround(&mut command);
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    (String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
}

#[test]
fn whoever_looks_after_a_kill_is_told_that_nobody_is_at_work() {
    let mut tower = Tower::new();
    tower.pipeline(
        "night",
        "schedule: '@reboot'\nserial: {load: 'echo >begun; until [ -e gate ]; do sleep 0.05; done'}\n",
    );
    tower.start();
    until("it runs", || tower.lines("begun").len() == 1);
    let all = [&["runs"][..], &["tasks"], &["why", "1"], &["why", "1", "load"]];
    for words in all {
        assert_eq!(ask(&tower, words).1, "", "{words:?}");
    }
    tower.kill();
    let said = format!(
        "no daemon is at work in {}: `sexton serve` takes up what is under way\n",
        tower.state().display()
    );
    for words in all {
        assert_eq!(ask(&tower, words).1, said, "{words:?}");
    }
    assert_eq!(ask(&tower, &["runs", "--json"]).1, "");
    tower.start();
    tower.write("gate", "");
    tower.wait_for("is complete: run 1");
    tower.kill();
    assert_eq!(ask(&tower, &["runs"]).1, "", "nothing is under way");
}
