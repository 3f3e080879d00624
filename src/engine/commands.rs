//! What people ask of live runs: each is put to the law, and answered when what follows from it is committed.

use crate::control::{Command, Refused};
use crate::run::clear::{self, Plan};
use crate::run::event::Event;
use crate::run::state::RunId;
use crate::store::db::CommitError;

use super::runner::Engine;
use super::turn::{Answer, Turn};

impl Engine {
    pub(super) async fn command(&mut self, command: Command, turn: &mut Turn) -> Result<(), CommitError> {
        match command {
            Command::Cancel { run, node, by, answer } => {
                let done = self.intervene(run, Event::Cancel { node, by }, turn);
                turn.answers.push((run, Answer::Done(answer, done)));
            }
            Command::Mark { run, node, mark, by, answer } => {
                let done = self.intervene(run, Event::Mark { node, mark, by }, turn);
                turn.answers.push((run, Answer::Done(answer, done)));
            }
            Command::Clear { run, request, force, dry_run, by, answer } => {
                let planned = self.clear(run, &request, force, dry_run, by, turn);
                turn.answers.push((run, Answer::Planned(answer, planned)));
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
        request: &clear::Request,
        force: bool,
        dry_run: bool,
        by: Box<str>,
        turn: &mut Turn,
    ) -> Result<Plan, Refused> {
        let live = self.runs.get(&run).ok_or_else(|| self.refusal(run))?;
        let plan = clear::plan(&live.run, request);
        let count = plan.running(&live.run).count();
        if dry_run {
            return Ok(plan);
        }
        if count > 0 && !force {
            return Err(Refused::Running { count });
        }
        self.intervene(run, Event::Clear { nodes: plan.nodes.clone(), by }, turn)?;
        Ok(plan)
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
