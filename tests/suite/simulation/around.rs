//! What a daemon of the tests finds around it: a directory, no secrets, and the definitions it has kept.

use std::path::Path;
use std::sync::Arc;

use sexton::calendar::book::Book;
use sexton::config::kept;
use sexton::engine::surroundings::{Secrets, Surroundings};
use sexton::pipeline::definition::Pipeline;
use sexton::store::catalog::Definition;

pub(super) fn surroundings(dir: &Path) -> Surroundings {
    Surroundings { directory: dir.to_owned(), base: Vec::new(), secrets: Arc::new(NoSecrets) }
}

pub(in crate::suite) fn reread(definition: &Definition) -> Result<Pipeline, String> {
    kept::read(&definition.name, &definition.source, &definition.defaults, &Book::embedded())
}

/// Nobody has declared any.
#[derive(Debug)]
pub(in crate::suite) struct NoSecrets;

impl Secrets for NoSecrets {
    fn value(&self, name: &str) -> Result<String, String> {
        Err(format!("the secret `{name}` is not known"))
    }

    fn names(&self) -> Vec<Box<str>> {
        Vec::new()
    }

    fn named(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}
