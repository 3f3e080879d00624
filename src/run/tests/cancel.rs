//! Cancel and mark: what is killed, what is kept, and what a late natural exit means.

use super::world::{World, check};

const TREE: &str = "
        p serial
          a
          load parallel
            b
            c
            d serial
              e
              f
          cleanup rule=all_done";

#[test]
fn a_cancelled_run_ends_when_what_ran_has_ended() {
    check(
        TREE,
        "a ok; load/c ok; cancel /",
        "
        p          running    being cancelled by ada
          a        succeeded
          load     running    being cancelled by ada
            b      running    being cancelled by ada
            c      succeeded
            d      running    being cancelled by ada
              e    running    being cancelled by ada
              f    cancelled  with `/`
          cleanup  cancelled  with `/`",
    );
    check(
        TREE,
        "a ok; load/c ok; cancel /; load/b killed; load/d/e killed",
        "
        p          cancelled  by ada
          a        succeeded
          load     cancelled  by ada
            b      cancelled  by ada
            c      succeeded
            d      cancelled  by ada
              e    cancelled  by ada
              f    cancelled  with `load/d`
          cleanup  cancelled  with `/`",
    );
}

#[test]
fn a_natural_exit_in_between_keeps_its_true_code() {
    check(
        "
        p parallel
          a
          b
          c retry=3",
        "cancel /; a ok; b 4; c 5",
        "
        p    failed     because of `b`
          a  succeeded
          b  failed     exit code 4
          c  failed     exit code 5 (1/4 attempts)",
    );
}

#[test]
fn a_cancel_that_came_too_late_changes_nothing() {
    check(
        "
        p serial
          a",
        "cancel /; a ok",
        "
        p    succeeded
          a  succeeded",
    );
}

#[test]
fn a_run_cancelled_while_it_waits_ends_at_once() {
    check(
        "
        p serial
          a retry=1 delay=60
          b",
        "a 1; cancel /",
        "
        p    cancelled  by ada
          a  cancelled  by ada
          b  cancelled  with `/`",
    );
}

#[test]
fn kills_in_progress_survive_a_restart() {
    let mut world = World::new(TREE);
    world.play("a ok; cancel load; crash");
    assert_eq!(world.killed.len(), 3);
    world.command("load/b killed");
    world.command("load/c killed");
    world.command("load/d/e killed");
    world.command("cleanup ok");
    let expected = "
        p          cancelled  `load` was cancelled
          a        succeeded
          load     cancelled  by ada
            b      cancelled  by ada
            c      cancelled  by ada
            d      cancelled  by ada
              e    cancelled  by ada
              f    cancelled  with `load/d`
          cleanup  succeeded";
    assert_eq!(world.picture(), super::world::trimmed(expected));
}

#[test]
fn cancelling_one_branch_leaves_the_others() {
    check(
        "
        p parallel
          x serial
            a
            b
          y serial
            c
            d",
        "cancel x; x/a killed; y/c ok; y/d ok",
        "
        p      cancelled  `x` was cancelled
          x    cancelled  by ada
            a  cancelled  by ada
            b  cancelled  with `x`
          y    succeeded
            c  succeeded
            d  succeeded",
    );
}

#[test]
fn a_node_may_be_cancelled_before_its_turn() {
    check(
        "
        p serial
          a
          b
          c rule=all_done",
        "cancel b; a ok; c ok",
        "
        p    cancelled  `b` was cancelled
          a  succeeded
          b  cancelled  by ada
          c  succeeded",
    );
}

#[test]
fn marking_a_failure_as_succeeded_releases_what_it_held() {
    check(
        "
        p serial
          a
          b
          c parallel
            d",
        "a 1; mark a succeeded; b ok; c/d ok",
        "
        p      succeeded
          a    succeeded  marked by ada
          b    succeeded
          c    succeeded
            d  succeeded",
    );
    check(
        "
        p parallel
          x serial
            a
          y after=x
          z after=y",
        "x/a 1; mark x/a skipped; y ok; z ok",
        "
        p      succeeded
          x    skipped    all of it was skipped
            a  skipped    marked by ada
          y    succeeded
          z    succeeded",
    );
    // What was done, or said, inside of what is released stays as it is.
    check(
        "
        p serial
          a
          b serial
            c
            d",
        "a ok; b/c 1; clear a only; mark b/c succeeded; a 1; mark a skipped; b/d ok",
        "
        p      succeeded
          a    skipped    marked by ada
          b    succeeded
            c  succeeded  marked by ada
            d  succeeded",
    );
}

#[test]
fn a_running_target_is_killed_before_it_is_marked() {
    check(
        "
        p serial
          a
          b",
        "mark a succeeded",
        "
        p    running
          a  running  being killed to be marked by ada
          b  pending",
    );
    check(
        "
        p serial
          a
          b",
        "mark a succeeded; a killed; b ok",
        "
        p    succeeded
          a  succeeded  marked by ada
          b  succeeded",
    );
}

#[test]
fn a_running_container_can_be_marked() {
    check(
        "
        p serial
          x parallel
            a
            b
          y",
        "x/a ok; mark x succeeded; x/b killed; y ok",
        "
        p      succeeded
          x    succeeded  marked by ada
            a  succeeded
            b  cancelled  `x` was marked
          y    succeeded",
    );
}

#[test]
fn what_is_not_yet_reached_can_be_marked() {
    check(
        "
        p serial
          a
          b
          c",
        "mark b skipped; a ok; c ok",
        "
        p    succeeded
          a  succeeded
          b  skipped    marked by ada
          c  succeeded",
    );
    check(
        "
        p serial
          a
          b
          c",
        "mark b failed; a ok",
        "
        p    failed           because of `b`
          a  succeeded
          b  failed           marked by ada
          c  upstream_failed  because of `b`",
    );
}

#[test]
fn marking_a_run_that_has_ended_starts_nothing() {
    check(
        "
        p parallel
          x serial when=broken
            a
          b",
        "mark x skipped; b ok; crash; mark / succeeded",
        "
        p    succeeded  marked by ada
          x  skipped    marked by ada
          b  succeeded",
    );
}

#[test]
fn what_is_being_stopped_keeps_its_own_reason() {
    check(
        "
        p serial
          load serial timeout=60
            a
          next",
        "wait 60; cancel /; load/a killed",
        "
        p       cancelled  by ada
          load  failed     timeout after 1m
            a   cancelled  `load` ran out of time
          next  cancelled  with `/`",
    );
}
