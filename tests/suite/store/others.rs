//! What sensors ask of the database: the newest run for a date and its tasks; and what they were last answered.

use jiff::civil::date;
use sexton::pipeline::node::NodeId;
use sexton::run::event::Event;
use sexton::run::poke::LastPoke;
use sexton::run::state::{Exit, RunId, Status};
use sexton::store::batch::Batch;

use super::harness::{Play, at, fresh, new_run, tree, version};

#[tokio::test]
async fn the_newest_run_for_a_date_is_found_and_its_tasks() {
    let (_dir, mut store) = fresh().await;
    let version = version(&mut store).await;
    let (monday, tuesday) = (date(2018, 5, 14), date(2018, 5, 15));
    let mut batch = Batch::default();
    for (id, date) in [(1, monday), (2, tuesday), (3, monday)] {
        let mut new = new_run(id, version);
        new.logical_date = date;
        batch.new_run(&new);
    }
    let mut play = Play::with(3, tree(1), batch);
    play.step(&Event::Begin);
    play.admit(1);
    play.exit(play.node("load/a"), Exit::Code(0));
    store.commit(&play.batch).await.unwrap();
    let reader = store.reader();
    let newest = async |pipeline, date| Some(reader.newest_run(pipeline, date).await.unwrap()?.id.0);
    assert_eq!(newest("nightly", monday).await, Some(3));
    assert_eq!(newest("nightly", tuesday).await, Some(2));
    assert_eq!(newest("nightly", date(2018, 5, 16)).await, None);
    assert_eq!(newest("weekly", monday).await, None);
    let status = async |path| reader.status(RunId(3), path).await.unwrap();
    assert_eq!(status("load/a").await, Some(Status::Succeeded));
    assert_eq!(status("load").await, Some(Status::Running));
    assert_eq!((status("many/t0").await, status("nowhere").await), (None, None));
    assert_eq!(play.run.tree().path(NodeId::ROOT), "/");
    assert_eq!(status("/").await, Some(Status::Running));
}

#[tokio::test]
async fn what_a_sensor_was_last_answered_is_kept() {
    let (_dir, mut store) = fresh().await;
    let version = version(&mut store).await;
    let mut batch = Batch::default();
    batch.new_run(&new_run(1, version));
    store.commit(&batch).await.unwrap();
    let poke =
        |pokes, next| LastPoke { pokes, at: at(pokes.into()), words: "no file matches /in/ü".into(), next };
    for last in [poke(1, Some(at(30_000))), poke(2, Some(at(75_000))), poke(3, None)] {
        let mut batch = Batch::default();
        batch.poke(RunId(1), "load/a".to_owned(), poke(0, None));
        batch.poke(RunId(1), "load/a".to_owned(), last.clone());
        assert!(!batch.is_empty());
        assert_eq!(batch.apart().len(), 1);
        store.commit(&batch).await.unwrap();
        assert_eq!(store.reader().last_poke(RunId(1), "load/a").await.unwrap(), Some(last));
    }
    assert_eq!(store.reader().last_poke(RunId(1), "load/b").await.unwrap(), None);
    let mut batch = Batch::default();
    batch.poke(RunId(2), "load/a".to_owned(), poke(1, None));
    assert!(store.commit(&batch).await.unwrap_err().is_refusal(), "there is no such run");
}
