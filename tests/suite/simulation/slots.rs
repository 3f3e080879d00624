//! Slots in the simulated world: each fires once, whatever becomes of the daemon, the machine and its clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sexton::clock::Clock as _;
use sexton::pipeline::definition::Pipeline;
use sexton::run::state::RunId;
use sexton::schedule::slot::Decision;
use sexton::store::record::RunState;
use sexton::store::runs::RunFilter;

use super::chance::Chance;
use super::desk::Desk;
use super::fates::Fates;
use super::pipelines::pipeline;
use super::world::World;

const AT_ONCE: Duration = Duration::ZERO;

/// A daemon with this pipeline, whose tasks take so long.
async fn desk(source: &str, lasts: Duration) -> (Desk, Pipeline) {
    let mut desk = Desk::new(World::new(Fates::Same(lasts, 0), 16), 16);
    desk.start().await;
    let pipeline = pipeline("nightly", source);
    desk.enact(std::slice::from_ref(&pipeline)).await;
    (desk, pipeline)
}

/// It dies, is away for so long, and comes back to the same files.
async fn away(desk: &mut Desk, pipeline: &Pipeline, away: Duration) {
    desk.crash(away).await;
    desk.start().await;
    desk.enact(std::slice::from_ref(pipeline)).await;
}

fn minute(minute: i64) -> Timestamp {
    // The world begins at 2018-05-14T04:00:00Z.
    Timestamp::from_second(1_526_270_400 + 60 * minute).unwrap()
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// `+5 fired`, a word a line: minutes since the world began.
async fn ledger(desk: &Desk) -> Vec<String> {
    let lines = desk.ledger().await;
    let minute = |at: Timestamp| (at.as_second() - minute(0).as_second()) / 60;
    let told = lines.iter().map(|line| {
        let stretch =
            if line.count > 1 { format!("-{} x{}", minute(line.last), line.count) } else { String::new() };
        format!("{}{stretch} {}", minute(line.first), line.decision.word())
    });
    told.collect()
}

async fn runs(desk: &Desk) -> Vec<(i64, RunState)> {
    let mut runs = desk.reader().runs(&RunFilter::default(), 1_000).await.unwrap();
    runs.sort_by_key(|run| run.id);
    let minute = |at: Timestamp| (at.as_second() - minute(0).as_second()) / 60;
    runs.iter().map(|run| (minute(run.scheduled_at.unwrap()), run.state)).collect()
}

#[tokio::test]
async fn what_is_due_fires_on_the_minute() {
    let (mut desk, _) = desk("{schedule: '*/5 * * * *', exec: x}", minutes(1)).await;
    desk.until(minute(16)).await;
    assert_eq!(ledger(&desk).await, ["5 fired", "10 fired", "15 fired"]);
    for line in desk.ledger().await {
        assert_eq!((line.decided_at, &*line.reason), (line.first, "on time"));
    }
    let record = desk.reader().runs(&RunFilter::default(), 1).await.unwrap().remove(0);
    assert_eq!(record.scheduled_at, Some(minute(15)));
    assert_eq!((record.interval.start, record.interval.end), (minute(10), minute(15)));
    desk.until(minute(17)).await;
    desk.check_end().await;
}

/// `SEXTON_LONG` plays it more often.
#[tokio::test]
async fn each_slot_fires_once_however_often_the_daemon_dies() {
    let times = if std::env::var_os("SEXTON_LONG").is_some() { 40 } else { 2 };
    let round: u64 = std::env::var("SEXTON_ROUND").map_or(0, |round| round.parse().expect("a number"));
    for seed in (0..times).map(|time| 1_000 * round + time) {
        eprintln!("seed {seed}");
        die_often(seed).await;
    }
}

async fn die_often(seed: u64) {
    let mut chance = Chance(seed);
    let source = "{schedule: '* * * * *', max_active_runs: 4, overlap: skip, grace: 10m, exec: x}";
    let (mut desk, pipeline) = desk(source, Duration::from_secs(150)).await;
    for _ in 0..60 {
        for _ in 0..chance.below(6) {
            desk.round().await;
        }
        let gone = Duration::from_secs(chance.below(90));
        if chance.once_in(2) {
            desk.crash_in_round(1 + chance.below(4) as u32, gone).await;
            desk.start().await;
            desk.enact(std::slice::from_ref(&pipeline)).await;
        } else {
            away(&mut desk, &pipeline, gone).await;
        }
        desk.check().await;
    }
    let last = desk.world.now();
    let lines = desk.ledger().await;
    let firsts: Vec<Timestamp> = lines.iter().map(|line| line.first).collect();
    let every: Vec<Timestamp> = (1..10_000).map(minute).take_while(|slot| *slot <= last).collect();
    assert_eq!(firsts, every, "each slot has one line");
    let mut made: Vec<_> = lines.iter().filter_map(|line| line.run).collect();
    made.sort_unstable();
    let all = desk.reader().runs(&RunFilter::default(), 10_000).await.unwrap();
    assert_eq!(made.len(), all.len(), "each run is a slot's");
    made.dedup();
    assert_eq!(made.len(), all.len(), "and of one slot only");
    desk.enact(&[]).await;
    desk.rest().await;
    desk.check_end().await;
}

#[tokio::test]
async fn after_an_hour_away_catchup_decides() {
    for (catchup, told) in [
        ("none", vec!["15 missed", "30 missed", "45 missed", "60 missed"]),
        ("latest", vec!["15 missed", "30 missed", "45 missed", "60 fired"]),
        ("all", vec!["15 fired", "30 fired", "45 fired", "60 fired"]),
    ] {
        let source = format!("{{schedule: '*/15 * * * *', catchup: {catchup}, exec: x}}");
        let (mut desk, pipeline) = desk(&source, minutes(1)).await;
        away(&mut desk, &pipeline, minutes(67)).await;
        assert_eq!(ledger(&desk).await, told, "{catchup}");
        desk.until(minute(73)).await;
        let done: Vec<_> = runs(&desk).await;
        let fired = told.iter().filter_map(|line| line.strip_suffix(" fired")?.parse().ok());
        assert_eq!(done, fired.map(|slot| (slot, RunState::Succeeded)).collect::<Vec<_>>());
        for line in desk.ledger().await {
            let away = line.reason.starts_with("sexton was away for 1h7m; ");
            assert_eq!(away, line.decision == Decision::Missed, "{}", line.reason);
        }
    }
}

#[tokio::test]
async fn after_an_hour_away_what_is_too_old_expires() {
    let source = "{schedule: '*/15 * * * *', catchup: all, starting_deadline: 30m, exec: x}";
    let (mut desk, pipeline) = desk(source, minutes(1)).await;
    away(&mut desk, &pipeline, minutes(67)).await;
    assert_eq!(ledger(&desk).await, ["15 expired", "30 expired", "45 fired", "60 fired"]);
}

#[tokio::test]
async fn a_run_waits_for_its_place_and_expires_when_it_waits_too_long() {
    let source = "{schedule: '*/10 * * * *', starting_deadline: 15m, exec: x}";
    let (mut desk, pipeline) = desk(source, minutes(28)).await;
    desk.until(minute(21)).await;
    assert_eq!(ledger(&desk).await, ["10 fired", "20 fired"]);
    assert_eq!(runs(&desk).await, [(10, RunState::Running), (20, RunState::Queued)]);
    // It waits still after a restart.
    away(&mut desk, &pipeline, AT_ONCE).await;
    desk.until(minute(34)).await;
    assert_eq!(runs(&desk).await[1], (20, RunState::Queued));
    desk.until(minute(36)).await;
    assert_eq!(runs(&desk).await[1], (20, RunState::Skipped));
    assert_eq!(ledger(&desk).await, ["10 fired", "20 expired", "30 fired"]);
    assert_eq!(desk.ledger().await[1].reason, "it waited for longer than starting_deadline (15m)");
    // The next in line begins the moment the first has ended.
    desk.until(minute(39)).await;
    assert_eq!(runs(&desk).await[2], (30, RunState::Running));
    desk.check().await;
}

#[tokio::test]
async fn a_run_that_waits_can_be_cancelled() {
    let (mut desk, _) = desk("{schedule: '*/10 * * * *', exec: x}", minutes(28)).await;
    desk.until(minute(21)).await;
    let control = desk.control();
    let (cancelled, ()) = tokio::join!(control.cancel(RunId(2), "/", "ann"), desk.round());
    cancelled.unwrap();
    assert_eq!(runs(&desk).await, [(10, RunState::Running), (20, RunState::Cancelled)]);
    desk.until(minute(41)).await;
    assert_eq!(runs(&desk).await[2].1, RunState::Running);
    desk.check().await;
}

#[tokio::test]
async fn a_later_slot_takes_a_running_one_s_place() {
    let source = "{schedule: '*/10 * * * *', overlap: cancel_running, exec: x}";
    let (mut desk, _) = desk(source, minutes(15)).await;
    desk.until(minute(21)).await;
    let states: Vec<_> = runs(&desk).await;
    assert_eq!(states, [(10, RunState::Cancelled), (20, RunState::Running)]);
    desk.check().await;
}

#[tokio::test]
async fn an_edit_replays_nothing() {
    let before = "{schedule: '*/10 * * * *', catchup: all, exec: x}";
    let (mut desk, _) = desk(before, minutes(1)).await;
    desk.until(minute(11)).await;
    let after = pipeline("nightly", "{schedule: '*/2 * * * *', catchup: all, exec: x}");
    desk.enact(std::slice::from_ref(&after)).await;
    desk.until(minute(15)).await;
    assert_eq!(ledger(&desk).await, ["10 fired", "12 fired", "14 fired"]);
    // Edited while the daemon was away: what the old schedule missed is not the new one's to make good.
    desk.crash(minutes(30)).await;
    desk.start().await;
    let again = pipeline("nightly", "{schedule: '*/3 * * * *', catchup: all, exec: x}");
    desk.enact(&[again]).await;
    assert_eq!(ledger(&desk).await.len(), 3);
    desk.until(minute(49)).await;
    assert_eq!(ledger(&desk).await[3..], ["48 fired"]);
}

#[tokio::test]
async fn a_run_keeps_the_definition_it_began_with() {
    let (mut desk, _) = desk("{schedule: '*/10 * * * *', exec: x}", minutes(5)).await;
    desk.until(minute(11)).await;
    desk.enact(&[]).await;
    desk.rest().await;
    desk.check_end().await;
    assert_eq!(runs(&desk).await, [(10, RunState::Succeeded)]);
    desk.until(minute(31)).await;
    assert_eq!(ledger(&desk).await, ["10 fired"], "what is gone from the files makes no runs");
}

#[tokio::test]
async fn a_pause_holds_slots_and_outlives_a_restart() {
    let (mut desk, pipeline) = desk("{schedule: '*/10 * * * *', catchup: all, exec: x}", minutes(1)).await;
    let control = desk.control();
    let (paused, ()) = tokio::join!(control.pause("nightly", "ann"), desk.round());
    paused.unwrap();
    desk.until(minute(11)).await;
    away(&mut desk, &pipeline, minutes(20)).await;
    let control = desk.control();
    let (resumed, ()) = tokio::join!(control.resume("nightly"), desk.round());
    resumed.unwrap();
    desk.until(minute(41)).await;
    assert_eq!(ledger(&desk).await, ["10 paused", "20 paused", "30 paused", "40 fired"]);
    let (unknown, ()) = tokio::join!(control.pause("nightly2", "ann"), desk.round());
    assert_eq!(unknown.unwrap_err().to_string(), "there is no pipeline `nightly2`");
}

#[tokio::test]
async fn a_clock_set_hours_ahead_and_back_fires_nothing_twice_and_loses_nothing_silently() {
    let (mut desk, pipeline) = desk("{schedule: '0 * * * *', catchup: all, exec: x}", minutes(1)).await;
    desk.until(minute(61)).await;
    desk.world.set_clock(SignedDuration::from_hours(5));
    // Held still for a while, then believed: 05:01 is 10:01 now.
    desk.until(minute(6 * 60 + 2)).await;
    assert_eq!(ledger(&desk).await, ["60 fired", "60-362 x5 rebased"]);
    desk.until(minute(7 * 60 + 1)).await;
    assert_eq!(ledger(&desk).await[2..], ["420 fired"]);
    // It is noticed and set right again: by real time it is about two hours after the beginning.
    desk.world.set_clock(-SignedDuration::from_hours(5));
    desk.round().await;
    away(&mut desk, &pipeline, minutes(2)).await;
    desk.until(minute(8 * 60 + 1)).await;
    let lines = desk.ledger().await;
    let mut fired: Vec<i64> = lines
        .iter()
        .filter(|line| line.decision == Decision::Fired)
        .map(|line| (line.first.as_second() - minute(0).as_second()) / 60)
        .collect();
    fired.dedup();
    // 120 was just over when the clock was set right; 420 had fired by the wrong clock.
    assert_eq!(fired, [60, 180, 240, 300, 360, 420, 480]);
    let notes: Vec<_> =
        lines.iter().filter(|line| line.decision == Decision::Rebased).map(|line| &*line.reason).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    let all = desk.reader().runs(&RunFilter::default(), 100).await.unwrap();
    assert_eq!(all.len(), 7);
}

#[tokio::test]
async fn a_small_step_back_fires_nothing_twice() {
    let (mut desk, _) = desk("{schedule: '*/10 * * * *', exec: x}", minutes(1)).await;
    desk.until(minute(11)).await;
    desk.world.set_clock(-SignedDuration::from_mins(8));
    desk.until(minute(21)).await;
    assert_eq!(ledger(&desk).await, ["10 fired", "20 fired"]);
    assert_eq!(runs(&desk).await.len(), 2);
}

#[tokio::test]
async fn a_boot_fires_once() {
    let (mut desk, pipeline) = desk("{schedule: '@reboot', exec: x}", Duration::from_secs(5)).await;
    away(&mut desk, &pipeline, minutes(1)).await;
    desk.until(minute(2)).await;
    assert_eq!(desk.ledger().await.len(), 1);
    desk.world.reboot();
    away(&mut desk, &pipeline, AT_ONCE).await;
    assert_eq!(desk.ledger().await.len(), 2);
    // To one that is read later, the present boot is the past.
    let late = super::pipelines::pipeline("late", "{schedule: '@reboot', exec: x}");
    desk.enact(&[pipeline.clone(), late.clone()]).await;
    desk.crash(AT_ONCE).await;
    desk.start().await;
    desk.enact(&[pipeline, late]).await;
    let lines = desk.ledger().await;
    assert_eq!(lines.iter().filter(|line| line.decision == Decision::Fired).count(), 2);
    assert_eq!(lines.last().unwrap().reason, "added after the machine's boot; it fires after the next");
}
