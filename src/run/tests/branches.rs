//! Branches: the first whose `when` holds, or those that a command names.

use super::world::{World, check};
use crate::pipeline::node::NodeId;
use crate::run::clear::{self, Request};
use crate::run::event::{Event, Yield};
use crate::run::machine::Illegal;
use crate::run::state::{Exit, Status};

const DAYS: &str = "
    p serial
      risk branch
        half_day when=false
        short_day when=true
        full_day
      report";

#[test]
fn the_first_child_whose_condition_holds_runs_and_the_later_ones_do_not() {
    check(
        DAYS,
        "",
        "
        p              running
          risk         running
            half_day   skipped  `when: false` is false
            short_day  running
            full_day   skipped  `short_day` was chosen
          report       pending",
    );
    check(
        DAYS,
        "risk/short_day ok; report ok",
        "
        p              succeeded
          risk         succeeded
            half_day   skipped    `when: false` is false
            short_day  succeeded
            full_day   skipped    `short_day` was chosen
          report       succeeded",
    );
}

#[test]
fn the_child_that_was_chosen_is_the_branch_s_fate() {
    check(
        DAYS,
        "risk/short_day 1",
        "
        p              failed           because of `risk/short_day`
          risk         failed           because of `risk/short_day`
            half_day   skipped          `when: false` is false
            short_day  failed           exit code 1
            full_day   skipped          `short_day` was chosen
          report       upstream_failed  because of `risk/short_day`",
    );
}

#[test]
fn a_branch_with_nothing_to_run_is_skipped() {
    check(
        "
        p serial
          risk branch
            half_day when=false
            full_day skip
          report",
        "report ok",
        "
        p             succeeded
          risk        skipped    all of it was skipped
            half_day  skipped    `when: false` is false
            full_day  skipped    `skip: true`
          report      succeeded",
    );
}

#[test]
fn a_condition_that_cannot_be_evaluated_leaves_nothing_to_choose() {
    check(
        "
        p branch
          half_day when=broken
          full_day
          mop_up rule=all_done",
        "mop_up ok",
        "
        p           failed           because of `half_day`
          half_day  failed           its `when` cannot be evaluated: unknown name `broken`
          full_day  upstream_failed  because of `half_day`
          mop_up    succeeded",
    );
}

#[test]
fn a_child_waits_for_its_turn_and_then_for_its_after() {
    let tree = "
        p parallel
          feed
          rates
          risk branch
            half_day when=true after=feed
            full_day after=rates";
    let mut world = World::new(tree);
    world.facts.insert("risk/half_day".into(), false);
    world.play("rates ok");
    let full_day = world.at("risk/full_day");
    assert_eq!(world.run.seen(full_day).status, Status::Pending);
    world.command("feed ok");
    assert_eq!(world.run.seen(full_day).status, Status::Running);
}

#[test]
fn a_container_is_chosen_as_a_whole() {
    check(
        "
        p branch
          a serial when=true
            x
            y
          b serial
            z",
        "a/x ok",
        "
        p      running
          a    running
            x  succeeded
            y  running
          b    skipped    `a` was chosen",
    );
}

#[test]
fn clearing_the_choice_of_a_branch_has_it_choose_again() {
    let mut world = World::new(DAYS);
    world.play("risk/short_day 1");
    world.facts.insert("risk/short_day".into(), false);
    world.play_on("clear risk/short_day");
    assert_eq!(
        world.picture(),
        super::world::trimmed(
            "
            p              running
              risk         running
                half_day   skipped  `when: false` is false
                short_day  skipped  `when: true` is false
                full_day   running
              report       pending"
        )
    );
}

#[test]
fn clearing_what_was_not_chosen_changes_no_choice() {
    for (ends, end) in [("ok", "succeeded"), ("1", "failed"), ("cancel", "cancelled")] {
        let mut world = World::new(DAYS);
        world.play("");
        match ends {
            "cancel" => world.play_on("cancel risk/short_day; risk/short_day killed"),
            exit => world.play_on(&format!("risk/short_day {exit}")),
        }
        let status = |world: &World, path| world.run.seen(world.at(path)).status.word();
        assert_eq!(status(&world, "risk/short_day"), end);
        let request = Request { targets: vec![world.at("risk/full_day")], ..Request::default() };
        let plan = clear::plan(&world.run, &request).nodes;
        assert!(plan.contains(&world.at("risk/full_day")) && !plan.contains(&world.at("risk/short_day")));
        world.play_on("clear risk/full_day only");
        assert_eq!(status(&world, "risk/short_day"), end);
        assert!(["skipped", "upstream_failed"].contains(&status(&world, "risk/full_day")), "{ends}");
    }
}

#[test]
fn what_runs_again_inside_the_choice_is_no_new_choice() {
    let tree = "
        p branch
          a serial when=true
            x
            y
          b";
    let mut world = World::new(tree);
    world.play("a/x ok; a/y 1");
    let request = Request { targets: vec![world.at("a/y")], downstream: true, ..Request::default() };
    assert_eq!(clear::plan(&world.run, &request).nodes, [world.at("a/y")]);
    world.play_on("clear a/y; a/y ok");
    assert_eq!(world.run.status(), Status::Succeeded);
}

#[test]
fn marking_the_choice_is_no_new_choice_either() {
    check(
        DAYS,
        "risk/short_day 1; mark risk/short_day skipped; report ok",
        "
        p              succeeded
          risk         skipped    all of it was skipped
            half_day   skipped    `when: false` is false
            short_day  skipped    marked by ada
            full_day   skipped    `short_day` was chosen
          report       succeeded",
    );
}

const FEEDS: &str = "
    p serial
      feeds choice
        choose retry=1
        prices
        rates when=true
        news
      report";

#[test]
fn a_command_chooses_one_or_several_which_run_at_the_same_time() {
    check(
        FEEDS,
        "feeds/choose chose rates prices",
        "
        p           running
          feeds     running
            choose  succeeded  chose `prices` and `rates`
            prices  running
            rates   running
            news    skipped    `feeds/choose` chose `prices` and `rates`
          report    pending",
    );
    check(
        FEEDS,
        "feeds/choose chose news; feeds/news ok; report ok",
        "
        p           succeeded
          feeds     succeeded
            choose  succeeded  chose `news`
            prices  skipped    `feeds/choose` chose `news`
            rates   skipped    `feeds/choose` chose `news`
            news    succeeded
          report    succeeded",
    );
}

#[test]
fn a_choice_of_nothing_skips_all_of_it() {
    check(
        FEEDS,
        "feeds/choose chose; report ok",
        "
        p           succeeded
          feeds     succeeded
            choose  succeeded  chose nothing
            prices  skipped    `feeds/choose` chose nothing
            rates   skipped    `feeds/choose` chose nothing
            news    skipped    `feeds/choose` chose nothing
          report    succeeded",
    );
}

#[test]
fn what_is_named_still_has_a_condition_and_does_not_stop_the_others() {
    let mut world = World::new(FEEDS);
    world.facts.insert("feeds/rates".into(), false);
    world.play("feeds/choose chose prices rates news; feeds/prices 1; feeds/news ok");
    assert_eq!(
        world.picture(),
        super::world::trimmed(
            "
            p           failed           because of `feeds/prices`
              feeds     failed           because of `feeds/prices`
                choose  succeeded        chose `prices`, `rates` and `news`
                prices  failed           exit code 1
                rates   skipped          `when: true` is false
                news    succeeded
              report    upstream_failed  because of `feeds/prices`"
        )
    );
}

#[test]
fn a_choice_that_is_none_is_a_failure_that_is_tried_again() {
    check(
        FEEDS,
        "feeds/choose unknown",
        "
        p           running
          feeds     running
            choose  retrying  bad choice: it chose `c` (1/2 attempts)
            prices  pending
            rates   pending
            news    pending
          report    pending",
    );
    check(
        FEEDS,
        "feeds/choose unknown; wait 0; feeds/choose 2",
        "
        p           failed           because of `feeds/choose`
          feeds     failed           because of `feeds/choose`
            choose  failed           exit code 2 (2/2 attempts)
            prices  upstream_failed  because of `feeds/choose`
            rates   upstream_failed  because of `feeds/choose`
            news    upstream_failed  because of `feeds/choose`
          report    upstream_failed  because of `feeds/choose`",
    );
}

#[test]
fn clearing_the_chooser_has_it_choose_again() {
    let mut world = World::new(FEEDS);
    world.play("feeds/choose chose prices; feeds/prices ok; report ok");
    let names = |world: &World, request: &Request| -> Vec<String> {
        clear::plan(&world.run, request).nodes.iter().map(|&node| world.run.tree().path(node)).collect()
    };
    let choose = world.at("feeds/choose");
    let only = Request { targets: vec![choose], ..Request::default() };
    assert_eq!(names(&world, &only), ["feeds/choose", "feeds/rates", "feeds/news"]);
    let all = ["feeds/choose", "feeds/prices", "feeds/rates", "feeds/news", "report"];
    assert_eq!(names(&world, &Request { downstream: true, ..only }), all);
    world.play_on("clear feeds/choose; feeds/choose chose news");
    assert_eq!(
        world.picture(),
        super::world::trimmed(
            "
            p           running
              feeds     running
                choose  succeeded  chose `news`
                prices  skipped    `feeds/choose` chose `news`
                rates   skipped    `feeds/choose` chose `news`
                news    running
              report    pending"
        )
    );
}

#[test]
fn what_was_not_named_stays_so_until_the_chooser_runs_again() {
    check(
        FEEDS,
        "feeds/choose chose prices; feeds/prices ok; report ok; clear feeds/news only",
        "
        p           succeeded
          feeds     succeeded
            choose  succeeded  chose `prices`
            prices  succeeded
            rates   skipped    `feeds/choose` chose `prices`
            news    skipped    `feeds/choose` chose `prices`
          report    succeeded",
    );
}

#[test]
fn somebody_who_marks_the_chooser_lets_all_run_that_is_left() {
    check(
        FEEDS,
        "feeds/choose 1; wait 0; feeds/choose 1; mark feeds/rates skipped; mark feeds/choose succeeded",
        "
        p           running
          feeds     running
            choose  succeeded  marked by ada
            prices  running
            rates   skipped    marked by ada
            news    running
          report    pending",
    );
}

#[test]
fn a_choice_that_comes_while_its_branch_is_stopped_chooses_nothing_more() {
    check(
        FEEDS,
        "cancel p; feeds/choose chose prices",
        "
        p           cancelled  by ada
          feeds     cancelled  by ada
            choose  succeeded  chose `prices`
            prices  cancelled  with `feeds`
            rates   cancelled  with `feeds`
            news    cancelled  with `feeds`
          report    cancelled  with `/`",
    );
}

#[test]
fn a_success_yields_what_was_asked_for_and_nothing_else() {
    let mut world = World::new(FEEDS);
    world.play("");
    let (node, attempt) = world.run.live().next().unwrap();
    let (report, prices) = (world.at("report"), world.at("feeds/prices"));
    let mut exits = |yields| world.happen(Event::Exited { node, attempt, exit: Exit::Code(0), yields });
    for yields in [
        Yield::Nothing,
        Yield::Choice(vec![report]),
        Yield::Choice(vec![node]),
        Yield::Choice(vec![NodeId::ROOT]),
    ] {
        assert_eq!(exits(yields), Err(Illegal::Yield { path: "feeds/choose".into() }));
    }
    assert_eq!(exits(Yield::Choice(vec![prices, prices])), Ok(()));
    let (node, attempt) = world.run.live().next().unwrap();
    let event = Event::Exited { node, attempt, exit: Exit::Code(0), yields: Yield::Choice(vec![]) };
    assert_eq!(world.happen(event), Err(Illegal::Yield { path: "feeds/prices".into() }));
}

#[test]
fn what_stands_inside_a_lazy_node_is_one_after_another() {
    check(
        "
        p lazy
          generate
          execute",
        "generate ok",
        "
        p           running
          generate  succeeded
          execute   running",
    );
}
