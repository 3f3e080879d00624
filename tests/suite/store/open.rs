//! Who may open a state directory, and which databases are refused.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sexton::store::db::{Error, FILE, Reader, Store, is_owned};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::harness::{BOOT, at, fresh, open};

/// SQLite without the store in between.
pub(super) async fn bare(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(dir.join(FILE)).connect().await.unwrap()
}

async fn after(sql: &'static str) -> (TempDir, Error, Error) {
    let (dir, store) = fresh().await;
    store.close().await.unwrap();
    let mut sqlite = bare(dir.path()).await;
    sqlx::raw_sql(sql).execute(&mut sqlite).await.unwrap();
    sqlite.close().await.unwrap();
    let owner = Store::open(dir.path(), at(1), BOOT).await.unwrap_err();
    let reader = Reader::open(dir.path()).await.unwrap_err();
    (dir, owner, reader)
}

#[tokio::test]
async fn the_directory_and_its_files_are_their_owners_alone() {
    let above = TempDir::new().unwrap();
    let dir = above.path().join("var/sexton");
    let store = open(&dir).await;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for file in ["sexton.lock", "sexton.db", "sexton.db-wal", "sexton.db-shm"] {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_second_owner_is_told_the_first_ones_pid() {
    let (dir, store) = fresh().await;
    let error = Store::open(dir.path(), at(1), BOOT).await.unwrap_err();
    let pid = std::process::id();
    assert_eq!(error.to_string(), format!("`{}` is in use by process {pid}", dir.path().display()));
    store.close().await.unwrap();
    open(dir.path()).await.close().await.unwrap();
}

#[tokio::test]
async fn whoever_looks_sees_whether_there_is_an_owner() {
    let above = TempDir::new().unwrap();
    let dir = above.path().join("sexton");
    assert!(!is_owned(&dir), "there is not even a directory");
    let store = open(&dir).await;
    assert!(is_owned(&dir));
    store.close().await.unwrap();
    assert!(!is_owned(&dir));
}

#[tokio::test]
async fn a_lock_of_another_process_counts() {
    let dir = TempDir::new().unwrap();
    let lock = dir.path().join("sexton.lock");
    std::fs::write(&lock, "4242\n").unwrap();
    let mut holder = std::process::Command::new("flock")
        .arg("--no-fork")
        .arg(&lock)
        .args(["sh", "-c", "echo locked; exec sleep 60"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = [0; 7];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut told).unwrap();
    let error = Store::open(dir.path(), at(0), BOOT).await.unwrap_err();
    assert!(matches!(error, Error::Locked { pid: Some(4242), .. }), "{error}");
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[tokio::test]
async fn opening_again_changes_nothing() {
    let (dir, store) = fresh().await;
    store.close().await.unwrap();
    let store = open(dir.path()).await;
    store.close().await.unwrap();
    let mut sqlite = bare(dir.path()).await;
    let starts: Vec<(String, String, i64)> =
        sqlx::query_as("select version, boot_id, at from starts").fetch_all(&mut sqlite).await.unwrap();
    let start = (env!("CARGO_PKG_VERSION").to_owned(), BOOT.to_owned(), at(0).as_millisecond());
    assert_eq!(starts, [start.clone(), start]);
}

#[tokio::test]
async fn commits_are_synced_and_foreign_keys_hold() {
    let (dir, store) = fresh().await;
    let mut sqlite = bare(dir.path()).await;
    let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&mut sqlite).await.unwrap();
    assert_eq!(mode, "wal");
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_newer_database_is_refused_with_what_to_do() {
    let (dir, owner, reader) = after(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (7, 'slots', true, x'00', 0);
         insert into starts (version, boot_id, at) values ('0.9.0', 'a boot', 9000000000000);",
    )
    .await;
    let expected = format!(
        "`{}` was written by a newer sexton (0.9.0), migration 7; this one knows up to 5: install that \
         version or restore a backup",
        dir.path().join(FILE).display()
    );
    assert_eq!(owner.to_string(), expected);
    assert_eq!(reader.to_string(), expected);
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    let (_dir, owner, reader) =
        after("update _sqlx_migrations set checksum = x'0102' where version = 1;").await;
    for error in [owner, reader] {
        assert!(matches!(error, Error::Edited { migration: 1, .. }), "{error}");
    }
}

#[tokio::test]
async fn a_reader_does_not_migrate() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join(FILE), "").unwrap();
    let error = Reader::open(dir.path()).await.unwrap_err();
    assert!(matches!(error, Error::Outdated { found: 0, known: 5, .. }), "{error}");
}

#[tokio::test]
async fn a_reader_needs_a_database() {
    let dir = TempDir::new().unwrap();
    let error = Reader::open(dir.path()).await.unwrap_err();
    let path = dir.path().join(FILE);
    assert_eq!(error.to_string(), format!("`{}` does not exist: nothing has run here yet", path.display()));
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(FILE);
    std::fs::write(&path, "a diary, and not a short one: ".repeat(100)).unwrap();
    assert!(matches!(Store::open(dir.path(), at(0), BOOT).await.unwrap_err(), Error::Database(_)));
    assert!(std::fs::read_to_string(&path).unwrap().starts_with("a diary"));
}

#[tokio::test]
async fn a_reader_reads_with_and_without_an_owner() {
    let (dir, mut store) = fresh().await;
    let id = super::harness::version(&mut store).await;
    let reader = Reader::open(dir.path()).await.unwrap();
    assert!(reader.version(id).await.unwrap().is_some());
    store.close().await.unwrap();
    reader.close().await;
    let reader = Reader::open(dir.path()).await.unwrap();
    assert!(reader.version(id).await.unwrap().is_some());
    reader.close().await;
    open(dir.path()).await.close().await.unwrap();
}

#[tokio::test]
async fn a_database_that_was_never_finished_is_none() {
    let dir = TempDir::new().unwrap();
    for end in ["", "-journal", "-wal", "-shm"] {
        std::fs::write(dir.path().join(format!("{FILE}.new{end}")), "half of it").unwrap();
    }
    assert!(matches!(Reader::open(dir.path()).await.unwrap_err(), Error::Missing { .. }));
    let store = open(dir.path()).await;
    assert_eq!(store.epoch(), 1);
    store.close().await.unwrap();
    let left: BTreeSet<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["sexton.db", "sexton.lock"].map(Into::into).into());
}

#[tokio::test]
async fn what_is_left_of_a_removed_database_is_not_the_new_ones() {
    let (dir, mut store) = fresh().await;
    let id = super::harness::version(&mut store).await;
    let log = dir.path().join(format!("{FILE}-wal"));
    let kept = std::fs::read(&log).unwrap();
    assert!(!kept.is_empty());
    store.close().await.unwrap();
    std::fs::remove_file(dir.path().join(FILE)).unwrap();
    std::fs::write(&log, kept).unwrap();
    let store = open(dir.path()).await;
    assert_eq!(store.epoch(), 1);
    assert_eq!(store.reader().version(id).await.unwrap(), None);
    store.close().await.unwrap();
    let mut sqlite = bare(dir.path()).await;
    let sound: String = sqlx::query_scalar("pragma integrity_check").fetch_one(&mut sqlite).await.unwrap();
    assert_eq!(sound, "ok");
}

#[tokio::test]
async fn a_link_that_leads_nowhere_is_not_replaced() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(FILE);
    std::os::unix::fs::symlink("/nowhere/sexton.db", &path).unwrap();
    assert!(matches!(Store::open(dir.path(), at(0), BOOT).await.unwrap_err(), Error::Database(_)));
    assert!(path.is_symlink());
}

#[tokio::test]
async fn an_empty_file_becomes_a_database_in_its_place() {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join(FILE), "").unwrap();
    let store = open(dir.path()).await;
    assert_eq!(store.epoch(), 1);
    store.close().await.unwrap();
    Reader::open(dir.path()).await.unwrap().close().await;
}

#[tokio::test]
async fn the_last_sign_of_life_outlives_its_process() {
    let dir = TempDir::new().unwrap();
    let last_alive = async || {
        let store = open(dir.path()).await;
        (store.last_alive(), store)
    };
    let (never, store) = last_alive().await;
    assert_eq!(never, None);
    store.close().await.unwrap();
    // A start alone is none.
    let (never, store) = last_alive().await;
    assert_eq!(never, None);
    store.alive(at(30_000));
    store.alive(at(60_001));
    assert_eq!(store.last_alive(), None);
    // Dropped, as a process that is killed drops it.
    drop(store);
    let (killed, store) = last_alive().await;
    assert_eq!(killed, Some(at(60_001)));
    // Who is not let in, or cannot start, does not pass for alive.
    Store::open(dir.path(), at(70_000), BOOT).await.unwrap_err();
    store.close().await.unwrap();
    let path = dir.path().join(FILE);
    let database = std::fs::read(&path).unwrap();
    std::fs::write(&path, "a diary, and not a short one: ".repeat(100)).unwrap();
    Store::open(dir.path(), at(80_000), BOOT).await.unwrap_err();
    std::fs::write(&path, database).unwrap();
    let (still, store) = last_alive().await;
    assert_eq!(still, Some(at(60_001)));
    // The clock may go backwards.
    store.alive(at(-5_000));
    drop(store);
    assert_eq!(last_alive().await.0, Some(at(-5_000)));
}
