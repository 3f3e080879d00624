//! A night as it is: a sensor waits, its file arrives, a branch is taken, a tree of ten thousand tasks is generated
//! and run; and the daemon is killed again and again meanwhile. What was generated is there again each time, and
//! each task runs once.

use std::collections::BTreeMap;

use sexton::run::state::{Exit, RunId, Status};
use sexton::store::record::RunState;

use super::annals::Annals;
use super::tower::Tower;
use crate::suite::keeper::client::until;

/// Tasks, and after how many of them the daemon is killed.
const TASKS: usize = 10_000;
const KILLS: [usize; 3] = [1, TASKS / 3, TASKS / 2];

/// It waits in the middle of its tree, so that somebody can be killed then; the last task is lazy again.
const PLAN: &str = r#"
echo "parallel:"
until [ -e go ]; do sleep 0.02; done
awk -v n=TASKS 'BEGIN { for (i = 1; i < n; i++) print "  t" i ": echo t" i " >>side" }'
echo "  last: {lazy: \"echo 'echo last >>side'\"}"
"#;

const NIGHT: &str = r#"
schedule: '@reboot'
serial:
  prices: {sensor: {file: prices.csv}}
  day:
    branch:
      before: {when: ds < "2000-01-01", exec: echo before >>side}
      since: echo since >>side
  many: {lazy: sh plan}
  end: echo end >>side
"#;

#[tokio::test]
async fn a_night_ends_right_whoever_is_killed() {
    let mut tower = Tower::new();
    tower.write("plan", &PLAN.replace("TASKS", &TASKS.to_string()));
    tower.pipeline("wide", NIGHT);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_status(1, "prices", Status::Waiting).await;
    tower.kill();
    tower.write("prices.csv.part", "AAPL 188.15");
    std::fs::rename(tower.path("prices.csv.part"), tower.path("prices.csv")).unwrap();
    tower.start();
    annals.wait_for_status(1, "many/generate", Status::Running).await;
    tower.kill();
    // Its command goes on, and ends while nobody is there.
    tower.write("go", "");
    tower.start();
    for kill in KILLS {
        until(&format!("{kill} tasks have run"), || tower.lines("side").len() >= kill);
        tower.kill();
        tower.start();
    }
    let mut ran = 0;
    while ran <= TASKS + 1 {
        until("something more has run", || tower.lines("side").len() > ran);
        ran = tower.lines("side").len();
    }
    annals.wait_for_end(1).await;
    tower.stop();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for line in tower.lines("side") {
        *times.entry(line).or_default() += 1;
    }
    assert_eq!(times.len(), TASKS + 2, "with `since` and `end`");
    assert!(times.values().all(|&times| times == 1), "{times:?}");
    assert_eq!(tower.lines("side").last().map(String::as_str), Some("end"));
    assert_eq!(annals.run(1).await.state, RunState::Succeeded);
    let counts = annals.reader().task_counts(RunId(1)).await.unwrap();
    assert_eq!(counts, BTreeMap::from([(Status::Succeeded, TASKS as u64 + 5), (Status::Skipped, 1)]));
    for path in ["day/since", "many/generate", "many/execute/t1", "many/execute/last/execute", "end"] {
        assert_eq!(annals.exit(1, path).await, Some(Exit::Code(0)), "{path}");
    }
}
