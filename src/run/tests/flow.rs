//! Order, rules and outcomes: what starts when, and what a container becomes.

use super::world::check;

#[test]
fn a_serial_runs_its_children_one_after_another() {
    const TREE: &str = "
        p serial
          a
          b";
    check(
        TREE,
        "",
        "
        p    running
          a  running
          b  pending",
    );
    check(
        TREE,
        "a ok",
        "
        p    running
          a  succeeded
          b  running",
    );
    check(
        TREE,
        "a ok; b ok",
        "
        p    succeeded
          a  succeeded
          b  succeeded",
    );
}

#[test]
fn a_serial_stops_at_the_first_failure() {
    check(
        "
        p serial
          a
          b
          c serial
            d
          e",
        "a ok; b 3",
        "
        p    failed           because of `b`
          a  succeeded
          b  failed           exit code 3
          c  upstream_failed  because of `b`
          e  upstream_failed  because of `b`",
    );
}

#[test]
fn stop_on_error_false_goes_on_and_still_fails() {
    check(
        "
        p serial keep_going
          a
          b
          c",
        "a 1; b ok; c ok",
        "
        p    failed     because of `a`
          a  failed     exit code 1
          b  succeeded
          c  succeeded",
    );
}

#[test]
fn stop_on_error_false_does_not_lift_an_after() {
    check(
        "
        p serial keep_going
          a
          b after=a
          c",
        "a 1; c ok",
        "
        p    failed           because of `a`
          a  failed           exit code 1
          b  upstream_failed  because of `a`
          c  succeeded",
    );
}

#[test]
fn a_parallel_runs_each_child_to_its_end() {
    check(
        "
        p parallel
          a
          b
          c",
        "b 1; c ok",
        "
        p    running
          a  running
          b  failed     exit code 1
          c  succeeded",
    );
    check(
        "
        p parallel
          a
          b
          c",
        "b 1; c ok; a ok",
        "
        p    failed     because of `b`
          a  succeeded
          b  failed     exit code 1
          c  succeeded",
    );
}

#[test]
fn a_single_command_is_a_run() {
    check("p", "", "p  running");
    check("p", "p ok", "p  succeeded");
    check("p", "p 7", "p  failed  exit code 7");
}

#[test]
fn cleanup_runs_after_a_failure_only_inside_a_container_that_started() {
    check(
        "
        p serial
          load serial
            a
            b
            cleanup rule=all_done
          report serial
            c
            cleanup rule=all_done",
        "load/a 1; load/cleanup ok",
        "
        p            failed           because of `load/a`
          load       failed           because of `load/a`
            a        failed           exit code 1
            b        upstream_failed  because of `load/a`
            cleanup  succeeded
          report     upstream_failed  because of `load/a`",
    );
}

#[test]
fn one_failed_runs_when_something_failed() {
    const TREE: &str = "
        p serial
          a
          b
          rescue rule=one_failed";
    check(
        TREE,
        "a 1; rescue ok",
        "
        p         failed           because of `a`
          a       failed           exit code 1
          b       upstream_failed  because of `a`
          rescue  succeeded",
    );
    check(
        TREE,
        "a ok; b ok",
        "
        p         succeeded
          a       succeeded
          b       succeeded
          rescue  skipped    nothing before it failed",
    );
}

#[test]
fn one_failed_with_no_predecessor_is_skipped() {
    check("p rule=one_failed", "", "p  skipped  nothing before it failed");
}

#[test]
fn one_failed_ignores_a_suppressed_failure_and_a_cancelled_one() {
    check(
        "
        p serial
          a suppress
          rescue rule=one_failed",
        "a 1",
        "
        p         succeeded  1 failure suppressed
          a       failed     exit code 1, suppressed
          rescue  skipped    nothing before it failed",
    );
    check(
        "
        p serial
          a
          rescue rule=one_failed",
        "cancel a; a killed",
        "
        p         cancelled  `a` was cancelled
          a       cancelled  by ada
          rescue  skipped    nothing before it failed",
    );
}

#[test]
fn a_suppressed_failure_counts_as_success_around_it() {
    check(
        "
        p serial
          load parallel suppress
            a
            b
          next",
        "load/a 1; load/b ok; next ok",
        "
        p       succeeded  1 failure suppressed
          load  failed     because of `load/a`, suppressed
            a   failed     exit code 1
            b   succeeded
          next  succeeded",
    );
}

#[test]
fn a_skipped_predecessor_is_fine() {
    check(
        "
        p serial
          a skip
          b when=false
          c",
        "c ok",
        "
        p    succeeded
          a  skipped    `skip: true`
          b  skipped    `when: false` is false
          c  succeeded",
    );
}

#[test]
fn a_container_of_skipped_children_is_skipped() {
    check(
        "
        p parallel
          a skip
          b serial
            c when=false
            d skip",
        "",
        "
        p      skipped  all of it was skipped
          a    skipped  `skip: true`
          b    skipped  all of it was skipped
            c  skipped  `when: false` is false
            d  skipped  `skip: true`",
    );
}

#[test]
fn a_false_when_skips_the_whole_subtree_as_one_fact() {
    check(
        "
        p serial
          month_end parallel when=false
            a
            b
          next after=month_end/a",
        "next ok",
        "
        p            succeeded
          month_end  skipped    `when: false` is false
          next       succeeded",
    );
}

#[test]
fn a_broken_when_fails_its_node() {
    check(
        "
        p serial
          a when=broken
          b",
        "",
        "
        p    failed           because of `a`
          a  failed           its `when` cannot be evaluated: unknown name `broken`
          b  upstream_failed  because of `a`",
    );
}

#[test]
fn upstream_failed_comes_before_skip() {
    check(
        "
        p serial
          a
          b skip",
        "a 1",
        "
        p    failed           because of `a`
          a  failed           exit code 1
          b  upstream_failed  because of `a`",
    );
}

#[test]
fn after_waits_across_the_tree() {
    const TREE: &str = "
        p parallel
          x serial
            a
            b
          y serial
            c after=x/a
            d";
    check(
        TREE,
        "",
        "
        p      running
          x    running
            a  running
            b  pending
          y    running
            c  pending
            d  pending",
    );
    check(
        TREE,
        "x/a ok",
        "
        p      running
          x    running
            a  succeeded
            b  running
          y    running
            c  running
            d  pending",
    );
    check(
        TREE,
        "x/a 1",
        "
        p      failed           because of `x/a`
          x    failed           because of `x/a`
            a  failed           exit code 1
            b  upstream_failed  because of `x/a`
          y    failed           because of `x/a`
            c  upstream_failed  because of `x/a`
            d  upstream_failed  because of `x/a`",
    );
}

#[test]
fn after_a_node_whose_end_is_only_derived() {
    check(
        "
        p parallel
          x serial
            a
            b
          cleanup after=x/b rule=all_done
          alarm after=x/b rule=one_failed",
        "x/a 1; cleanup ok; alarm ok",
        "
        p          failed           because of `x/a`
          x        failed           because of `x/a`
            a      failed           exit code 1
            b      upstream_failed  because of `x/a`
          cleanup  succeeded
          alarm    succeeded",
    );
}

#[test]
fn after_several_waits_for_the_last() {
    check(
        "
        p parallel
          join after=a,b,c
          a
          b
          c",
        "c ok; a ok",
        "
        p       running
          join  pending
          a     succeeded
          b     running
          c     succeeded",
    );
    check(
        "
        p parallel
          join after=a,b,c
          a
          b
          c",
        "c ok; a ok; b ok; join ok",
        "
        p       succeeded
          join  succeeded
          a     succeeded
          b     succeeded
          c     succeeded",
    );
}

#[test]
fn a_container_may_wait_too() {
    check(
        "
        p parallel
          a
          b serial after=a
            c",
        "",
        "
        p      running
          a    running
          b    pending
            c  pending",
    );
    check(
        "
        p parallel
          a
          b serial after=a
            c",
        "a 2",
        "
        p    failed           because of `a`
          a  failed           exit code 2
          b  upstream_failed  because of `a`",
    );
}
