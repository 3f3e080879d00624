//! The machine's clock is set by hours while the daemon runs, with libfaketime: nothing fires till it has held
//! still, nothing fires twice, and the ledger says what happened. The clock since boot cannot be set, so the
//! half minute is one; all that has to wait for it does so at the same time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sexton::clock::{Clock as _, System};
use sexton::schedule::slot::Decision;
use sexton::store::ledger::LedgerRecord;

use super::annals::{Annals, assert_every_second, until_so};
use super::tower::Tower;

const JUMPED: &str = "the clock has jumped; no slot fires until it has held still for 30s";
const SET: &str = "the clock was set; schedules go on from now";
const HOURS: i64 = 5 * 3600;

const BELL: &str = "schedule: '* * * * * *'\ncatchup: none\nmax_active_runs: 20\nexec: 'true'\n";
/// Its first run goes on till the gate opens; the others wait, for an hour at most.
const QUEUE: &str =
    "schedule: '* * * * * *'\nstarting_deadline: 1h\nexec: \"until [ -e gate ]; do sleep 0.05; done\"\n";

/// Debian's package `faketime` has it.
fn library() -> Option<PathBuf> {
    let dirs = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let files = dirs.map(|dir| dir.join("faketime/libfaketime.so.1"));
    files.chain(["/usr/lib/faketime/libfaketime.so.1".into()]).find(|file| file.exists())
}

/// A tower with a clock of its own.
struct Clock {
    tower: Tower,
    annals: Annals,
}

impl Clock {
    /// A daemon at work, by a clock that is so far ahead of the true time.
    async fn start(library: &Path, seconds: i64) -> Self {
        let mut tower = Tower::new();
        tower.pipeline("bell", BELL);
        tower.pipeline("queue", QUEUE);
        set(&tower, seconds);
        tower.start_as(command(&tower, library));
        let annals = Annals::of(&tower).await;
        Self { tower, annals }
    }
}

/// How far a tower's clock is ahead of the true time, in seconds.
fn set(tower: &Tower, seconds: i64) {
    tower.write("clock", &format!("{seconds:+}\n"));
}

fn command(tower: &Tower, library: &Path) -> Command {
    let mut command = tower.command(&[]);
    command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", tower.path("clock"));
    // It is looked at each time. Timers go on, and files are as old as they are.
    command.env("FAKETIME_NO_CACHE", "1").env("NO_FAKE_STAT", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    command
}

/// The one line about the clock, and how many slots fired before and after it.
fn around_note(lines: &[LedgerRecord]) -> (&LedgerRecord, (usize, usize)) {
    let found: Vec<_> = lines.iter().filter(|line| line.decision == Decision::Rebased).collect();
    let [note] = found[..] else { panic!("{lines:#?}") };
    // By their numbers: times have gone back.
    let fired = lines.iter().filter(|line| line.run.is_some());
    let (before, after): (Vec<_>, Vec<_>) = fired.partition(|line| line.id < note.id);
    (note, (before.len(), after.len()))
}

/// For what takes longer than anybody has patience for otherwise.
async fn until_said(tower: &Tower, words: &str) {
    let start = Instant::now();
    while tower.count(words) == 0 {
        assert!(start.elapsed() < Duration::from_mins(2), "nobody said {words:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_doubles_nothing_and_the_ledger_notes_it() {
    let Some(library) = library() else {
        eprintln!("skipped: there is no libfaketime here (Debian: apt-get install faketime)");
        return;
    };
    let mut forward = Clock::start(&library, 0).await;
    let mut taken_back = Clock::start(&library, 0).await;
    let mut back = Clock::start(&library, HOURS).await;
    let mut held = Vec::new();
    for (clock, to) in [(&forward, HOURS), (&back, 0), (&taken_back, HOURS)] {
        clock.annals.wait_for_fires("queue", 2).await;
        set(&clock.tower, to);
        until_said(&clock.tower, JUMPED).await;
        held.push(clock.annals.fired("bell").await.len());
    }
    set(&taken_back.tower, 0);
    until_said(&forward.tower, SET).await;
    until_said(&back.tower, SET).await;
    check_forward(&forward, held[0]).await;
    let lines = check_back(&back, held[1]).await;
    check_taken_back(&mut taken_back, held[2]).await;
    if std::env::var_os("SEXTON_LONG").is_some() {
        again(&mut back, &library, &lines).await;
        there_and_back(&mut forward).await;
    }
}

async fn check_forward(clock: &Clock, held: usize) {
    clock.annals.wait_for_fires("bell", held + 2).await;
    let lines = clock.annals.check("bell").await;
    let (note, fired) = around_note(&lines);
    assert!(note.reason.starts_with("the clock was set forward by 5h; the "), "{note:?}");
    assert!(note.reason.ends_with(" slots in between are not replayed"), "{note:?}");
    assert!(note.count > 17_900, "{note:?}");
    assert_eq!(fired.0, held, "nothing fires while it is held");
    assert!(fired.1 >= 2, "it goes on from there");
    // Now that this is the time, they are too old.
    until_so("all that waited have been let go", async || {
        let lines = clock.annals.ledger("queue").await;
        let old = |line: &&LedgerRecord| line.decided_at < note.decided_at && line.run.is_some();
        lines.iter().filter(old).skip(1).all(|line| line.decision == Decision::Expired)
    })
    .await;
}

async fn check_back(clock: &Clock, held: usize) -> Vec<LedgerRecord> {
    clock.annals.wait_for_fires("bell", held + 2).await;
    let lines = clock.annals.check("bell").await;
    let (note, fired) = around_note(&lines);
    // The slots in between are still to come.
    assert_eq!(note.reason, "the clock was set back by 5h");
    assert_eq!(fired.0, held, "nothing fires while it is held");
    assert!(fired.1 >= 2, "it goes on from there");
    lines
}

/// A clock that jumps and comes back before it is believed was never there.
async fn check_taken_back(clock: &mut Clock, held: usize) {
    clock.annals.wait_for_fires("bell", held + 2).await;
    clock.tower.stop();
    clock.tower.has_not_said(SET);
    let bell = clock.annals.check("bell").await;
    assert_every_second(&bell.iter().map(|line| line.first).collect::<Vec<_>>());
    for line in &clock.annals.check("queue").await[1..] {
        assert_ne!(line.decision, Decision::Expired, "by that clock it was too old");
    }
}

/// The time that had been there comes once more: what has fired in it does not do so again.
async fn again(clock: &mut Clock, library: &Path, lines: &[LedgerRecord]) {
    let Clock { tower, annals } = clock;
    tower.stop();
    let (note, _) = around_note(lines);
    let before: Vec<_> = lines.iter().filter(|line| line.run.is_some() && line.id < note.id).collect();
    let (first, last) = (before[0].first, before[before.len() - 1].first);
    set(tower, first.as_second() - System.now().as_second() - 2);
    tower.start_as(command(tower, library));
    tower.has_not_said(JUMPED);
    until_so("that time is over", async || annals.fired("bell").await.iter().any(|line| line.first > last))
        .await;
    tower.stop();
    tower.has_not_said("refused");
    let after = annals.check("bell").await;
    for line in before {
        let same = after.iter().find(|same| same.slot == line.slot).unwrap();
        assert_eq!((same.run, same.decided_at), (line.run, line.decided_at), "it has fired, for good");
    }
    let missed = after.iter().filter(|line| line.decision == Decision::Missed);
    assert!(missed.map(|line| line.count).sum::<u64>() > 17_000, "what came due with nobody there");
}

/// Back to the true time, in the same life.
async fn there_and_back(clock: &mut Clock) {
    let Clock { tower, annals } = clock;
    let fired = annals.fired("bell").await.len();
    set(tower, 0);
    until_said(tower, "bell: the clock was set back by 5h").await;
    annals.wait_for_fires("bell", fired + 3).await;
    tower.stop();
    let lines = annals.check("bell").await;
    assert_eq!(lines.iter().filter(|line| line.decision == Decision::Rebased).count(), 2, "{lines:#?}");
}
