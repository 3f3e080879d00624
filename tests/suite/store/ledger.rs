//! What becomes of slots: each fires once, whatever else is said of it, and lists tell all of it in order.

use sexton::run::state::RunId;
use sexton::schedule::progress::Progress;
use sexton::schedule::slot::{Decision, Entry, Key};
use sexton::store::batch::{Batch, Part};
use sexton::store::db::{CommitError, Reader, Store};
use sexton::store::in_force::Enacted;
use sexton::store::ledger::{LedgerFilter, LedgerRecord};
use sexton::store::record::{PipelineId, VersionId};

use super::harness::{at, definition, fresh, new_run, schedule};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

/// `nightly` and `weekly`, each with the schedule `main`, in force.
async fn two(store: &mut Store) -> [(PipelineId, VersionId); 2] {
    let pipeline =
        |name| Enacted { definition: definition(name, "h1"), schedules: vec![schedule("main", "0 4 * * *")] };
    let set = [pipeline("nightly"), pipeline("weekly")];
    let standings = store.enact(&"".into(), &set, at(0)).await.unwrap();
    [0, 1].map(|n| (standings[n].pipeline, standings[n].version))
}

/// A slot of `main`.
fn slot(ms: i64, decision: Decision) -> Entry {
    stretch(ms, ms, 1, decision)
}

fn stretch(first: i64, last: i64, count: u64, decision: Decision) -> Entry {
    Entry {
        schedule: "main".into(),
        key: Key::Instant(at(first)),
        date: jiff::civil::date(2018, 5, 14),
        first: at(first),
        last: at(last),
        count,
        decision,
        reason: format!("{} for a \"reason\"", decision.word()).into(),
    }
}

/// A batch in which this slot makes this run.
fn fires((pipeline, version): (PipelineId, VersionId), ms: i64, run: i64) -> Batch {
    let mut batch = Batch::default();
    batch.new_run(&new_run(run, version));
    batch.slot(pipeline, &slot(ms, Decision::Fired), Some(RunId(run)), at(ms + 5));
    batch
}

async fn all(reader: &Reader) -> Vec<LedgerRecord> {
    reader.ledger(&LedgerFilter::default(), 1_000).await.unwrap()
}

async fn refused(store: &mut Store, batch: &Batch, constraint: &str) {
    let before = all(store.reader()).await;
    let error = store.commit(batch).await.unwrap_err();
    assert!(error.is_refusal(), "{error:?}");
    let CommitError::Broken(cause) = error else { panic!("{error:?}") };
    assert!(cause.to_string().contains(constraint), "{cause}");
    assert_eq!(all(store.reader()).await, before);
}

#[tokio::test]
async fn what_is_written_comes_back() {
    let (_dir, mut store) = fresh().await;
    let [nightly, _] = two(&mut store).await;
    store.commit(&fires(nightly, 0, 1)).await.unwrap();
    let back = store.reader().slot_of_run(RunId(1)).await.unwrap().unwrap();
    let expected = LedgerRecord {
        id: back.id,
        pipeline: nightly.0,
        pipeline_name: "nightly".into(),
        schedule: "main".into(),
        slot: Key::Instant(at(0)).text(),
        first: at(0),
        last: at(0),
        count: 1,
        decision: Decision::Fired,
        reason: "fired for a \"reason\"".into(),
        run: Some(RunId(1)),
        decided_at: at(5),
    };
    assert_eq!(back, expected);
    assert_eq!(all(store.reader()).await, [expected]);
    assert_eq!(store.reader().slot_of_run(RunId(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_slot_fires_once_in_all_time() {
    let (_dir, mut store) = fresh().await;
    let [nightly, weekly] = two(&mut store).await;
    store.commit(&fires(nightly, 0, 1)).await.unwrap();

    let mut again = fires(nightly, 0, 2);
    again.progress(nightly.0, "main", &Progress::upto(at(9 * DAY)));
    again.slot(weekly.0, &slot(MINUTE, Decision::Missed), None, at(0));
    refused(&mut store, &again, "slot_fires_once").await;
    assert_eq!(store.reader().run(RunId(2)).await.unwrap(), None);

    let mut otherwise = Batch::default();
    otherwise.slot(nightly.0, &slot(0, Decision::Missed), None, at(0));
    refused(&mut store, &otherwise, "slot_fires_once").await;
    let mut longer = Batch::default();
    longer.slot(nightly.0, &stretch(0, DAY, 2, Decision::Paused), None, at(0));
    refused(&mut store, &longer, "slot_fires_once").await;

    // The same instant of another pipeline, or of another schedule, is another slot.
    store.commit(&fires(weekly, 0, 2)).await.unwrap();
    let mut other = Batch::default();
    other.new_run(&new_run(3, nightly.1));
    let entry = Entry { schedule: "second".into(), ..slot(0, Decision::Fired) };
    other.slot(nightly.0, &entry, Some(RunId(3)), at(0));
    store.commit(&other).await.unwrap();
    assert_eq!(all(store.reader()).await.len(), 3);
}

#[tokio::test]
async fn a_slot_fires_once_in_one_batch_too() {
    let (_dir, mut store) = fresh().await;
    let [nightly, _] = two(&mut store).await;
    let mut twice = fires(nightly, 0, 1);
    twice.new_run(&new_run(2, nightly.1));
    twice.slot(nightly.0, &slot(0, Decision::Fired), Some(RunId(2)), at(0));
    refused(&mut store, &twice, "slot_fires_once").await;
    let mut otherwise = fires(nightly, 0, 1);
    otherwise.slot(nightly.0, &slot(0, Decision::Skipped), None, at(0));
    refused(&mut store, &otherwise, "slot_fires_once").await;
    // Of two without a run the later counts, and a run counts more.
    let mut at_last = Batch::default();
    at_last.slot(nightly.0, &slot(0, Decision::Skipped), None, at(0));
    at_last.slot(nightly.0, &slot(0, Decision::Missed), None, at(0));
    at_last.new_run(&new_run(1, nightly.1));
    at_last.slot(nightly.0, &slot(0, Decision::Fired), Some(RunId(1)), at(0));
    store.commit(&at_last).await.unwrap();
    let line = all(store.reader()).await.remove(0);
    assert_eq!((line.decision, line.run), (Decision::Fired, Some(RunId(1))));
}

#[tokio::test]
async fn a_stretch_grows_in_its_line() {
    let (_dir, mut store) = fresh().await;
    let [nightly, _] = two(&mut store).await;
    let mut grown = Vec::new();
    for n in 0..3_u32 {
        let mut batch = Batch::default();
        let entry = stretch(0, i64::from(n) * MINUTE, u64::from(n) + 1, Decision::Paused);
        batch.slot(nightly.0, &entry, None, at(i64::from(n) * MINUTE));
        store.commit(&batch).await.unwrap();
        grown.push(all(store.reader()).await.remove(0));
    }
    assert_eq!(all(store.reader()).await.len(), 1);
    assert_eq!(grown.iter().map(|line| line.count).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((grown[2].id, grown[2].first, grown[2].last), (grown[0].id, at(0), at(2 * MINUTE)));
    assert_eq!(grown[2].decided_at, at(2 * MINUTE));
}

#[tokio::test]
async fn a_slot_that_was_missed_may_fire_later() {
    let (_dir, mut store) = fresh().await;
    let [nightly, _] = two(&mut store).await;
    let mut batch = Batch::default();
    batch.slot(nightly.0, &stretch(0, 3 * DAY, 4, Decision::Missed), None, at(0));
    store.commit(&batch).await.unwrap();
    store.commit(&fires(nightly, 0, 1)).await.unwrap();
    let line = all(store.reader()).await.remove(0);
    assert_eq!((line.decision, line.run, line.count), (Decision::Fired, Some(RunId(1)), 1));
    assert_eq!((line.first, line.last), (at(0), at(0)));
}

#[tokio::test]
async fn a_queued_runs_slot_may_come_to_something_else() {
    let (_dir, mut store) = fresh().await;
    let [nightly, _] = two(&mut store).await;
    store.commit(&fires(nightly, 0, 1)).await.unwrap();
    let mut batch = fires(nightly, DAY, 2);
    batch.slot_of_run(RunId(1), Decision::Expired, "older than 3 h");
    batch.slot_of_run(RunId(2), Decision::Skipped, "a newer one came");
    store.commit(&batch).await.unwrap();
    let told = |line: &LedgerRecord| (line.decision, line.reason.clone(), line.run.unwrap().0);
    assert_eq!(
        all(store.reader()).await.iter().map(told).collect::<Vec<_>>(),
        [
            (Decision::Skipped, "a newer one came".to_owned(), 2),
            (Decision::Expired, "older than 3 h".to_owned(), 1)
        ]
    );
    // It has fired all the same.
    refused(&mut store, &fires(nightly, 0, 3), "slot_fires_once").await;
    let mut unknown = Batch::default();
    unknown.slot_of_run(RunId(3), Decision::Expired, "");
    refused(&mut store, &unknown, "updated_row_exists").await;
    let mut unwanted = Batch::default();
    unwanted.slot_of_run(RunId(1), Decision::Missed, "");
    refused(&mut store, &unwanted, "ledger_run_was_wanted").await;
}

#[tokio::test]
async fn a_watermark_needs_its_schedule() {
    let (_dir, mut store) = fresh().await;
    let [nightly, weekly] = two(&mut store).await;
    let mut batch = Batch::default();
    batch.progress(nightly.0, "main", &Progress::upto(at(1)));
    batch.progress(nightly.0, "main", &Progress::upto(at(2)));
    batch.progress(weekly.0, "gone", &Progress::upto(at(1)));
    refused(&mut store, &batch, "updated_row_exists").await;
}

#[tokio::test]
async fn one_that_is_refused_takes_no_other_along() {
    let (_dir, mut store) = fresh().await;
    let [nightly, weekly] = two(&mut store).await;
    store.commit(&fires(nightly, 0, 1)).await.unwrap();

    let mut batch = fires(nightly, 0, 2);
    batch.new_run(&new_run(3, weekly.1));
    batch.slot(weekly.0, &slot(0, Decision::Fired), Some(RunId(3)), at(0));
    batch.slot_of_run(RunId(1), Decision::Expired, "");
    batch.slot(nightly.0, &slot(DAY, Decision::Missed), None, at(0));
    batch.progress(weekly.0, "gone", &Progress::upto(at(DAY)));
    batch.progress(nightly.0, "main", &Progress::upto(at(DAY)));
    let parts = batch.apart();
    let whose: Vec<_> = parts.keys().copied().collect();
    assert_eq!(
        whose,
        [
            Part::Run(RunId(1)),
            Part::Run(RunId(2)),
            Part::Run(RunId(3)),
            Part::Pipeline(nightly.0),
            Part::Pipeline(weekly.0)
        ]
    );
    let mut done = Vec::new();
    for part in parts.values() {
        done.push(store.commit(part).await.is_ok());
    }
    assert_eq!(done, [true, false, true, true, false]);
    let told = |line: &LedgerRecord| (line.first, line.run.map(|run| run.0), line.decision);
    let lines = all(store.reader()).await;
    assert_eq!(
        lines.iter().map(told).collect::<Vec<_>>(),
        [
            (at(DAY), None, Decision::Missed),
            (at(0), Some(3), Decision::Fired),
            (at(0), Some(1), Decision::Expired)
        ]
    );
    assert_eq!(store.reader().run(RunId(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_boot_has_one_slot() {
    let (_dir, mut store) = fresh().await;
    let [nightly, weekly] = two(&mut store).await;
    let boot = Key::Boot("5c0f\"".into());
    let mut batch = Batch::default();
    batch.new_run(&new_run(1, nightly.1));
    let entry = Entry { key: boot.clone(), ..slot(7, Decision::Fired) };
    batch.slot(nightly.0, &entry, Some(RunId(1)), at(7));
    store.commit(&batch).await.unwrap();
    let reader = store.reader();
    assert!(reader.has_slot(nightly.0, "main", &boot).await.unwrap());
    assert!(!reader.has_slot(nightly.0, "main", &Key::Instant(at(7))).await.unwrap());
    assert!(!reader.has_slot(nightly.0, "other", &boot).await.unwrap());
    assert!(!reader.has_slot(weekly.0, "main", &boot).await.unwrap());
    assert!(!reader.has_slot(nightly.0, "main", &Key::Boot("another".into())).await.unwrap());
}

/// Lines of both pipelines, some of them stretches of a minute up to half a year, which overlap.
async fn many(store: &mut Store) -> Vec<LedgerRecord> {
    let pipelines = two(store).await;
    let mut batch = Batch::default();
    for n in 0..240_i64 {
        let pipeline = pipelines[usize::from(n % 3 == 0)];
        let first = (n * 7_919 % 240 / 2) * DAY / 8;
        let entry = Entry { key: Key::Boot(n.to_string().into()), ..slot(first, Decision::Fired) };
        let length = [0, MINUTE, 60 * MINUTE, 60 * MINUTE + 1, DAY, DAY + 1, 31 * DAY, 180 * DAY]
            [usize::try_from(n % 8).unwrap()];
        if length == 0 {
            batch.new_run(&new_run(n + 1, pipeline.1));
            batch.slot(pipeline.0, &entry, Some(RunId(n + 1)), at(n));
        } else {
            let decision = if n % 5 == 0 { Decision::Missed } else { Decision::Skipped };
            let last = at(first + length);
            batch.slot(pipeline.0, &Entry { last, decision, count: 2, ..entry }, None, at(n));
        }
    }
    store.commit(&batch).await.unwrap();
    let mut lines = all(store.reader()).await;
    assert_eq!(lines.len(), 240);
    assert!(lines.is_sorted_by_key(|line| std::cmp::Reverse((line.first, line.id))));
    lines.reverse();
    lines
}

/// What the filter means, said once more.
fn expected(lines: &[LedgerRecord], filter: &LedgerFilter) -> Vec<LedgerRecord> {
    let wanted = lines.iter().filter(|line| {
        filter.pipeline.is_none_or(|pipeline| line.pipeline == pipeline)
            && filter.decision.is_none_or(|decision| line.decision == decision)
            && filter.from.is_none_or(|from| line.last >= from)
            && filter.to.is_none_or(|to| line.first <= to)
    });
    let mut wanted: Vec<_> = wanted.cloned().collect();
    if filter.from.is_none() && filter.to.is_none() {
        wanted.reverse();
    }
    wanted
}

#[tokio::test]
async fn lines_are_filtered_and_paged() {
    let (_dir, mut store) = fresh().await;
    let lines = many(&mut store).await;
    let reader = store.reader();
    let weekly = reader.pipeline("weekly").await.unwrap();
    let instants = [None, Some(at(-DAY)), Some(at(0)), Some(at(7 * DAY + 60 * MINUTE)), Some(at(200 * DAY))];
    let (mut filters, mut found) = (0, 0);
    for pipeline in [None, weekly] {
        for decision in [None, Some(Decision::Fired), Some(Decision::Missed), Some(Decision::Paused)] {
            for (from, to) in instants.iter().flat_map(|from| instants.iter().map(move |to| (*from, *to))) {
                let filter = LedgerFilter { pipeline, decision, from, to, ..LedgerFilter::default() };
                let wanted = expected(&lines, &filter);
                filters += 1;
                found += wanted.len();
                assert_eq!(reader.ledger(&filter, 1_000).await.unwrap(), wanted, "{filter:?}");
                assert_eq!(pages(reader, &filter).await, wanted, "{filter:?}");
            }
        }
    }
    assert!(filters == 200 && found > 2_000, "{filters} {found}");
}

/// All pages of 29, joined.
async fn pages(reader: &Reader, filter: &LedgerFilter) -> Vec<LedgerRecord> {
    let (mut filter, mut all) = (filter.clone(), Vec::new());
    loop {
        let page = reader.ledger(&filter, 29).await.unwrap();
        let Some(last) = page.last() else { return all };
        filter.after = Some((last.first, last.id));
        all.extend(page);
    }
}
