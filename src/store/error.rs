//! What can go wrong in this room, by what somebody can do about it.

use std::path::PathBuf;

/// Opening, reading or defining failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process owns the state directory.
    #[error("`{path}` is in use by {holder}", path = .path.display(), holder = holder(.pid.as_ref()))]
    Locked {
        /// The owner, if its lock file says so.
        pid: Option<u32>,
        /// The state directory.
        path: PathBuf,
    },
    /// The directory is on a file system whose locks and shared memory SQLite cannot trust.
    #[error(
        "`{path}` is on a network file system ({kind}), which loses or corrupts SQLite databases: choose a local disk",
        path = .path.display()
    )]
    Network {
        /// The state directory.
        path: PathBuf,
        /// The file system's name.
        kind: &'static str,
    },
    /// There is no database to read.
    #[error("`{path}` does not exist: nothing has run here yet", path = .path.display())]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// The database has been through a migration that this binary does not know.
    #[error(
        "`{path}` was written by a newer sexton{version}, migration {found}; this one knows up to {known}: \
         install that version or restore a backup",
        path = .path.display(),
        version = .by.as_ref().map(|by| format!(" ({by})")).unwrap_or_default()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its newest migration.
        found: i64,
        /// The newest one known here.
        known: i64,
        /// The newest release that opened it, if it can be told.
        by: Option<String>,
    },
    /// The database waits for a migration, which only its owner may apply.
    #[error(
        "`{path}` is at migration {found}, and this sexton reads migration {known}: start its daemon once",
        path = .path.display()
    )]
    Outdated {
        /// The database file.
        path: PathBuf,
        /// Its newest migration.
        found: i64,
        /// The one that is needed.
        known: i64,
    },
    /// A migration that was applied reads differently now.
    #[error(
        "migration {migration} of `{path}` is not the one this sexton has: the file was made by another build",
        path = .path.display()
    )]
    Edited {
        /// The database file.
        path: PathBuf,
        /// Which migration.
        migration: i64,
    },
    /// A migration could not be applied.
    #[error("cannot bring `{path}` up to date", path = .path.display())]
    Migrate {
        /// The database file.
        path: PathBuf,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
    /// The state directory or a file in it cannot be used.
    #[error("cannot {doing} `{path}`", path = .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A generated tree is not valid for this version of sexton.
    #[error("the tree that `{path}` wrote can no longer be read:\n{report}")]
    Tree {
        /// The lazy node.
        path: String,
        /// What is wrong with it, in words.
        report: String,
    },
    /// SQLite refused.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The database holds what no sexton writes.
    #[error("the database is damaged")]
    Damaged(#[from] Damage),
}

/// Something stored that cannot be read as what it should be.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// A word that is not one of those the column may hold.
    #[error("`{word}` is no {column}")]
    Word {
        /// What the column holds.
        column: &'static str,
        /// What it said.
        word: String,
    },
    /// A path that its run's tree does not have.
    #[error("the tree has no `{path}`")]
    Path {
        /// The path.
        path: String,
    },
    /// A state without a fact that belongs to it, or with one that does not.
    #[error("a {status} node does not have the facts of one")]
    Facts {
        /// The state's word.
        status: &'static str,
    },
    /// What is no slot's key.
    #[error("`{text}` is no slot")]
    Slot {
        /// What it said.
        text: String,
    },
    /// JSON of another shape.
    #[error("{column} cannot be read")]
    Json {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// An instant beyond time.
    #[error("{ms} ms is no instant")]
    Instant {
        /// The stored number.
        ms: i64,
        /// What is wrong with it.
        source: jiff::Error,
    },
    /// A number that does not fit what it counts.
    #[error("{number} is no {column}")]
    Number {
        /// The column.
        column: &'static str,
        /// The stored number.
        number: i64,
    },
    /// A date that is not one.
    #[error("`{text}` is no date")]
    Date {
        /// The stored text.
        text: String,
        /// What is wrong with it.
        source: jiff::Error,
    },
}

/// A batch was not committed; nothing of it is there.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The surroundings failed: no space, no I/O, no lock. The same batch may be committed later.
    #[error("cannot write to the database for now")]
    Transient(#[source] sqlx::Error),
    /// The batch contradicts the database, or the database is corrupt. Trying again changes nothing.
    #[error("the database refused what happened")]
    Broken(#[source] sqlx::Error),
}

impl CommitError {
    /// Whether the database is sound and has only refused what the batch says: a constraint does not hold.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Transient(_) => false,
            Self::Broken(error) => primary(error).is_some_and(|code| REFUSALS.contains(&code)),
        }
    }
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) { Self::Transient(error) } else { Self::Broken(error) }
    }
}

impl From<Damage> for CommitError {
    fn from(damage: Damage) -> Self {
        Self::Broken(sqlx::Error::Decode(damage.into()))
    }
}

/// SQLite's primary result codes (sqlite.org/rescode.html) that say nothing against the statement itself:
/// BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL.
const SURROUNDINGS: [i32; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

/// `SQLITE_IOERR_DATA` and `SQLITE_IOERR_CORRUPTFS`: I/O errors that are corruption.
const CORRUPT_IO: [i32; 2] = [0x200a, 0x210a];

/// TOOBIG, CONSTRAINT, MISMATCH: the statement's own fault.
const REFUSALS: [i32; 3] = [18, 19, 20];

fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error().and_then(|error| error.code()?.parse().ok())
}

fn primary(error: &sqlx::Error) -> Option<i32> {
    code(error).map(|code| code & 0xff)
}

fn is_transient(error: &sqlx::Error) -> bool {
    match code(error) {
        Some(code) => SURROUNDINGS.contains(&(code & 0xff)) && !CORRUPT_IO.contains(&code),
        None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolTimedOut),
    }
}

fn holder(pid: Option<&u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}
