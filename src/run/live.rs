//! A run that is under way: what is true of it, and what its commands and conditions are told.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::pipeline::definition::Pipeline;
use crate::pipeline::scope::Scope;

use super::machine::Run;

/// A run under way.
#[derive(Debug)]
pub struct Live {
    /// What is true of it.
    pub run: Run,
    /// The version it is pinned to.
    pub pipeline: Arc<Pipeline>,
    /// What expressions and commands of it see.
    pub scope: Scope,
}

impl Live {
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
