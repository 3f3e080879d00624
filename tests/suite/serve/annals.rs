//! What a daemon has written down, read from outside while it lives or after, and the past moved: as if a
//! daemon had been away for an hour. What must hold of any ledger is checked here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use sexton::run::state::{Exit, RunId, Status};
use sexton::schedule::slot::Decision;
use sexton::store::db::{FILE, Reader};
use sexton::store::ledger::{LedgerFilter, LedgerRecord};
use sexton::store::runs::{RunFilter, RunRecord};
use sqlx::{Connection as _, SqliteConnection};

use super::tower::Tower;
use crate::suite::keeper::client::DEADLINE;

/// A page, so that there is more than one.
const PAGE: u32 = 100;

pub(super) struct Annals {
    reader: Reader,
}

impl Annals {
    /// Of a tower in which a daemon has been ready once.
    pub(super) async fn of(tower: &Tower) -> Self {
        Self { reader: Reader::open(&tower.state()).await.unwrap() }
    }

    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// All lines about a pipeline, in the order of their slots.
    pub(super) async fn ledger(&self, pipeline: &str) -> Vec<LedgerRecord> {
        let Some(pipeline) = self.reader.pipeline(pipeline).await.unwrap() else { return Vec::new() };
        let mut all: Vec<LedgerRecord> = Vec::new();
        loop {
            let after = all.last().map(|line| (line.first, line.id));
            let from = Some(Timestamp::UNIX_EPOCH);
            let filter = LedgerFilter { pipeline: Some(pipeline), from, after, ..LedgerFilter::default() };
            let page = self.reader.ledger(&filter, PAGE).await.unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// The slots of a pipeline that have fired.
    pub(super) async fn fired(&self, pipeline: &str) -> Vec<LedgerRecord> {
        let mut lines = self.ledger(pipeline).await;
        lines.retain(|line| line.run.is_some());
        lines
    }

    /// All runs, the oldest first.
    pub(super) async fn runs(&self) -> Vec<RunRecord> {
        let mut all: Vec<RunRecord> = Vec::new();
        loop {
            let after = all.last().map(|run| (run.logical_date, run.id));
            let page = self.reader.runs(&RunFilter { after, ..RunFilter::default() }, PAGE).await.unwrap();
            if page.is_empty() {
                all.sort_by_key(|run| run.id);
                return all;
            }
            all.extend(page);
        }
    }

    pub(super) async fn run(&self, run: i64) -> RunRecord {
        self.reader.run(RunId(run)).await.unwrap().expect("a run")
    }

    /// How the only attempt of a task ended; `None` as long as it has not.
    pub(super) async fn exit(&self, run: i64, path: &str) -> Option<Exit> {
        let attempts = self.reader.attempts(RunId(run), path).await.unwrap();
        assert!(attempts.len() <= 1, "{path} of run {run} was tried {} times", attempts.len());
        Some(attempts.into_iter().next()?.end?.exit)
    }

    /// Waits till so many slots of a pipeline have fired.
    pub(super) async fn wait_for_fires(&self, pipeline: &str, count: usize) {
        until_so(&format!("{count} slots of {pipeline} have fired"), async || {
            self.fired(pipeline).await.len() >= count
        })
        .await;
    }

    /// Waits till a task of a run has this status.
    pub(super) async fn wait_for_status(&self, run: i64, path: &str, status: Status) {
        until_so(&format!("{path} of run {run} is {status:?}"), async || {
            self.reader.status(RunId(run), path).await.unwrap() == Some(status)
        })
        .await;
    }

    /// Waits till this run has ended.
    pub(super) async fn wait_for_end(&self, run: i64) {
        until_so(&format!("run {run} has ended"), async || {
            let found = self.reader.run(RunId(run)).await.unwrap();
            found.is_some_and(|run| run.ended_at.is_some())
        })
        .await;
    }

    /// Waits till no run is under way or waits.
    pub(super) async fn wait_till_idle(&self) {
        until_so("nothing is under way", async || self.reader.unfinished_runs().await.unwrap().is_empty())
            .await;
    }

    /// What holds of every ledger: a slot is spoken for once, has at most one run, and what fired has one.
    pub(super) async fn check(&self, pipeline: &str) -> Vec<LedgerRecord> {
        let lines = self.ledger(pipeline).await;
        let slots =
            |lines: &[LedgerRecord]| lines.iter().map(|line| line.slot.clone()).collect::<BTreeSet<_>>();
        assert_eq!(slots(&lines).len(), lines.len(), "a slot has two lines: {lines:#?}");
        let fired: Vec<_> = lines.iter().filter(|line| line.run.is_some()).cloned().collect();
        assert!(lines.iter().all(|line| line.decision != Decision::Fired || line.run.is_some()));
        let made: BTreeMap<_, _> = fired.iter().map(|line| (line.run, line)).collect();
        assert_eq!(made.len(), fired.len(), "two slots have one run: {lines:#?}");
        let runs = self.runs().await;
        let runs: Vec<_> = runs.iter().filter(|run| run.pipeline_name == pipeline).collect();
        assert_eq!(runs.len(), fired.len(), "a run without a slot: {runs:#?}");
        for run in runs {
            assert_eq!(run.scheduled_at, Some(made[&Some(run.id)].first), "{run:?}");
        }
        lines
    }
}

/// That these are slots of every second, none of which is missing.
pub(super) fn assert_every_second(slots: &[Timestamp]) {
    for pair in slots.windows(2) {
        let apart = pair[1].duration_since(pair[0]);
        assert_eq!(apart, SignedDuration::from_secs(1), "between {} and {}", pair[0], pair[1]);
    }
}

/// Makes the absence of a daemon longer by so much, with the daemon away: its last sign of life, and how far
/// it has considered every schedule, are longer ago.
pub(super) async fn move_past(tower: &Tower, by: Duration) {
    let state = tower.state();
    let url = format!("sqlite://{}", state.join(FILE).display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let by_ms = i64::try_from(by.as_millis()).unwrap();
    let moved = sqlx::query("update schedules set watermark = watermark - ?").bind(by_ms);
    moved.execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let lock = std::fs::File::options().write(true).open(state.join("sexton.lock")).unwrap();
    let alive = lock.metadata().unwrap().modified().unwrap();
    lock.set_modified(alive - by).unwrap();
}

/// How far a pipeline's only schedule has been considered.
pub(super) async fn watermark(tower: &Tower, pipeline: &str) -> Timestamp {
    let url = format!("sqlite://{}?mode=ro", tower.state().join(FILE).display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let sql = "select watermark from schedules join pipelines on pipelines.id = pipeline_id where pipelines.name = ?";
    let ms = sqlx::query_scalar(sql).bind(pipeline).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    Timestamp::from_millisecond(ms).unwrap()
}

/// Waits till `condition` holds: for facts that nobody announces.
pub(super) async fn until_so(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < DEADLINE, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
