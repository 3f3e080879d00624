//! The database's shapes, in order. A migration that was released is never edited: its checksum is in every
//! database it was applied to.

use std::path::Path;

use sqlx::migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr as _, SqliteConnection};

use super::error::Error;

const FILES: [(i64, &str, &str); 5] = [
    (1, "runs", include_str!("../../migrations/0001_runs.sql")),
    (2, "schedules", include_str!("../../migrations/0002_schedules.sql")),
    (3, "kinds", include_str!("../../migrations/0003_kinds.sql")),
    (4, "market", include_str!("../../migrations/0004_market.sql")),
    (5, "trees", include_str!("../../migrations/0005_trees.sql")),
];

const TABLE: &str = "_sqlx_migrations";

/// Brings the database up to date.
pub(super) async fn apply(connection: &mut SqliteConnection, path: &Path) -> Result<(), Error> {
    if check(connection, path).await? == known() {
        return Ok(());
    }
    migrator().run_direct(None, connection, false).await.map_err(|error| told(error, path))
}

/// Refuses a database that this binary could only damage or misread.
pub(super) async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<i64, Error> {
    let exists: bool = sqlx::query_scalar(
        "select exists (select 1 from sqlite_schema where type = 'table' and name = '_sqlx_migrations')",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !exists {
        return Ok(0);
    }
    let applied = connection.list_applied_migrations(TABLE).await.map_err(|error| told(error, path))?;
    let found = applied.last().map_or(0, |migration| migration.version);
    if found > known() {
        let by = sqlx::query_scalar("select version from starts order by id desc limit 1")
            .fetch_optional(connection)
            .await;
        return Err(Error::Newer { path: path.to_owned(), found, known: known(), by: by.ok().flatten() });
    }
    let migrator = migrator();
    for migration in &applied {
        let same = migrator
            .iter()
            .any(|known| known.version == migration.version && known.checksum == migration.checksum);
        if !same {
            return Err(Error::Edited { path: path.to_owned(), migration: migration.version });
        }
    }
    Ok(found)
}

/// The newest migration this binary has.
pub(super) fn known() -> i64 {
    FILES[FILES.len() - 1].0
}

fn migrator() -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(FILES.into_iter().map(migration).collect())
}

fn told(source: MigrateError, path: &Path) -> Error {
    Error::Migrate { path: path.to_owned(), source }
}
