//! Places: who gets the next one, and how many are ever taken.

use super::world::{World, check};

#[test]
fn tasks_wait_for_a_place_in_document_order() {
    check(
        "
        p parallel
          a
          b
          c",
        "places 0",
        "
        p    running
          a  running
          b  running
          c  running",
    );
    let mut world = World::new(
        "
        p parallel
          a
          b
          c",
    );
    world.places = 1;
    world.play("");
    assert_eq!(
        world.picture(),
        super::world::trimmed(
            "
            p    running
              a  running
              b  queued
              c  pending"
        )
    );
}

#[test]
fn max_concurrent_counts_the_leaves_below_at_any_depth() {
    check(
        "
        p parallel
          x parallel max=2
            a serial
              a1
              a2
            b serial
              b1
            c serial
              c1
          d",
        "",
        "
        p         running
          x       running
            a     running
              a1  running
              a2  pending
            b     running
              b1  running
            c     queued
              c1  pending
          d       running",
    );
}

#[test]
fn limits_nest() {
    let mut world = World::new(
        "
        p parallel max=3
          x parallel max=2
            a
            b
            c
          y parallel max=2
            d
            e
            f",
    );
    world.play("");
    assert_eq!(world.launched.len(), 3);
    world.command("all ok");
    assert_eq!(world.finished, 1);
}

#[test]
fn a_wide_parallel_stays_unrecorded_until_there_is_room() {
    let lines: String = (0..10_000).map(|n| format!("  t{n}\n")).collect();
    let mut world = World::new(&format!("p parallel\n{lines}"));
    world.places = 8;
    world.play("");
    let changed = world.run.take_changes();
    assert!(changed.len() <= 10, "{} records for 8 places", changed.len());
    world.command("all ok");
    assert_eq!(world.finished, 1);
    assert_eq!(world.launched.len(), 10_000);
}

#[test]
fn a_long_serial_that_fails_writes_one_record() {
    let lines: String = (0..10_000).map(|n| format!("  t{n}\n")).collect();
    let mut world = World::new(&format!("p serial\n{lines}"));
    world.play("");
    world.run.take_changes();
    world.command("t0 1");
    let changed = world.run.take_changes();
    assert_eq!(changed.len(), 2, "the task and the container");
    assert_eq!(world.run.tally(world.at("/")).upstream_failed, 9_999);
}

#[test]
fn containers_open_only_when_there_is_room() {
    let lines: String = (0..1_000).map(|n| format!("  s{n} serial\n    a\n    b\n")).collect();
    let mut world = World::new(&format!("p parallel\n{lines}"));
    world.places = 4;
    world.play("");
    assert!(world.run.take_changes().len() <= 11);
    world.command("all ok");
    assert_eq!((world.finished, world.launched.len()), (1, 2_000));
}

#[test]
fn a_tree_may_be_deep() {
    let lines: String = (0..1_000).map(|n| format!("{:n$}s{n} serial\n", "")).collect();
    let mut world = World::new(&format!("{lines}{:1000}leaf\n", ""));
    world.play("all ok");
    assert_eq!(world.finished, 1);
}
