//! Random trees, fates, commands and crashes, from one number a case: whatever happens, nothing starts
//! twice, nothing is lost, everything ends.

use std::collections::BTreeSet;
use std::time::Duration;

use sexton::control::{Clearing, Control, Refused};
use sexton::pipeline::node::NodeId;
use sexton::run::force::Mark;
use sexton::run::state::RunId;
use tokio::task::JoinHandle;

use super::chance::Chance;
use super::desk::Desk;
use super::fates::Fates;
use super::pipelines;
use super::world::World;

/// Cases of a usual run, and of a long one.
const CASES: (u64, u64) = (60, 1_500);

#[test]
fn whatever_happens_nothing_is_lost_or_doubled() {
    play_all(0);
}

/// The same, on the second core.
#[test]
fn whatever_else_happens_nothing_is_lost_or_doubled() {
    play_all(1 << 32);
}

/// `SEXTON_SEED` plays one case alone, `SEXTON_LONG` many more, `SEXTON_ROUND` others.
fn play_all(first: u64) {
    let round: u64 = std::env::var("SEXTON_ROUND").map_or(0, |round| round.parse().expect("a number"));
    let first = first + (round << 33);
    let only = std::env::var("SEXTON_SEED").ok().map(|seed| seed.parse().expect("a number"));
    let cases = if std::env::var_os("SEXTON_LONG").is_some() { CASES.1 } else { CASES.0 };
    for seed in only.map_or(first..first + cases, |seed: u64| seed..seed + 1) {
        let told = std::panic::catch_unwind(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(play(seed));
        });
        if let Err(panic) = told {
            eprintln!("SEXTON_SEED={seed} plays this again");
            std::panic::resume_unwind(panic);
        }
    }
}

/// A command on its way, and what it is answered.
type Asked = JoinHandle<Result<(), Refused>>;

/// What is still to happen in a case.
struct Plan {
    chance: Chance,
    runs: u64,
    crashes: u64,
    troubles: u64,
    commands: u64,
    stops: u64,
    stopped: BTreeSet<RunId>,
    asked: Vec<(String, RunId, Asked)>,
}

async fn play(seed: u64) {
    let mut chance = Chance(seed);
    let parallelism = 1 + chance.below(6) as usize;
    let world = World::new(Fates::Random(Chance(seed ^ 0x5eed)), parallelism);
    let mut desk = Desk::new(world, parallelism);
    let mut plan = Plan {
        runs: 1 + chance.below(4),
        crashes: chance.below(10),
        troubles: chance.below(6),
        commands: chance.below(12),
        stops: 0,
        stopped: BTreeSet::new(),
        asked: Vec::new(),
        chance,
    };
    desk.start().await;
    for rounds in 1.. {
        assert!(rounds < 5_000, "it never ends:\n{}", desk.story());
        if plan.runs > 0 && plan.chance.once_in(5) {
            plan.runs -= 1;
            let pipeline = pipelines::random(&mut plan.chance, &format!("p{}", plan.runs));
            desk.begin(pipeline).await;
        }
        if plan.runs == 0 && desk.is_idle() && desk.world.held().is_empty() {
            break;
        }
        let stops = rounds % 40 == 0;
        if stops {
            // What never ends by itself is stopped; the word is kept, even by the next daemon.
            plan.stop_all(&mut desk).await;
            plan.crashes += plan.chance.below(2);
        }
        plan.disturb(&mut desk).await;
        if plan.crashes > 0 && (stops || plan.chance.once_in(6)) {
            plan.crashes -= 1;
            plan.crash(&mut desk, stops).await;
            plan.hear(&mut desk).await;
            desk.start().await;
            desk.check().await;
        } else {
            desk.round().await;
            plan.hear_what_is_there(&mut desk).await;
        }
    }
    plan.hear(&mut desk).await;
    desk.check_end().await;
}

impl Plan {
    async fn disturb(&mut self, desk: &mut Desk) {
        if self.troubles > 0 && self.chance.once_in(12) {
            self.troubles -= 1;
            let away = Duration::from_millis(self.chance.below(5_000));
            if self.chance.once_in(3) { desk.world.kill_keeper(away) } else { desk.world.disconnect(away) }
        }
        let runs: Vec<RunId> = desk.engine().runs().map(|live| live.run.id()).collect();
        if self.commands > 0 && !runs.is_empty() && self.chance.once_in(8) {
            self.commands -= 1;
            let run = self.chance.one_of(&runs);
            let tree = &desk.trees[&run];
            let path = tree.path(NodeId(self.chance.below(tree.len() as u64) as u32));
            let by = format!("person {}", self.commands);
            let asked = ask(desk.control(), run, path, by.clone(), &mut self.chance);
            self.asked.push((by, run, asked));
            // So that it is in the mailbox.
            tokio::task::yield_now().await;
        }
    }

    /// Each run once: that is to be enough, whatever dies between the word and the deed.
    async fn stop_all(&mut self, desk: &mut Desk) {
        let runs: Vec<RunId> = desk.engine().runs().map(|live| live.run.id()).collect();
        for run in runs.into_iter().filter(|run| !self.stopped.contains(run)).collect::<Vec<_>>() {
            self.stops += 1;
            let (by, control) = (format!("stop {}", self.stops), desk.control());
            let name = by.clone();
            let asked = tokio::spawn(async move { control.cancel(run, "/", &name).await });
            self.asked.push((by, run, asked));
        }
        tokio::task::yield_now().await;
    }

    async fn crash(&mut self, desk: &mut Desk, after_commit: bool) {
        let away = Duration::from_millis(self.chance.below(40_000));
        match self.chance.below(8) {
            _ if after_commit => self.die_after_commit(desk, away).await,
            0 | 1 => desk.crash(away).await,
            2 | 3 => {
                let polls = 1 + self.chance.below(4) as u32;
                desk.crash_in_round(polls, away).await;
            }
            4 => {
                desk.crash(away).await;
                desk.world.reboot();
            }
            _ => self.die_after_commit(desk, away).await,
        }
    }

    async fn die_after_commit(&mut self, desk: &mut Desk, away: Duration) {
        // Most often before the first order.
        let orders = self.chance.below(3) * self.chance.below(4);
        desk.world.die_after(orders as usize);
        desk.round().await;
        desk.crash(away).await;
    }

    async fn hear_what_is_there(&mut self, desk: &mut Desk) {
        if self.asked.iter().any(|(.., asked)| !asked.is_finished()) {
            tokio::task::yield_now().await;
        }
        let (told, open) =
            std::mem::take(&mut self.asked).into_iter().partition(|(.., asked)| asked.is_finished());
        self.asked = told;
        self.hear(desk).await;
        self.asked = open;
    }

    async fn hear(&mut self, desk: &mut Desk) {
        for (by, run, asked) in self.asked.drain(..) {
            let answer = asked.await.unwrap();
            // Who clears it afterwards has it run again.
            match answer {
                Ok(()) if by.starts_with("stop") => drop(self.stopped.insert(run)),
                Ok(()) => drop(self.stopped.remove(&run)),
                Err(_) => {}
            }
            desk.answered(by, run, answer);
        }
    }
}

fn ask(control: Control, run: RunId, path: String, by: String, chance: &mut Chance) -> Asked {
    let what = chance.below(6);
    let mark = chance.one_of(&[Mark::Succeeded, Mark::Failed, Mark::Skipped]);
    let (downstream, upstream, force) = (!chance.once_in(3), chance.once_in(4), !chance.once_in(3));
    tokio::spawn(async move {
        match what {
            0 => control.cancel(run, &path, &by).await,
            1 | 2 => control.mark(run, &path, mark, &by).await,
            _ => {
                let targets = vec![path.into()];
                let clearing = Clearing { targets, downstream, upstream, ..Clearing::default() };
                control.clear(run, clearing, force, &by).await.map(drop)
            }
        }
    })
}
