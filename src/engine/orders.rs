//! What the house itself asks of the engine, as people do through `control`: to go by other files, and to end.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::calendar::book::Book;
use crate::pipeline::definition::Pipeline;
use crate::store::db::CommitError;
use crate::store::in_force::Beside;
use crate::store::record::Evidence;

use super::surroundings::Surroundings;

/// The files that are to be in force: valid, all of them.
#[derive(Clone, Debug)]
pub struct Files {
    /// The pipelines.
    pub pipelines: Vec<Arc<Pipeline>>,
    /// The defaults they were read with, as text.
    pub defaults: String,
    /// What stands beside them.
    pub beside: Beside,
    /// What this installation is called.
    pub environment: String,
    /// What is the same for every command.
    pub surroundings: Surroundings,
    /// All calendars.
    pub calendars: Book,
    /// How many attempts may run at the same time.
    pub parallelism: usize,
    /// How many bytes a generated tree may have.
    pub lazy_limit: u64,
    /// What is noted in every run.
    pub evidence: Evidence,
}

/// What became of an order to go by other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enacted {
    /// Pipelines in force.
    pub pipelines: usize,
    /// Schedules in force.
    pub schedules: usize,
    /// When there was last no daemon: from, to.
    pub absence: Option<(Timestamp, Timestamp)>,
    /// Those that are new or say something else than before: they begin now. Pipeline, schedule.
    pub begun: Vec<(Box<str>, Box<str>)>,
}

/// An order.
#[derive(Debug)]
pub enum Order {
    /// Go by these files.
    Enact(Box<Files>, oneshot::Sender<Result<Enacted, CommitError>>),
    /// Start nothing more, and end; at once, or when what runs has ended.
    Stop {
        /// Whether to wait for what runs.
        drain: bool,
    },
}

/// A handle for giving orders.
#[derive(Clone, Debug)]
pub struct Orders {
    orders: mpsc::Sender<Order>,
}

impl Orders {
    /// The handle, and the engine's end. Orders are rare; the next waits for the one before.
    pub fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, inbox) = mpsc::channel(1);
        (Self { orders }, inbox)
    }

    /// Goes by other files; `None` where the engine has ended.
    pub async fn enact(&self, files: Files) -> Option<Result<Enacted, CommitError>> {
        let (answer, told) = oneshot::channel();
        self.orders.send(Order::Enact(Box::new(files), answer)).await.ok()?;
        told.await.ok()
    }

    /// Ends the engine.
    pub async fn stop(&self, drain: bool) {
        // It may have ended by itself.
        let _ = self.orders.send(Order::Stop { drain }).await;
    }
}
