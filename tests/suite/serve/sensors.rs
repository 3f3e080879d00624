//! Sensors of a daemon: they outlive it, wait for each other's runs, and go by the files in force.

use std::fs;

use sexton::run::state::{RunId, Status};
use sexton::store::record::RunState;

use super::annals::{Annals, until_so};
use super::tower::Tower;

/// Runs once, when the daemon first starts.
const ONCE: &str = "schedule: '@reboot'\n";

/// Waits till a sensor of a run was last answered this.
async fn wait_for_answer(annals: &Annals, run: i64, path: &str, words: &str) {
    let run = RunId(run);
    until_so(&format!("{path} of run {run} is answered {words:?}"), async || {
        let poke = annals.reader().last_poke(run, path).await.unwrap();
        poke.is_some_and(|poke| poke.words.contains(words))
    })
    .await;
}

#[tokio::test]
async fn a_sensor_goes_on_waiting_when_the_daemon_is_killed() {
    let mut tower = Tower::new();
    fs::create_dir(tower.path("in")).unwrap();
    let waits = "serial:\n  feed: {sensor: {file: in/feed, stable_for: 0s}}\n  \
                 look: {sensor: {exec: test -e in/look}, poke_interval: 1s}\n  load: echo loaded >>loaded\n";
    tower.pipeline("night", &format!("{ONCE}{waits}"));
    tower.start();
    let annals = Annals::of(&tower).await;
    wait_for_answer(&annals, 1, "feed", "no file matches ").await;
    tower.kill();
    tower.start();
    tower.write("in/feed", "");
    wait_for_answer(&annals, 1, "look", "exit code 1").await;
    tower.kill();
    // It comes while nobody is there.
    tower.write("in/look", "");
    tower.start();
    annals.wait_for_end(1).await;
    assert_eq!(annals.run(1).await.state, RunState::Succeeded);
    assert_eq!(tower.lines("loaded"), ["loaded"]);
    tower.stop();
}

#[tokio::test]
async fn a_run_is_waited_for_and_seen_as_soon_as_it_has_succeeded() {
    let mut tower = Tower::new();
    tower.pipeline(
        "first",
        &format!(
            "{ONCE}serial:\n  fetch: 'while ! test -e go; do sleep 0.02; done'\n  \
                    load: 'while ! test -e on; do sleep 0.02; done'\n"
        ),
    );
    // Of an hour: what is seen is heard of.
    let patient = "poke_interval: 1h\n";
    tower.pipeline("whole", &format!("{ONCE}sensor: {{run: first}}\n{patient}"));
    tower.pipeline("part", &format!("{ONCE}sensor: {{run: first, task: fetch}}\n{patient}"));
    tower.pipeline("self", &format!("{ONCE}sensor: {{run: self}}\n{patient}timeout: 1s\n"));
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("whole", 1).await;
    let run = async |name: &str| annals.fired(name).await[0].run.unwrap().0;
    let (first, whole, part, own) =
        (run("first").await, run("whole").await, run("part").await, run("self").await);
    wait_for_answer(&annals, whole, "/", ", the newest, is running").await;
    wait_for_answer(&annals, part, "/", "`fetch` of run ").await;
    tower.write("go", "");
    annals.wait_for_end(part).await;
    assert_eq!(annals.run(part).await.state, RunState::Succeeded);
    assert_eq!(annals.run(whole).await.state, RunState::Running);
    tower.write("on", "");
    annals.wait_for_end(whole).await;
    assert_eq!(annals.run(whole).await.state, RunState::Succeeded);
    assert_eq!(annals.run(first).await.state, RunState::Succeeded);
    annals.wait_for_end(own).await;
    assert_eq!(annals.run(own).await.state, RunState::Failed, "it waits for itself");
    tower.stop();
}

#[tokio::test]
async fn a_pipeline_without_a_slot_on_that_day_is_not_waited_for() {
    let mut tower = Tower::new();
    tower.pipeline(
        "never",
        "schedule: 0 0 1 1 *\nstart_date: 1999-01-01\nend_date: 1999-12-31\nexec: 'true'\n",
    );
    tower.pipeline("unscheduled", "exec: 'true'\n");
    tower.pipeline(
        "waits",
        &format!(
            "{ONCE}parallel:\n  skips: {{sensor: {{run: never}}}}\n  \
             passes: {{sensor: {{run: never, no_slot: pass}}}}\n  \
             waits: {{sensor: {{run: never, no_slot: wait}}, timeout: 2s, on_timeout: continue}}\n  \
             nowhere: {{sensor: {{run: nowhere}}, timeout: 2s, on_timeout: continue}}\n  \
             nobody: {{sensor: {{run: unscheduled, offset: -1d}}, timeout: 2s, on_timeout: continue}}\n"
        ),
    );
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("waits", 1).await;
    annals.wait_for_end(1).await;
    let run = RunId(1);
    for (path, status, words) in [
        ("skips", Status::Skipped, None),
        ("passes", Status::Succeeded, None),
        ("waits", Status::Skipped, Some("`never` has no slot on ")),
        ("nowhere", Status::Skipped, Some("no pipeline `nowhere` is in force here, and it has no run for ")),
        ("nobody", Status::Skipped, Some("`unscheduled` has no schedule, and nobody has started a run for ")),
    ] {
        assert_eq!(annals.reader().status(run, path).await.unwrap(), Some(status), "{path}");
        let poke = annals.reader().last_poke(run, path).await.unwrap();
        assert_eq!(poke.is_some(), words.is_some(), "{path}: {poke:?}");
        if let Some((poke, words)) = poke.zip(words) {
            assert!(poke.words.starts_with(words), "{path}: {poke:?}");
        }
    }
    tower.stop();
}

#[tokio::test]
async fn a_session_is_waited_for_by_the_calendars_in_force() {
    let mut tower = Tower::new();
    fs::create_dir(tower.path("config/calendars")).unwrap();
    let calendar = |close: &str| {
        let known = "code: desk\ntimezone: UTC\nfrom: 2020-01-01\nto: 2099-12-31\n";
        format!("{known}hours: [{{days: mon-sun, open: 00:00, close: {close}}}]\n")
    };
    tower.write("config/calendars/desk.yaml", &calendar("+1d 00:00"));
    tower.pipeline("night", &format!("{ONCE}sensor: {{session: close, calendar: desk}}\n"));
    tower.start();
    let annals = Annals::of(&tower).await;
    wait_for_answer(&annals, 1, "/", " 00:00:00Z (close of desk ").await;
    assert_eq!(annals.run(1).await.state, RunState::Running);
    // It has long closed today.
    tower.write("config/calendars/desk.yaml", &calendar("00:00:01"));
    tower.reload("reloaded: ");
    annals.wait_for_end(1).await;
    assert_eq!(annals.run(1).await.state, RunState::Succeeded);
    tower.stop();
}
