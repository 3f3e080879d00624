//! Lazy nodes: a command writes a tree, and that takes its place in the run; again, when it is cleared.

use super::world::{World, check, generated, trimmed};
use crate::pipeline::node::NodeId;
use crate::run::clear::{self, Request};
use crate::run::event::{Event, Yield};
use crate::run::machine::Illegal;
use crate::run::state::Exit;

const SYMBOLS: &str = "
    p serial
      a
      symbols lazy
        generate retry=1
        execute awaited
      z after=a";

/// A world in which commands may write these trees.
fn world() -> World {
    let mut world = World::new(SYMBOLS);
    for (name, text) in [
        ("two", "execute parallel\n AAPL\n MSFT"),
        ("three", "execute parallel\n MSFT\n TSLA\n IBM"),
        ("one", "execute"),
        ("nested", "execute serial\n deeper lazy\n  generate\n  execute awaited\n last after=deeper"),
        ("skipped", "execute serial when=false\n x\n y"),
    ] {
        world.trees.insert(name.to_owned(), text.to_owned());
    }
    world
}

#[track_caller]
fn plays(script: &str, expected: &str) -> World {
    let mut world = world();
    world.play(script);
    assert_eq!(world.picture(), trimmed(expected), "\nafter: {script}");
    world
}

#[test]
fn what_a_command_writes_takes_its_place_and_runs() {
    plays(
        "a ok",
        "
        p             running
          a           succeeded
          symbols     running
            generate  running    (1/2 attempts)
            execute   pending
          z           pending",
    );
    plays(
        "a ok; symbols/generate wrote two; symbols/execute/AAPL ok",
        "
        p             running
          a           succeeded
          symbols     running
            generate  succeeded
            execute   running
              AAPL    succeeded
              MSFT    running
          z           pending",
    );
    plays(
        "a ok; symbols/generate wrote two; symbols/execute/AAPL ok; symbols/execute/MSFT 1",
        "
        p             failed           because of `symbols/execute/MSFT`
          a           succeeded
          symbols     failed           because of `symbols/execute/MSFT`
            generate  succeeded
            execute   failed           because of `symbols/execute/MSFT`
              AAPL    succeeded
              MSFT    failed           exit code 1
          z           upstream_failed  because of `symbols/execute/MSFT`",
    );
    plays(
        "a ok; symbols/generate wrote one; all ok",
        "
        p             succeeded
          a           succeeded
          symbols     succeeded
            generate  succeeded
            execute   succeeded
          z           succeeded",
    );
    plays(
        "a ok; symbols/generate wrote skipped; all ok",
        "
        p             succeeded
          a           succeeded
          symbols     succeeded
            generate  succeeded
            execute   skipped    `when: false` is false
          z           succeeded",
    );
}

#[test]
fn without_a_tree_nothing_of_it_runs() {
    plays(
        "a ok; symbols/generate shapeless; wait 0; symbols/generate 1",
        "
        p             failed           because of `symbols/generate`
          a           succeeded
          symbols     failed           because of `symbols/generate`
            generate  failed           exit code 1 (2/2 attempts)
            execute   upstream_failed  because of `symbols/generate`
          z           upstream_failed  because of `symbols/generate`",
    );
    plays(
        "a ok; mark symbols/generate succeeded; symbols/generate killed; all ok",
        "
        p             succeeded
          a           succeeded
          symbols     succeeded
            generate  succeeded  marked by ada
            execute   skipped    `symbols/generate` has written no tree
          z           succeeded",
    );
    plays(
        "a ok; mark symbols/generate skipped; symbols/generate killed; all ok",
        "
        p             succeeded
          a           succeeded
          symbols     skipped    all of it was skipped
            generate  skipped    marked by ada
            execute   skipped    `symbols/generate` has written no tree
          z           succeeded",
    );
    plays(
        "a ok; cancel symbols/generate; symbols/generate killed",
        "
        p             failed           because of `symbols/generate`
          a           succeeded
          symbols     failed           because of `symbols/generate`
            generate  cancelled        by ada
            execute   upstream_failed  because of `symbols/generate`
          z           upstream_failed  because of `symbols/generate`",
    );
    plays(
        "a ok; mark symbols/execute skipped; symbols/generate wrote two; all ok",
        "
        p             succeeded
          a           succeeded
          symbols     succeeded
            generate  succeeded
            execute   skipped    marked by ada
          z           succeeded",
    );
}

#[test]
fn generated_trees_generate_others() {
    plays(
        "a ok; symbols/generate wrote nested; symbols/execute/deeper/generate wrote two",
        "
        p                 running
          a               succeeded
          symbols         running
            generate      succeeded
            execute       running
              deeper      running
                generate  succeeded
                execute   running
                  AAPL    running
                  MSFT    running
              last        pending
          z               pending",
    );
}

#[test]
fn a_cleared_tree_is_generated_again() {
    let world = plays(
        "a ok; symbols/generate wrote two; symbols/execute/AAPL ok; symbols/execute/MSFT 1;
         clear symbols/generate; symbols/generate wrote three; symbols/execute/MSFT ok",
        "
        p             running
          a           succeeded
          symbols     running
            generate  succeeded
            execute   running
              MSFT    succeeded
              TSLA    running
              IBM     running
          z           pending",
    );
    // What is there again goes on counting, and what is gone would.
    assert_eq!(world.run.entry(world.at("symbols/execute/MSFT")).attempts, 2);
    assert_eq!(world.run.entry(world.at("symbols/execute/TSLA")).attempts, 1);
    assert_eq!(world.run.former().collect::<Vec<_>>(), [("symbols/execute/AAPL", 1)]);
    let mut world = world;
    for command in ["all ok", "clear symbols/generate only", "symbols/generate wrote one", "all ok"] {
        world.command(command);
    }
    let former = [("AAPL", 1), ("IBM", 1), ("MSFT", 2), ("TSLA", 1)];
    let former = former.map(|(name, attempts)| (format!("symbols/execute/{name}"), attempts));
    assert!(world.run.former().eq(former.iter().map(|(path, attempts)| (path.as_str(), *attempts))));
    for command in ["crash", "clear symbols", "symbols/generate wrote two"] {
        world.command(command);
    }
    assert_eq!(world.run.entry(world.at("symbols/execute/AAPL")).attempts, 2);
    assert_eq!(world.run.entry(world.at("symbols/execute/MSFT")).attempts, 3);
}

#[test]
fn a_clear_of_what_generates_lists_all_that_it_generated() {
    let mut world = world();
    world.play("a ok; symbols/generate wrote two; all ok");
    let listed = |world: &World, path: &str, downstream| {
        let targets = vec![world.at(path)];
        let plan = clear::plan(&world.run, &Request { targets, downstream, ..Request::default() });
        let paths: Vec<String> =
            plan.tasks(&world.run).map(|(node, _)| world.run.tree().path(node)).collect();
        paths.join(" ")
    };
    let all = "symbols/generate symbols/execute/AAPL symbols/execute/MSFT";
    assert_eq!(listed(&world, "symbols/generate", false), all);
    assert_eq!(listed(&world, "a", true), format!("a {all} z"));
    // Below it a clear is a clear.
    assert_eq!(listed(&world, "symbols/execute/AAPL", false), "symbols/execute/AAPL");
    assert_eq!(listed(&world, "symbols/execute", true), "symbols/execute/AAPL symbols/execute/MSFT z");
}

#[test]
fn what_was_never_generated_is_generated_when_it_is_cleared() {
    let mut world = World::new(
        "
        p serial
          symbols lazy when=false
            generate
            execute awaited",
    );
    world.play("");
    world.facts.insert("symbols".to_owned(), true);
    world.command("clear symbols/execute only");
    world.command("symbols/generate ok");
    let expected = "
        p             running
          symbols     running
            generate  succeeded
            execute   running";
    assert_eq!(world.picture(), trimmed(expected));
}

/// What runs of the old tree has ended before a new one is written.
#[test]
fn a_tree_never_meets_its_past() {
    plays(
        "a ok; symbols/generate wrote two; cancel symbols/execute/AAPL; clear symbols/generate",
        "
        p             running
          a           succeeded
          symbols     running
            generate  pending
            execute   pending
              AAPL    running    being cancelled by ada
              MSFT    running    being killed to be cleared by ada
          z           pending",
    );
    plays(
        "a ok; symbols/generate wrote two; cancel symbols/execute/AAPL; clear symbols/generate;
         symbols/execute/AAPL killed; symbols/execute/MSFT killed",
        "
        p             running
          a           succeeded
          symbols     running
            generate  running    (1/2 attempts)
            execute   pending
              AAPL    cancelled  by ada
              MSFT    pending
          z           pending",
    );
    // One that waits for its place is not begun with the old tree either.
    plays(
        "a ok; places 0; symbols/generate wrote two; clear symbols/generate only; places 16",
        "
        p             running
          a           succeeded
          symbols     running
            generate  running    (1/2 attempts)
            execute   pending
              AAPL    pending
              MSFT    pending
          z           pending",
    );
}

#[test]
fn numbers_that_moved_moved_everywhere() {
    check(
        "
        p parallel
          l lazy
            generate
            execute awaited
          late retry=1 delay=10
          slow serial timeout=60
            b
            c suppress
          w sensor=file timeout=100
          parked after=slow",
        "late 1; l/generate ok; wait 10; late ok; w met; slow/b ok; slow/c 1; all ok",
        "
        p             succeeded  1 failure suppressed
          l           succeeded
            generate  succeeded
            execute   succeeded
          late        succeeded  (2/2 attempts)
          slow        succeeded  1 failure suppressed
            b         succeeded
            c         failed     exit code 1, suppressed
          w           succeeded  it is there
          parked      succeeded",
    );
}

/// What a restart has left to be looked at goes by the new numbers too.
#[test]
fn a_tree_may_be_the_first_thing_after_a_restart() {
    let mut world = World::new(
        "
        p parallel
          l lazy
            generate
            execute awaited
          late serial
            a after=l/generate
          z after=late",
    );
    world.trees.insert("two".to_owned(), "execute serial\n x\n y".to_owned());
    world.play("");
    world.revive();
    world.command("l/generate wrote two");
    world.command("all ok");
    assert!(world.run.status().is_ended(), "{}", world.story());
}

#[test]
fn a_success_comes_with_its_tree_and_a_failure_without() {
    let mut world = world();
    world.play("a ok");
    let node = world.at("symbols/generate");
    let attempt = world.run.live().next().unwrap().1;
    let refused = Err(Illegal::Yield { path: "symbols/generate".to_owned() });
    let tree = Yield::Tree(generated("execute"));
    for (exit, yields) in [
        (Exit::Code(0), Yield::Nothing),
        (Exit::Code(1), tree.clone()),
        (Exit::Code(0), Yield::Choice(vec![])),
    ] {
        assert_eq!(world.happen(Event::Exited { node, attempt, exit, yields }), refused);
    }
    assert_eq!(world.happen(Event::Exited { node, attempt, exit: Exit::Code(0), yields: tree }), Ok(()));
}

/// It had been told to end, and has written its tree nevertheless; by then nobody waits for it any more.
#[test]
fn a_tree_that_comes_too_late_is_counted_where_it_is() {
    let world = plays(
        "a ok; symbols/generate wrote two; clear symbols/generate only; symbols/execute/AAPL killed;
         symbols/execute/MSFT killed; cancel symbols/generate; clear a; cancel p;
         symbols/generate wrote three; a killed",
        "
        p          cancelled  by ada
          a        cancelled  by ada
          symbols  cancelled  with `/`
          z        cancelled  with `/`",
    );
    assert_eq!(world.run.tally(NodeId::ROOT).total(), world.run.tree().leaves(NodeId::ROOT));
}
