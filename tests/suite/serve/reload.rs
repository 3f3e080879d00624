//! SIGHUP: the files as they are now, all of them or none. What is under way goes on as it began.

use std::time::Duration;

use sexton::run::state::Exit;
use sexton::schedule::slot::Decision;
use sexton::store::record::RunState;

use super::annals::{Annals, assert_every_second, move_past};
use super::tower::Tower;

const EVERY_SECOND: &str = "schedule: '* * * * * *'\nmax_active_runs: 20\ngrace: 1h\nexec: 'true'\n";
const EVERY_OTHER: &str = "schedule: '*/2 * * * * *'\nmax_active_runs: 20\ngrace: 1h\nexec: 'true'\n";

#[tokio::test]
async fn a_changed_schedule_begins_anew_and_the_others_go_on() {
    let mut tower = Tower::new();
    tower.pipeline("changes", EVERY_SECOND);
    tower.pipeline("stays", EVERY_SECOND);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("changes", 2).await;
    tower.pipeline("changes", EVERY_OTHER);
    tower.reload("reloaded: 2 pipelines, 2 schedules; beginning now: changes/default");
    let before = annals.fired("changes").await.last().unwrap().first;
    let fired = annals.fired("changes").await.len();
    annals.wait_for_fires("changes", fired + 2).await;
    // The same files again are no news, and hold up nothing, however often.
    for _ in 0..20 {
        tower.reload("reloaded: 2 pipelines, 2 schedules; no schedule is new");
    }
    let fired = annals.fired("stays").await.len();
    annals.wait_for_fires("stays", fired + 1).await;
    tower.stop();

    let changes = annals.check("changes").await;
    assert!(changes.is_sorted_by_key(|line| line.run), "nothing before the change came after it");
    let slots: Vec<_> = changes.iter().map(|line| line.first).collect();
    let at = slots.iter().position(|slot| *slot == before).unwrap();
    assert_every_second(&slots[..at]);
    assert!(slots[at + 1..].iter().all(|slot| slot.as_second() % 2 == 0), "{slots:?}");
    let stays: Vec<_> = annals.check("stays").await.iter().map(|line| line.first).collect();
    assert_every_second(&stays);
}

#[tokio::test]
async fn a_schedule_that_is_new_or_changed_while_no_daemon_is_there_replays_nothing() {
    let mut tower = Tower::new();
    let catchup = "catchup: all\nexec: 'true'\n";
    tower.pipeline("changes", &format!("schedule: '0 0 1 1 *'\n{catchup}"));
    tower.pipeline("gone", &format!("schedule: '0 0 1 1 *'\n{catchup}"));
    tower.start();
    tower.stop();
    move_past(&tower, Duration::from_hours(48)).await;
    tower.pipeline("changes", &format!("schedule: '*/10 * * * *'\n{catchup}"));
    tower.remove("gone");
    tower.pipeline("new", &format!("schedule: '*/10 * * * *'\n{catchup}"));
    tower.pipeline("bell", EVERY_SECOND);
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("bell", 1).await;
    tower.stop();
    for pipeline in ["changes", "new"] {
        let lines = annals.check(pipeline).await;
        // At most the slot that came due during this test.
        assert!(lines.iter().all(|line| line.reason == "on time") && lines.len() <= 1, "{lines:#?}");
    }
    // It comes back, and has missed nothing: there was no schedule.
    move_past(&tower, Duration::from_hours(48)).await;
    tower.pipeline("gone", &format!("schedule: '*/10 * * * *'\n{catchup}"));
    tower.start();
    let bell = annals.fired("bell").await.len();
    annals.wait_for_fires("bell", bell + 1).await;
    tower.stop();
    let lines = annals.check("gone").await;
    assert!(lines.iter().all(|line| line.reason == "on time") && lines.len() <= 1, "{lines:#?}");
}

#[tokio::test]
async fn an_invalid_file_leaves_all_that_was_in_force() {
    let mut tower = Tower::new();
    tower.pipeline("rings", EVERY_SECOND);
    tower.pipeline("quiet", "exec: 'true'\n");
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("rings", 1).await;
    tower.pipeline("rings", EVERY_OTHER);
    tower.pipeline("quiet", "exec: 'true'\ntimeuot: 3m\n");
    tower.reload("not reloaded, the files that were in force still are");
    tower.has_said("unknown key `timeuot`");
    tower.has_said("did you mean `timeout`?");
    let fired = annals.fired("rings").await.len();
    annals.wait_for_fires("rings", fired + 3).await;
    tower.has_not_said(": reloaded");
    let slots: Vec<_> = annals.check("rings").await.iter().map(|line| line.first).collect();
    assert_every_second(&slots);

    tower.pipeline("quiet", "exec: 'true'\n");
    tower.reload("reloaded: 2 pipelines, 1 schedules; beginning now: rings/default");
    tower.stop();
}

#[tokio::test]
async fn a_removed_pipeline_fires_no_more_and_its_runs_go_on() {
    let mut tower = Tower::new();
    tower.pipeline("witness", EVERY_SECOND);
    let gated = "exec: \"until [ -e gate ]; do sleep 0.05; done; exit 3\"\n";
    tower.pipeline("removed", &EVERY_SECOND.replace("exec: 'true'\n", gated));
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("removed", 2).await;
    tower.remove("removed");
    tower.reload("reloaded: 1 pipelines, 1 schedules");
    let fired = annals.fired("removed").await.len();
    let rung = annals.fired("witness").await.len();
    annals.wait_for_fires("witness", rung + 2).await;
    tower.write("gate", "");
    tower.remove("witness");
    tower.reload("reloaded: 0 pipelines, 0 schedules");
    annals.wait_till_idle().await;
    tower.stop();
    let lines = annals.check("removed").await;
    assert_eq!(lines.len(), fired);
    for line in lines {
        assert_eq!(annals.exit(line.run.unwrap().0, "/").await, Some(Exit::Code(3)));
    }
}

#[tokio::test]
async fn a_run_under_way_keeps_its_definition_and_a_later_one_has_the_new() {
    let mut tower = Tower::new();
    let work = |word: &str, schedule: &str| {
        format!(
            "schedule: '{schedule}'\nenv: {{WORD: {word}}}\nserial:\n  \
             first: \"echo first-{word} >>side; until [ -e gate ]; do sleep 0.05; done\"\n  \
             second: echo {word} $WORD >>side\n"
        )
    };
    tower.pipeline("night", &work("old", "@reboot"));
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("night", 1).await;
    tower.pipeline("night", &work("new", "* * * * * *"));
    tower.reload("reloaded: 1 pipelines, 1 schedules");
    // The limit of one run holds for both.
    annals.wait_for_fires("night", 2).await;
    tower.pipeline("night", &work("newer", "0 0 1 1 *"));
    tower.reload("reloaded: 1 pipelines, 1 schedules");
    // And over a restart.
    tower.kill();
    tower.start();
    tower.write("gate", "");
    annals.wait_till_idle().await;
    tower.stop();
    let side = tower.lines("side");
    assert_eq!(side[..4], ["first-old", "old old", "first-new", "new new"], "{side:?}");
    let runs = annals.runs().await;
    assert!(runs.iter().all(|run| run.state == RunState::Succeeded), "{runs:#?}");
    assert_ne!(runs[0].version, runs[1].version);
    for line in annals.check("night").await {
        assert_eq!(line.decision, Decision::Fired);
    }
}
