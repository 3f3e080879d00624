//! Sensors, and daemons that die while they wait.

use std::time::Duration;

use jiff::SignedDuration;
use sexton::clock::Clock as _;
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

async fn cancel(desk: &mut Desk, run: RunId) {
    let control = desk.control();
    let asked = tokio::spawn(async move { control.cancel(run, "/", "ada").await });
    tokio::task::yield_now().await;
    desk.round().await;
    asked.await.unwrap().unwrap();
}

#[tokio::test]
async fn looks_that_nobody_waits_for_any_more_hold_up_no_others() {
    let sensors: String = (0..20).map(|n| format!("s{n}: {{sensor: {{exec: 'true'}}}}, ")).collect();
    let mut desk = Desk::new(World::new(Fates::Same(LASTS, 0), 1), 1);
    desk.start().await;
    let many = desk.begin(pipeline("p", &format!("parallel: {{{sensors}}}"))).await;
    while desk.world.held().is_empty() {
        desk.round().await;
    }
    let one = desk.begin(pipeline("q", "sensor: {exec: 'true'}")).await;
    desk.round().await;
    let began = desk.world.now();
    cancel(&mut desk, many).await;
    ends_as(&mut desk, one, RunState::Succeeded).await;
    let took = desk.world.now().duration_since(began);
    assert!(took < SignedDuration::from_secs(30), "it took {took}");
}

#[tokio::test]
async fn a_task_of_another_run_is_looked_up_when_it_has_ended_and_not_whenever_something_has() {
    let mut desk = Desk::new(World::new(Fates::Same(LASTS, 0), 8), 8);
    desk.start().await;
    let tasks: String = (0..10).map(|n| format!("t{n}: 'true', ")).collect();
    let other = "run: p, task: t4, no_slot: wait";
    let waits = format!(
        "parallel:\n  today: {{sensor: {{{other}}}, poke_interval: 1h}}\n  \
         then: {{sensor: {{{other}, offset: -1d}}, poke_interval: 1h}}\n"
    );
    let waiting = desk.begin(pipeline("q", &waits)).await;
    let other = desk.begin(pipeline("p", &format!("serial: {{{tasks}}}"))).await;
    while status(&desk, waiting, "today").await != Some(Status::Succeeded) {
        desk.round().await;
        let ended = status(&desk, other, "t5").await == Some(Status::Succeeded);
        assert!(!ended, "it is not looked up in time");
    }
    while desk.reader().run(other).await.unwrap().unwrap().state != RunState::Succeeded {
        desk.round().await;
    }
    assert_eq!(desk.world.hurried(), 1);
    assert_eq!(status(&desk, waiting, "then").await, Some(Status::Waiting));
    cancel(&mut desk, waiting).await;
    ends_as(&mut desk, other, RunState::Succeeded).await;
}
