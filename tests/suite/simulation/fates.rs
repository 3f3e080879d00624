//! What becomes of attempts in the world: how long each takes and how it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use sexton::executor::job::Job;
use sexton::run::state::Exit;

use super::chance::Chance;
use super::pipelines;

/// It ends when somebody ends it.
const ENDLESS: Duration = Duration::from_hours(100_000);

/// An attempt's future, were it left alone.
#[derive(Clone, Debug)]
pub(super) struct Fate {
    pub(super) lasts: Duration,
    pub(super) exit: Exit,
    pub(super) outputs: BTreeMap<String, String>,
    /// The last line that it prints.
    pub(super) says: Option<String>,
    /// The tree that it writes.
    pub(super) writes: Option<String>,
}

impl Fate {
    fn of(exit: Exit) -> Self {
        Self { lasts: Duration::ZERO, exit, outputs: BTreeMap::new(), says: None, writes: None }
    }
}

/// Who decides.
#[derive(Debug)]
pub(super) enum Fates {
    /// Any fate, by chance.
    Random(Chance),
    /// Every attempt lasts this long and ends with this code.
    Same(Duration, i32),
    /// Every attempt lasts this long, and those that write trees write these in turn, the last one for ever.
    Writing(Duration, Vec<&'static str>),
}

impl Fates {
    pub(super) fn of(&mut self, job: &Job) -> Fate {
        let mut fate = match self {
            Self::Random(chance) => {
                let says = choice(chance, job);
                Fate { says, writes: tree(chance, job), ..random(chance) }
            }
            Self::Same(lasts, code) => Fate { lasts: *lasts, ..Fate::of(Exit::Code(*code)) },
            Self::Writing(lasts, trees) => {
                let writes = job.stdout.is_some().then(|| trees[0].to_owned());
                if writes.is_some() && trees.len() > 1 {
                    trees.remove(0);
                }
                Fate { lasts: *lasts, writes, ..Fate::of(Exit::Code(0)) }
            }
        };
        if let Some(timeout) = job.timeout.filter(|timeout| *timeout < fate.lasts) {
            fate = Fate { lasts: timeout, ..Fate::of(Exit::TimedOut) };
        }
        fate
    }

    /// How long a killed attempt goes on, and whether it ends by itself in between.
    pub(super) fn last_breath(&mut self, grace: Duration) -> (Duration, bool) {
        match self {
            Self::Random(chance) => {
                let most = grace.as_millis() as u64 + 1;
                (Duration::from_millis(chance.below(most)), chance.once_in(4))
            }
            Self::Same(..) | Self::Writing(..) => (Duration::ZERO, false),
        }
    }

    /// How long the daemon needs to read a tree.
    pub(super) fn reading(&mut self) -> Duration {
        match self {
            Self::Random(chance) => Duration::from_millis(chance.below(3) * chance.below(2_000)),
            Self::Same(..) | Self::Writing(..) => Duration::from_millis(500),
        }
    }
}

fn random(chance: &mut Chance) -> Fate {
    let lasts = match chance.below(6) {
        0 if chance.once_in(3) => ENDLESS,
        0 => Duration::ZERO,
        1 | 2 => Duration::from_millis(chance.below(2_000)),
        _ => Duration::from_millis(chance.below(60_000)),
    };
    let exit = match chance.below(16) {
        0 | 1 => Exit::Code(1 + chance.below(200) as i32),
        2 => Exit::Signal(11),
        3 => Exit::NotStarted("no such program: `ingest`".into()),
        4 => Exit::BadOutput("line 1 has no `=`".into()),
        _ => Exit::Code(0),
    };
    let mut outputs = BTreeMap::new();
    if exit == Exit::Code(0) && chance.once_in(3) {
        outputs.insert("rows".to_owned(), chance.below(3).to_string());
    }
    Fate { lasts, outputs, ..Fate::of(exit) }
}

/// Of a command `choose a b c`: some of these names, none of them, or another.
fn choice(chance: &mut Chance, job: &Job) -> Option<String> {
    let names = job.argv.last()?.strip_prefix("choose ")?.split(' ');
    let chosen: Vec<&str> = names.filter(|_| chance.below(2) == 0).collect();
    let chosen = if chance.once_in(6) { "nobody".to_owned() } else { chosen.join(", ") };
    Some(chosen).filter(|chosen| !chosen.is_empty())
}

/// Of a command that writes a tree: any tree, mostly a good one.
fn tree(chance: &mut Chance, job: &Job) -> Option<String> {
    job.stdout.as_ref()?;
    Some(match chance.below(8) {
        0 => "parallel: {a: {exce: x}}".to_owned(),
        1 => "run --all".to_owned(),
        _ => pipelines::generated(chance),
    })
}
