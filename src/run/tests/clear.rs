//! Clear: what is listed is what is reset, downstream and upstream, while things run, and what comes after.

use super::world::{World, check, trimmed};
use crate::run::clear::{self, Request};
use crate::run::state::Status;

const NIGHT: &str = "
        p serial
          ingest parallel
            prices retry=1
            fundamentals
          join
          report parallel
            daily
            monthly when=false
          audit rule=all_done";

/// The tasks that a clear would reset.
fn listed(world: &World, request: &Request) -> Vec<String> {
    let plan = clear::plan(&world.run, request);
    plan.tasks(&world.run).map(|(node, _)| world.run.tree().path(node)).collect()
}

#[test]
fn a_failed_task_and_what_depends_on_it_run_again() {
    let failed = "ingest/fundamentals ok; ingest/prices 1; wait 0; ingest/prices 1; audit ok";
    check(
        NIGHT,
        failed,
        "
        p                 failed           because of `ingest/prices`
          ingest          failed           because of `ingest/prices`
            prices        failed           exit code 1 (2/2 attempts)
            fundamentals  succeeded
          join            upstream_failed  because of `ingest/prices`
          report          upstream_failed  because of `ingest/prices`
          audit           succeeded",
    );
    let mut world = World::new(NIGHT);
    world.play(failed);
    world.command("clear ingest/prices");
    assert_eq!(
        world.picture(),
        trimmed(
            "
            p                 running
              ingest          running
                prices        running    (1/2 attempts)
                fundamentals  succeeded
              join            pending
              report          pending
                daily         pending
                monthly       pending
              audit           pending"
        )
    );
    world.command("ingest/prices ok");
    world.command("all ok");
    assert_eq!(
        world.picture(),
        trimmed(
            "
            p                 succeeded
              ingest          succeeded
                prices        succeeded
                fundamentals  succeeded
              join            succeeded
              report          succeeded
                daily         succeeded
                monthly       skipped    `when: false` is false
              audit           succeeded"
        )
    );
    assert_eq!(world.finished, 2, "the run ended, reopened and ended again");
}

#[test]
fn attempt_numbers_go_on_and_the_budget_restarts() {
    let mut world = World::new("p retry=1");
    world.play("p 1; wait 0; p 1; clear p; p 1");
    let entry = world.run.entry(world.at("p")).clone();
    assert_eq!((entry.attempts, entry.forgiven, entry.spent()), (3, 2, 1));
    assert_eq!(entry.state.status(), Status::Retrying);
}

#[test]
fn only_the_named_task_and_what_fell_with_it() {
    check(
        "
        p parallel
          a
          b after=a
          c after=a rule=all_done",
        "a 1; c ok; clear a only; a ok; b ok",
        "
        p    succeeded
          a  succeeded
          b  succeeded
          c  succeeded",
    );
    let mut world = World::new(
        "
        p parallel
          a
          b after=a
          c after=a rule=all_done",
    );
    world.play("a 1; c ok; clear a only; a ok; b ok");
    assert_eq!(world.launched.len(), 4, "c kept its success");
}

#[test]
fn upstream_is_cleared_on_demand() {
    let mut world = World::new(NIGHT);
    world.play("all ok");
    let target = world.at("join");
    let request = Request { targets: vec![target], upstream: true, ..Request::default() };
    assert_eq!(listed(&world, &request), ["ingest/prices", "ingest/fundamentals", "join"]);
}

#[test]
fn states_narrow_a_clear() {
    let mut world = World::new(
        "
        p parallel
          a
          b
          c",
    );
    world.play("a ok; b 1; c 2");
    let request =
        Request { targets: vec![world.at("/")], states: vec![Status::Failed], ..Request::default() };
    assert_eq!(listed(&world, &request), ["b", "c"]);
}

#[test]
fn a_running_task_is_killed_first_and_nothing_starts_until_it_is_gone() {
    check(
        NIGHT,
        "ingest/prices ok; ingest/fundamentals ok; clear ingest/prices",
        "
        p                 running
          ingest          running
            prices        queued
            fundamentals  succeeded
          join            running    being killed to be cleared by ada
          report          pending
            daily         pending
            monthly       pending
          audit           pending",
    );
    check(
        NIGHT,
        "ingest/prices ok; ingest/fundamentals ok; clear ingest/prices; join killed; all ok",
        "
        p                 succeeded
          ingest          succeeded
            prices        succeeded
            fundamentals  succeeded
          join            succeeded
          report          succeeded
            daily         succeeded
            monthly       skipped    `when: false` is false
          audit           succeeded",
    );
}

#[test]
fn whens_of_what_is_cleared_are_evaluated_again_and_others_keep_theirs() {
    let mut world = World::new(NIGHT);
    world.play("all ok");
    world.facts.insert("report/monthly".to_owned(), true);
    world.command("clear report/daily only");
    world.command("all ok");
    assert_eq!(world.run.seen(world.at("report/monthly")).status, Status::Skipped);
    world.command("clear report only");
    world.command("all ok");
    assert_eq!(world.run.seen(world.at("report/monthly")).status, Status::Succeeded);
}

#[test]
fn one_task_of_a_cancelled_run_can_run_again_alone() {
    check(
        "
        p serial
          a
          b
          c",
        "a ok; cancel /; b killed; clear b only; b ok",
        "
        p    cancelled  `c` was cancelled
          a  succeeded
          b  succeeded
          c  cancelled  by ada",
    );
}

#[test]
fn a_task_inside_a_skipped_container_has_the_container_considered_again() {
    let mut world = World::new(
        "
        p serial
          x parallel when=false
            a
            b
          y",
    );
    world.play("y ok");
    world.facts.insert("x".to_owned(), true);
    world.command("clear x/a only");
    world.command("x/a ok");
    assert_eq!(
        world.picture(),
        trimmed(
            "
            p      succeeded
              x    succeeded
                a  succeeded
                b  skipped    with `x`
              y    succeeded"
        )
    );
}

#[test]
fn nothing_is_cleared_inside_what_is_being_cancelled() {
    let mut world = World::new(
        "
        p serial
          a
          b",
    );
    world.play("a ok; cancel /");
    let event =
        crate::run::event::Event::Clear { nodes: vec![world.at("a"), world.at("b")], by: "ada".into() };
    let refused = world.happen(event).unwrap_err();
    assert_eq!(refused.to_string(), "`/` is being stopped: clear it when what still runs there has ended");
}

#[test]
fn a_container_reopens_only_where_it_is_its_turn() {
    let mut world = World::new(
        "
        p serial
          a retry=1 delay=60
          b serial skip
            x parallel
              y
            z",
    );
    world.play("a ok; clear a; cancel b/x; a 1; clear b/x/y only; wait 60; a ok");
    assert_eq!(world.launched.len(), 3, "nothing of b ran");
    assert_eq!(
        world.picture(),
        trimmed(
            "
            p    succeeded
              a  succeeded  (2/2 attempts)
              b  skipped    `skip: true`"
        )
    );
}

#[test]
fn what_waits_for_its_place_behind_what_is_cleared_waits_for_that_again() {
    check(
        "
        p serial
          a
          b
        ",
        "places 0; a ok; clear a only; places 16",
        "
        p    running
          a  running
          b  pending",
    );
}

#[test]
fn what_runs_again_inside_a_container_waits_for_what_runs_again_before_it() {
    let mut world = World::new(
        "
        p serial
          a
          b serial
            c
            d",
    );
    world.play("a ok; b/c ok; b/d ok; clear a only; clear b/c only");
    let waits = "
        p      running
          a    running
          b    pending
            c  pending
            d  succeeded";
    assert_eq!(world.picture(), trimmed(waits));
    world.command("crash");
    world.play_on("a ok; b/c ok");
    assert_eq!(world.run.status(), Status::Succeeded, "{}", world.story());
    assert_eq!(world.run.entry(world.at("b/d")).attempts, 1, "it was not cleared");
}
