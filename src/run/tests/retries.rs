//! Attempts: budgets, delays, what is tried again and what is not.

use std::time::Duration;

use super::world::{World, check};
use crate::pipeline::policy::Retry;
use crate::run::retry::retry_delay;
use crate::run::state::{AttemptId, RunId};

#[test]
fn a_failed_task_is_tried_again_after_its_delay() {
    const TREE: &str = "
        p serial
          a retry=1 delay=300
          b";
    check(
        TREE,
        "a 1",
        "
        p    running
          a  retrying  exit code 1 (1/2 attempts)
          b  pending",
    );
    check(
        TREE,
        "a 1; wait 299",
        "
        p    running
          a  retrying  exit code 1 (1/2 attempts)
          b  pending",
    );
    check(
        TREE,
        "a 1; wait 300",
        "
        p    running
          a  running  (2/2 attempts)
          b  pending",
    );
    check(
        TREE,
        "a 1; wait 300; a ok; b ok",
        "
        p    succeeded
          a  succeeded  (2/2 attempts)
          b  succeeded",
    );
    check(
        TREE,
        "a 1; wait 300; a 2",
        "
        p    failed           because of `a`
          a  failed           exit code 2 (2/2 attempts)
          b  upstream_failed  because of `a`",
    );
}

#[test]
fn a_retry_holds_no_place() {
    check(
        "
        p parallel
          a retry=1 delay=60
          b",
        "places 1; a ok; b ok",
        "
        p    succeeded
          a  succeeded
          b  succeeded",
    );
    let mut world = World::new(
        "
        p parallel
          a retry=1 delay=60
          b",
    );
    world.places = 1;
    world.play("a 1");
    assert_eq!(world.launched.len(), 2, "b got the place of a");
}

#[test]
fn a_retry_timer_survives_a_restart() {
    check(
        "
        p serial
          a retry=1 delay=60",
        "a 1; crash; wait 59",
        "
        p    running
          a  retrying  exit code 1 (1/2 attempts)",
    );
    check(
        "
        p serial
          a retry=1 delay=60",
        "a 1; crash; wait 60; crash; a ok",
        "
        p    succeeded
          a  succeeded  (2/2 attempts)",
    );
}

#[test]
fn only_the_listed_failures_are_tried_again() {
    const TREE: &str = "p retry=3 on=75";
    check(TREE, "p 75", "p  retrying  exit code 75 (1/4 attempts)");
    check(TREE, "p 1", "p  failed  exit code 1 (1/4 attempts)");
    check(TREE, "p timeout", "p  failed  timeout (1/4 attempts)");
    check(TREE, "p signal:9", "p  failed  killed by SIGKILL, perhaps out of memory (1/4 attempts)");
    check(TREE, "p lost", "p  failed  lost: its keeper was killed (1/4 attempts)");
}

#[test]
fn everything_is_tried_again_by_default() {
    for (exit, words) in [
        ("1", "exit code 1"),
        ("timeout", "timeout"),
        ("signal:11", "killed by SIGSEGV"),
        ("lost", "lost: its keeper was killed"),
        ("missing", "not started: no such program: `ingest`"),
        ("garbled", "bad output: line 1 has no `=`"),
    ] {
        let expected = format!("p  retrying  {words} (1/2 attempts)");
        check("p retry=1 delay=5", &format!("p {exit}"), &expected);
    }
}

#[test]
fn delays_grow_up_to_their_ceiling_and_are_jittered_alike_each_time() {
    let retry = Retry {
        limit: 9,
        delay: Duration::from_secs(10),
        backoff: 3.0,
        max_delay: Some(Duration::from_secs(200)),
        ..Retry::default()
    };
    let delay = |retry: &Retry, spent| retry_delay(retry, RunId(1), AttemptId(u64::from(spent)), spent);
    let plain: Vec<u64> = (1..=5).map(|spent| delay(&retry, spent).as_secs()).collect();
    assert_eq!(plain, [10, 30, 90, 200, 200]);
    assert_eq!(delay(&retry, u32::MAX).as_secs(), 200);

    let jittered = Retry { jitter: 0.5, ..retry };
    for spent in 1..100 {
        let (long, short) =
            (delay(&jittered, spent), delay(&Retry { jitter: 0.0, ..jittered.clone() }, spent));
        assert!(long >= short && long <= short.mul_f64(1.5), "attempt {spent}: {long:?}");
        assert_eq!(long, delay(&jittered, spent));
    }
    assert_ne!(delay(&jittered, 4), delay(&jittered, 5), "attempts at the ceiling still spread");
}

#[test]
fn a_container_timeout_kills_and_fails() {
    const TREE: &str = "
        p serial
          load parallel timeout=60
            a
            b
            c retry=1 delay=300
            d serial
              e
              f
          next";
    check(
        TREE,
        "load/a ok; load/c 1; wait 60",
        "
        p        running
          load   running    out of time with `load`
            a    succeeded
            b    running    being killed: `load` is out of time
            c    cancelled  `load` ran out of time
            d    running    out of time with `load`
              e  running    being killed: `load` is out of time
              f  cancelled  with `load`
          next   pending",
    );
    check(
        TREE,
        "load/a ok; load/c 1; wait 60; load/b killed; load/d/e 0",
        "
        p        failed           because of `load`
          load   failed           timeout after 1m
            a    succeeded
            b    cancelled        `load` ran out of time
            c    cancelled        `load` ran out of time
            d    cancelled        `load` ran out of time
              e  succeeded
              f  cancelled        with `load/d`
          next   upstream_failed  because of `load`",
    );
}
