//! Slots at bad moments: a clock that is wrong for a while, files that change as something is due, a disk that
//! takes nothing, an end that is ordered meanwhile.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sexton::clock::Clock as _;
use sexton::pipeline::definition::Pipeline;
use sexton::store::record::RunState;
use sexton::store::runs::RunFilter;

use super::desk::Desk;
use super::fates::Fates;
use super::pipelines::pipeline;
use super::world::World;

const AT_ONCE: Duration = Duration::ZERO;

async fn desk(source: &str, lasts: Duration) -> Desk {
    let mut desk = Desk::new(World::new(Fates::Same(lasts, 0), 16), 16);
    desk.start().await;
    desk.enact(&[nightly(source)]).await;
    desk
}

fn nightly(source: &str) -> Pipeline {
    pipeline("nightly", source)
}

async fn restart(desk: &mut Desk, away: Duration, pipelines: &[Pipeline]) {
    desk.crash(away).await;
    desk.start().await;
    desk.enact(pipelines).await;
}

fn minute(minute: i64) -> Timestamp {
    // The world begins at 2018-05-14T04:00:00Z.
    Timestamp::from_second(1_526_270_400 + 60 * minute).unwrap()
}

fn minute_of(at: Timestamp) -> i64 {
    (at.as_second() - minute(0).as_second()) / 60
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// `a +5 fired`, a word a line: schedule, minutes since the world began, decision.
async fn ledger(desk: &Desk) -> Vec<String> {
    let lines = desk.ledger().await;
    let told = lines.iter().map(|line| {
        let (schedule, first) = (&line.schedule, minute_of(line.first));
        let stretch =
            if line.count > 1 { format!("-{} x{}", minute_of(line.last), line.count) } else { String::new() };
        format!("{schedule} +{first}{stretch} {}", line.decision.word())
    });
    told.collect()
}

/// The slots of the runs, in the order in which they were made, and what has become of them.
async fn runs(desk: &Desk) -> Vec<(i64, RunState)> {
    let mut runs = desk.reader().runs(&RunFilter::default(), 1_000).await.unwrap();
    runs.sort_by_key(|run| run.id);
    runs.iter().map(|run| (minute_of(run.scheduled_at.unwrap()), run.state)).collect()
}

#[tokio::test]
async fn a_daemon_that_drains_sleeps_although_a_run_that_waits_has_grown_too_old() {
    let mut desk = desk("{schedule: '*/10 * * * *', starting_deadline: 15m, exec: x}", minutes(60)).await;
    desk.until(minute(21)).await;
    assert_eq!(runs(&desk).await, [(10, RunState::Running), (20, RunState::Queued)]);
    desk.stop(true).await;
    // It looks up every half minute, and has nothing else to do.
    for _ in 0..110 {
        desk.round().await;
    }
    assert!(desk.world.now() > minute(70), "it spins at {}", desk.world.now());
    desk.runs_out().await.unwrap();
    assert_eq!(runs(&desk).await[1], (20, RunState::Queued), "the next start decides");
}

#[tokio::test]
async fn a_clock_that_is_wrong_for_a_moment_ends_nothing() {
    let source = "{schedule: '*/10 * * * *', starting_deadline: 30m, timeout: 2h, serial: {a: x}}";
    let mut desk = desk(source, minutes(18)).await;
    desk.until(minute(21)).await;
    for hours in [5, -9] {
        desk.world.set_clock(SignedDuration::from_hours(hours));
        desk.round().await;
        desk.world.set_clock(-SignedDuration::from_hours(hours));
        desk.round().await;
    }
    desk.until(minute(29)).await;
    assert_eq!(runs(&desk).await, [(10, RunState::Succeeded), (20, RunState::Running)]);
    assert_eq!(ledger(&desk).await, ["default +10 fired", "default +20 fired"]);
    desk.check().await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_for_a_moment_begins_no_schedule_in_the_wrong_year() {
    let mut desk = desk("{schedule: '*/10 * * * *', catchup: all, exec: x}", minutes(1)).await;
    desk.until(minute(11)).await;
    for years in [10, -10] {
        desk.world.set_clock(SignedDuration::from_hours(years * 8_766));
        desk.round().await;
        let tens = 10 + years / 10;
        let other = nightly(&format!("{{schedule: '*/{tens} * * * *', catchup: all, exec: x}}"));
        desk.enact(&[other]).await;
        desk.world.set_clock(-SignedDuration::from_hours(years * 8_766));
        desk.round().await;
    }
    desk.until(minute(28)).await;
    let told = ["default +10 fired", "default +18 fired", "default +27 fired"];
    assert_eq!(ledger(&desk).await, told);
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_moment_is_no_sign_of_life() {
    let source = "{schedule: '*/10 * * * *', catchup: none, exec: x}";
    let mut desk = desk(source, minutes(1)).await;
    desk.until(minute(1)).await;
    desk.world.set_clock(SignedDuration::from_hours(5));
    desk.round().await;
    desk.world.set_clock(-SignedDuration::from_hours(5));
    restart(&mut desk, minutes(15), &[nightly(source)]).await;
    let lines = desk.ledger().await;
    assert!(lines[0].reason.starts_with("sexton was away for 15m"), "{}", lines[0].reason);
}

#[tokio::test]
async fn a_clock_that_is_put_forward_is_no_absence() {
    for hours in [2, 5] {
        let mut desk = desk("{schedule: '0 * * * *', catchup: none, exec: x}", minutes(1)).await;
        desk.until(minute(5)).await;
        desk.world.set_clock(SignedDuration::from_hours(hours));
        desk.round().await;
        if hours > 3 {
            desk.world.set_clock(-SignedDuration::from_hours(hours));
            desk.world.wait(minutes(60));
        }
        desk.round().await;
        let line = desk.ledger().await.remove(0);
        let away = line.reason.strip_prefix("sexton was away for ");
        // An hour's sleep of the machine is one, and lasts as long as it lasted.
        assert_eq!(away.is_some(), hours > 3, "{}", line.reason);
        assert!(away.is_none_or(|away| away.starts_with("1h")), "{}", line.reason);
    }
}

/// A machine whose battery is empty: it starts in the wrong year until it reaches a time server.
#[tokio::test]
async fn a_start_in_the_wrong_year_replays_nothing_and_forgets_no_absence() {
    let source = "{schedule: '*/10 * * * *', catchup: all, exec: x}";
    let mut desk = desk(source, minutes(1)).await;
    desk.until(minute(11)).await;
    desk.crash(minutes(15)).await;
    desk.world.set_clock(-SignedDuration::from_hours(30 * 8_766));
    desk.world.reboot();
    desk.start().await;
    let new = pipeline("new", "{schedule: [{name: new, cron: '0 0 * * *'}], catchup: all, exec: x}");
    desk.enact(&[nightly("{schedule: '*/10 * * * *', catchup: none, exec: x}"), new]).await;
    desk.world.wait(Duration::from_secs(20));
    desk.world.set_clock(SignedDuration::from_hours(30 * 8_766));
    desk.until(minute(31)).await;
    assert_eq!(ledger(&desk).await, ["default +10 fired", "default +20 missed", "default +30 fired"]);
    let reason = &desk.ledger().await[1].reason;
    assert!(reason.starts_with("sexton was away for 1"), "{reason}");
}

#[tokio::test]
async fn a_watermark_never_goes_back_with_the_clock() {
    let one = "{schedule: [{name: a, cron: '*/10 * * * *'}], catchup: all, exec: x}";
    let mut desk = desk(one, Duration::from_secs(1)).await;
    let control = desk.control();
    let (paused, ()) = tokio::join!(control.pause("nightly", "ann"), desk.round());
    paused.unwrap();
    desk.until(minute(21)).await;
    let (resumed, ()) = tokio::join!(control.resume("nightly"), desk.round());
    resumed.unwrap();
    desk.world.set_clock(-SignedDuration::from_mins(15));
    let two =
        "{schedule: [{name: a, cron: '*/10 * * * *'}, {name: b, cron: '8 * * * *'}], catchup: all, exec: x}";
    desk.enact(&[nightly(two)]).await;
    desk.until(minute(9)).await;
    restart(&mut desk, AT_ONCE, &[nightly(two)]).await;
    desk.until(minute(31)).await;
    assert_eq!(ledger(&desk).await, ["b +8 fired", "a +10 paused", "a +20 paused", "a +30 fired"]);
}

#[tokio::test]
async fn what_came_due_before_an_edit_was_read_is_decided_by_the_old_files() {
    let mut desk = desk("{schedule: '*/10 * * * *', exec: x}", minutes(1)).await;
    desk.until(minute(9)).await;
    // The daemon was at its disk as the hour struck, and as somebody asked for a reload.
    desk.world.wait(minutes(1));
    desk.world.wait(minutes(1));
    desk.enact(&[nightly("{schedule: '*/7 * * * *', exec: x}")]).await;
    desk.until(minute(15)).await;
    assert_eq!(ledger(&desk).await, ["default +10 fired", "default +14 fired"]);
    // And so it is for what is taken out of the files.
    desk.until(minute(20)).await;
    desk.world.wait(minutes(2));
    desk.world.wait(minutes(2));
    desk.enact(&[]).await;
    assert_eq!(ledger(&desk).await[2..], ["default +21 fired"]);
    desk.rest().await;
    desk.check_end().await;
}

#[tokio::test]
async fn the_limit_of_the_files_in_force_is_the_one_that_counts() {
    let limited = |most| nightly(&format!("{{schedule: '*/10 * * * *', max_active_runs: {most}, exec: x}}"));
    let mut desk = desk("{schedule: '*/10 * * * *', exec: x}", minutes(25)).await;
    desk.until(minute(31)).await;
    let state = async |desk: &Desk| runs(desk).await.into_iter().map(|(_, state)| state).collect::<Vec<_>>();
    assert_eq!(state(&desk).await, [RunState::Running, RunState::Queued, RunState::Queued]);
    desk.enact(&[limited(2)]).await;
    assert_eq!(state(&desk).await, [RunState::Running, RunState::Running, RunState::Queued]);
    desk.enact(&[limited(1)]).await;
    desk.until(minute(36)).await;
    assert_eq!(state(&desk).await, [RunState::Succeeded, RunState::Running, RunState::Queued]);
    // Out of the files, what waits goes by what it is pinned to.
    desk.enact(&[]).await;
    desk.rest().await;
    desk.check_end().await;
}

#[tokio::test]
async fn the_slots_of_several_schedules_begin_in_the_order_of_time() {
    let source = "{schedule: [{name: late, cron: '30 4 * * *'}, {name: early, cron: '20 4 * * *'}], exec: x}";
    let mut desk = desk(source, minutes(5)).await;
    restart(&mut desk, minutes(40), &[nightly(source)]).await;
    assert_eq!(runs(&desk).await, [(20, RunState::Running), (30, RunState::Queued)]);
}
