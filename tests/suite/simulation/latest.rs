//! `run.is_latest` in the simulated world: what is for the present only is left out while the past is caught up.

use std::time::Duration;

use jiff::Timestamp;
use sexton::control::Clearing;
use sexton::run::state::{RunId, Status};

use super::desk::Desk;
use super::fates::Fates;
use super::pipelines::pipeline;
use super::world::World;

const SOURCE: &str = "{schedule: '*/15 * * * *', catchup: all,
    serial: {load: x, publish: {when: run.is_latest, exec: y}}}";

fn minute(minute: i64) -> Timestamp {
    // The world begins at 2018-05-14T04:00:00Z.
    Timestamp::from_second(1_526_270_400 + 60 * minute).unwrap()
}

async fn start(desk: &mut Desk, source: &str) {
    desk.start().await;
    desk.enact(&[pipeline("nightly", source)]).await;
}

/// A daemon whose tasks take a minute, and which was away for so many.
async fn after(away: u64, source: &str) -> Desk {
    let mut desk = Desk::new(World::new(Fates::Same(Duration::from_mins(1), 0), 16), 16);
    start(&mut desk, source).await;
    desk.crash(Duration::from_mins(away)).await;
    start(&mut desk, source).await;
    desk
}

async fn published(desk: &Desk, runs: std::ops::RangeInclusive<i64>) -> Vec<Option<Status>> {
    let mut all = Vec::new();
    for run in runs {
        let task = desk.reader().task(RunId(run), "publish").await.unwrap();
        all.push(task.map(|task| task.status));
    }
    all
}

#[tokio::test]
async fn only_the_last_run_that_is_caught_up_publishes() {
    let mut desk = after(67, SOURCE).await;
    desk.until(minute(74)).await;
    let (skipped, succeeded) = (Some(Status::Skipped), Some(Status::Succeeded));
    assert_eq!(published(&desk, 1..=4).await, [skipped, skipped, skipped, succeeded]);
    desk.until(minute(78)).await;
    assert_eq!(published(&desk, 5..=5).await, [succeeded]);
    desk.check_end().await;
}

#[tokio::test]
async fn a_slot_that_may_not_run_makes_nothing_late() {
    // The slots after this date are no slots of its runs.
    let source = SOURCE.replace("catchup: all", "catchup: latest, end_date: 2018-05-14, timezone: UTC");
    let mut desk = after(20 * 60 + 14, &source).await;
    desk.until(minute(20 * 60 + 20)).await;
    assert_eq!(published(&desk, 1..=1).await, [Some(Status::Succeeded)]);
}

#[tokio::test]
async fn what_somebody_has_cleared_is_never_too_late() {
    let long: Vec<String> = (0..20).map(|number| format!("t{number}: x")).collect();
    let source = format!(
        "{{schedule: '*/15 * * * *', catchup: all, parallel: {{
            one: {{serial: {{load: x, publish: {{when: run.is_latest, exec: y}}}}}},
            long: {{serial: {{{}}}}}}}}}",
        long.join(", ")
    );
    let mut desk = after(40, &source).await;
    desk.until(minute(43)).await;
    let publish = async |desk: &Desk| {
        let task = desk.reader().task(RunId(1), "one/publish").await.unwrap();
        task.map(|task| task.status)
    };
    assert_eq!(publish(&desk).await, Some(Status::Skipped), "the slot of half past is due");
    let request = Clearing { targets: vec!["one/load".into()], downstream: true, ..Clearing::default() };
    let control = desk.control();
    let (cleared, ()) = tokio::join!(control.clear(RunId(1), request, false, "ann"), desk.round());
    cleared.unwrap();
    // That it was cleared outlives a restart.
    desk.crash(Duration::ZERO).await;
    start(&mut desk, &source).await;
    desk.until(minute(47)).await;
    assert_eq!(publish(&desk).await, Some(Status::Succeeded));
}
