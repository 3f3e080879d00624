//! A run that is under way: what made it, what is true of it, and what its commands and conditions are told.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::pipeline::definition::Pipeline;
use crate::pipeline::node::NodeId;
use crate::pipeline::policy::Settings;
use crate::pipeline::text::scope::Scope;
use crate::pipeline::text::template::{self, TemplateError};
use crate::schedule::slot::Key;

use super::machine::Run;

/// What made a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RunKind {
    /// A slot of a schedule.
    Scheduled,
    /// Somebody, for one date.
    Manual,
    /// Somebody, for a range of dates.
    Backfill,
}

impl RunKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Scheduled, Self::Manual, Self::Backfill];

    /// As it is written everywhere.
    pub fn word(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Manual => "manual",
            Self::Backfill => "backfill",
        }
    }

    /// The kind of this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// The slot that made a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The name of its schedule.
    pub schedule: Box<str>,
    /// Which.
    pub key: Key,
}

/// A run under way.
#[derive(Debug)]
pub struct Live {
    /// What is true of it.
    pub run: Run,
    /// What made it.
    pub kind: RunKind,
    /// Its slot; `None` where somebody made it.
    pub slot: Option<Slot>,
    /// Whether somebody has had something of it run again.
    pub cleared: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The version it is pinned to.
    pub pipeline: Arc<Pipeline>,
    /// What expressions and commands of it see.
    pub scope: Scope,
}

impl Live {
    /// A run that somebody has made.
    pub fn manual(run: Run, created_at: Timestamp, pipeline: Arc<Pipeline>, scope: Scope) -> Self {
        Self { run, kind: RunKind::Manual, slot: None, cleared: false, created_at, pipeline, scope }
    }

    /// What a text sees that the node itself says.
    pub fn scope_of(&self, node: NodeId) -> Cow<'_, Scope> {
        self.scope_at(self.run.tree().base(node))
    }

    /// What a text of the node's settings sees, given whether other settings say the same.
    pub fn scope_of_inherited(&self, node: NodeId, same: impl Fn(&Settings) -> bool) -> Cow<'_, Scope> {
        self.scope_at(self.run.tree().base_of_inherited(node, same))
    }

    fn scope_at(&self, base: Option<NodeId>) -> Cow<'_, Scope> {
        match base {
            None => Cow::Borrowed(&self.scope),
            Some(base) => Cow::Owned(Scope { base: self.run.tree().path(base), ..self.scope.clone() }),
        }
    }

    /// The node's variables with their templates filled in.
    pub fn env(&self, node: NodeId) -> Result<BTreeMap<Box<str>, Box<str>>, TemplateError> {
        let none = BTreeMap::new();
        let all = self.run.tree().settings(node).env.iter();
        let filled = all.map(|(name, text)| {
            let scope = self.scope_of_inherited(node, |other| other.env.get(name) == Some(text));
            Ok((name.clone(), template::render(text, &scope, &none)?.into()))
        });
        filled.collect()
    }

    /// A leaf has written these outputs; what an earlier attempt wrote is gone.
    pub fn set_outputs(&mut self, path: &str, outputs: BTreeMap<String, String>) {
        Arc::make_mut(&mut self.scope.outputs).insert(path.to_owned(), outputs);
    }

    /// What a leaf had written is void.
    pub fn forget_outputs(&mut self, path: &str) {
        if self.scope.outputs.contains_key(path) {
            Arc::make_mut(&mut self.scope.outputs).remove(path);
        }
    }
}
