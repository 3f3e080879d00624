//! What can go wrong in the keeper as a whole. What goes wrong with one attempt is part of its record.

use std::path::PathBuf;

use thiserror::Error;

/// Why a keeper cannot serve, or cannot be started.
#[derive(Debug, Error)]
pub enum Error {
    /// The directory is someone else's, or cannot be made private.
    #[error("the keeper's directory `{dir}` cannot be used: {source}")]
    Dir {
        /// Which.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another keeper owns the directory.
    #[error("a keeper already serves `{dir}`: pid {pid}")]
    Held {
        /// Which directory.
        dir: PathBuf,
        /// The holder's process id, as its lock file says.
        pid: String,
    },
    /// A file of the keeper's own cannot be read or written.
    #[error("`{path}`: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The kernel refused something the keeper cannot do without.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The state a predecessor handed over cannot be read.
    #[error("the state handed over by the keeper before cannot be read: {0}")]
    Handoff(String),
    /// The started keeper did not come to serve.
    #[error("the keeper did not start: {0}")]
    NotStarted(String),
}

impl Error {
    /// For `map_err`: the kernel refused to do `what`.
    pub(super) fn system<E: Into<std::io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::System { what, source: source.into() }
    }

    /// For `map_err`: something about the file at `path`.
    pub(super) fn file<E: Into<std::io::Error>>(path: impl Into<PathBuf>) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |source| Self::File { path, source: source.into() }
    }
}
