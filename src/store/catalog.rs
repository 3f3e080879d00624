//! Pipelines and the versions of their definitions. A version is written once and never changed.

use jiff::Timestamp;
use serde_json::json;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::db::{Reader, Store};
use super::error::{CommitError, Error};
use super::instant::ms;
use super::record::{PipelineId, VersionId};
use super::row::{get, instant};

/// A definition as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The pipeline's name.
    pub name: String,
    /// Of everything that makes the tree what it is.
    pub hash: String,
    /// The file's text.
    pub source: String,
    /// The part of the daemon's settings it was read with, as text.
    pub defaults: String,
}

/// A definition that runs are pinned to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub id: VersionId,
    /// Its pipeline's number.
    pub pipeline: PipelineId,
    /// What it says.
    pub definition: Definition,
    /// When it was first seen.
    pub created_at: Timestamp,
}

impl Store {
    /// The number of this version of this pipeline, both made if they are new.
    pub async fn ensure_version(
        &mut self,
        definition: &Definition,
        now: Timestamp,
    ) -> Result<VersionId, CommitError> {
        let mut ids = self.ensure_versions(std::slice::from_ref(definition), now).await?;
        Ok(ids.remove(0))
    }

    /// The same for all pipelines of a reload: the numbers in the order of `definitions`, one transaction
    /// for all that are new, none if none is.
    pub async fn ensure_versions(
        &mut self,
        definitions: &[Definition],
        now: Timestamp,
    ) -> Result<Vec<VersionId>, CommitError> {
        let keys: Vec<_> =
            definitions.iter().map(|one| json!({ "name": one.name, "hash": one.hash })).collect();
        let keys = json!(keys).to_string();
        let known = known_versions(self.writer.connection().await?, &keys).await?;
        if known.iter().all(Option::is_some) {
            return Ok(known.into_iter().flatten().collect());
        }
        let new = definitions.iter().zip(&known).filter(|(_, known)| known.is_none());
        let rows = new_rows(new.map(|(one, _)| one), now);
        let sql = ["begin immediate;", INSERT_PIPELINES, INSERT_VERSIONS, "commit"].concat();
        self.writer.transact(sql, vec![rows.clone(), rows]).await?;
        let ids = known_versions(self.writer.connection().await?, &keys).await?;
        Ok(ids.into_iter().map(|id| id.ok_or(sqlx::Error::RowNotFound)).collect::<Result<_, _>>()?)
    }
}

impl Reader {
    /// A version by its number; `None` if there is none.
    pub async fn version(&self, id: VersionId) -> Result<Option<Version>, Error> {
        let row = sqlx::query(
            "select versions.id, pipeline_id, name, hash, source, defaults, versions.created_at
             from versions join pipelines on pipelines.id = pipeline_id where versions.id = ?",
        )
        .bind(id.0)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(version).transpose()
    }

    /// The number of the pipeline of this name.
    pub async fn pipeline(&self, name: &str) -> Result<Option<PipelineId>, Error> {
        let id = sqlx::query_scalar("select id from pipelines where name = ?").bind(name);
        Ok(id.fetch_optional(&self.pool).await?.map(PipelineId))
    }
}

async fn known_versions(
    connection: &mut SqliteConnection,
    keys: &str,
) -> Result<Vec<Option<VersionId>>, sqlx::Error> {
    let ids: Vec<Option<i64>> = sqlx::query_scalar(
        "select versions.id from json_each(?) as wanted
         left join pipelines on pipelines.name = wanted.value ->> 'name'
         left join versions on versions.pipeline_id = pipelines.id and versions.hash = wanted.value ->> 'hash'
         order by wanted.key",
    )
    .bind(keys)
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(|id| id.map(VersionId)).collect())
}

/// For the two statements that write definitions down.
pub(super) fn new_rows<'a>(new: impl IntoIterator<Item = &'a Definition>, now: Timestamp) -> String {
    let row = |one: &Definition| {
        json!({ "name": one.name, "hash": one.hash, "source": one.source, "defaults": one.defaults,
            "created_at": ms(now) })
    };
    json!(new.into_iter().map(row).collect::<Vec<_>>()).to_string()
}

fn version(row: &SqliteRow) -> Result<Version, Error> {
    Ok(Version {
        id: VersionId(get(row, "id")?),
        pipeline: PipelineId(get(row, "pipeline_id")?),
        definition: Definition {
            name: get(row, "name")?,
            hash: get(row, "hash")?,
            source: get(row, "source")?,
            defaults: get(row, "defaults")?,
        },
        created_at: instant(row, "created_at")?,
    })
}

pub(super) const INSERT_PIPELINES: &str = "
    insert into pipelines (name, created_at)
    select value ->> 'name', value ->> 'created_at' from json_each(?) where true
    on conflict (name) do nothing;";

pub(super) const INSERT_VERSIONS: &str = "
    insert into versions (pipeline_id, hash, source, defaults, created_at)
    select pipelines.id, value ->> 'hash', value ->> 'source', value ->> 'defaults', value ->> 'created_at'
    from json_each(?) join pipelines on pipelines.name = value ->> 'name' where true
    on conflict (pipeline_id, hash) do nothing;";
