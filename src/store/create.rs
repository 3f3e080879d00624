//! A new database: made beside its place without syncing, then synced once and given its name. What stands
//! under that name is whole, wherever the machine stopped.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::error::Error;
use super::lock::private_file;

/// What a database is called until it is finished.
const NEW: &str = ".new";

/// One that was never finished, and what may be left of another that was removed: SQLite would take that
/// one's log for the new one's.
const LEFT: [&str; 7] = [NEW, ".new-journal", ".new-wal", ".new-shm", "-journal", "-wal", "-shm"];

/// A database that has no name yet.
#[derive(Debug)]
pub(super) struct New {
    /// For whoever fills it.
    pub(super) connection: SqliteConnection,
    made: PathBuf,
    place: PathBuf,
}

impl New {
    /// Begins a database for `place`; `None` if there is one. The caller owns the directory.
    pub(super) async fn begin(place: &Path, options: SqliteConnectOptions) -> Result<Option<Self>, Error> {
        // A link that leads nowhere, say to a disk that is not mounted, is one too.
        match std::fs::symlink_metadata(place) {
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(source) => return Err(failed("look at", place)(source)),
        }
        for end in LEFT {
            let file = beside(place, end);
            match std::fs::remove_file(&file) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(failed("remove", &file)(source));
                }
                Ok(()) | Err(_) => {}
            }
        }
        let made = beside(place, NEW);
        private_file(&made)?;
        let connection = options
            .filename(&made)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off)
            .connect()
            .await?;
        Ok(Some(Self { connection, made, place: place.to_owned() }))
    }

    /// Makes it durable, and then the database.
    pub(super) async fn finish(mut self) -> Result<(), Error> {
        // Not before: up to here everything is in the file itself, and none of it in a log.
        sqlx::query("pragma journal_mode = wal").execute(&mut self.connection).await?;
        self.connection.close().await?;
        sync(&self.made)?;
        std::fs::rename(&self.made, &self.place).map_err(failed("create", &self.place))?;
        sync(self.place.parent().unwrap_or(&self.place))
    }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

fn sync(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed("write", path))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { doing, path, source }
}
