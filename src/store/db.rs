//! The database file and who may use it: one writing connection for the owner of the state directory, a few
//! reading ones for everybody. It knows no table but its own `starts`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::create::New;
pub use super::error::{CommitError, Damage, Error};
use super::instant::ms;
use super::lock::{self, Lock};
use super::migrations;

/// The database's name in its state directory.
pub const FILE: &str = "sexton.db";

/// Whether a process owns the state directory `dir`: a daemon, or a run in the foreground.
pub fn is_owned(dir: &Path) -> bool {
    lock::is_owned(dir)
}

/// How long a statement waits for another process's lock: a backup, or somebody with `sqlite3`.
const BUSY: Duration = Duration::from_secs(5);

/// Readers at the same time; more wait.
const READERS: u32 = 4;

/// A WAL that one long read made grow is cut back to this many bytes.
const WAL_LIMIT: &str = "67108864";

/// The owner's hold on the database: everything that is written goes through here, in order.
#[derive(Debug)]
pub struct Store {
    pub(super) writer: Writer,
    reader: Reader,
    epoch: u64,
    // Last: the directory is given up after the connections.
    lock: Lock,
}

impl Store {
    /// Takes the state directory `dir`, made if missing, and brings its database up to date. `boot_id` is
    /// the machine's boot, by which attempts are known that cannot have survived it.
    pub async fn open(dir: &Path, now: Timestamp, boot_id: &str) -> Result<Self, Error> {
        let lock = Lock::take(dir)?;
        let path = dir.join(FILE);
        let mut writer = Writer { path: path.clone(), connection: None };
        let epoch = if let Some(mut new) = New::begin(&path, options(&path)).await? {
            let epoch = take_over(&mut new.connection, &path, now, boot_id).await?;
            new.finish().await?;
            writer.connection().await?;
            epoch
        } else {
            take_over(writer.connection().await?, &path, now, boot_id).await?
        };
        let reader = Reader::of(&path);
        Ok(Self { writer, reader, epoch, lock })
    }

    /// How many times this database has been taken over; grows with every start.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When an owner before this one was last alive, as it told; `None` in a new directory.
    pub fn last_alive(&self) -> Option<Timestamp> {
        self.lock.last_alive()
    }

    /// A sign of life, for whoever takes over after a sudden end. It costs a system call.
    pub fn alive(&self, now: Timestamp) {
        self.lock.alive(now);
    }

    /// The read side; clones share its connections.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Closes all connections, moves the WAL into the database and gives up the directory.
    pub async fn close(mut self) -> Result<(), Error> {
        self.reader.pool.close().await;
        match self.writer.connection.take() {
            Some(connection) => Ok(connection.close().await?),
            None => Ok(()),
        }
    }
}

/// Brings the database up to date and enters the start of this process; the answer is its epoch.
async fn take_over(
    connection: &mut SqliteConnection,
    path: &Path,
    now: Timestamp,
    boot_id: &str,
) -> Result<u64, Error> {
    migrations::apply(connection, path).await?;
    let start = sqlx::query("insert into starts (version, boot_id, at) values (?, ?, ?)")
        .bind(env!("CARGO_PKG_VERSION"))
        .bind(boot_id)
        .bind(ms(now))
        .execute(connection)
        .await?;
    Ok(start.last_insert_rowid().cast_unsigned())
}

/// The one connection that writes. `None` between a failure that may have taken it along and the next use.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    connection: Option<SqliteConnection>,
}

/// What a statement is given.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Text(String),
    Bytes(Arc<[u8]>),
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Writer {
    pub(super) async fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                options(&self.path)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .pragma("journal_size_limit", WAL_LIMIT)
                    .connect()
                    .await?
            }
        };
        Ok(self.connection.insert(connection))
    }

    /// Runs statements as one transaction. `sql` begins and commits it itself, in one message to SQLite's
    /// thread: sqlx's own transactions cost a message a statement, and lose count when SQLite has rolled
    /// back by itself, as it does on a full disk.
    ///
    /// The connection is put back only when the transaction is known to be over, so a failed or dropped
    /// one is not continued by the next.
    pub(super) async fn transact(
        &mut self,
        sql: String,
        arguments: impl IntoIterator<Item = impl Into<Argument>>,
    ) -> Result<(), sqlx::Error> {
        self.connection().await?;
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for argument in arguments {
            query = match argument.into() {
                Argument::Text(text) => query.bind(text),
                Argument::Bytes(bytes) => query.bind(bytes.to_vec()),
            };
        }
        let result = query.execute(&mut connection).await;
        match result {
            Ok(_) => {
                self.connection = Some(connection);
                Ok(())
            }
            Err(error) => {
                // It fails where SQLite has rolled back already; a new connection is the answer to both.
                if sqlx::query("rollback").execute(&mut connection).await.is_ok() {
                    self.connection = Some(connection);
                } else {
                    let _ = connection.close().await;
                }
                Err(error)
            }
        }
    }
}

/// Reads the database, whoever owns it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) pool: SqlitePool,
}

impl Reader {
    /// Opens the database in `dir` for reading, with or without a daemon at work on it.
    pub async fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(Error::Missing { path }),
            Err(source) => return Err(Error::Io { doing: "look at", path, source }),
        }
        let reader = Self::of(&path);
        let mut connection = reader.pool.acquire().await?;
        let found = migrations::check(&mut connection, &path).await?;
        if found < migrations::known() {
            return Err(Error::Outdated { path, found, known: migrations::known() });
        }
        drop(connection);
        Ok(reader)
    }

    /// Closes its connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Connections are made when first needed and kept: a pool that tidies up wakes an idle daemon.
    fn of(path: &Path) -> Self {
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS)
            .min_connections(0)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(options(path).read_only(true));
        Self { pool }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).busy_timeout(BUSY).disable_statement_logging()
}
