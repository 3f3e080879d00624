//! Between people and the engine: the mailbox for what they ask of live runs, answered when it is committed,
//! and the window through which they look on.

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::pipeline::graft::Graft;
use crate::pipeline::node::NodeId;
use crate::run::force::Mark;
use crate::run::live::Live;
use crate::run::machine::Illegal;
use crate::run::poke::LastPoke;
use crate::run::state::{RunId, Status};
use crate::schedule::horizon::Horizon;
use crate::schedule::slot::Entry;

/// How many commands may wait for the engine. People are slow; what fills this is a mistake, and waiting
/// is the right answer to it.
const WAITING: usize = 64;

/// What somebody wants to run again. Nodes are named by their paths, here and in every command: their numbers
/// may move between the word and the deed, where a run generates a part of its tree.
#[derive(Clone, Debug, Default)]
pub struct Clearing {
    /// Nodes; each stands for its whole subtree.
    pub targets: Vec<Box<str>>,
    /// Only tasks in these states; empty for all that have done, or are doing, anything.
    pub states: Vec<Status>,
    /// Also what comes after them.
    pub downstream: bool,
    /// Also what comes before them.
    pub upstream: bool,
}

/// A task that was, or would be, reset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    /// Which.
    pub path: String,
    /// How it stood before.
    pub was: Status,
}

/// Something that somebody wants of a live run.
#[derive(Debug)]
pub enum Command {
    /// Stop a node and all below it.
    Cancel {
        /// The run.
        run: RunId,
        /// The node; the root, `/`, stops the run.
        path: Box<str>,
        /// Who.
        by: Box<str>,
        /// Told when it is committed.
        answer: oneshot::Sender<Result<(), Refused>>,
    },
    /// Say what a node's state is.
    Mark {
        /// The run.
        run: RunId,
        /// The node.
        path: Box<str>,
        /// The word.
        mark: Mark,
        /// Who.
        by: Box<str>,
        /// Told when it is committed.
        answer: oneshot::Sender<Result<(), Refused>>,
    },
    /// Run nodes again.
    Clear {
        /// The run.
        run: RunId,
        /// What to clear.
        clearing: Clearing,
        /// Whether running tasks may be killed for it.
        force: bool,
        /// Only say what would be reset.
        dry_run: bool,
        /// Who.
        by: Box<str>,
        /// Told what was, or would be, reset.
        answer: oneshot::Sender<Result<Vec<Reset>, Refused>>,
    },
    /// Let a pipeline's slots make no runs, or let them again.
    Pause {
        /// The pipeline.
        pipeline: Box<str>,
        /// Who pauses it; `None` lets it go on.
        by: Option<Box<str>>,
        /// Told when it is committed.
        answer: oneshot::Sender<Result<(), Refused>>,
    },
}

/// Why a command was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The run is not live.
    #[error("run {0} is not under way")]
    NoSuchRun(RunId),
    /// The run's tree has no such node, or not any more.
    #[error("run {run} has no node `{path}`")]
    NoSuchNode {
        /// The run.
        run: RunId,
        /// The path.
        path: Box<str>,
    },
    /// No pipeline of this name is in force.
    #[error("there is no pipeline `{0}`")]
    NoSuchPipeline(Box<str>),
    /// The law does not allow it.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// Tasks run that would have to be killed.
    #[error("{count} of the tasks are running; `force` kills them first")]
    Running {
        /// How many.
        count: usize,
    },
    /// The run was dropped: its facts contradict the database.
    #[error("run {0} was halted: the database refused what happened to it; the daemon's log says more")]
    Halted(RunId),
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}

/// A handle on the mailbox.
#[derive(Clone, Debug)]
pub struct Control {
    commands: mpsc::Sender<Command>,
}

impl Control {
    /// A mailbox: the handle, and the engine's end.
    pub fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, inbox) = mpsc::channel(WAITING);
        (Self { commands }, inbox)
    }

    /// Stops a node and all below it.
    pub async fn cancel(&self, run: RunId, path: &str, by: &str) -> Result<(), Refused> {
        self.ask(|answer| Command::Cancel { run, path: path.into(), by: by.into(), answer }).await
    }

    /// Says what a node's state is.
    pub async fn mark(&self, run: RunId, path: &str, mark: Mark, by: &str) -> Result<(), Refused> {
        self.ask(|answer| Command::Mark { run, path: path.into(), mark, by: by.into(), answer }).await
    }

    /// Has nodes run again; what was reset.
    pub async fn clear(
        &self,
        run: RunId,
        clearing: Clearing,
        force: bool,
        by: &str,
    ) -> Result<Vec<Reset>, Refused> {
        let dry_run = false;
        self.ask(|answer| Command::Clear { run, clearing, force, dry_run, by: by.into(), answer }).await
    }

    /// Has a pipeline's slots make no runs until it is resumed.
    pub async fn pause(&self, pipeline: &str, by: &str) -> Result<(), Refused> {
        let by = Some(by.into());
        self.ask(|answer| Command::Pause { pipeline: pipeline.into(), by, answer }).await
    }

    /// Lets a paused pipeline go on; what was due meanwhile is not caught up.
    pub async fn resume(&self, pipeline: &str) -> Result<(), Refused> {
        self.ask(|answer| Command::Pause { pipeline: pipeline.into(), by: None, answer }).await
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, Refused>>) -> Command,
    ) -> Result<T, Refused> {
        let (answer, told) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| Refused::Ended)?;
        told.await.map_err(|_| Refused::Ended)?
    }
}

/// Somebody who looks on: told of every change once it is committed.
pub trait Watch: Send {
    /// These nodes of a run have changed; in document order.
    fn changed(&mut self, live: &Live, nodes: &[NodeId], now: Timestamp);
    /// A run's tree has another part: its nodes have other numbers from here on.
    fn grafted(&mut self, _live: &Live, _graft: &Graft) {}
    /// A sensor of a run was answered, and waits on unless `changed` says otherwise.
    fn poked(&mut self, _live: &Live, _node: NodeId, _poke: &LastPoke) {}
    /// A run has ended.
    fn finished(&mut self, live: &Live, now: Timestamp);
    /// This has become of a pipeline's slots.
    fn decided(&mut self, _pipeline: &str, _entries: &[Entry], _now: Timestamp) {}
    /// A schedule of a pipeline is near the end of its calendar, or behind it. Told when it is put into force,
    /// and once a day.
    fn horizon(&mut self, _pipeline: &str, _schedule: &str, _horizon: &Horizon) {}
    /// The engine goes round.
    fn alive(&mut self) {}
}
