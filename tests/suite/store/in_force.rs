//! What is in force: a reload that changes nothing writes nothing, and editing never replays the past.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sexton::run::state::RunId;
use sexton::schedule::progress::Progress;
use sexton::schedule::slot::{Decision, Entry, Key};
use sexton::store::batch::Batch;
use sexton::store::db::{CommitError, Store};
use sexton::store::in_force::{Beside, Enacted, InForce, Pause, Standing};
use sexton::store::record::PipelineId;
use tempfile::TempDir;

use super::harness::{at, definition, fresh, new_run, open, schedule};
use super::open::bare;

fn pipeline(name: &str, hash: &str, schedules: &[(&str, &str)]) -> Enacted {
    let schedules = schedules.iter().map(|(name, spelled)| schedule(name, spelled));
    Enacted { definition: definition(name, hash), schedules: schedules.collect() }
}

fn nightly() -> Enacted {
    pipeline("nightly", "h1", &[("main", "0 4 * * *"), ("late \"☂\"", "0 23 * * *")])
}

fn weekly() -> Enacted {
    pipeline("weekly", "h1", &[("main", "0 4 * * 1")])
}

fn marks(standing: &Standing) -> Vec<(&str, Timestamp)> {
    standing.progress.iter().map(|(name, progress)| (&**name, progress.watermark)).collect()
}

fn changed(standing: &Standing) -> Vec<&str> {
    standing.changed.iter().map(|name| &**name).collect()
}

async fn reload(store: &mut Store, set: &[Enacted], ms: i64) -> Vec<Standing> {
    store.enact(&"pool: 3".into(), set, at(ms)).await.unwrap()
}

#[tokio::test]
async fn a_schedule_begins_when_it_is_first_in_force() {
    let (_dir, mut store) = fresh().await;
    let standings = reload(&mut store, &[weekly(), nightly()], 5).await;
    let reader = store.reader();
    let [weekly, nightly] = &standings[..] else { panic!("{standings:?}") };
    assert_eq!(Some(weekly.pipeline), reader.pipeline("weekly").await.unwrap());
    assert_eq!(Some(nightly.pipeline), reader.pipeline("nightly").await.unwrap());
    let version = reader.version(nightly.version).await.unwrap().unwrap();
    assert_eq!((version.definition, version.created_at), (definition("nightly", "h1"), at(5)));
    assert_eq!(marks(weekly), [("main", at(5))]);
    assert_eq!(marks(nightly), [("late \"☂\"", at(5)), ("main", at(5))]);
    assert_eq!((changed(weekly), changed(nightly)), (vec!["main"], vec!["main", "late \"☂\""]));
    assert_eq!((&nightly.paused, &nightly.fired_ahead), (&None, &BTreeMap::new()));
}

#[tokio::test]
async fn editing_never_replays_the_past() {
    let (_dir, mut store) = fresh().await;
    let first = reload(&mut store, &[nightly(), weekly()], 0).await;
    let mut batch = Batch::default();
    batch.progress(first[0].pipeline, "main", &Progress::upto(at(100)));
    store.commit(&batch).await.unwrap();

    // Another tree, the same schedules: they go on.
    let edited = Enacted { definition: definition("nightly", "h2"), ..nightly() };
    let second = reload(&mut store, &[edited, weekly()], 200).await;
    assert_eq!(marks(&second[0]), [("late \"☂\"", at(0)), ("main", at(100))]);
    assert!(second.iter().all(|standing| standing.changed.is_empty()));
    assert_ne!(second[0].version, first[0].version);
    assert_eq!(second[1], Standing { changed: Vec::new(), ..first[1].clone() });

    // One is spelled differently, one is gone, one is new.
    let edited = pipeline("nightly", "h2", &[("early", "0 1 * * *"), ("main", "5 4 * * *")]);
    let third = reload(&mut store, &[edited, weekly()], 300).await;
    assert_eq!(marks(&third[0]), [("early", at(300)), ("main", at(300))]);
    assert_eq!(changed(&third[0]), ["early", "main"]);

    // What comes back begins anew, as it was spelled before or not.
    let fourth = reload(&mut store, &[nightly(), weekly()], 400).await;
    assert_eq!(marks(&fourth[0]), [("late \"☂\"", at(400)), ("main", at(400))]);
    assert_eq!(fourth[0].version, first[0].version);
    assert_eq!(marks(&fourth[1]), [("main", at(0))]);
}

#[tokio::test]
async fn what_is_not_in_the_set_is_out_of_force() {
    let (dir, mut store) = fresh().await;
    let first = reload(&mut store, &[nightly(), weekly()], 0).await;
    reload(&mut store, &[weekly()], 1).await;
    let in_force = store.reader().in_force().await.unwrap().unwrap();
    assert_eq!(in_force.pipelines, [definition("weekly", "h1")]);
    // Its watermarks have gone with it, its number stays its own.
    let mut batch = Batch::default();
    batch.progress(first[0].pipeline, "main", &Progress::upto(at(100)));
    assert!(store.commit(&batch).await.unwrap_err().is_refusal());
    let back = reload(&mut store, &[nightly(), weekly()], 2).await;
    assert_eq!((back[0].pipeline, back[0].version), (first[0].pipeline, first[0].version));
    assert_eq!(changed(&back[0]), ["main", "late \"☂\""]);

    assert_eq!(reload(&mut store, &[], 3).await, []);
    let nothing = InForce { beside: "pool: 3".into(), pipelines: Vec::new() };
    assert_eq!(store.reader().in_force().await.unwrap(), Some(nothing));
    let mut sqlite = bare(dir.path()).await;
    let left: i64 =
        sqlx::query_scalar("select count(*) from schedules").fetch_one(&mut sqlite).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_last_set_is_read_back_as_it_was() {
    let (dir, mut store) = fresh().await;
    assert_eq!(store.reader().in_force().await.unwrap(), None);
    // A version that only a run is pinned to is not in force.
    store.ensure_version(&definition("nightly", "h0"), at(0)).await.unwrap();
    assert_eq!(store.reader().in_force().await.unwrap(), None);
    let settings = "pools: {a: 1}\n# \"☂\\\"\n";
    store.enact(&settings.into(), &[weekly(), nightly()], at(0)).await.unwrap();
    store.close().await.unwrap();
    let expected = InForce {
        beside: settings.into(),
        pipelines: vec![definition("nightly", "h1"), definition("weekly", "h1")],
    };
    assert_eq!(open(dir.path()).await.reader().in_force().await.unwrap(), Some(expected));
}

#[tokio::test]
async fn settings_are_kept_whenever_they_change() {
    let (dir, mut store) = fresh().await;
    for (ms, settings) in [(0, "a"), (1, "a"), (2, "b"), (3, "b"), (4, "a")] {
        store.enact(&settings.into(), &[], at(ms)).await.unwrap();
    }
    // A calendar is a part of it.
    let calendars = vec![("config/calendars/x.yaml".to_owned(), "override: XNYS\n".to_owned())];
    let with = Beside { settings: "a".to_owned(), calendars };
    for ms in [5, 6] {
        store.enact(&with, &[], at(ms)).await.unwrap();
    }
    assert_eq!(store.reader().in_force().await.unwrap().map(|set| set.beside), Some(with));
    let mut sqlite = bare(dir.path()).await;
    let kept: Vec<(String, i64)> = sqlx::query_as("select source, loaded_at from settings order by id")
        .fetch_all(&mut sqlite)
        .await
        .unwrap();
    let row = |settings: &str, ms| (settings.to_owned(), at(ms).as_millisecond());
    assert_eq!(kept, [row("a", 0), row("b", 2), row("a", 4), row("a", 5)]);
}

#[tokio::test]
async fn a_pause_outlives_reloads() {
    let (_dir, mut store) = fresh().await;
    let set = [nightly(), weekly()];
    let standing = reload(&mut store, &set, 0).await.remove(0);
    let pause = Pause { by: "ada \"☂\"".into(), at: at(7) };
    store.pause(standing.pipeline, Some(&pause)).await.unwrap();
    reload(&mut store, &[weekly()], 1).await;
    let back = reload(&mut store, &set, 2).await;
    assert_eq!((&back[0].paused, &back[1].paused), (&Some(pause), &None));
    store.pause(standing.pipeline, None).await.unwrap();
    assert_eq!(reload(&mut store, &set, 3).await[0].paused, None);
    let error = store.pause(PipelineId(99), None).await.unwrap_err();
    assert!(error.is_refusal(), "{error:?}");
}

/// A slot fires at this instant.
fn fires(batch: &mut Batch, standing: &Standing, schedule: &str, ms: i64, run: i64) {
    batch.new_run(&new_run(run, standing.version));
    let entry = Entry {
        schedule: schedule.into(),
        key: Key::Instant(at(ms)),
        date: jiff::civil::date(2018, 5, 14),
        first: at(ms),
        last: at(ms),
        count: 1,
        decision: Decision::Fired,
        reason: "".into(),
    };
    batch.slot(standing.pipeline, &entry, Some(RunId(run)), at(ms));
}

#[tokio::test]
async fn what_has_fired_beyond_the_watermark_is_known() {
    let (_dir, mut store) = fresh().await;
    let set = [nightly(), weekly()];
    let standings = reload(&mut store, &set, 0).await;
    let mut batch = Batch::default();
    for (run, ms) in [(1, 100), (2, 200), (3, 300), (4, 400)] {
        fires(&mut batch, &standings[0], "main", ms, run);
    }
    fires(&mut batch, &standings[1], "main", 100, 5);
    batch.slot_of_run(RunId(4), Decision::Expired, "");
    batch.progress(standings[0].pipeline, "main", &Progress::upto(at(400)));
    batch.progress(standings[1].pipeline, "main", &Progress::upto(at(100)));
    store.commit(&batch).await.unwrap();
    let ahead = |standings: &[Standing]| standings[0].fired_ahead.clone();
    let beyond = |instants: &[i64]| {
        let keys: BTreeSet<_> = instants.iter().map(|ms| Key::Instant(at(*ms))).collect();
        BTreeMap::from([("main".into(), keys)])
    };
    assert_eq!(ahead(&reload(&mut store, &set, 400).await), BTreeMap::new());

    // The clock is set back, and with it the watermark.
    let mut batch = Batch::default();
    batch.progress(standings[0].pipeline, "main", &Progress::upto(at(200)));
    store.commit(&batch).await.unwrap();
    let back = reload(&mut store, &set, 200).await;
    assert_eq!(ahead(&back), beyond(&[300, 400]));
    assert_eq!(back[1].fired_ahead, BTreeMap::new());

    // Another schedule of the same name has the same slots.
    let edited = pipeline("nightly", "h1", &[("main", "* * * * *")]);
    assert_eq!(ahead(&reload(&mut store, &[edited, weekly()], 150).await), beyond(&[200, 300, 400]));
}

/// Changes whenever anybody else has written.
async fn data_version(sqlite: &mut sqlx::SqliteConnection) -> i64 {
    sqlx::query_scalar("pragma data_version").fetch_one(sqlite).await.unwrap()
}

#[tokio::test]
async fn a_reload_that_changes_nothing_writes_nothing() {
    let (dir, mut store) = fresh().await;
    let first = reload(&mut store, &[nightly(), weekly()], 0).await;
    let mut sqlite = bare(dir.path()).await;
    let before = data_version(&mut sqlite).await;
    let again = reload(&mut store, &[nightly(), weekly()], 9).await;
    let other_order = reload(&mut store, &[weekly(), nightly()], 9).await;
    assert_eq!(data_version(&mut sqlite).await, before);
    let unchanged: Vec<_> =
        first.into_iter().map(|standing| Standing { changed: Vec::new(), ..standing }).collect();
    assert_eq!(again, unchanged);
    assert!(other_order.iter().eq(unchanged.iter().rev()));
    reload(&mut store, &[nightly()], 9).await;
    assert_ne!(data_version(&mut sqlite).await, before);
}

#[tokio::test]
async fn a_dropped_reload_is_there_as_a_whole_or_not_at_all() {
    let (dir, mut store) = fresh().await;
    for n in 0..60_u64 {
        let set: Vec<_> = (0..20)
            .map(|p| pipeline(&format!("p{p}"), &format!("h{n}"), &[("main", &format!("{n} * * * *"))]))
            .collect();
        let settings = Beside::from(&*n.to_string());
        let now = at(i64::try_from(n).unwrap());
        let enacting = store.enact(&settings, &set, now);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(n * 40), enacting).await;
        let found = store.reader().in_force().await.unwrap();
        let hashes: BTreeSet<_> =
            found.iter().flat_map(|set| &set.pipelines).map(|one| one.hash.clone()).collect();
        assert!(hashes.len() <= 1, "{hashes:?}");
        let settled = found.as_ref().is_some_and(|set| set.beside == settings);
        assert_eq!(hashes.contains(&format!("h{n}")), settled);
        // The next one finds a store that works.
        let standings = store.enact(&settings, &set, now).await.unwrap();
        assert!(standings.iter().all(|one| one.progress["main"].watermark == now));
    }
    drop(store);
    open(dir.path()).await;
}

#[tokio::test]
async fn a_thousand_pipelines_are_one_transaction() {
    let (_dir, mut store): (TempDir, Store) = fresh().await;
    let set: Vec<_> = (0..1_000)
        .map(|n| pipeline(&format!("p{n}"), "h1", &[("a", "0 4 * * *"), ("b", "@daily")]))
        .collect();
    let standings = reload(&mut store, &set, 0).await;
    assert_eq!(standings.len(), 1_000);
    assert!(standings.iter().all(|one| one.changed.len() == 2 && one.progress.len() == 2));
    // One that contradicts the database leaves all as it was.
    let before = store.reader().in_force().await.unwrap();
    let mut wrong = set.clone();
    wrong[500].definition.name = String::new();
    let error = store.enact(&"other".into(), &wrong, at(1)).await.unwrap_err();
    assert!(
        matches!(&error, CommitError::Broken(cause) if cause.to_string().contains("pipelines_name_given"))
    );
    assert_eq!(store.reader().in_force().await.unwrap(), before);
}
