//! Many waits at a time.

use std::collections::HashSet;
use std::fs;
use std::time::Duration;

use sexton::sensor::answer::{Again, Finding, Seen};
use sexton::sensor::lookout::{Lookout as _, Report};
use sexton::sensor::question::Subject;
use tempfile::TempDir;

use super::post::{Fast, HOUR, files, on_watch, on_watch_by};

const MANY: usize = 10_000;

#[test]
fn ten_thousand_waits_are_no_tasks_and_each_is_answered() {
    let dir = TempDir::new().unwrap();
    on_watch(async |post| {
        let path = |number: usize| dir.path().join(format!("{number}.zip")).display().to_string();
        let mut waiting = HashSet::new();
        for number in 0..MANY {
            waiting.insert(post.watch(files(path(number), Duration::ZERO), HOUR));
        }
        let all = waiting.clone();
        let mut tasks = 0;
        while !waiting.is_empty() {
            let answer = post.any_answer().await;
            assert_eq!(answer.pokes, 1);
            waiting.remove(&answer.watch);
            tasks = tasks.max(tokio::runtime::Handle::current().metrics().num_alive_tasks());
        }
        assert!(tasks < 10, "{tasks} tasks");
        for number in 0..MANY {
            fs::write(path(number), "").unwrap();
        }
        let mut met = HashSet::new();
        while met.len() < MANY {
            let answer = post.any_answer().await;
            assert_eq!(answer.finding, Finding::Met);
            assert_eq!(answer.pokes, 2, "a file that comes is a look for whom it concerns: {answer:?}");
            met.insert(answer.watch);
        }
        assert_eq!(met, all);
    });
}

#[test]
fn what_one_finds_out_oneself_is_asked_at_the_same_pace() {
    on_watch_by(Fast::by(1_000), async |post| {
        let interval = Duration::from_secs(30);
        let watch = post.watch(Subject::Own, interval);
        let mut last = None;
        for (pokes, pause) in [(1, 0), (2, 30), (3, 45), (4, 67)] {
            let due = post.report().await;
            assert_eq!(due, Report::Due(watch));
            post.hands().found(watch, Seen::NotYet(format!("exit {pokes}"), Again::Paced));
            let answer = post.answer(watch).await;
            assert_eq!((answer.pokes, &*answer.words), (pokes, &*format!("exit {pokes}")));
            if let Some(last) = last.replace(answer.at) {
                let passed = answer.at.duration_since(last).as_secs();
                assert!(passed >= pause, "after {passed}s and not {pause}s");
            }
        }
        post.hands().hurry(watch);
        assert_eq!(post.report().await, Report::Due(watch));
        post.hands().found(watch, Seen::Met("exit 0".to_owned()));
        assert_eq!(post.met(watch).await, "exit 0");
    });
}
