//! Generated trees and deaths: between the end of a command and the reading of what it wrote, between that and
//! its commit, and after; and trees that are generated again.

use std::time::Duration;

use sexton::control::{Clearing, Refused};
use sexton::run::state::{Exit, RunId, Status};
use sexton::store::record::RunState;

use super::desk::Desk;
use super::fates::Fates;
use super::pipelines::pipeline;
use super::world::World;

const LASTS: Duration = Duration::from_secs(5);
const AT_ONCE: Duration = Duration::ZERO;
/// Longer than a command, shorter than it and the reading of what it wrote.
const ENDED: Duration = Duration::from_millis(5_100);
/// Longer than both.
const READ: Duration = Duration::from_millis(5_600);

const SYMBOLS: &str = "serial: {symbols: {lazy: plan}, report: 'true'}";
const TWO: &str = "parallel: {AAPL: run, MSFT: run}";
const THREE: &str = "parallel: {IBM: run, MSFT: run, TSLA: run}";

async fn desk(source: &str, trees: &[&'static str]) -> (Desk, RunId) {
    let mut desk = Desk::new(World::new(Fates::Writing(LASTS, trees.to_vec()), 8), 8);
    desk.start().await;
    let run = desk.begin(pipeline("p", source)).await;
    (desk, run)
}

/// The first command runs.
async fn generating() -> (Desk, RunId) {
    let (mut desk, run) = desk(SYMBOLS, &[TWO]).await;
    desk.round().await;
    assert_eq!(desk.world.held(), [1]);
    (desk, run)
}

async fn comes_back(desk: &mut Desk) {
    desk.start().await;
    desk.check().await;
}

/// Each attempt of it was started once, and succeeded.
async fn succeeds(desk: &mut Desk, run: RunId, attempts: u64) {
    desk.rest().await;
    desk.check_end().await;
    assert_eq!(desk.reader().run(run).await.unwrap().unwrap().state, RunState::Succeeded);
    assert_eq!(desk.world.starts().len() as u64, attempts);
}

#[tokio::test]
async fn a_tree_takes_its_place_and_runs() {
    let (mut desk, run) = generating().await;
    succeeds(&mut desk, run, 4).await;
    assert_eq!(desk.reader().attempts(run, "symbols/execute/MSFT").await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_dies_before_it_is_read_has_it_read_again() {
    let (mut desk, run) = generating().await;
    desk.world.wait(ENDED);
    // Its end is heard, and the tree is being read.
    desk.round().await;
    assert!(desk.reader().attempts(run, "symbols/generate").await.unwrap()[0].end.is_none());
    desk.crash(AT_ONCE).await;
    comes_back(&mut desk).await;
    succeeds(&mut desk, run, 4).await;
}

#[tokio::test]
async fn who_dies_when_it_is_read_has_it_read_again() {
    let (mut desk, run) = generating().await;
    desk.world.wait(ENDED);
    desk.round().await;
    desk.world.wait(READ);
    // What was read is in the mailbox.
    assert_eq!(desk.world.held(), [1]);
    desk.crash(AT_ONCE).await;
    comes_back(&mut desk).await;
    assert!(desk.reader().task(run, "symbols/execute/AAPL").await.unwrap().is_none());
    succeeds(&mut desk, run, 4).await;
}

#[tokio::test]
async fn in_the_commit_there_is_all_of_it_or_nothing() {
    for polls in 1..4 {
        let (mut desk, run) = generating().await;
        desk.world.wait(ENDED);
        desk.round().await;
        desk.world.wait(READ);
        desk.crash_in_round(polls, AT_ONCE).await;
        comes_back(&mut desk).await;
        succeeds(&mut desk, run, 4).await;
    }
}

#[tokio::test]
async fn who_dies_after_its_commit_goes_on_with_it() {
    for orders in 0..4 {
        let (mut desk, run) = generating().await;
        desk.world.wait(ENDED);
        desk.round().await;
        desk.world.wait(READ);
        desk.world.die_after(orders);
        desk.round().await;
        desk.crash(AT_ONCE).await;
        comes_back(&mut desk).await;
        let generate = desk.reader().attempts(run, "symbols/generate").await.unwrap();
        assert_eq!(generate[0].end.as_ref().unwrap().exit, Exit::Code(0));
        succeeds(&mut desk, run, 4).await;
    }
}

/// It is over, though the keeper tells of it again and again.
#[tokio::test]
async fn an_end_that_is_told_again_while_its_tree_is_read_is_read_once() {
    let (mut desk, run) = generating().await;
    desk.world.wait(ENDED);
    desk.round().await;
    desk.world.disconnect(AT_ONCE);
    desk.world.kill_keeper(AT_ONCE);
    succeeds(&mut desk, run, 4).await;
}

#[tokio::test]
async fn what_is_no_tree_is_a_failure_that_is_tried_again() {
    let source = "{lazy: plan, retry: {limit: 1, delay: 1m}}";
    let (mut desk, run) = desk(source, &["parallel: {a: {exce: x}}", "run"]).await;
    succeeds(&mut desk, run, 3).await;
    let attempts = desk.reader().attempts(run, "generate").await.unwrap();
    let words = "unknown key `exce` in line 1: `parallel: {a: {exce: x}}`, did you mean `exec`?";
    assert_eq!(attempts[0].end.as_ref().unwrap().exit, Exit::BadTree(words.into()));
    assert_eq!(attempts[1].end.as_ref().unwrap().exit, Exit::Code(0));
}

#[tokio::test]
async fn a_tree_is_generated_again_and_history_stays_by_path() {
    let (mut desk, run) = desk(SYMBOLS, &[TWO, THREE, TWO]).await;
    let asked = async |desk: &mut Desk, path: &str| {
        let targets = vec![path.into()];
        let clearing = Clearing { targets, downstream: true, ..Clearing::default() };
        let control = desk.control();
        let asked = tokio::spawn(async move { control.clear(run, clearing, true, "ada").await });
        tokio::task::yield_now().await;
        desk.round().await;
        asked.await.unwrap().unwrap()
    };
    let reported = async |desk: &mut Desk, times: usize| {
        while desk.reader().attempts(run, "report").await.unwrap().len() < times {
            desk.round().await;
        }
    };
    let numbers = async |desk: &Desk, name: &str| {
        let path = format!("symbols/execute/{name}");
        let attempts = desk.reader().attempts(run, &path).await.unwrap();
        attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>()
    };
    reported(&mut desk, 1).await;
    let reset = asked(&mut desk, "symbols/generate").await;
    let listed: Vec<(&str, Status)> = reset.iter().map(|task| (task.path.as_str(), task.was)).collect();
    let all = ["symbols/generate", "symbols/execute/AAPL", "symbols/execute/MSFT"];
    let all = all.map(|path| (path, Status::Succeeded));
    assert_eq!(listed, [&all[..], &[("report", Status::Running)]].concat());
    reported(&mut desk, 2).await;
    assert_eq!(numbers(&desk, "AAPL").await, [1]);
    assert_eq!(numbers(&desk, "MSFT").await, [1, 2]);
    assert_eq!(numbers(&desk, "TSLA").await, [1]);
    assert!(desk.reader().task(run, "symbols/execute/AAPL").await.unwrap().is_none(), "it is gone");
    // And by another daemon.
    desk.crash(AT_ONCE).await;
    comes_back(&mut desk).await;
    asked(&mut desk, "symbols").await;
    succeeds(&mut desk, run, 13).await;
    assert_eq!(numbers(&desk, "AAPL").await, [1, 2]);
    assert_eq!(numbers(&desk, "MSFT").await, [1, 2, 3]);
}

/// A wish that waits in the mailbox while numbers move is about the node that was named.
#[tokio::test]
async fn who_is_named_by_a_path_is_meant_whatever_comes_between() {
    let (mut desk, run) = generating().await;
    desk.world.wait(ENDED);
    desk.round().await;
    desk.world.wait(READ);
    let asked = ["report", "symbols/execute/IBM"].map(|path| {
        let control = desk.control();
        tokio::spawn(async move { control.cancel(run, path, "ada").await })
    });
    tokio::task::yield_now().await;
    desk.round().await;
    let [report, nobody] = asked;
    assert_eq!(report.await.unwrap(), Ok(()));
    let path = "symbols/execute/IBM".into();
    assert_eq!(nobody.await.unwrap(), Err(Refused::NoSuchNode { run, path }));
    desk.rest().await;
    desk.check_end().await;
    let status = async |path: &str| desk.reader().task(run, path).await.unwrap().unwrap().status;
    assert_eq!(status("report").await, Status::Cancelled);
    assert_eq!(status("symbols/execute/AAPL").await, Status::Succeeded);
}

/// The others do not suffer, and people are told which it is.
#[tokio::test]
async fn a_run_whose_tree_can_no_longer_be_read_is_told_of_and_left_out() {
    let (mut desk, run) = desk("lazy: plan", &[TWO]).await;
    while desk.world.starts().len() < 3 {
        desk.round().await;
    }
    let other = desk.begin(pipeline("other", "exec: 'true'")).await;
    desk.sql("update trees set source = x'00'").await;
    let recovered = desk.recovery().await;
    assert_eq!(recovered.words(), "taken up again: runs: 1, tasks that ran: 1");
    let (of, error) = &recovered.unreadable[0];
    let told = "run 1: the tree that `/` wrote can no longer be read:\nit cannot be unpacked: ";
    assert!(*of == run && error.to_string().starts_with(told), "{error}");
    assert!(desk.reader().run(other).await.unwrap().is_some());
}

#[tokio::test]
async fn sensors_that_wait_behind_a_tree_are_answered_where_they_are_by_then() {
    let waits = "parallel: {symbols: {lazy: plan}, file: {sensor: {file: /in/surely}},
        time: {sensor: {time: '04:05'}}, command: {sensor: {exec: look}},
        after: {after: [file, time, command], exec: 'true'}}";
    let (mut desk, run) = desk(waits, &[THREE]).await;
    succeeds(&mut desk, run, 6).await;
    for path in ["file", "time"] {
        assert!(desk.reader().last_poke(run, path).await.unwrap().is_some(), "{path}");
    }
}
