//! Random runs, persisted step by step: what is read back is what was there, and the journal replays to it.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use sexton::pipeline::command::Command;
use sexton::pipeline::kind::{CHOOSE, Children, EXECUTE, GENERATE, Kind};
use sexton::pipeline::node::{NodeId, Options, Tree, TreeBuilder, TriggerRule};
use sexton::pipeline::policy::Settings;
use sexton::pipeline::sensor::{Condition, OnTimeout, Sensor};
use sexton::run::clear::{self, Request};
use sexton::run::effect::Effect;
use sexton::run::event::{Event, Holds, Sensed, Yield};
use sexton::run::force::Mark;
use sexton::run::machine::Run;
use sexton::run::state::{Exit, RunId, State};
use sexton::store::batch::Batch;
use sexton::store::tasks::Outputs;

use super::harness::{Play, entries, fresh, generated, replayed, restored, version};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_stored_restores_and_replays_to_the_same_run(seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(seed));
    }
}

async fn play(seed: u64) {
    let mut chance = Chance(seed);
    let tree = Arc::new(random_tree(&mut chance));
    let (_dir, mut store) = fresh().await;
    let version = version(&mut store).await;
    let mut play = Play::new(1, version, tree.clone());
    let mut outputs = Outputs::new();
    happen(&mut play, &Event::Begin, &mut chance, &mut outputs);
    for _ in 0..60 {
        play.admit(3);
        random_event(&mut play, &mut chance, &mut outputs);
        match chance.below(4) {
            0 => {}
            1 => {
                play.commit(&mut store).await;
                let back = restored(&store, RunId(1), &tree).await;
                assert_eq!(entries(&back), play.entries());
                assert_eq!(back.status(), play.run.status());
                assert_eq!(store.reader().outputs(RunId(1)).await.unwrap(), outputs);
                if chance.below(3) == 0 {
                    // The daemon dies here, and another takes the run up.
                    play.run = back;
                    happen(&mut play, &Event::Wake, &mut chance, &mut outputs);
                }
            }
            _ => play.commit(&mut store).await,
        }
    }
    play.commit(&mut store).await;
    let back = restored(&store, RunId(1), &tree).await;
    assert_eq!(entries(&back), play.entries());
    let live: Vec<_> = store.reader().live_attempts(RunId(1)).await.unwrap();
    let live: Vec<_> = live.into_iter().map(|attempt| attempt.id).collect();
    let mut expected: Vec<_> = play.run.live().map(|(_, attempt)| attempt).collect();
    expected.sort();
    assert_eq!(live, expected);

    let replayed = replayed(&store, RunId(1), &tree).await;
    assert_eq!(entries(&replayed), play.entries());
    let former = |run: &Run| run.former().map(|(path, n)| (path.to_owned(), n)).collect::<Vec<_>>();
    assert_eq!((former(&back), former(&replayed)), (former(&play.run), former(&play.run)));
    let record = store.reader().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(record.state, play.run.status().into());
    assert_eq!(record.ended_at.is_some(), play.run.status().is_ended());
    store.close().await.unwrap();
}

fn random_event(play: &mut Play, chance: &mut Chance, outputs: &mut Outputs) {
    let nodes = play.run.tree().len() as u64;
    let node = NodeId(chance.below(nodes) as u32);
    let live: Vec<_> = play.run.live().collect();
    let by = || "ada".into();
    let waiting: Vec<_> = play.run.waiting().collect();
    match chance.below(16) {
        0 => attempt(play, &Event::Cancel { node, by: by() }, chance, outputs),
        1 => {
            let mark = [Mark::Succeeded, Mark::Failed, Mark::Skipped][chance.below(3) as usize];
            attempt(play, &Event::Mark { node, mark, by: by() }, chance, outputs);
        }
        2 => {
            let downstream = chance.below(3) > 0;
            let request = Request { targets: vec![node], downstream, ..Request::default() };
            let nodes = clear::plan(&play.run, &request).nodes;
            attempt(play, &Event::Clear { nodes, by: by() }, chance, outputs);
        }
        3 => {
            play.now += Duration::from_secs(chance.below(40));
            happen(play, &Event::Wake, chance, outputs);
        }
        4 | 5 if !waiting.is_empty() => {
            let node = waiting[chance.below(waiting.len() as u64) as usize];
            let sensed = match chance.below(4) {
                0 => Sensed::Failed("there is no such host".into()),
                1 => Sensed::Skipped("it has no slot that day".into()),
                _ => Sensed::Met("it is there".into()),
            };
            happen(play, &Event::Sensed { node, sensed }, chance, outputs);
        }
        6..=8 if !waiting.is_empty() => {
            play.poke(waiting[chance.below(waiting.len() as u64) as usize]);
        }
        _ if live.is_empty() => happen(play, &Event::Wake, chance, outputs),
        _ => {
            let (node, _) = live[chance.below(live.len() as u64) as usize];
            let exit = match chance.below(12) {
                0 => Exit::Code(3),
                1 => Exit::Signal(9),
                2 => Exit::TimedOut,
                3 => Exit::Lost("its keeper was killed".into()),
                4 => Exit::NotStarted("no such program: `ingest`".into()),
                5 => Exit::BadOutput("line 1 has no `=`".into()),
                6 => Exit::Killed,
                7 => Exit::BadChoice("it chose `c`".into()),
                _ => Exit::Code(0),
            };
            let tree = play.run.tree().clone();
            let yields = if exit == Exit::Code(0) && tree.is_chooser(node) {
                Yield::Choice(tree.followers(node).filter(|_| chance.below(2) == 0).collect())
            } else if let Some(execute) = play.run.awaits_tree(node, &exit) {
                let text = random_text(chance, 0);
                let generated = generated(&text, &tree, execute);
                let fits = tree.misfit(execute, &generated.tree).is_none();
                Yield::Tree(if fits { generated } else { super::harness::generated("x", &tree, execute) })
            } else {
                Yield::Nothing
            };
            let path = play.run.tree().path(node);
            if exit == Exit::Code(0) {
                let value = chance.below(1_000).to_string();
                play.batch.outputs(&play.run, node, [("rows".to_owned(), value.clone())]);
                outputs.entry(path).or_default().insert("rows".into(), value);
            }
            play.exit_with(node, exit, yields);
            conditions(play, chance, outputs);
        }
    }
}

/// The event, if the law accepts it.
fn attempt(play: &mut Play, event: &Event, chance: &mut Chance, outputs: &mut Outputs) {
    if play.run.clone().step(event, play.now, &mut Vec::new()).is_ok() {
        happen(play, event, chance, outputs);
    }
}

fn happen(play: &mut Play, event: &Event, chance: &mut Chance, outputs: &mut Outputs) {
    for effect in play.step(event) {
        if let Effect::Forget(node) = effect {
            outputs.remove(&play.run.tree().path(node));
        }
    }
    conditions(play, chance, outputs);
}

/// Most conditions are answered at once, some later.
fn conditions(play: &mut Play, chance: &mut Chance, outputs: &mut Outputs) {
    loop {
        let deciding = |node: &NodeId| matches!(play.run.state(*node), State::Deciding);
        let undecided = play.run.tree().ids().find(deciding);
        let Some(node) = undecided else { return };
        if chance.below(4) == 0 {
            return;
        }
        let holds = match chance.below(6) {
            0 => Holds::Error("unknown name `broken`".into()),
            1 => Holds::No(Some("it is a holiday".into())),
            _ => Holds::Yes,
        };
        happen(play, &Event::Condition { node, holds }, chance, outputs);
    }
}

/// What a command writes.
fn random_text(chance: &mut Chance, depth: u32) -> String {
    let children = |chance: &mut Chance| -> String {
        let children = (0..=chance.below(3)).map(|n| format!("n {n}: {}", random_text(chance, depth + 1)));
        children.collect::<Vec<_>>().join(", ")
    };
    match chance.below(if depth < 3 { 8 } else { 4 }) {
        0 => "{exec: x, retry: {limit: 1}}".to_owned(),
        1 => "{exec: x, when: ds == '2018-05-14'}".to_owned(),
        2 | 3 => "x".to_owned(),
        4 | 5 => format!("{{serial: {{{}}}}}", children(chance)),
        6 => format!("{{max_concurrent: 2, parallel: {{{}}}}}", children(chance)),
        _ => "{lazy: x}".to_owned(),
    }
}

fn random_tree(chance: &mut Chance) -> Tree {
    let mut builder = TreeBuilder::new(Settings::default());
    grow(&mut builder, chance, "root", 0);
    builder.finish()
}

fn grow(builder: &mut TreeBuilder, chance: &mut Chance, name: &str, depth: u32) {
    let mut options = Options::default();
    match chance.below(12) {
        0 => options.when = Some("is_month_end".into()),
        1 => options.skip = depth > 0,
        2 => options.suppress_errors = true,
        3 => options.timeout = Some(Duration::from_secs(20)),
        4 => options.trigger_rule = TriggerRule::AllDone,
        5 => options.trigger_rule = TriggerRule::OneFailed,
        6 => options.stop_on_error = false,
        7 => options.max_concurrent = NonZeroU32::new(2),
        _ => {}
    }
    if depth == 3 || (depth > 0 && chance.below(3) == 0) {
        let mut settings = builder.inherited().clone();
        settings.retry.limit = chance.below(3) as u32;
        settings.retry.delay = Duration::from_secs(5);
        settings.retry.backoff = 2.0;
        let command = || Command::Shell("true".into());
        let on_timeout =
            [OnTimeout::Fail, OnTimeout::SkipRest, OnTimeout::Continue][chance.below(3) as usize];
        let poke_interval = Duration::from_secs(30);
        let kind = if chance.below(4) == 0 {
            let condition = Condition::Exec(command());
            Kind::Sensor(Box::new(Sensor { condition, poke_interval, on_timeout }))
        } else {
            Kind::Exec(command())
        };
        builder.leaf(name, kind, options, Some(settings));
        return;
    }
    let none = Children::default();
    let kinds = [Kind::Serial(none), Kind::Parallel(none), Kind::Branch(none), Kind::Choice(none)];
    let kind = kinds.get(chance.below(5) as usize).cloned().unwrap_or(Kind::Lazy(none));
    if matches!(kind, Kind::Lazy(_)) {
        builder.open(name, kind, options, None);
        let command = Kind::Exec(Command::Shell("true".into()));
        builder.leaf(GENERATE, command, Options::default(), None);
        builder.leaf(EXECUTE, Kind::Awaited, Options::default(), None);
        return builder.close();
    }
    let chooses = matches!(kind, Kind::Choice(_));
    builder.open(name, kind, options, None);
    if chooses {
        let command = Kind::Exec(Command::Shell("true".into()));
        builder.leaf(CHOOSE, command, Options::default(), None);
    }
    for child in 0..=chance.below(4) {
        grow(builder, chance, &format!("n {child}"), depth + 1);
    }
    builder.close();
}

/// A small generator, so that one number says everything about a case.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

#[tokio::test]
async fn a_million_nodes_cleared_are_a_few_words_and_no_rows() {
    let tree = super::harness::tree(20_000);
    let (_dir, mut store) = fresh().await;
    let version = version(&mut store).await;
    let mut play = Play::new(1, version, tree.clone());
    play.step(&Event::Begin);
    play.admit(1);
    play.exit(play.node("load/a"), Exit::Code(1));
    play.commit(&mut store).await;
    let request = Request { targets: vec![NodeId::ROOT], downstream: true, ..Request::default() };
    let nodes = clear::plan(&play.run, &request).nodes;
    assert!(nodes.len() > 20_000);
    play.step(&Event::Clear { nodes, by: "ada".into() });
    play.commit(&mut store).await;
    assert_eq!(store.reader().tasks(RunId(1), None, 100).await.unwrap().len(), 1);
    assert_eq!(entries(&restored(&store, RunId(1), &tree).await), play.entries());
    assert!(matches!(play.run.state(play.node("load/a")), State::Pending));
    assert_eq!(entries(&replayed(&store, RunId(1), &tree).await), play.entries());
    assert!(Batch::default().is_empty());
}
