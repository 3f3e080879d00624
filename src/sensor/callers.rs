//! Those who ask the network: few at the same time, and fewer of one server.

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::Client;
use tokio::sync::OnceCell;
use tokio::task::{Id, JoinSet};

use crate::clock::Clock;
use crate::pipeline::sensor::{Http, Object};

use super::answer::Seen;
use super::gate::Gate;
use super::object::Stores;
use super::question::WatchId;
use super::{http, object};

/// Those who ask the network.
pub(super) struct Callers {
    clock: Arc<dyn Clock>,
    kept: HashMap<WatchId, Arc<Request>>,
    gate: Gate,
    away: JoinSet<Seen>,
    calls: HashMap<Id, (WatchId, Box<str>)>,
    lines: Arc<Lines>,
}

#[derive(Debug)]
enum Request {
    Http(Box<http::Request>),
    Object(object::Request),
}

/// What calls are made with; each is made when it is first needed.
#[derive(Debug, Default)]
struct Lines {
    client: OnceCell<Client>,
    stores: Stores,
}

impl Callers {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            kept: HashMap::new(),
            gate: Gate::default(),
            away: JoinSet::new(),
            calls: HashMap::new(),
            lines: Arc::default(),
        }
    }

    /// Takes on a wait, or says why there can be nothing to wait for.
    pub(super) fn add_http(&mut self, watch: WatchId, question: &Http) -> Result<(), String> {
        self.kept.insert(watch, Arc::new(Request::Http(Box::new(http::Request::new(question)?))));
        Ok(())
    }

    /// Takes on a wait, or says why there can be nothing to wait for.
    pub(super) fn add_object(&mut self, watch: WatchId, question: &Object) -> Result<(), String> {
        self.kept.insert(watch, Arc::new(Request::Object(object::Request::new(question)?)));
        Ok(())
    }

    pub(super) fn forget(&mut self, watch: WatchId) {
        self.kept.remove(&watch);
    }

    /// Asks as soon as it is its turn.
    pub(super) fn queue(&mut self, watch: WatchId) {
        if let Some(request) = self.kept.get(&watch) {
            self.gate.queue(watch, request.server());
        }
    }

    /// Lets those ask whose turn it is.
    pub(super) fn start(&mut self) {
        while let Some((watch, server)) = self.gate.admit() {
            let Some(request) = self.kept.get(&watch).cloned() else {
                self.gate.leave(&server);
                continue;
            };
            let (clock, lines) = (self.clock.clone(), self.lines.clone());
            let task = self.away.spawn(async move { request.ask(&lines, &*clock).await });
            self.calls.insert(task.id(), (watch, server));
        }
    }

    /// Waits for an answer. May be dropped and called again; nothing gets lost.
    pub(super) async fn answered(&mut self) -> (WatchId, Seen) {
        loop {
            let Some(back) = self.away.join_next_with_id().await else { return std::future::pending().await };
            let (id, seen) = back.unwrap_or_else(|error| {
                tracing::error!(%error, "a look over the network went wrong");
                (error.id(), Seen::not_yet("the look went wrong; the daemon's log says more"))
            });
            if let Some((watch, server)) = self.calls.remove(&id) {
                self.gate.leave(&server);
                return (watch, seen);
            }
        }
    }
}

impl Request {
    fn server(&self) -> &str {
        match self {
            Self::Http(request) => request.server(),
            Self::Object(request) => request.server(),
        }
    }

    async fn ask(&self, lines: &Lines, clock: &dyn Clock) -> Seen {
        match self {
            Self::Object(request) => request.ask(&lines.stores).await,
            Self::Http(request) => match lines.client().await {
                Ok(client) => request.ask(client, clock.now()).await,
                Err(why) => Seen::not_yet(why),
            },
        }
    }
}

impl Lines {
    /// Whom this machine trusts is read from files.
    async fn client(&self) -> Result<&Client, String> {
        let make = || async {
            let made = tokio::task::spawn_blocking(http::client).await.map_err(|error| error.to_string())?;
            made.map_err(|error| format!("no web address can be asked: {error}"))
        };
        self.client.get_or_try_init(make).await
    }
}
