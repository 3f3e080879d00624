//! A world for one run, moved by hand: places, a clock, and commands that end when the script says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::pipeline::command::Command;
use crate::pipeline::generated::Generated;
use crate::pipeline::kind::{Children, Kind};
use crate::pipeline::node::{NodeId, Options, Tree, TreeBuilder, TriggerRule};
use crate::pipeline::packed::Packed;
use crate::pipeline::policy::{RetryOn, Settings};
use crate::pipeline::sensor::{Condition, OnTimeout, Sensor};
use crate::run::clear::{self, Request};
use crate::run::effect::Effect;
use crate::run::event::{Event, Holds, Sensed, Yield};
use crate::run::force::Mark;
use crate::run::machine::{Illegal, Run};
use crate::run::picture::picture;
use crate::run::state::{AttemptId, Exit, RunId};

/// Runs the script on the tree and compares the picture.
#[track_caller]
pub(super) fn check(tree: &str, script: &str, expected: &str) {
    let mut world = World::new(tree);
    world.play(script);
    assert_eq!(world.picture(), trimmed(expected), "\nafter: {script}\nof:{tree}");
}

/// A picture as it is written in a test, without the test's own indentation.
pub(super) fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let indent = lines.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line[indent..].trim_end()).collect::<Vec<_>>().join("\n")
}

/// A tree from indented lines: `name kind attribute=value …`; the kind of a leaf is left out.
pub(super) fn tree(text: &str) -> Tree {
    let mut builder = TreeBuilder::new(Settings::default());
    let mut open: Vec<usize> = Vec::new();
    let mut after: Vec<(NodeId, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        while open.last().is_some_and(|&above| above >= indent) {
            open.pop();
            builder.close();
        }
        let mut words = line.split_whitespace().peekable();
        let name = words.next().unwrap();
        let none = Children::default();
        let kind = words.peek().and_then(|word| match *word {
            "serial" => Some(Kind::Serial(none)),
            "parallel" => Some(Kind::Parallel(none)),
            "branch" => Some(Kind::Branch(none)),
            "choice" => Some(Kind::Choice(none)),
            "lazy" => Some(Kind::Lazy(none)),
            _ => None,
        });
        words.next_if(|_| kind.is_some());
        let mut sensor = None;
        let awaited = words.next_if(|word| *word == "awaited").is_some();
        let mut options = Options::default();
        let mut settings = builder.inherited().clone();
        let mut waits = Vec::new();
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("rule", "all_done") => options.trigger_rule = TriggerRule::AllDone,
                ("rule", "one_failed") => options.trigger_rule = TriggerRule::OneFailed,
                ("when", text) => options.when = Some(text.into()),
                ("skip", _) => options.skip = true,
                ("suppress", _) => options.suppress_errors = true,
                ("keep_going", _) => options.stop_on_error = false,
                ("max", n) => options.max_concurrent = NonZeroU32::new(n.parse().unwrap()),
                ("sensor", what) => sensor = Some(sensing(what)),
                ("on_timeout", what) => sensor.as_mut().unwrap().on_timeout = on_timeout(what),
                ("timeout", n) => options.timeout = Some(Duration::from_secs(n.parse().unwrap())),
                ("retry", n) => settings.retry.limit = n.parse().unwrap(),
                ("delay", n) => settings.retry.delay = Duration::from_secs(n.parse().unwrap()),
                ("backoff", n) => settings.retry.backoff = n.parse().unwrap(),
                ("on", code) => {
                    let codes = Box::new([code.parse().unwrap()]);
                    settings.retry.on = RetryOn::Only { codes, timeout: false, signal: false, lost: false };
                }
                ("after", paths) => waits.extend(paths.split(',').map(str::to_owned)),
                other => panic!("unknown attribute {other:?}"),
            }
        }
        let settings = (settings != *builder.inherited()).then_some(settings);
        let id = if let Some(kind) = kind {
            open.push(indent);
            builder.open(name, kind, options, settings)
        } else {
            let command = || Kind::Exec(Command::Shell("true".into()));
            let kind = sensor.map_or_else(command, |sensor| Kind::Sensor(Box::new(sensor)));
            let kind = if awaited { Kind::Awaited } else { kind };
            builder.leaf(name, kind, options, settings)
        };
        after.extend(waits.into_iter().map(|path| (id, path)));
    }
    for _ in open {
        builder.close();
    }
    let draft = builder.clone().finish();
    for (node, path) in after {
        builder.after(node, draft.find(&path).unwrap_or_else(|| panic!("no {path}")));
    }
    builder.finish()
}

/// What a `generate` writes: a tree in a few lines, whose first is `execute`.
pub(super) fn generated(text: &str) -> Arc<Generated> {
    let packed = Packed::of(text);
    Arc::new(Generated { tree: tree(text), packed })
}

fn sensing(what: &str) -> Sensor {
    let condition = match what {
        "exec" => Condition::Exec(Command::Shell("true".into())),
        _ => Condition::File { glob: "/in/x".into(), stable_for: Duration::ZERO },
    };
    Sensor { condition, poke_interval: Duration::from_secs(30), on_timeout: OnTimeout::Fail }
}

fn on_timeout(word: &str) -> OnTimeout {
    match word {
        "continue" => OnTimeout::Continue,
        "skip_rest" => OnTimeout::SkipRest,
        _ => OnTimeout::Fail,
    }
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) run: Run,
    pub(super) now: Timestamp,
    pub(super) places: usize,
    pub(super) launched: Vec<(NodeId, AttemptId)>,
    pub(super) killed: Vec<NodeId>,
    /// Sensors that somebody looks for.
    pub(super) sensing: BTreeSet<NodeId>,
    pub(super) finished: u32,
    pub(super) journal: Vec<(Timestamp, Event)>,
    /// What `when`s evaluate to from now on, by path; otherwise what their text says.
    pub(super) facts: BTreeMap<String, bool>,
    /// What commands may write, by name.
    pub(super) trees: BTreeMap<String, String>,
    /// The tree before anything was generated.
    pub(super) first: Arc<Tree>,
    /// Attempts by path and number.
    tried: BTreeSet<(String, u32)>,
    attempts: u64,
}

impl World {
    pub(super) fn new(text: &str) -> Self {
        Self::of(tree(text))
    }

    pub(super) fn of(tree: Tree) -> Self {
        let first = Arc::new(tree);
        Self {
            run: Run::new(RunId(1), first.clone()),
            now: Timestamp::UNIX_EPOCH,
            places: 16,
            launched: Vec::new(),
            killed: Vec::new(),
            sensing: BTreeSet::new(),
            finished: 0,
            journal: Vec::new(),
            facts: BTreeMap::new(),
            trees: BTreeMap::new(),
            first,
            tried: BTreeSet::new(),
            attempts: 0,
        }
    }

    pub(super) fn picture(&self) -> String {
        picture(&self.run, NodeId::ROOT, usize::MAX).trim_end().to_owned()
    }

    /// The picture and how it came about, for a failing test.
    pub(super) fn story(&self) -> String {
        let mut story = self.picture();
        for node in self.run.tree().ids() {
            let (kind, options) = (self.run.tree().kind(node).word(), self.run.tree().options(node));
            let after: Vec<_> = self.run.tree().after(node).collect();
            let path = self.run.tree().path(node);
            let _ = write!(story, "\n{} {path} {kind} {:?} {after:?}", node.0, options.trigger_rule);
        }
        for (now, event) in &self.journal {
            let _ = write!(story, "\n{} {event:?}", now.as_second());
        }
        story
    }

    pub(super) fn at(&self, path: &str) -> NodeId {
        let root = (path == self.run.tree().name(NodeId::ROOT)).then_some(NodeId::ROOT);
        self.run.tree().find(path).or(root).unwrap_or_else(|| panic!("no {path}"))
    }

    /// Begins the run, then plays one command after another, separated by `;`.
    pub(super) fn play(&mut self, script: &str) {
        self.must(Event::Begin);
        self.play_on(script);
    }

    /// Plays on after what was played.
    pub(super) fn play_on(&mut self, script: &str) {
        for command in script.split(';').map(str::trim).filter(|command| !command.is_empty()) {
            self.command(command);
        }
    }

    pub(super) fn command(&mut self, command: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let by = || "ada".into();
        match words.as_slice() {
            ["places", n] => {
                self.places = n.parse().unwrap();
                self.admit();
            }
            ["wait", seconds] => {
                self.now += Duration::from_secs(seconds.parse().unwrap());
                self.must(Event::Wake);
            }
            ["all", "ok"] => loop {
                let (live, waiting) = (self.run.live().next(), self.run.waiting().next());
                if let Some((node, attempt)) = live {
                    self.exits(node, attempt, Exit::Code(0));
                } else if let Some(node) = waiting {
                    self.must(Event::Sensed { node, sensed: Sensed::Met("it is there".into()) });
                } else {
                    break;
                }
            },
            ["cancel", path] => self.must(Event::Cancel { node: self.at(path), by: by() }),
            ["mark", path, word] => {
                let mark = match *word {
                    "succeeded" => Mark::Succeeded,
                    "failed" => Mark::Failed,
                    "skipped" => Mark::Skipped,
                    other => panic!("unknown mark {other}"),
                };
                self.must(Event::Mark { node: self.at(path), mark, by: by() });
            }
            ["clear", path, options @ ..] => {
                let request = Request {
                    targets: vec![self.at(path)],
                    downstream: !options.contains(&"only"),
                    upstream: options.contains(&"upstream"),
                    ..Request::default()
                };
                let plan = clear::plan(&self.run, &request);
                self.must(Event::Clear { nodes: plan.nodes, by: by() });
            }
            ["fact", path, holds] => {
                self.facts.insert((*path).to_owned(), *holds == "true");
            }
            ["crash"] => self.restore(),
            ["poke", path] => {
                self.attempts += 1;
                self.must(Event::Poke { node: self.at(path), attempt: AttemptId(self.attempts) });
            }
            [path, "met"] => {
                self.must(Event::Sensed { node: self.at(path), sensed: Sensed::Met("it is there".into()) });
            }
            [path, "hopeless"] => {
                let sensed = Sensed::Failed("there is no such host".into());
                self.must(Event::Sensed { node: self.at(path), sensed });
            }
            [path, "slotless"] => {
                let sensed = Sensed::Skipped("`other` has no slot that day".into());
                self.must(Event::Sensed { node: self.at(path), sensed });
            }
            [path, "chose", names @ ..] => {
                let node = self.at(path);
                let branch = self.run.tree().parent(node).unwrap();
                let child = |name: &&str| self.run.tree().child(branch, name).unwrap();
                let yields = Yield::Choice(names.iter().map(child).collect());
                let (_, attempt) = self.run.live().find(|(live, _)| *live == node).unwrap();
                self.must(Event::Exited { node, attempt, exit: Exit::Code(0), yields });
            }
            [path, "wrote", name] => {
                let node = self.at(path);
                let (_, attempt) = self.run.live().find(|(live, _)| *live == node).unwrap();
                let yields = Yield::Tree(generated(&self.trees[*name]));
                self.must(Event::Exited { node, attempt, exit: Exit::Code(0), yields });
            }
            [path, exit] => {
                let node = self.at(path);
                let live = self.run.live().find(|(live, _)| *live == node);
                let attempt = live.unwrap_or_else(|| panic!("{path} does not run\n{}", self.picture())).1;
                let exit = match *exit {
                    "ok" => Exit::Code(0),
                    "killed" => Exit::Killed,
                    "timeout" => Exit::TimedOut,
                    "lost" => Exit::Lost("its keeper was killed".into()),
                    "missing" => Exit::NotStarted("no such program: `ingest`".into()),
                    "unknown" => Exit::BadChoice("it chose `c`".into()),
                    "shapeless" => Exit::BadTree("it is empty".into()),
                    "garbled" => Exit::BadOutput("line 1 has no `=`".into()),
                    signal if signal.starts_with("signal:") => Exit::Signal(signal[7..].parse().unwrap()),
                    code => Exit::Code(code.parse().unwrap()),
                };
                self.exits(node, attempt, exit);
            }
            other => panic!("unknown command {other:?}"),
        }
    }

    /// An attempt ends; what chooses chooses nothing, and what generates writes one command.
    fn exits(&mut self, node: NodeId, attempt: AttemptId, exit: Exit) {
        let chooses = exit == Exit::Code(0) && self.run.tree().is_chooser(node);
        let yields = if chooses {
            Yield::Choice(Vec::new())
        } else if self.run.awaits_tree(node, &exit).is_some() {
            Yield::Tree(generated("execute"))
        } else {
            Yield::Nothing
        };
        self.must(Event::Exited { node, attempt, exit, yields });
    }

    pub(super) fn must(&mut self, event: Event) {
        self.happen(event).unwrap_or_else(|error| panic!("{error}\n{}", self.picture()));
    }

    /// Steps the run and performs what it asks for; then fills the free places.
    pub(super) fn happen(&mut self, event: Event) -> Result<(), Illegal> {
        self.step(event)?;
        self.admit();
        Ok(())
    }

    fn step(&mut self, event: Event) -> Result<(), Illegal> {
        let mut effects = Vec::new();
        self.run.step(&event, self.now, &mut effects)?;
        self.journal.push((self.now, event));
        for effect in effects {
            match effect {
                Effect::Evaluate(node) => {
                    let path = self.run.tree().path(node);
                    let text = self.run.tree().options(node).when.clone().unwrap();
                    let told = self.facts.get(&path).copied();
                    let holds = match told.unwrap_or(&*text == "true") {
                        false if told.is_none() && &*text == "broken" => {
                            Holds::Error("unknown name `broken`".into())
                        }
                        true => Holds::Yes,
                        false => Holds::No(None),
                    };
                    self.step(Event::Condition { node, holds })?;
                }
                Effect::Launch(node, attempt) => {
                    let number = self.run.entry(node).attempts;
                    let path = self.run.tree().path(node);
                    assert!(self.tried.insert((path, number)), "twice the same attempt\n{}", self.story());
                    self.launched.push((node, attempt));
                }
                Effect::Grafted(graft) => {
                    let looked_for = std::mem::take(&mut self.sensing).into_iter();
                    self.sensing = looked_for.filter_map(|node| graft.moved(node)).collect();
                }
                Effect::Kill(node, _) => self.killed.push(node),
                Effect::Sense(node) => drop(self.sensing.insert(node)),
                Effect::Rest(node) => assert!(self.sensing.remove(&node), "nobody looks"),
                Effect::Forget(_) => {}
                Effect::Finish => self.finished += 1,
            }
        }
        Ok(())
    }

    pub(super) fn admit(&mut self) {
        while let Some(node) = self.run.admissible(self.places.saturating_sub(self.run.taken())) {
            let event = if self.run.tree().is_leaf(node) {
                self.attempts += 1;
                Event::Start { node, attempt: AttemptId(self.attempts) }
            } else {
                Event::Open { node }
            };
            self.step(event).expect("what is admissible may start");
        }
    }

    /// The daemon dies and comes back: only the records are left.
    pub(super) fn restore(&mut self) {
        self.revive();
        self.must(Event::Wake);
    }

    /// The same, and nothing has happened since.
    pub(super) fn revive(&mut self) {
        let records: Vec<_> =
            self.run.tree().ids().map(|node| (node, self.run.entry(node).clone())).collect();
        let former: Vec<_> = self.run.former().map(|(path, n)| (path.to_owned(), n)).collect();
        self.run = Run::restore(self.run.id(), self.run.tree().clone(), records).with_former(former);
        let looked_for = self.run.waiting().chain(self.run.poking()).collect();
        assert_eq!(self.sensing, looked_for, "{}", self.story());
    }
}
