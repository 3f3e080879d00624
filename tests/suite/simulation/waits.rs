//! Sensors, and daemons that die while they wait.

use std::time::Duration;

use jiff::SignedDuration;
use sexton::run::state::{Exit, RunId, Status};
use sexton::store::record::RunState;

use super::desk::Desk;
use super::fates::Fates;
use super::pipelines::pipeline;
use super::world::World;

const LASTS: Duration = Duration::from_secs(5);
const LONG: Duration = Duration::from_mins(1);

async fn desk(code: i32, source: &str) -> (Desk, RunId) {
    let mut desk = Desk::new(World::new(Fates::Same(LASTS, code), 8), 8);
    desk.start().await;
    let run = desk.begin(pipeline("p", source)).await;
    (desk, run)
}

async fn status(desk: &Desk, run: RunId, path: &str) -> Option<Status> {
    desk.reader().status(run, path).await.unwrap()
}

async fn ends_as(desk: &mut Desk, run: RunId, state: RunState) {
    desk.rest().await;
    desk.check_end().await;
    assert_eq!(desk.reader().run(run).await.unwrap().unwrap().state, state);
}

#[tokio::test]
async fn after_the_commit_before_anybody_looks_the_next_daemon_does() {
    let (mut desk, run) = desk(0, "serial: {a: 'true', s: {sensor: {file: /in/surely}}}").await;
    while status(&desk, run, "a").await != Some(Status::Running) {
        desk.round().await;
    }
    desk.world.die_after(0);
    while status(&desk, run, "s").await != Some(Status::Waiting) {
        desk.round().await;
    }
    assert_eq!(desk.reader().last_poke(run, "s").await.unwrap(), None);
    desk.crash(LONG).await;
    desk.start().await;
    desk.check().await;
    ends_as(&mut desk, run, RunState::Succeeded).await;
}

#[tokio::test]
async fn a_time_that_comes_while_nobody_is_there_has_come() {
    // It is 04:00.
    let (mut desk, run) = desk(0, "sensor: {time: '04:00:30'}").await;
    desk.round().await;
    assert_eq!(status(&desk, run, "/").await, Some(Status::Waiting));
    desk.crash(LONG).await;
    desk.start().await;
    ends_as(&mut desk, run, RunState::Succeeded).await;
}

/// The daemon dies while it waits, and is away for half an hour.
async fn outlives_an_outage(sensor: &str, code: i32) -> (Desk, RunId) {
    let (mut desk, run) = desk(code, sensor).await;
    desk.round().await;
    assert_eq!(status(&desk, run, "/").await, Some(Status::Waiting));
    desk.crash(Duration::from_mins(30)).await;
    desk.start().await;
    desk.check().await;
    (desk, run)
}

#[tokio::test]
async fn what_has_come_while_nobody_was_there_is_seen_though_patience_is_up() {
    for sensor in [
        "sensor: {time: '04:05'}\ntimeout: 10m",
        "sensor: {file: /in/five-past}\ntimeout: 10m",
        "sensor: {exec: look}\ntimeout: 10m",
    ] {
        let (mut desk, run) = outlives_an_outage(sensor, 0).await;
        ends_as(&mut desk, run, RunState::Succeeded).await;
    }
}

#[tokio::test]
async fn what_has_not_come_by_then_has_come_too_late() {
    for (sensor, looks) in [
        ("sensor: {time: '04:20'}\ntimeout: 10m", 0),
        ("sensor: {exec: look}\ntimeout: 10m", 1),
        ("sensor: {file: /out/never}\ntimeout: 10m", 0),
    ] {
        let (mut desk, run) = outlives_an_outage(sensor, 1).await;
        ends_as(&mut desk, run, RunState::Failed).await;
        assert_eq!(desk.reader().attempts(run, "/").await.unwrap().len(), looks, "{sensor}");
    }
}

#[tokio::test]
async fn a_time_is_not_taken_from_a_clock_that_is_wrong_for_a_moment() {
    let (mut desk, run) = desk(0, "sensor: {time: '16:00'}").await;
    desk.enact(&[]).await;
    desk.world.set_clock(SignedDuration::from_hours(20));
    desk.round().await;
    assert_eq!(status(&desk, run, "/").await, Some(Status::Waiting));
    desk.world.set_clock(SignedDuration::from_hours(-20));
    desk.round().await;
    desk.check().await;
    assert_eq!(status(&desk, run, "/").await, Some(Status::Waiting));
    ends_as(&mut desk, run, RunState::Succeeded).await;
}

#[tokio::test]
async fn a_look_whose_end_nobody_saw_was_in_vain() {
    let source = "sensor: {exec: 'false'}\ntimeout: 2m\non_timeout: continue\npoke_interval: 10s";
    let (mut desk, run) = desk(1, source).await;
    let attempts = async |desk: &Desk| desk.reader().attempts(run, "/").await.unwrap();
    while attempts(&desk).await.is_empty() {
        desk.round().await;
    }
    desk.world.kill_keeper(Duration::ZERO);
    desk.crash(LASTS).await;
    desk.start().await;
    desk.check().await;
    ends_as(&mut desk, run, RunState::Skipped).await;
    let exits: Vec<Exit> =
        attempts(&desk).await.into_iter().map(|attempt| attempt.end.unwrap().exit).collect();
    assert!(matches!(exits[0], Exit::Lost(_)), "{exits:?}");
    assert!(exits.len() > 2 && exits[1..].contains(&Exit::Code(1)), "{exits:?}");
}

#[tokio::test]
async fn looks_take_no_places_and_are_as_many_as_there_are() {
    let sensors: String = (0..6).map(|n| format!("s{n}: {{sensor: {{exec: 'true'}}}}, ")).collect();
    let mut desk = Desk::new(World::new(Fates::Same(LASTS, 0), 2), 2);
    desk.start().await;
    let run = desk.begin(pipeline("p", &format!("parallel: {{{sensors} a: 'true', b: 'true'}}"))).await;
    let mut most = 0;
    while !desk.is_idle() {
        desk.round().await;
        most = most.max(desk.world.held().len());
    }
    assert_eq!(most, 4, "two tasks, and two looks beside them");
    ends_as(&mut desk, run, RunState::Succeeded).await;
}
