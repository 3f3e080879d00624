//! A batch is written as a whole or not at all, and a batch that found no room is written later as it is.

use std::sync::Arc;

use sexton::run::event::Event;
use sexton::run::force::{Kill, KillReason, Mark};
use sexton::run::state::{AttemptId, Exit, RunId};
use sexton::store::batch::Batch;
use sexton::store::db::{CommitError, Reader, Store};
use sexton::store::journal::NextIds;
use sexton::store::record::{AttemptEnd, Log, Usage, VersionId};

use super::harness::{Play, at, end, entries, fresh, new_run, open, pipeline, restored, tree, version};
use super::open::bare;

async fn started(store: &mut Store, leaves: u32) -> Play {
    let version = version(store).await;
    let mut play = Play::new(1, version, tree(leaves));
    play.step(&Event::Begin);
    play.admit(4);
    play
}

/// Everything there is, as text.
async fn dump(reader: &Reader, play: &Play) -> String {
    let run = RunId(1);
    let tree = play.run.tree();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        reader.run(run).await.unwrap(),
        reader.tasks(run, None, 1_000).await.unwrap(),
        reader.containers(run, None, 1_000).await.unwrap(),
        reader.live_attempts(run).await.unwrap(),
        reader.outputs(run).await.unwrap(),
        reader.journal(run, &pipeline(tree)).await.unwrap(),
    )
}

#[tokio::test]
async fn an_empty_batch_is_nothing() {
    let (_dir, mut store) = fresh().await;
    store.commit(&Batch::default()).await.unwrap();
}

#[tokio::test]
async fn a_contradiction_leaves_nothing_behind() {
    let (_dir, mut store) = fresh().await;
    let mut play = started(&mut store, 10).await;
    play.commit(&mut store).await;
    let before = dump(store.reader(), &play).await;

    // The token of a live attempt is given out a second time.
    play.exit(play.node("load/a"), Exit::Code(0));
    play.batch.outputs(&play.run, play.node("load/a"), [("rows".into(), "7".into())]);
    play.next_attempt = 1;
    play.admit(4);
    let error = store.commit(&play.batch).await.unwrap_err();
    assert!(matches!(error, CommitError::Broken(_)), "{error}");
    assert_eq!(dump(store.reader(), &play).await, before);
    assert!(matches!(store.commit(&play.batch).await, Err(CommitError::Broken(_))));

    // Others go on.
    let version = version(&mut store).await;
    Play::new(2, version, tree(1)).commit(&mut store).await;
    assert!(store.reader().run(RunId(2)).await.unwrap().is_some());
}

async fn refused(batch: &Batch, store: &mut Store, constraint: &str) {
    match store.commit(batch).await {
        Err(CommitError::Broken(cause)) => assert!(cause.to_string().contains(constraint), "{cause}"),
        other => panic!("{other:?} instead of {constraint}"),
    }
}

#[tokio::test]
async fn an_end_without_a_beginning_is_refused_by_name() {
    let (_dir, mut store) = fresh().await;
    let mut play = started(&mut store, 1).await;
    play.commit(&mut store).await;
    let mut batch = Batch::default();
    batch.attempt_ended(&play.run, &end(AttemptId(99), Exit::Code(0), at(5)));
    refused(&batch, &mut store, "updated_row_exists").await;
    let mut batch = Batch::default();
    batch.changes(&Play::new(7, VersionId(1), tree(1)).run, &[sexton::pipeline::node::NodeId::ROOT]);
    refused(&batch, &mut store, "updated_row_exists").await;
}

#[tokio::test]
async fn a_run_needs_a_version() {
    let (_dir, mut store) = fresh().await;
    let mut batch = Batch::default();
    batch.new_run(&new_run(1, VersionId(99)));
    refused(&batch, &mut store, "runs.pipeline_id").await;
}

#[tokio::test]
async fn facts_need_their_run() {
    let (_dir, mut store) = fresh().await;
    let mut batch = Batch::default();
    batch.event(&Play::new(7, VersionId(1), tree(1)).run, at(0), &Event::Begin);
    refused(&batch, &mut store, "FOREIGN KEY").await;
}

#[tokio::test]
async fn a_dropped_commit_does_not_block_the_next() {
    let (_dir, mut store) = fresh().await;
    let mut play = started(&mut store, 1).await;
    play.commit(&mut store).await;
    for n in 0..50 {
        let mut batch = Batch::default();
        batch.outputs(&play.run, play.node("load/a"), [(format!("k{n}"), "v".repeat(1_000))]);
        let commit = store.commit(&batch);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(n * 20), commit).await;
        store.commit(&batch).await.unwrap();
    }
    assert_eq!(store.reader().outputs(RunId(1)).await.unwrap()["load/a"].len(), 50);
}

#[tokio::test]
async fn ten_thousand_tasks_fit_in_one_batch() {
    let (_dir, mut store) = fresh().await;
    let mut play = started(&mut store, 10_000).await;
    for node in [play.node("load/a"), play.node("load/b")] {
        play.exit(node, Exit::Code(0));
        play.admit(20_000);
    }
    play.commit(&mut store).await;
    let live: Vec<_> = play.run.live().map(|(node, _)| node).collect();
    assert_eq!(live.len(), 10_000);
    for node in live {
        play.exit(node, Exit::Code(0));
    }
    play.commit(&mut store).await;
    let tree = play.run.tree().clone();
    assert_eq!(entries(&restored(&store, RunId(1), &tree).await), play.entries());
    let many = store.reader().containers(RunId(1), Some("load"), 10).await.unwrap().remove(0);
    assert_eq!((many.path.as_str(), many.tally.succeeded), ("many", 10_000));
    assert_eq!(store.reader().task_counts(RunId(1)).await.unwrap().into_values().sum::<u64>(), 10_002);
}

#[tokio::test]
async fn readers_see_whole_commits_while_writing_goes_on() {
    let (dir, mut store) = fresh().await;
    let mut play = started(&mut store, 400).await;
    for node in [play.node("load/a"), play.node("load/b")] {
        play.exit(node, Exit::Code(0));
        play.admit(4);
    }
    play.commit(&mut store).await;
    let tree = play.run.tree().clone();
    let reader = Reader::open(dir.path()).await.unwrap();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let watch = tokio::spawn({
        let (reader, done) = (reader.clone(), done.clone());
        async move {
            let mut looks = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                // Four run at any time: each commit ends as many as it starts.
                let live = reader.live_attempts(RunId(1)).await.unwrap().len();
                assert_eq!(live, 4);
                looks += 1;
            }
            looks
        }
    });
    for _ in 0..90 {
        let live: Vec<_> = play.run.live().map(|(node, _)| node).collect();
        for node in live {
            play.exit(node, Exit::Code(0));
        }
        play.admit(4);
        play.commit(&mut store).await;
    }
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(watch.await.unwrap() > 0);
    assert_eq!(entries(&restored(&store, RunId(1), &tree).await), play.entries());
}

#[tokio::test]
async fn everything_about_an_attempt_comes_back() {
    let (_dir, mut store) = fresh().await;
    let mut play = started(&mut store, 1).await;
    let (node, attempt) = play.run.live().next().unwrap();
    play.commit(&mut store).await;
    let live = store.reader().attempt(attempt).await.unwrap().unwrap();
    assert_eq!((live.run, live.path.as_str(), live.number), (RunId(1), "load/a", 1));
    assert_eq!((live.created_at, &live.end), (play.now, &None));
    let full = AttemptEnd {
        attempt,
        started_at: Some(at(100)),
        ended_at: at(2_100),
        exit: Exit::Lost("its keeper was killed: \"9\"".into()),
        kill: Some(Kill { why: KillReason::Mark { node, mark: Mark::Skipped }, by: "ada".into() }),
        pid: Some(4_242),
        usage: Some(Usage { cpu_user_ms: 12, cpu_system_ms: 3, max_rss_bytes: 1 << 40 }),
        log: Some(Log { path: "logs/nightly/1/load%2Fa.1.log".into(), bytes: 1 << 33, dropped_bytes: 7 }),
    };
    let mut batch = Batch::default();
    batch.attempt_ended(&play.run, &full);
    store.commit(&batch).await.unwrap();
    let back = store.reader().attempts(RunId(1), "load/a").await.unwrap().remove(0).end.unwrap();
    assert_eq!((back.started_at, back.ended_at), (full.started_at, full.ended_at));
    assert_eq!((back.exit, back.pid, back.usage, back.log), (full.exit, full.pid, full.usage, full.log));
    let kill = back.kill.unwrap();
    assert_eq!(&*kill.by, "ada");
    assert_eq!(
        kill.why,
        sexton::store::fact::KillReason::Mark {
            node: "load/a".into(),
            mark: sexton::store::fact::Mark::Skipped
        }
    );
}

#[tokio::test]
async fn ids_are_never_given_twice() {
    let (dir, mut store) = fresh().await;
    let first = NextIds { run: RunId(1), attempt: AttemptId(1) };
    assert_eq!(store.next_ids().await.unwrap(), first);
    let mut play = started(&mut store, 1).await;
    play.commit(&mut store).await;
    let next = NextIds { run: RunId(2), attempt: AttemptId(2) };
    assert_eq!(store.next_ids().await.unwrap(), next);
    let mut other = bare(dir.path()).await;
    let wipe = "pragma foreign_keys = off; delete from attempts; delete from runs;";
    sqlx::raw_sql(wipe).execute(&mut other).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(open(dir.path()).await.next_ids().await.unwrap(), next);
}

#[tokio::test]
async fn an_abandoned_run_is_closed_with_what_it_had_under_way() {
    let (_dir, mut store) = fresh().await;
    let mut play = started(&mut store, 3).await;
    play.commit(&mut store).await;
    let attempt = play.run.live().next().unwrap().1;
    store.abandon(RunId(1), at(9_000)).await.unwrap();
    let reader = store.reader();
    assert!(reader.unfinished_runs().await.unwrap().is_empty());
    assert!(reader.live_attempts(RunId(1)).await.unwrap().is_empty());
    let run = reader.run(RunId(1)).await.unwrap().unwrap();
    assert_eq!((run.state.word(), run.ended_at), ("cancelled", Some(at(9_000))));
    let end = reader.attempt(attempt).await.unwrap().unwrap().end.unwrap();
    assert_eq!(end.exit, Exit::Lost("its run was abandoned".into()));
}
