//! Lists: what is in them, in which order, and that pages join without a gap.

use jiff::civil::{Date, date};
use sexton::pipeline::node::NodeId;
use sexton::run::event::Event;
use sexton::run::live::RunKind;
use sexton::run::state::{Exit, RunId, Status};
use sexton::store::batch::Batch;
use sexton::store::db::{Damage, Error, Reader, Store};
use sexton::store::fact::{Cancel, Fact, Failure};
use sexton::store::record::{RunState, VersionId};
use sexton::store::runs::{RunFilter, RunRecord};

use super::harness::{Play, at, definition, fresh, new_run, tree, version};

/// Forty runs of two pipelines in turn; every date twice, each fourth by hand, each fifth cancelled.
async fn forty(store: &mut Store) {
    let versions = [version(store).await, other(store).await];
    let mut batch = Batch::default();
    for id in 1..=40_i64 {
        let mut new = new_run(id, versions[usize::from(id % 2 == 0)]);
        new.logical_date = day((id + 1) / 2);
        new.kind = if id % 4 == 0 { RunKind::Manual } else { RunKind::Scheduled };
        new.scheduled_at = None;
        batch.new_run(&new);
        let mut play = Play::with(id, tree(1), batch);
        play.next_attempt = id.unsigned_abs();
        if id != 40 {
            play.step(&Event::Begin);
            play.admit(1);
        }
        if id % 5 == 0 && id != 40 {
            play.step(&Event::Cancel { node: NodeId::ROOT, by: "ada".into() });
            play.exit(play.node("load/a"), Exit::Killed);
        }
        batch = play.batch;
    }
    store.commit(&batch).await.unwrap();
}

fn day(day: i64) -> Date {
    date(2018, 5, day as i8)
}

async fn other(store: &mut Store) -> VersionId {
    store.ensure_version(&definition("weekly", "h1"), at(0)).await.unwrap()
}

fn ids(runs: &[RunRecord]) -> Vec<i64> {
    runs.iter().map(|run| run.id.0).collect()
}

/// All pages of three, joined.
async fn all(reader: &Reader, filter: &RunFilter) -> Vec<i64> {
    let mut filter = filter.clone();
    let mut all = Vec::new();
    loop {
        let page = reader.runs(&filter, 3).await.unwrap();
        all.extend(ids(&page));
        match page.last() {
            Some(last) => filter.after = Some((last.logical_date, last.id)),
            None => return all,
        }
    }
}

#[tokio::test]
async fn runs_are_filtered_and_paged() {
    let (_dir, mut store) = fresh().await;
    forty(&mut store).await;
    let reader = store.reader();
    let weekly = reader.pipeline("weekly").await.unwrap().unwrap();
    let id_down = |keep: fn(i64) -> bool| (1..=40).rev().filter(|id| keep(*id)).collect::<Vec<_>>();
    let none = RunFilter::default;
    assert_eq!(all(reader, &none()).await, id_down(|_| true));
    let of_weekly = RunFilter { pipeline: Some(weekly), ..none() };
    assert_eq!(all(reader, &of_weekly).await, id_down(|id| id % 2 == 0));
    let cancelled = RunFilter { state: Some(RunState::Cancelled), ..none() };
    assert_eq!(all(reader, &cancelled).await, id_down(|id| id % 5 == 0 && id != 40));
    let manual = RunFilter { kind: Some(RunKind::Manual), ..none() };
    assert_eq!(all(reader, &manual).await, id_down(|id| id % 4 == 0));
    let all_three =
        RunFilter { state: Some(RunState::Running), kind: Some(RunKind::Manual), ..of_weekly.clone() };
    assert_eq!(all(reader, &all_three).await, id_down(|id| id % 4 == 0 && id % 5 != 0));
    let may = RunFilter { from: Some(day(3)), to: Some(day(7)), ..none() };
    assert_eq!(all(reader, &may).await, id_down(|id| (5..=14).contains(&id)));
    let late = RunFilter { from: Some(day(18)), ..of_weekly.clone() };
    assert_eq!(all(reader, &late).await, [40, 38, 36]);
    let early = RunFilter { to: Some(day(2)), ..of_weekly };
    assert_eq!(all(reader, &early).await, [4, 2]);
}

#[tokio::test]
async fn a_run_comes_back_as_it_was_made() {
    let (_dir, mut store) = fresh().await;
    let new = new_run(1, version(&mut store).await);
    let mut batch = Batch::default();
    batch.new_run(&new);
    store.commit(&batch).await.unwrap();
    let run = store.reader().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(
        (run.id, run.version, run.kind, run.logical_date),
        (new.id, new.version, new.kind, new.logical_date)
    );
    assert_eq!(
        (run.scheduled_at, run.interval, run.created_at),
        (new.scheduled_at, new.interval, new.created_at)
    );
    assert_eq!((run.params, run.evidence), (new.params, new.evidence));
    assert_eq!((run.state, run.suppressed, run.started_at, run.ended_at), (RunState::Queued, 0, None, None));
    assert_eq!(run.pipeline_name, "nightly");
    assert_eq!(store.reader().run(RunId(2)).await.unwrap(), None);
}

#[tokio::test]
async fn a_run_that_is_cleared_keeps_its_first_start() {
    let (_dir, mut store) = fresh().await;
    let mut play = Play::new(1, version(&mut store).await, tree(1));
    play.step(&Event::Begin);
    play.admit(1);
    let started = play.now;
    play.exit(play.node("load/a"), Exit::Code(1));
    play.commit(&mut store).await;
    let run = store.reader().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!((run.state, run.ended_at), (RunState::Failed, Some(play.now)));
    assert!(run.started_at.unwrap() <= started);
    let first = run.started_at;
    play.step(&Event::Clear {
        nodes: vec![play.node("load"), play.node("load/a"), play.node("load/b")],
        by: "ada".into(),
    });
    play.admit(1);
    play.commit(&mut store).await;
    let run = store.reader().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!((run.state, run.started_at, run.ended_at), (RunState::Running, first, None));
}

#[tokio::test]
async fn unfinished_runs_are_what_has_not_ended() {
    let (_dir, mut store) = fresh().await;
    forty(&mut store).await;
    let unfinished = ids(&store.reader().unfinished_runs().await.unwrap());
    assert_eq!(unfinished, (1..=40).filter(|id| id % 5 != 0 || *id == 40).collect::<Vec<_>>());
}

#[tokio::test]
async fn tasks_and_containers_are_listed_with_their_facts() {
    let (_dir, mut store) = fresh().await;
    let mut play = Play::new(1, version(&mut store).await, tree(300));
    play.step(&Event::Begin);
    for path in ["load/a", "load/b"] {
        play.admit(300);
        play.exit(play.node(path), Exit::Code(0));
    }
    play.admit(300);
    for n in 0..300 {
        let exit = if n % 100 == 7 { Exit::Code(n) } else { Exit::Code(0) };
        play.exit(play.node(&format!("many/t{n}")), exit);
    }
    play.commit(&mut store).await;
    let (reader, run) = (store.reader(), RunId(1));
    let (mut paths, mut after) = (Vec::new(), None);
    loop {
        let page = reader.tasks(run, after.as_deref(), 37).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.path.clone());
        paths.extend(page.into_iter().map(|task| task.path));
    }
    assert_eq!(paths.len(), 302);
    assert!(paths.is_sorted());
    let failed = reader.failed_tasks(run, Some("many/t107"), 10).await.unwrap();
    assert_eq!(failed.iter().map(|task| &*task.path).collect::<Vec<_>>(), ["many/t207", "many/t7"]);
    assert_eq!(failed[0].fact, Some(Fact::Failure(Failure::Code(207))));
    assert_eq!(reader.task(run, "many/t207").await.unwrap().as_ref(), Some(&failed[0]));
    assert_eq!(reader.task(run, "many/t999").await.unwrap(), None);
    let counts = reader.task_counts(run).await.unwrap();
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [(Status::Succeeded, 299), (Status::Failed, 3)]);
    let containers = reader.containers(run, None, 10).await.unwrap();
    assert_eq!(containers.iter().map(|one| &*one.path).collect::<Vec<_>>(), ["/", "load", "many"]);
    assert_eq!((containers[2].tally.succeeded, containers[2].tally.failed), (297, 3));
    assert_eq!(containers[2].fact, Some(Fact::Failure(Failure::Child("many/t7".into()))));
}

#[tokio::test]
async fn a_cancelled_task_names_who() {
    let (_dir, mut store) = fresh().await;
    forty(&mut store).await;
    let task = store.reader().task(RunId(5), "load/a").await.unwrap().unwrap();
    assert_eq!(task.fact, Some(Fact::Cancel(Cancel::By("ada".into()))));
}

#[tokio::test]
async fn outputs_come_back_to_the_byte_and_vanish_with_a_clear() {
    let (_dir, mut store) = fresh().await;
    let mut play = Play::new(1, version(&mut store).await, tree(1));
    let node = play.node("load/a");
    let strange = "\u{0}\u{1}\"\\\n\r\t\u{7f}\u{2028}☂𝄞 {\"a\":1} null";
    let values = [("k".to_owned(), strange.to_owned()), (strange.to_owned(), String::new())];
    play.batch.outputs(&play.run, node, values.clone());
    play.batch.outputs(&play.run, play.node("many"), [("k".into(), "null".into())]);
    play.commit(&mut store).await;
    let outputs = store.reader().outputs(RunId(1)).await.unwrap();
    assert_eq!(outputs["load/a"], values.into());
    assert_eq!(outputs["many"]["k"], "null");
    play.batch.outputs(&play.run, node, [("stale".into(), "1".into())]);
    play.batch.forget_outputs(&play.run, node);
    play.batch.outputs(&play.run, node, [("fresh".into(), "1".into())]);
    play.commit(&mut store).await;
    let outputs = store.reader().outputs(RunId(1)).await.unwrap();
    assert_eq!(outputs["load/a"], [("fresh".to_owned(), "1".to_owned())].into());
    assert_eq!(outputs.len(), 2);
}

#[tokio::test]
async fn a_path_that_the_tree_no_longer_has_is_named() {
    let (_dir, mut store) = fresh().await;
    let mut play = Play::new(1, version(&mut store).await, tree(1));
    for path in ["load/a", "load/b"] {
        if path == "load/a" {
            play.step(&Event::Begin);
        }
        play.admit(1);
        play.exit(play.node(path), Exit::Code(0));
    }
    play.admit(1);
    play.commit(&mut store).await;
    let error = store.reader().records(RunId(1), &tree(0)).await.unwrap_err();
    assert!(matches!(&error, Error::Damaged(Damage::Path { path }) if path == "many/t0"), "{error:?}");
}

#[tokio::test]
async fn a_version_is_written_once() {
    let (_dir, mut store) = fresh().await;
    let first = version(&mut store).await;
    let definitions = [
        definition("weekly", "h1"),
        definition("nightly", "h1"),
        definition("nightly", "h2"),
        definition("weekly", "h1"),
    ];
    let ids = store.ensure_versions(&definitions, at(5)).await.unwrap();
    assert_eq!((ids[1], ids[0]), (first, ids[3]));
    assert_ne!(ids[2], first);
    assert_eq!(store.ensure_versions(&definitions, at(9)).await.unwrap(), ids);
    assert_eq!(store.ensure_versions(&[], at(9)).await.unwrap(), []);
    let version = store.reader().version(ids[2]).await.unwrap().unwrap();
    assert_eq!((version.definition, version.created_at), (definition("nightly", "h2"), at(5)));
    assert_eq!(Some(version.pipeline), store.reader().pipeline("nightly").await.unwrap());
    assert_eq!(store.reader().version(VersionId(99)).await.unwrap(), None);
    assert_eq!(store.reader().pipeline("hourly").await.unwrap(), None);
}
