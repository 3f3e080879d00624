//! The state directory of one person's own runs, and how the reading commands open one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::pipeline::diagnostic::nearest;
use crate::pipeline::node::{NodeId, Tree};
use crate::run::state::RunId;
use crate::store::db::{Error, FILE, Reader};
use crate::store::runs::{RunFilter, RunRecord};

use super::args::StateDir;

/// Paths that are compared to find what was meant.
const MOST_PATHS: usize = 10_000;

/// The directory that was named, else the desk directory.
pub fn directory(state: &StateDir) -> anyhow::Result<PathBuf> {
    if let Some(dir) = &state.dir {
        // Absolute: tasks and the keeper have working directories of their own.
        return std::path::absolute(dir).with_context(|| format!("--state-dir {}", dir.display()));
    }
    Ok(home("--state-dir")?.join("sexton/desk"))
}

/// The daemon's: the directory that was named, else one of its own.
pub fn daemon_directory(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    match named {
        Some(dir) => std::path::absolute(dir).with_context(|| format!("--state-dir {}", dir.display())),
        None => Ok(home("--state-dir")?.join("sexton/daemon")),
    }
}

/// Where programs keep their state, if `option` does not say another place.
fn home(option: &str) -> anyhow::Result<PathBuf> {
    if let Some(base) = std::env::var_os("XDG_STATE_HOME").filter(|base| Path::new(base).is_absolute()) {
        return Ok(base.into());
    }
    let home = std::env::var_os("HOME").with_context(|| format!("neither {option} nor $HOME is set"))?;
    Ok(PathBuf::from(home).join(".local/state"))
}

/// Opens what is remembered there, to read it.
pub async fn open(state: &StateDir) -> anyhow::Result<Reader> {
    let dir = directory(state)?;
    Reader::open(&dir).await.map_err(|error| {
        // SQLite's own words name no file.
        let nameless = matches!(error, Error::Database(_));
        let error = anyhow::Error::from(error);
        if nameless { error.context(dir.join(FILE).display().to_string()) } else { error }
    })
}

/// The node that is meant: a path, or the pipeline's name for the whole run.
pub fn node(tree: &Tree, run: &RunRecord, path: &str) -> anyhow::Result<NodeId> {
    let whole = (path == run.pipeline_name).then_some(NodeId::ROOT);
    tree.find(path).or(whole).ok_or_else(|| {
        let paths: Vec<String> = tree.ids().skip(1).take(MOST_PATHS).map(|id| tree.path(id)).collect();
        let near = nearest(path, paths.iter().map(String::as_str));
        let hint = near.map(|near| format!("; did you mean `{near}`?"));
        let hint = hint.unwrap_or_else(|| format!("; see `sexton tasks {}`", run.id));
        anyhow!("run {} has no task `{path}`{hint}", run.id)
    })
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
