//! A daemon that was away for an hour: what becomes of the slots that came due, by the ledger, by what the
//! start reports, and by what runs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sexton::schedule::slot::Decision;
use sexton::store::ledger::LedgerRecord;

use super::annals::{Annals, assert_every_second, move_past, until_so, watermark};
use super::tower::Tower;

const HOUR: Duration = Duration::from_hours(1);
const GRACE: SignedDuration = SignedDuration::from_secs(60);
const DEADLINE: SignedDuration = SignedDuration::from_mins(25);
const DEADLINE_KEY: &str = "starting_deadline: 25m\n";

/// A pipeline due every ten minutes, which writes down for which slots it runs.
fn pipeline(name: &str, more: &str) -> String {
    let exec = format!("echo $SEXTON_SCHEDULED_AT >>{name}.ran");
    format!("schedule: '*/10 * * * *'\nmax_active_runs: 1\n{more}exec: {exec}\n")
}

/// The decision and the reason that a slot must have: by how late it was when that was decided, and whether
/// it was the last of those that had been missed.
fn verdict(
    catchup: &str,
    deadline: bool,
    late: SignedDuration,
    last_missed: bool,
) -> (Decision, &'static str) {
    if deadline && late > DEADLINE {
        (Decision::Expired, "older than starting_deadline (25m)")
    } else if late <= GRACE {
        (Decision::Fired, "")
    } else {
        match (catchup, last_missed) {
            ("none", _) => (Decision::Missed, "catchup: none"),
            ("latest", false) => (Decision::Missed, "catchup: latest takes only the last of those missed"),
            ("latest", true) => (Decision::Fired, "catchup: latest"),
            ("all", _) => (Decision::Fired, "catchup: all"),
            other => panic!("{other:?}"),
        }
    }
}

/// `since` is how far the schedule had been considered before that hour.
fn check_hour(lines: &[LedgerRecord], since: Timestamp, catchup: &str, deadline: bool) {
    let now = lines.iter().map(|line| line.decided_at).max().unwrap();
    let late = |line: &LedgerRecord| line.decided_at.duration_since(line.first);
    let slots: Vec<Timestamp> = lines.iter().map(|line| line.first).collect();
    let ten_minutes = since.as_second().div_euclid(600) + 1..=now.as_second().div_euclid(600);
    let due: Vec<_> = ten_minutes.map(|n| Timestamp::from_second(n * 600).unwrap()).collect();
    assert_eq!(slots, due, "each slot has a line");
    assert!(slots.len() >= 6, "an hour has six: {slots:?}");
    let last_missed = lines.iter().rposition(|line| late(line) > GRACE);
    for (at, line) in lines.iter().enumerate() {
        let (decision, reason) = verdict(catchup, deadline, late(line), last_missed == Some(at));
        assert_eq!((line.decision, line.run.is_some()), (decision, decision == Decision::Fired), "{line:?}");
        assert!(line.reason.contains(reason), "{reason:?} is not in {line:?}");
        let away = line.reason.starts_with("sexton was away for 1h");
        assert_eq!(away, decision != Decision::Fired, "{line:?}");
    }
}

#[tokio::test]
async fn what_came_due_in_an_hour_without_a_daemon() {
    let mut tower = Tower::new();
    let mut cases = Vec::new();
    for catchup in ["none", "latest", "all"] {
        for (name, deadline) in [(catchup.to_owned(), ""), (format!("{catchup}-bounded"), DEADLINE_KEY)] {
            tower.pipeline(&name, &pipeline(&name, &format!("catchup: {catchup}\n{deadline}")));
            cases.push((name, catchup, !deadline.is_empty()));
        }
    }
    tower.start();
    tower.stop();
    move_past(&tower, HOUR).await;
    let mut since = Vec::new();
    for (name, ..) in &cases {
        since.push(watermark(&tower, name).await);
    }
    tower.start();
    tower.has_said("; down for 1h");
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("all", 6).await;
    annals.wait_till_idle().await;
    tower.stop();
    for ((name, catchup, deadline), since) in cases.into_iter().zip(since) {
        let mut lines = annals.check(&name).await;
        check_hour(&lines, since, catchup, deadline);
        lines.retain(|line| line.run.is_some());
        // One may have fired before that hour.
        lines.sort_by_key(|line| (line.decided_at, line.first));
        let ran = tower.lines(&format!("{name}.ran"));
        let ran: Vec<Timestamp> = ran.iter().map(|line| line.parse().unwrap()).collect();
        let fired: Vec<_> = lines.iter().map(|line| line.first).collect();
        assert_eq!(ran, fired, "each ran once, the oldest first");
    }
    // Its start says so: of many slots of one pipeline by the stretch.
    for words in [" none: ", " slots from ", "catchup: none", "missed by ", "older than starting_deadline"] {
        tower.has_said(words);
    }
}

#[tokio::test]
async fn a_long_stretch_has_one_line() {
    let mut tower = Tower::new();
    tower.pipeline(
        "ticks",
        "schedule: '* * * * * *'\ncatchup: none\ngrace: 1s\nmax_active_runs: 20\nexec: 'true'\n",
    );
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("ticks", 1).await;
    tower.stop();
    let fired = annals.fired("ticks").await;
    move_past(&tower, HOUR).await;
    tower.start();
    annals.wait_for_fires("ticks", fired.len() + 2).await;
    tower.stop();
    let lines = annals.check("ticks").await;
    let long: Vec<_> = lines.iter().filter(|line| line.count > 1).collect();
    // What had fired is part of that hour again, and fires no second time.
    assert!(lines.len() < 100, "{}", lines.len());
    let missed: u64 =
        lines.iter().filter(|line| line.decision == Decision::Missed).map(|line| line.count).sum();
    assert!((3_595..=3_700).contains(&missed), "{missed} slots were missed: {long:?}");
    assert!(long.iter().all(|line| line.reason.ends_with("; catchup: none")), "{long:#?}");
    tower.has_said(": missed: sexton was away for 1h");
}

#[tokio::test]
async fn who_was_away_for_less_than_grace_has_missed_nothing() {
    let mut tower = Tower::new();
    tower.pipeline(
        "ticks",
        "schedule: '* * * * * *'\ncatchup: none\ngrace: 1h\nmax_active_runs: 100\nexec: 'true'\n",
    );
    tower.start();
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("ticks", 1).await;
    tower.stop();
    let last = annals.fired("ticks").await.last().unwrap().first;
    move_past(&tower, Duration::from_secs(50)).await;
    tower.start();
    until_caught_up(&annals, last).await;
    tower.pipeline("ticks", "exec: 'true'\n");
    tower.reload("reloaded: ");
    annals.wait_till_idle().await;
    tower.stop();
    let slots: Vec<_> = annals.check("ticks").await.iter().map(|line| line.first).collect();
    assert_every_second(&slots);
    assert!(slots.len() >= 50, "{}", slots.len());
}

async fn until_caught_up(annals: &Annals, last: Timestamp) {
    until_so("it has gone on", async || annals.fired("ticks").await.iter().any(|line| line.first > last))
        .await;
}
