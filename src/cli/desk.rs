//! The state directory of one person's own runs, and how the reading commands open one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::pipeline::diagnostic::nearest;
use crate::pipeline::node::{NodeId, Tree};
use crate::run::state::RunId;
use crate::store::db::Reader;
use crate::store::runs::{RunFilter, RunRecord};

use super::args::StateDir;

/// Paths that are compared to find what was meant.
const MOST_PATHS: usize = 10_000;

/// The directory that was named, else the desk directory.
pub fn directory(state: &StateDir) -> anyhow::Result<PathBuf> {
    if let Some(dir) = &state.dir {
        return Ok(dir.clone());
    }
    let base = match std::env::var_os("XDG_STATE_HOME").filter(|base| Path::new(base).is_absolute()) {
        Some(base) => PathBuf::from(base),
        None => PathBuf::from(std::env::var_os("HOME").context("neither --state-dir nor $HOME is set")?)
            .join(".local/state"),
    };
    Ok(base.join("sexton/desk"))
}

/// Opens what is remembered there, to read it.
pub async fn open(state: &StateDir) -> anyhow::Result<Reader> {
    let dir = directory(state)?;
    Reader::open(&dir).await.map_err(Into::into)
}

/// The run with this number, or the newest.
pub async fn run(reader: &Reader, id: Option<i64>) -> anyhow::Result<RunRecord> {
    if let Some(id) = id {
        let run = reader.run(RunId(id)).await?;
        return run.ok_or_else(|| anyhow!("there is no run {id}; see `sexton runs`"));
    }
    let newest = reader.runs(&RunFilter::default(), 1).await?;
    newest.into_iter().next().context("there are no runs yet; `sexton run FILE` makes one")
}

/// The node at a path; the error names what was probably meant.
pub fn node(tree: &Tree, path: &str, run: RunId) -> anyhow::Result<NodeId> {
    if let Some(node) = tree.find(path) {
        return Ok(node);
    }
    let paths: Vec<String> = tree.ids().take(MOST_PATHS).map(|node| tree.path(node)).collect();
    let meant = nearest(path, paths.iter().map(String::as_str));
    Err(match meant {
        Some(meant) => anyhow!("run {run} has no `{path}`; did you mean `{meant}`?"),
        None => anyhow!("run {run} has no `{path}`; `sexton tasks {run}` lists what it has"),
    })
}
