//! Order, rules and outcomes: what starts when, and what a container becomes.

use super::world::check;

#[test]
fn a_serial_runs_its_children_one_after_another() {
    check(
        "
        p serial
          a
          b",
        "",
        "
        p    running
          a  running
          b  pending",
    );
    check(
        "
        p serial
          a
          b",
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
          c",
        "a 3",
        "
        p    failed           because of `a`
          a  failed           exit code 3
          b  upstream_failed  because of `a`
          c  upstream_failed  because of `a`",
    );
}
