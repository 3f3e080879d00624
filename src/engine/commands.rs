//! What people ask of live runs: a path becomes a node of the tree as it is now, and a wish an event. Answers wait
//! for the commit.

use crate::control::{Clearing, Command, Refused, Reset};
use crate::pipeline::node::NodeId;
use crate::run::clear;
use crate::run::event::Event;
use crate::run::state::RunId;
use crate::store::db::CommitError;

use super::runner::Engine;
use super::turn::{Answer, Turn};

impl Engine {
    pub(super) async fn command(&mut self, command: Command, turn: &mut Turn) -> Result<(), CommitError> {
        match command {
            Command::Cancel { run, path, by, answer } => {
                let cancel = |node| Event::Cancel { node, by };
                let done = self.find(run, &path).and_then(|node| self.intervene(run, cancel(node), turn));
                turn.answers.push((run, Answer::Done(answer, done)));
            }
            Command::Mark { run, path, mark, by, answer } => {
                let mark = |node| Event::Mark { node, mark, by };
                let done = self.find(run, &path).and_then(|node| self.intervene(run, mark(node), turn));
                turn.answers.push((run, Answer::Done(answer, done)));
            }
            Command::Clear { run, clearing, force, dry_run, by, answer } => {
                let reset = self.clear(run, clearing, force, dry_run, by, turn);
                turn.answers.push((run, Answer::Cleared(answer, reset)));
            }
            Command::Pause { pipeline, by, answer } => {
                let known = self.pause(&pipeline, by).await?;
                // Whoever asked may have gone away since.
                let _ = answer.send(if known { Ok(()) } else { Err(Refused::NoSuchPipeline(pipeline)) });
            }
        }
        Ok(())
    }

    fn clear(
        &mut self,
        run: RunId,
        clearing: Clearing,
        force: bool,
        dry_run: bool,
        by: Box<str>,
        turn: &mut Turn,
    ) -> Result<Vec<Reset>, Refused> {
        let Clearing { targets, states, downstream, upstream } = clearing;
        let targets = targets.iter().map(|path| self.find(run, path)).collect::<Result<_, _>>()?;
        let live = self.runs.get(&run).ok_or_else(|| self.refusal(run))?;
        let plan = clear::plan(&live.run, &clear::Request { targets, states, downstream, upstream });
        let tasks = plan.tasks(&live.run);
        let reset = tasks.map(|(node, was)| Reset { path: live.run.tree().path(node), was }).collect();
        let count = plan.running(&live.run).count();
        if dry_run {
            return Ok(reset);
        }
        if count > 0 && !force {
            return Err(Refused::Running { count });
        }
        self.intervene(run, Event::Clear { nodes: plan.nodes, by }, turn)?;
        Ok(reset)
    }

    /// The node at a path, as the run's tree is now.
    fn find(&self, run: RunId, path: &str) -> Result<NodeId, Refused> {
        let live = self.runs.get(&run).ok_or_else(|| self.refusal(run))?;
        let node = live.run.tree().find(path);
        node.ok_or_else(|| Refused::NoSuchNode { run, path: path.into() })
    }

    fn intervene(&mut self, run: RunId, event: Event, turn: &mut Turn) -> Result<(), Refused> {
        if !self.runs.contains_key(&run) {
            return Err(self.refusal(run));
        }
        Ok(self.happen(run, event, turn)?)
    }

    fn refusal(&self, run: RunId) -> Refused {
        if self.halted.contains_key(&run) { Refused::Halted(run) } else { Refused::NoSuchRun(run) }
    }
}
