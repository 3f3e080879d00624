//! How a pipeline stands, for whoever looks on: what is in force of it, whether it is paused, and how far its
//! schedules have been considered.

use std::collections::BTreeMap;

use crate::schedule::progress::Progress;

use super::catalog::Definition;
use super::db::Reader;
use super::error::{Damage, Error};
use super::in_force::{Pause, progress};
use super::record::PipelineId;
use super::row::{get, maybe_instant};

/// How a pipeline stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// What its slots go by; `None` where no file in force defines it.
    pub in_force: Option<Definition>,
    /// The files of calendars in force, in the order in which they count: path and text.
    pub calendars: Vec<(String, String)>,
    /// Set while it is paused.
    pub paused: Option<Pause>,
    /// How far each schedule in force has been considered, by name.
    pub progress: BTreeMap<Box<str>, Progress>,
}

impl Reader {
    /// The names of all pipelines that were ever in force or have run, in order; at most so many.
    pub async fn pipeline_names(&self, limit: u32) -> Result<Vec<String>, Error> {
        let names = sqlx::query_scalar("select name from pipelines order by name limit ?");
        Ok(names.bind(limit).fetch_all(&self.pool).await?)
    }

    /// How this pipeline stands, all at one point in time.
    pub async fn outlook(&self, pipeline: PipelineId) -> Result<Outlook, Error> {
        let mut reading = self.pool.begin().await?;
        let row = sqlx::query(
            "select name, paused_at, paused_by, hash, source, defaults
             from pipelines left join versions on versions.id = version_in_force
             where pipelines.id = ?",
        );
        let row = row.bind(pipeline.0).fetch_one(&mut *reading).await?;
        let marks = sqlx::query_as("select name, watermark, considered from schedules where pipeline_id = ?");
        let marks: Vec<(Box<str>, i64, Option<String>)> =
            marks.bind(pipeline.0).fetch_all(&mut *reading).await?;
        let calendars = sqlx::query_scalar("select calendars from settings order by id desc limit 1");
        let calendars: Option<String> = calendars.fetch_optional(&mut *reading).await?;
        let calendars = calendars.map_or(Ok(Vec::new()), |text| {
            serde_json::from_str(&text).map_err(|source| Damage::Json { column: "calendars", source })
        })?;
        let in_force = match get::<Option<String>>(&row, "hash")? {
            None => None,
            Some(hash) => Some(Definition {
                name: get(&row, "name")?,
                hash,
                source: get(&row, "source")?,
                defaults: get(&row, "defaults")?,
            }),
        };
        let by: Option<Box<str>> = get(&row, "paused_by")?;
        let paused = by.zip(maybe_instant(&row, "paused_at")?).map(|(by, at)| Pause { by, at });
        let marks = marks.into_iter().map(|(name, at, key)| Ok((name, progress(at, key.as_deref())?)));
        let progress = marks.collect::<Result<_, Error>>()?;
        Ok(Outlook { in_force, calendars, paused, progress })
    }
}
