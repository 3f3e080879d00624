//! A tree of ten thousand tasks is generated and run, and the daemon is killed again and again meanwhile: what
//! was generated is there again each time, and each task runs once.

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

#[tokio::test]
async fn ten_thousand_generated_tasks_run_once_whoever_is_killed() {
    let mut tower = Tower::new();
    tower.write("plan", &PLAN.replace("TASKS", &TASKS.to_string()));
    tower.pipeline("wide", "{schedule: '@reboot', serial: {many: {lazy: sh plan}, end: echo end >>side}}");
    tower.start();
    let annals = Annals::of(&tower).await;
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
    while ran <= TASKS {
        until("something more has run", || tower.lines("side").len() > ran);
        ran = tower.lines("side").len();
    }
    annals.wait_for_end(1).await;
    tower.stop();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for line in tower.lines("side") {
        *times.entry(line).or_default() += 1;
    }
    assert_eq!(times.len(), TASKS + 1);
    assert!(times.values().all(|&times| times == 1), "{times:?}");
    assert_eq!(tower.lines("side").last().map(String::as_str), Some("end"));
    assert_eq!(annals.run(1).await.state, RunState::Succeeded);
    let counts = annals.reader().task_counts(RunId(1)).await.unwrap();
    assert_eq!(counts, BTreeMap::from([(Status::Succeeded, TASKS as u64 + 3)]));
    for path in ["many/generate", "many/execute/t1", "many/execute/last/execute", "end"] {
        assert_eq!(annals.exit(1, path).await, Some(Exit::Code(0)), "{path}");
    }
}
