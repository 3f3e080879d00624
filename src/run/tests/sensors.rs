//! Sensors: they wait without a place, look by way of commands, and are patient as they are told.

use super::world::{World, check};
use crate::pipeline::node::NodeId;
use crate::run::event::{Event, Sensed};
use crate::run::state::{AttemptId, Status};

const FEED: &str = "
    p serial
      feed sensor=file timeout=60
      load
      report rule=all_done";

#[test]
fn a_sensor_waits_until_it_is_true() {
    check(
        FEED,
        "",
        "
        p         running
          feed    waiting  for a file `/in/x`
          load    pending
          report  pending",
    );
    check(
        FEED,
        "feed met; load ok; report ok",
        "
        p         succeeded
          feed    succeeded  it is there
          load    succeeded
          report  succeeded",
    );
}

#[test]
fn what_can_never_be_true_fails_at_once_and_is_not_tried_again() {
    check(
        "
        p serial retry=3
          feed sensor=file
          load",
        "feed hopeless",
        "
        p       failed           because of `feed`
          feed  failed           there is no such host
          load  upstream_failed  because of `feed`",
    );
}

#[test]
fn where_there_is_nothing_to_wait_for_it_is_skipped() {
    check(
        FEED,
        "feed slotless; load ok; report ok",
        "
        p         succeeded
          feed    skipped    `other` has no slot that day
          load    succeeded
          report  succeeded",
    );
}

#[test]
fn a_sensor_that_has_waited_for_long_enough_fails() {
    check(
        FEED,
        "wait 59; wait 1; report ok",
        "
        p         failed           because of `feed`
          feed    failed           timeout after 1m
          load    upstream_failed  because of `feed`
          report  succeeded",
    );
}

#[test]
fn or_lets_what_comes_after_it_go_on() {
    check(
        "
        p serial
          feed sensor=file timeout=60 on_timeout=continue
          load",
        "wait 60",
        "
        p       running
          feed  skipped  timeout after 1m
          load  running",
    );
}

const REST: &str = "
    p parallel
      other
      day serial
        feeds parallel
          prices sensor=file timeout=60 on_timeout=skip_rest
          rates
        load parallel
          a
          b
        report rule=all_done
      last after=day";

#[test]
fn or_skips_the_rest_of_the_serial_around_it_whatever_its_rule() {
    check(
        REST,
        "wait 60",
        "
        p             running
          other       running
          day         running
            feeds     running
              prices  skipped  timeout after 1m
              rates   running
            load      skipped  `day/feeds/prices` had waited in vain
            report    skipped  `day/feeds/prices` had waited in vain
          last        pending",
    );
    check(
        REST,
        "wait 60; day/feeds/rates ok; last ok",
        "
        p             running
          other       running
          day         succeeded
            feeds     succeeded
              prices  skipped    timeout after 1m
              rates   succeeded
            load      skipped    `day/feeds/prices` had waited in vain
            report    skipped    `day/feeds/prices` had waited in vain
          last        succeeded",
    );
}

#[test]
fn where_no_serial_is_around_there_is_no_rest() {
    check(
        "
        p parallel
          feed sensor=file timeout=60 on_timeout=skip_rest
          load after=feed",
        "wait 60; load ok",
        "
        p       succeeded
          feed  skipped    timeout after 1m
          load  succeeded",
    );
}

#[test]
fn the_rest_stays_skipped_until_the_sensor_waits_again() {
    let skipped = "
        p             succeeded
          other       succeeded
          day         succeeded
            feeds     succeeded
              prices  skipped    timeout after 1m
              rates   succeeded
            load      skipped    `day/feeds/prices` had waited in vain
            report    skipped    `day/feeds/prices` had waited in vain
          last        succeeded";
    check(REST, "wait 60; all ok; clear day/report only; all ok", skipped);
    check(REST, "wait 60; all ok; clear day/feeds/rates; all ok", skipped);
    check(
        REST,
        "wait 60; all ok; clear day/feeds/prices only; day/feeds/prices met",
        "
        p             running
          other       succeeded
          day         running
            feeds     succeeded
              prices  succeeded  it is there
              rates   succeeded
            load      running
              a       running
              b       running
            report    pending
          last        succeeded",
    );
}

#[test]
fn marking_the_sensor_lets_the_rest_run() {
    check(
        REST,
        "wait 60; all ok; mark day/feeds/prices succeeded; all ok",
        "
        p             succeeded
          other       succeeded
          day         succeeded
            feeds     succeeded
              prices  succeeded  marked by ada
              rates   succeeded
            load      succeeded
              a       succeeded
              b       succeeded
            report    succeeded
          last        succeeded",
    );
}

#[test]
fn a_sensor_takes_no_place_and_waits_for_none() {
    let tree = "
        p parallel max=1
          a
          b
          feed sensor=file
          poke sensor=exec
          late sensor=file after=a";
    let mut world = World::new(tree);
    world.places = 1;
    world.play("poke poke");
    assert_eq!(
        world.picture(),
        super::world::trimmed(
            "
            p       running
              a     running
              b     queued
              feed  waiting  for a file `/in/x`
              poke  waiting  for its command to exit with 0
              late  pending"
        )
    );
    assert_eq!(world.run.taken(), 1);
    world.command("crash");
    assert_eq!(world.run.seen(world.at("b")).status, Status::Queued);
    world.command("a ok");
    assert_eq!(world.run.seen(world.at("late")).status, Status::Waiting);
    assert_eq!(world.run.seen(world.at("b")).status, Status::Running);
}

#[test]
fn sensors_behind_a_queue_wait_after_a_restart_too() {
    let tree = "
        p parallel
          a
          b
          c
          d
          e
          late sensor=file after=a";
    let mut world = World::new(tree);
    world.places = 2;
    world.play("crash; a ok");
    assert_eq!(world.run.seen(world.at("e")).status, Status::Pending);
    assert_eq!(world.run.seen(world.at("late")).status, Status::Waiting);
}

const POKED: &str = "
    p serial
      feed sensor=exec timeout=60 retry=1
      load";

#[test]
fn a_poke_is_an_attempt_that_is_not_counted() {
    let mut world = World::new(POKED);
    world.play("poke feed; feed 1; poke feed; feed signal:9; poke feed; feed lost; poke feed; feed killed");
    let feed = world.at("feed");
    let entry = world.run.entry(feed);
    assert_eq!((entry.attempts, entry.spent()), (4, 0));
    assert_eq!(world.run.seen(feed).status, Status::Waiting);
    assert_eq!(world.sensing.len(), 1);
    let numbers: Vec<u64> = world.launched.iter().map(|(_, attempt)| attempt.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    world.play_on("poke feed; feed ok");
    assert_eq!(world.run.seen(feed).status, Status::Succeeded);
    assert!(world.sensing.is_empty());
}

#[test]
fn a_poke_that_cannot_be_made_is_the_sensor_s_failure() {
    check(
        POKED,
        "poke feed; feed missing",
        "
        p       failed           because of `feed`
          feed  failed           not started: no such program: `ingest`
          load  upstream_failed  because of `feed`",
    );
    check(
        POKED,
        "poke feed; feed garbled",
        "
        p       failed           because of `feed`
          feed  failed           bad output: line 1 has no `=`
          load  upstream_failed  because of `feed`",
    );
}

#[test]
fn the_end_of_its_patience_ends_a_poke() {
    let mut world = World::new(POKED);
    world.play("poke feed; feed 1; wait 30; poke feed; wait 30");
    let feed = world.at("feed");
    assert_eq!(world.killed, [feed]);
    assert_eq!(
        world.picture(),
        super::world::trimmed(
            "
            p       running
              feed  waiting  being killed: `feed` is out of time
              load  pending"
        )
    );
    world.command("crash");
    for (exit, status) in [("killed", "failed"), ("1", "failed"), ("timeout", "failed"), ("ok", "succeeded")]
    {
        let mut world = world.clone();
        world.play_on(&format!("feed {exit}"));
        assert_eq!(world.run.seen(feed).status.word(), status, "{exit}");
    }
    // The keeper has kept the time while nobody else was there.
    check(
        POKED,
        "poke feed; feed timeout",
        "
        p       failed           because of `feed`
          feed  failed           timeout after 1m
          load  upstream_failed  because of `feed`",
    );
}

#[test]
fn a_wait_outlives_a_restart_with_its_patience() {
    let mut world = World::new(FEED);
    world.play("wait 40; crash; wait 19");
    assert_eq!(world.run.seen(world.at("feed")).status, Status::Waiting);
    world.command("wait 1");
    assert_eq!(world.run.seen(world.at("feed")).status, Status::Failed);
}

#[test]
fn a_waiting_sensor_is_cancelled_marked_and_cleared_at_once() {
    check(
        FEED,
        "cancel feed; report ok",
        "
        p         failed           because of `feed`
          feed    cancelled        by ada
          load    upstream_failed  because of `feed`
          report  succeeded",
    );
    check(
        FEED,
        "mark feed succeeded",
        "
        p         running
          feed    succeeded  marked by ada
          load    running
          report  pending",
    );
    let mut world = World::new(FEED);
    world.play("wait 50; clear feed; wait 50");
    assert_eq!(world.run.seen(world.at("feed")).status, Status::Waiting);
    assert_eq!(world.sensing.len(), 1);
    world.play_on("cancel p");
    assert!(world.sensing.is_empty() && world.run.status() == Status::Cancelled);
}

#[test]
fn a_poke_is_ended_as_any_attempt_and_nothing_looks_again() {
    for (what, status) in [
        ("cancel feed", "cancelled"),
        ("cancel p", "cancelled"),
        ("mark feed succeeded", "succeeded"),
        ("mark feed skipped", "skipped"),
    ] {
        for exit in ["killed", "1", "lost"] {
            let mut world = World::new(POKED);
            world.play(&format!("poke feed; {what}; feed {exit}"));
            let feed = world.at("feed");
            assert_eq!(world.killed, [feed]);
            assert_eq!(world.run.seen(feed).status.word(), status, "{what}; {exit}");
            assert!(world.sensing.is_empty());
        }
    }
    let mut world = World::new(POKED);
    world.play("poke feed; clear feed; feed killed");
    assert_eq!(world.run.seen(world.at("feed")).status, Status::Waiting);
    assert_eq!(world.run.state(world.at("feed")).at(), Some(world.now));
}

#[test]
fn a_container_that_is_out_of_time_takes_its_sensors_along() {
    check(
        "
        p parallel timeout=10
          feed sensor=file
          look sensor=exec",
        "poke look; wait 10; look killed",
        "
        p       failed     timeout after 10s
          feed  cancelled  `/` ran out of time
          look  cancelled  `/` ran out of time",
    );
}

#[test]
fn only_what_waits_is_looked_for() {
    let mut world = World::new(FEED);
    world.play("feed met");
    let (feed, load) = (world.at("feed"), world.at("load"));
    let late = |node| Event::Sensed { node, sensed: Sensed::Met("late".into()) };
    let mut other = World::new(FEED);
    other.play("");
    assert!(other.happen(Event::Poke { node: feed, attempt: AttemptId(9) }).is_err(), "it has no command");
    for event in
        [late(feed), late(load), late(NodeId::ROOT), Event::Poke { node: feed, attempt: AttemptId(9) }]
    {
        assert!(world.happen(event).is_err());
    }
}

#[test]
fn a_run_may_be_one_sensor() {
    check("p sensor=file", "p met", "p  succeeded  it is there");
}

#[test]
fn a_sensor_may_be_what_a_branch_chooses() {
    const FEEDS: &str = "
        p serial
          feeds branch
            vendor sensor=file timeout=60 on_timeout=skip_rest when=true
            fallback
          load";
    check(
        FEEDS,
        "",
        "
        p             running
          feeds       running
            vendor    waiting  for a file `/in/x`
            fallback  skipped  `vendor` was chosen
          load        pending",
    );
    check(
        FEEDS,
        "wait 60",
        "
        p             skipped  all of it was skipped
          feeds       skipped  all of it was skipped
            vendor    skipped  timeout after 1m
            fallback  skipped  `vendor` was chosen
          load        skipped  `feeds/vendor` had waited in vain",
    );
}
