//! What holds for every tree and any order of events: books equal a rescan, replay equals live, quiet
//! means ended or waiting for a known instant, limits hold, a clear resets what it listed and nothing else.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;

use super::world::{World, generated, tree};
use crate::pipeline::generated::Generated;
use crate::pipeline::node::{NodeId, Tree};
use crate::run::clear::{self, Request};
use crate::run::event::{Event, Sensed, Yield};
use crate::run::force::Mark;
use crate::run::machine::Run;
use crate::run::state::{Exit, State, Status};

/// Choices drawn one after another; 0 for ever once it has run out, so that shorter is simpler.
struct Tape<'a>(std::slice::Iter<'a, u8>);

impl Tape<'_> {
    fn below(&mut self, n: usize) -> usize {
        self.0.next().map_or(0, |&byte| usize::from(byte) % n)
    }

    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }
}

fn any_tree(tape: &mut Tape) -> Tree {
    let mut lines = String::new();
    let mut leaves: Vec<String> = Vec::new();
    grow(tape, "p", "", 0, &mut lines, &mut leaves);
    tree(&lines)
}

/// What a command writes: of any depth, but its root says nothing about its place.
fn any_generated(tape: &mut Tape) -> Arc<Generated> {
    let mut lines = String::new();
    let mut leaves: Vec<String> = Vec::new();
    let depth = tape.below(4);
    if depth == 0 {
        lines.push_str("execute");
    } else {
        grow(tape, "execute", "", depth, &mut lines, &mut leaves);
    }
    generated(&lines.replacen("rule=all_done", "", 1).replacen("rule=one_failed", "", 1))
}

fn grow(tape: &mut Tape, name: &str, path: &str, depth: usize, lines: &mut String, before: &mut Vec<String>) {
    let mut words = vec![name.to_owned()];
    let container = depth < 4 && (depth == 0 || tape.below(5) > 2);
    if container {
        words.push(["serial", "parallel", "branch", "choice", "lazy"][tape.below(5)].to_owned());
    } else if tape.once_in(4) {
        words.push(format!("retry=2 delay={}", tape.below(3) * 10));
    } else if tape.once_in(3) {
        words.push(["sensor=file", "sensor=exec"][tape.below(2)].to_owned());
        words.push(format!("on_timeout={}", ["fail", "continue", "skip_rest"][tape.below(3)]));
        if tape.below(3) > 0 {
            words.push(format!("timeout={}", 5 + tape.below(40)));
        }
    }
    for (odds, word) in [
        (6, "rule=all_done"),
        (8, "rule=one_failed"),
        (6, "suppress"),
        (10, "skip"),
        (9, "when=true"),
        (9, "when=false"),
        (20, "when=broken"),
    ] {
        if tape.once_in(odds) {
            words.push(word.to_owned());
        }
    }
    if container && tape.once_in(4) {
        words.push("keep_going".to_owned());
    }
    if container && tape.once_in(4) {
        words.push(format!("max={}", 1 + tape.below(3)));
    }
    if container && tape.once_in(6) {
        words.push(format!("timeout={}", 5 + tape.below(40)));
    }
    // Only leaves that stand earlier in the document, and not before this one anyway: never a cycle.
    if depth > 0 && !before.is_empty() && tape.once_in(4) {
        words.push(format!("after={}", before[tape.below(before.len())]));
    }
    let _ = writeln!(lines, "{:1$}{2}", "", depth, words.join(" "));
    if container && words[1] == "lazy" {
        let retry = ["", "retry=1"][tape.below(2)];
        let _ = writeln!(lines, "{0:1$}generate {retry}\n{0:1$}execute awaited", "", depth + 1);
        before.push(if depth == 0 { "execute".to_owned() } else { format!("{path}/execute") });
    } else if container {
        if words[1] == "choice" {
            let retry = ["", "retry=1"][tape.below(2)];
            let _ = writeln!(lines, "{:1$}choose {retry}", "", depth + 1);
        }
        for n in 0..=tape.below(4) {
            let name = format!("n{n}");
            let path = if depth == 0 { name.clone() } else { format!("{path}/{name}") };
            grow(tape, &name, &path, depth + 1, lines, before);
        }
    } else {
        before.push(path.to_owned());
    }
}

fn any_node(tape: &mut Tape, world: &World) -> NodeId {
    NodeId(u32::try_from(tape.below(world.run.tree().len())).unwrap())
}

fn anything(tape: &mut Tape, world: &mut World) {
    let live: Vec<_> = world.run.live().collect();
    let waiting: Vec<_> = world.run.waiting().collect();
    match tape.below(19) {
        0..=8 if !live.is_empty() => {
            let (node, attempt) = live[tape.below(live.len())];
            let killed = world.run.state(node).attempt().unwrap().1.is_some();
            let mut exit = match tape.below(8) {
                0..=3 if !killed => Exit::Code(0),
                0..=5 if killed => Exit::Killed,
                4 => Exit::Signal(9),
                5 => Exit::TimedOut,
                6 => Exit::Lost("power".into()),
                _ => Exit::Code(1),
            };
            let yields = any_yield(tape, world, node, &mut exit);
            world.happen(Event::Exited { node, attempt, exit, yields }).unwrap();
        }
        9 => {
            let node = any_node(tape, world);
            let _ = world.happen(Event::Cancel { node, by: "ada".into() });
        }
        10 => {
            let node = any_node(tape, world);
            let mark = [Mark::Succeeded, Mark::Failed, Mark::Skipped][tape.below(3)];
            let _ = world.happen(Event::Mark { node, mark, by: "ada".into() });
        }
        11 | 12 => {
            let states = [vec![], vec![Status::Failed], vec![Status::Cancelled, Status::Skipped]];
            let request = Request {
                targets: vec![any_node(tape, world)],
                states: states[tape.below(3)].clone(),
                downstream: tape.below(2) == 0,
                upstream: tape.once_in(4),
            };
            clear_and_compare(world, &request);
        }
        13 if tape.below(2) == 0 => world.restore(),
        13 => world.revive(),
        14 => {
            world.places = 1 + tape.below(6);
            world.admit();
        }
        15..=17 if !waiting.is_empty() => {
            let node = waiting[tape.below(waiting.len())];
            let sensed = match tape.below(6) {
                0 => Sensed::Failed("no such host".into()),
                1 => Sensed::Skipped("no slot".into()),
                2 | 3 if world.run.looks_by_command(node) => {
                    return world.command(&format!("poke {}", path(world, node)));
                }
                _ => Sensed::Met("it is there".into()),
            };
            world.happen(Event::Sensed { node, sensed }).unwrap();
        }
        _ => {
            if let Some(due) = world.run.next_wake() {
                world.now = world.now.max(due);
                world.happen(Event::Wake).unwrap();
            }
        }
    }
}

fn path(world: &World, node: NodeId) -> String {
    match node {
        NodeId::ROOT => "p".to_owned(),
        node => world.run.tree().path(node),
    }
}

/// What chooses chooses some of its siblings; what generates writes some tree.
fn any_yield(tape: &mut Tape, world: &World, node: NodeId, exit: &mut Exit) -> Yield {
    let tree = world.run.tree();
    if *exit == Exit::Code(0) && tree.is_chooser(node) {
        Yield::Choice(tree.followers(node).filter(|_| tape.below(2) == 0).collect())
    } else if world.run.awaits_tree(node, exit).is_some() {
        let generated = any_generated(tape);
        let execute = tree.execute(node).unwrap();
        // As the engine does it: what does not fit never comes to the law.
        if tree.misfit(execute, &generated.tree).is_none() {
            Yield::Tree(generated)
        } else {
            *exit = Exit::BadTree("too much".into());
            Yield::Nothing
        }
    } else {
        Yield::Nothing
    }
}

fn leaves(run: &Run) -> BTreeMap<NodeId, Status> {
    let leaves = run.tree().ids().filter(|&node| run.tree().is_leaf(node));
    leaves.map(|node| (node, run.seen(node).status)).collect()
}

/// What was listed is what is reset.
fn clear_and_compare(world: &mut World, request: &Request) {
    let plan = clear::plan(&world.run, request);
    let before = leaves(&world.run);
    let before_picture = world.picture();
    let mut cleared = world.run.clone();
    let event = Event::Clear { nodes: plan.nodes.clone(), by: "ada".into() };
    let now = world.now;
    if world.happen(event.clone()).is_err() {
        return;
    }
    // Looked at before anything of it starts again.
    let ended_by_rule = |run: &Run, node| run.seen(node).status.is_ended() && run.seen(node).origin != node;
    cleared.step(&event, now, &mut Vec::new()).unwrap();
    for (node, was) in before {
        let is = cleared.seen(node).status;
        let path = cleared.tree().path(node);
        if plan.nodes.contains(&node) {
            let reset = !cleared.state(node).is_ended() || ended_by_rule(&cleared, node);
            let moved_on =
                matches!(cleared.state(node), State::UpstreamFailed { .. } | State::Skipped { .. });
            assert!(reset || moved_on, "{path} was listed, was {was}, is {is}");
        } else if was.is_ended() {
            assert_eq!(is, was, "{path} was not listed; before:\n{before_picture}\n{}", world.story());
        }
    }
}

fn assert_lawful(world: &World) {
    let run = &world.run;
    let tree = run.tree();
    for node in tree.ids() {
        if let State::Open { .. } = run.state(node) {
            let kept = run.progress(node).unwrap();
            let mut rescan = run.recounted(node);
            rescan.next = kept.next;
            rescan.again.clone_from(&kept.again);
            assert_eq!(*kept, rescan, "books of {}\n{}", tree.path(node), world.story());
        }
        let entry = run.entry(node);
        assert!(entry.forgiven <= entry.attempts);
        let allowed = tree.settings(node).retry.limit + 1;
        let (path, spent) = (tree.path(node), entry.spent());
        assert!(spent <= allowed, "{path} was tried {spent} times\n{}", world.story());
    }
    for &limited in tree.limited() {
        let max = tree.options(limited).max_concurrent.unwrap().get() as usize;
        let takes = |leaf: &NodeId| matches!(run.state(*leaf), State::Running { kill: None, .. });
        let live = run.live_below(limited).filter(takes).count();
        assert!(live <= max, "{live} run below {}", tree.path(limited));
    }
    // What is tried again goes on, whatever is cleared before it.
    let first = |node: &NodeId| run.entry(*node).spent() == 0;
    let queued = tree.ids().filter(|&node| matches!(run.state(node), State::Queued { .. }));
    for node in queued.filter(first) {
        let mut before = tree.forerunners(node).chain(tree.after(node));
        let early = before.find(|&before| !run.seen(before).status.is_ended());
        assert_eq!(early, None, "{} is early\n{}", tree.path(node), world.story());
    }
    // A tree is written when nothing of the one before it runs.
    for execute in run.live().filter_map(|(node, _)| tree.execute(node)) {
        assert_eq!(run.live_below(execute).next(), None, "{}", world.story());
    }
    // Quiet means that it has ended, or waits for something that will come.
    let senses = run.waiting().next().is_some();
    let waits = run.live().next().is_some() || senses || run.next_wake().is_some();
    assert!(
        run.status().is_ended() || waits || run.admissible(1).is_some(),
        "nothing will ever happen again:\n{}",
        world.story()
    );
    if run.status().is_ended() {
        assert!(!senses, "a sensor of an ended run waits\n{}", world.story());
        assert_eq!(run.live().count(), 0, "something of an ended run is alive\n{}", world.story());
        assert_eq!(run.tally(NodeId::ROOT).total(), tree.leaves(NodeId::ROOT), "{}", world.picture());
    }
}

/// Whoever looks looks for what waits.
fn assert_looked_for(world: &World) {
    let waits = world.run.waiting().chain(world.run.poking()).collect();
    assert_eq!(world.sensing, waits, "{}", world.story());
}

fn assert_restorable(world: &World) {
    let records = world.run.tree().ids().map(|node| (node, world.run.entry(node).clone()));
    let former = world.run.former().map(|(path, attempts)| (path.to_owned(), attempts));
    let twin = Run::restore(world.run.id(), world.run.tree().clone(), records).with_former(former);
    for node in twin.tree().ids() {
        let (is, was) = (twin.seen(node).status, world.run.seen(node).status);
        assert_eq!(is, was, "{}\n{}", twin.tree().path(node), world.story());
    }
    assert_eq!(twin.live().collect::<Vec<_>>(), world.run.live().collect::<Vec<_>>());
    assert_eq!(twin.waiting().collect::<Vec<_>>(), world.run.waiting().collect::<Vec<_>>());
    assert_eq!(twin.next_wake(), world.run.next_wake());
}

fn assert_replayable(world: &World) {
    let mut twin = Run::new(world.run.id(), world.first.clone());
    for (now, event) in &world.journal {
        let done = twin.step(event, *now, &mut Vec::new());
        assert_eq!(done, Ok(()), "{}", world.story());
    }
    assert!(twin.former().eq(world.run.former()), "{}", world.story());
    for node in world.run.tree().ids() {
        assert_eq!(twin.tree().path(node), world.run.tree().path(node));
        assert_eq!(twin.entry(node), world.run.entry(node), "{}\n{}", twin.tree().path(node), world.story());
    }
}

/// `SEXTON_LONG` plays many more; `PROPTEST_RNG_SEED` chooses which.
fn cases() -> u32 {
    if std::env::var_os("SEXTON_LONG").is_some() { 60_000 } else { 1_500 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn the_law_holds_for_any_tree_and_any_order_of_events(
        shape in prop::collection::vec(any::<u8>(), 0..120),
        events in prop::collection::vec(any::<u8>(), 0..160),
    ) {
        play(any_tree(&mut Tape(shape.iter())), &events);
    }

    #[test]
    fn the_law_holds_for_trees_that_generate_others(
        shape in 0..GENERATING.len(),
        events in prop::collection::vec(any::<u8>(), 0..240),
    ) {
        play(tree(GENERATING[shape]), &events);
    }
}

/// What generates, in several places.
const GENERATING: [&str; 4] = [
    "
    p lazy
      generate retry=1
      execute awaited",
    "
    p serial
      a
      l lazy
        generate
        execute awaited
      z",
    "
    p parallel max=2
      l lazy timeout=60
        generate retry=2 delay=5
        execute awaited
      z after=l/execute rule=all_done",
    "
    p branch
      l lazy when=true
        generate
        execute awaited
      m lazy
        generate
        execute awaited",
];

fn play(tree: Tree, events: &[u8]) {
    let mut world = World::of(tree);
    world.places = 3;
    world.play("");
    let mut tape = Tape(events.iter());
    while !tape.0.as_slice().is_empty() {
        anything(&mut tape, &mut world);
        assert_lawful(&world);
        assert_looked_for(&world);
        assert_restorable(&world);
    }
    assert_replayable(&world);
    // Left alone, it ends.
    world.places = 3;
    for _ in 0..10_000 {
        world.command("all ok");
        let Some(due) = world.run.next_wake() else { break };
        world.now = world.now.max(due);
        world.happen(Event::Wake).unwrap();
    }
    world.admit();
    world.command("all ok");
    assert!(world.run.status().is_ended(), "{}", world.story());
    assert_lawful(&world);
    assert_replayable(&world);
}
