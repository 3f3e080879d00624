//! Slots that have fired and whose runs wait for others to end: over a restart, over a reload, and when their
//! pipeline is gone.

use std::time::Duration;

use sexton::run::state::RunId;
use sexton::schedule::slot::Decision;
use sexton::store::record::RunState;

use super::annals::{Annals, move_past, until_so};
use super::tower::Tower;

const EVERY_SECOND: &str = "schedule: '* * * * * *'\ncatchup: all\n";
const NEVER: &str = "schedule: '0 0 1 1 *'\n";
/// One runs till the gate opens; all tell which they are.
const GATED: &str =
    "exec: \"until [ -e gate ]; do sleep 0.05; done; echo $SEXTON_RUN $SEXTON_SCHEDULED_AT >>side\"\n";

/// A tower in which the first run is under way and at least two more wait.
async fn crowded(more: &str) -> (Tower, Annals) {
    let mut tower = Tower::new();
    tower.pipeline("night", &format!("{EVERY_SECOND}{more}{GATED}"));
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("night", 3).await;
    until_so("the first has begun", async || annals.run(1).await.state == RunState::Running).await;
    assert_eq!(annals.run(2).await.state, RunState::Queued);
    (tower, annals)
}

/// All slots that fired have run, one after another, in their order.
async fn all_ran_in_order(tower: &Tower, annals: &Annals) {
    let lines = annals.check("night").await;
    let fired = lines.iter().filter(|line| line.decision == Decision::Fired);
    let expected: Vec<_> = fired.map(|line| (line.run.unwrap(), line.first)).collect();
    let ran = tower.lines("side");
    let ran = ran.iter().map(|line| line.split_once(' ').unwrap());
    let ran: Vec<_> = ran.map(|(run, at)| (RunId(run.parse().unwrap()), at.parse().unwrap())).collect();
    assert_eq!(ran, expected);
}

#[tokio::test]
async fn runs_that_wait_begin_after_a_restart_each_once() {
    let (mut tower, annals) = crowded("").await;
    tower.kill();
    tower.start();
    let fired = annals.fired("night").await.len();
    annals.wait_for_fires("night", fired + 1).await;
    tower.kill();
    tower.pipeline("night", &format!("{NEVER}{GATED}"));
    tower.start();
    assert_eq!(annals.run(2).await.state, RunState::Queued, "one at a time, also now");
    tower.write("gate", "");
    annals.wait_till_idle().await;
    tower.stop();
    all_ran_in_order(&tower, &annals).await;
}

#[tokio::test]
async fn runs_that_wait_begin_though_their_pipeline_is_gone() {
    let (mut tower, annals) = crowded("").await;
    tower.remove("night");
    tower.reload("reloaded: ");
    // Here and there: gone while a daemon is there, and while none is.
    tower.kill();
    tower.start();
    tower.write("gate", "");
    annals.wait_till_idle().await;
    tower.stop();
    all_ran_in_order(&tower, &annals).await;
}

#[tokio::test]
async fn runs_that_wait_grow_too_old_while_no_daemon_is_there() {
    let (mut tower, annals) = crowded("starting_deadline: 1h\n").await;
    tower.kill();
    let lines = annals.ledger("night").await;
    // Their slots are two hours old; the one under way has begun in time.
    move_slots(&tower, Duration::from_hours(2)).await;
    tower.pipeline("night", &format!("{NEVER}starting_deadline: 1h\n{GATED}"));
    tower.start();
    tower.has_said("; down for 2h");
    until_so("all that waited have been let go", async || {
        annals.reader().unfinished_runs().await.unwrap().len() == 1
    })
    .await;
    tower.write("gate", "");
    annals.wait_till_idle().await;
    tower.stop();
    let after = annals.ledger("night").await;
    assert_eq!(after.len(), lines.len());
    assert_eq!(after[0].decision, Decision::Fired);
    for line in &after[1..] {
        assert_eq!(line.decision, Decision::Expired, "{line:?}");
        assert_eq!(line.reason, "it waited for longer than starting_deadline (1h)");
        assert_eq!(annals.run(line.run.unwrap().0).await.state, RunState::Skipped);
    }
    assert_eq!(tower.lines("side").len(), 1);
}

#[tokio::test]
async fn runs_that_wait_grow_no_older_than_the_files_say_that_are_there_now() {
    let (mut tower, annals) = crowded("starting_deadline: 1h\n").await;
    tower.kill();
    move_slots(&tower, Duration::from_hours(2)).await;
    tower.pipeline("night", &format!("{NEVER}starting_deadline: 3h\n{GATED}"));
    tower.start();
    tower.write("gate", "");
    annals.wait_till_idle().await;
    tower.stop();
    let lines = annals.ledger("night").await;
    assert!(lines.iter().all(|line| line.decision == Decision::Fired), "{lines:#?}");
    assert_eq!(tower.lines("side").len(), lines.len());
}

#[tokio::test]
async fn runs_that_end_as_they_begin_hold_nobody_up() {
    let mut tower = Tower::new();
    let work = "max_active_runs: 1\nserial:\n  a: {when: 'false', exec: 'true'}\n";
    tower.pipeline("night", &format!("schedule: '*/10 * * * *'\ncatchup: all\n{work}"));
    tower.start();
    tower.stop();
    move_past(&tower, Duration::from_hours(2)).await;
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("night", 12).await;
    annals.wait_till_idle().await;
    tower.stop();
    let lines = annals.check("night").await;
    assert!(lines.len() >= 12, "{}", lines.len());
    for line in lines {
        assert_eq!(annals.run(line.run.unwrap().0).await.state, RunState::Skipped);
    }
}

#[tokio::test]
async fn runs_that_wait_go_by_the_limit_that_is_in_force_now() {
    let (mut tower, annals) = crowded("").await;
    tower.pipeline("night", &format!("{NEVER}max_active_runs: 3\n{GATED}"));
    tower.reload("reloaded: ");
    until_so("three are under way", async || {
        let runs = annals.runs().await;
        runs.iter().filter(|run| run.state == RunState::Running).count() == 3
    })
    .await;
    tower.write("gate", "");
    annals.wait_till_idle().await;
    tower.stop();
    annals.check("night").await;
}

/// Moves the slots of all runs, and how far schedules were considered, into the past.
async fn move_slots(tower: &Tower, by: Duration) {
    use sqlx::{Connection as _, SqliteConnection};

    move_past(tower, by).await;
    let url = format!("sqlite://{}", tower.state().join(sexton::store::db::FILE).display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    for sql in [
        "update runs set scheduled_at = scheduled_at - ?1, created_at = created_at - ?1",
        "update ledger set first = first - ?1, last = last - ?1",
    ] {
        let by = i64::try_from(by.as_millis()).unwrap();
        sqlx::query(sql).bind(by).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}
