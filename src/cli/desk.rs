//! The state directory of one person's own runs, and how the reading commands open one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};

use crate::pipeline::node::{NodeId, Tree};
use crate::run::machine::Run;
use crate::run::state::RunId;
use crate::store::db::{Error, FILE, Reader, is_owned};
use crate::store::record::PipelineId;
use crate::store::runs::{RunFilter, RunRecord};
use crate::yaml::diagnostic::nearest;

use super::dirs::{DaemonDir, StateDir};

/// Paths that are compared to find what was meant.
const MOST_PATHS: usize = 10_000;
/// Pipelines that are.
const MOST_PIPELINES: u32 = 10_000;

/// The directory that was named, else the desk directory.
pub fn directory(state: &StateDir) -> anyhow::Result<PathBuf> {
    if let Some(dir) = &state.dir {
        // Absolute: tasks and the keeper have working directories of their own.
        return std::path::absolute(dir).with_context(|| format!("--state-dir {}", dir.display()));
    }
    own()
}

fn own() -> anyhow::Result<PathBuf> {
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

/// Opens what is remembered there, to read it. People are told which directory that is, where they may have meant
/// another.
pub async fn open(state: &StateDir, for_people: bool) -> anyhow::Result<Reader> {
    let dir = directory(state)?;
    if for_people
        && state.dir.is_none()
        && let Ok(other) = daemon_directory(None)
        && other.join(FILE).exists()
    {
        eprintln!("this is of your desk, {}; of the daemon it is with{}", dir.display(), option(&other));
    }
    Reader::open(&dir).await.map_err(|error| named(error, &dir))
}

/// Tells people that nobody is at work in a directory where a run is under way that was `shown` to them, as after a
/// sudden end, and who takes it up.
pub async fn say_if_abandoned(
    dir: &Path,
    reader: &Reader,
    shown: impl Fn(&RunRecord) -> bool,
) -> anyhow::Result<()> {
    // Looked up after that: a run that was under way when it was shown may have ended with who was at work.
    if is_owned(dir) || !reader.unfinished_runs().await?.iter().any(shown) {
        return Ok(());
    }
    let place = dir.display();
    if reader.in_force().await?.is_some() {
        let there = unless(dir, daemon_directory(None));
        eprintln!("no daemon is at work in {place}: `sexton serve{there}` takes up what is under way");
    } else {
        let there = there(dir);
        eprintln!("nobody is at work in {place}: the next `sexton run{there}` closes what is under way");
    }
    Ok(())
}

/// Opens what a daemon remembers, to read it.
pub async fn open_daemon(state: &DaemonDir) -> anyhow::Result<Reader> {
    let dir = daemon_directory(state.dir.as_deref())?;
    Reader::open(&dir).await.map_err(|error| {
        if let Error::Missing { path } = error {
            let path = path.display();
            anyhow!("{path} does not exist: no daemon has been here; --state-dir names the one of another")
        } else {
            named(error, &dir)
        }
    })
}

fn named(error: Error, dir: &Path) -> anyhow::Error {
    // SQLite's own words name no file.
    let nameless = matches!(error, Error::Database(_));
    let error = anyhow::Error::from(error);
    if nameless { error.context(dir.join(FILE).display().to_string()) } else { error }
}

/// What another reading command must be told so that it looks at this directory too: nothing, where it does
/// so anyway.
pub fn there(dir: &Path) -> String {
    unless(dir, own())
}

/// The same of a command that looks at `default` where it is told nothing.
fn unless(dir: &Path, default: anyhow::Result<PathBuf>) -> String {
    let from_environment = std::env::var_os("SEXTON_STATE_DIR").map(PathBuf::from);
    let anyway = match from_environment {
        Some(named) => std::path::absolute(named).ok(),
        None => default.ok(),
    };
    if anyway.is_some_and(|anyway| anyway == dir) { String::new() } else { option(dir) }
}

/// ` --state-dir DIR`, as a shell takes it: for whoever has another environment.
pub fn option(dir: &Path) -> String {
    let text = dir.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    let text = if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) };
    format!(" --state-dir {text}")
}

/// The number of the pipeline with this name.
pub async fn pipeline(reader: &Reader, name: &str) -> anyhow::Result<PipelineId> {
    if let Some(id) = reader.pipeline(name).await? {
        return Ok(id);
    }
    let known = reader.pipeline_names(MOST_PIPELINES).await?;
    let near = nearest(name, known.iter().map(String::as_str));
    let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(anyhow!("no pipeline `{name}` is known here{hint}"))
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

/// Whether a path is that of a task of a generated tree that is gone: another was generated since.
pub fn was_generated(run: &Run, path: &str) -> bool {
    let path = path.trim_start_matches('/');
    run.tree().find(path).is_none() && run.former().any(|(former, _)| former == path)
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
