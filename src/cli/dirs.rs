//! Options that many commands have: where the configuration is, and where runs are remembered.

use std::path::{Path, PathBuf};

use clap::Args;

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub struct ConfigDir {
    /// The directory with sexton.yaml, pipelines/ and calendars/ [default: config]
    #[arg(long = "config", value_name = "DIR", env = "SEXTON_CONFIG")]
    given: Option<PathBuf>,
}

impl ConfigDir {
    /// The directory that was named, else `config`.
    pub fn dir(&self) -> PathBuf {
        self.given.clone().unwrap_or_else(|| "config".into())
    }

    /// The directory that was named, which has to be there, else `config`, which need not.
    pub fn there(&self) -> anyhow::Result<PathBuf> {
        let dir = self.dir();
        anyhow::ensure!(self.given.is_none() || dir.is_dir(), "{}: no such directory", dir.display());
        Ok(dir)
    }

    /// The directory for a pipeline file: the one that was named, else the one the file lies in.
    pub fn around(&self, file: &Path) -> PathBuf {
        // Of `x.yaml` alone nobody can tell in which directory it lies.
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let file = if file.components().count() > 2 { file } else { &whole };
        let pipelines = file.parent().filter(|dir| dir.file_name().is_some_and(|name| name == "pipelines"));
        let inferred = pipelines.and_then(Path::parent).map(Path::to_owned);
        self.given.clone().or(inferred).unwrap_or_else(|| self.dir())
    }
}

/// Where runs are remembered.
#[derive(Clone, Debug, Args)]
pub struct StateDir {
    /// The directory with the database and the logs [default: your desk, ~/.local/state/sexton/desk];
    /// what a daemon ran is in its own, as a rule ~/.local/state/sexton/daemon
    #[arg(long = "state-dir", value_name = "DIR", env = "SEXTON_STATE_DIR")]
    pub dir: Option<PathBuf>,
}

/// Where a daemon remembers.
#[derive(Clone, Debug, Args)]
pub struct DaemonDir {
    /// The daemon's directory with the database [default: ~/.local/state/sexton/daemon, as of `serve`]
    #[arg(long = "state-dir", value_name = "DIR", env = "SEXTON_STATE_DIR")]
    pub dir: Option<PathBuf>,
}
