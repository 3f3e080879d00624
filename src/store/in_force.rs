//! What is in force: the last set of files that was valid as a whole, how far the schedules in it have been
//! considered, and which pipelines are paused.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::schedule::progress::Progress;
use crate::schedule::slot::Key;

use super::catalog::{Definition, INSERT_PIPELINES, INSERT_VERSIONS, new_rows};
use super::db::{Reader, Store};
use super::error::{CommitError, Damage, Error};
use super::instant::{from_ms, ms};
use super::journal::REFUSE_MISSING;
use super::record::{PipelineId, VersionId};
use super::row::get;

/// The last set that was valid: what a start with invalid files goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// What stands beside the pipelines.
    pub beside: Beside,
    /// The pipelines, by name.
    pub pipelines: Vec<Definition>,
}

/// The files that stand beside pipelines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The text of sexton.yaml.
    pub settings: String,
    /// The files of calendars, in the order in which they count: path and text.
    pub calendars: Vec<(String, String)>,
}

impl From<&str> for Beside {
    /// A sexton.yaml, and nothing else.
    fn from(settings: &str) -> Self {
        Self { settings: settings.to_owned(), calendars: Vec::new() }
    }
}

/// A pipeline that is to be in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enacted {
    /// Its definition.
    pub definition: Definition,
    /// Its schedules.
    pub schedules: Vec<EnactedSchedule>,
}

/// A schedule that is to be in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnactedSchedule {
    /// Its name.
    pub name: Box<str>,
    /// The whole of it as text: with another text it is another, and begins anew.
    pub spelled: String,
    /// Where it goes by sessions: the last of its slots that is over if it begins now.
    pub considered: Option<Key>,
}

/// How a pipeline in force stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its number.
    pub pipeline: PipelineId,
    /// Its version that is in force.
    pub version: VersionId,
    /// Set while it is paused.
    pub paused: Option<Pause>,
    /// How far each of its schedules has been considered.
    pub progress: BTreeMap<Box<str>, Progress>,
    /// Slots that have not been considered and have fired all the same: the clock was set back once, or the
    /// schedule was another. Only schedules that have such slots are named.
    pub fired_ahead: BTreeMap<Box<str>, BTreeSet<Key>>,
    /// Schedules that are new or spelled differently: they begin now.
    pub changed: Vec<Box<str>>,
}

/// A pause: the pipeline's slots make no runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Who wanted it.
    pub by: Box<str>,
    /// Since when.
    pub at: Timestamp,
}

impl Store {
    /// Puts a set into force, as one transaction, and tells how each of it stands, in the order of `set`.
    /// What was in force and is not in the set is so no longer. A schedule that is new, or spelled
    /// differently, begins now; another keeps its watermark. Nothing is written where nothing is different.
    ///
    /// Names are unique: of pipelines in the set, and of schedules in a pipeline.
    pub async fn enact(
        &mut self,
        beside: &Beside,
        set: &[Enacted],
        now: Timestamp,
    ) -> Result<Vec<Standing>, CommitError> {
        let keys = set.iter().map(|one| json!({ "name": one.definition.name, "hash": one.definition.hash }));
        let keys = json!(keys.collect::<Vec<_>>()).to_string();
        let schedules = set.iter().flat_map(|one| {
            one.schedules.iter().map(|EnactedSchedule { name, spelled, considered }| {
                json!({ "pipeline": one.definition.name, "name": name, "spelled": spelled,
                    "watermark": ms(now), "considered": considered.as_ref().map(Key::text) })
            })
        });
        let schedules = json!(schedules.collect::<Vec<_>>()).to_string();
        let calendars = json!(beside.calendars).to_string();
        let settings = json!([{ "source": beside.settings, "calendars": calendars, "loaded_at": ms(now) }]);
        let settings = settings.to_string();
        let new = self.unknown(&keys).await?;
        let new: Vec<_> = set
            .iter()
            .enumerate()
            .filter(|(at, _)| new.contains(at))
            .map(|(_, one)| &one.definition)
            .collect();
        let changed = self.changed(&schedules).await?;

        let mut sql = "begin immediate;".to_owned();
        let mut arguments = Vec::new();
        let mut add = |statement, argument: &String| {
            sql.push_str(statement);
            arguments.push(argument.clone());
        };
        if !new.is_empty() {
            let rows = new_rows(new, now);
            add(INSERT_PIPELINES, &rows);
            add(INSERT_VERSIONS, &rows);
        }
        add(INSERT_SETTINGS, &settings);
        add(CLEAR_VERSIONS, &keys);
        add(SET_VERSIONS, &keys);
        add(DELETE_SCHEDULES, &schedules);
        add(UPSERT_SCHEDULES, &schedules);
        sql.push_str("commit");
        self.writer.transact(sql, arguments).await?;
        // If this fails the set is in force all the same; to enact it again changes nothing.
        self.standings(&keys, set, changed).await
    }

    /// Which of the set have no version yet.
    async fn unknown(&mut self, keys: &str) -> Result<BTreeSet<usize>, sqlx::Error> {
        let unknown: Vec<i64> =
            sqlx::query_scalar(UNKNOWN).bind(keys).fetch_all(self.writer.connection().await?).await?;
        Ok(unknown.into_iter().filter_map(|at| at.try_into().ok()).collect())
    }

    /// The schedules that are not known as they are spelled now, by pipeline.
    async fn changed(&mut self, schedules: &str) -> Result<BTreeMap<String, Vec<Box<str>>>, sqlx::Error> {
        let rows: Vec<(String, Box<str>)> =
            sqlx::query_as(CHANGED).bind(schedules).fetch_all(self.writer.connection().await?).await?;
        let mut changed: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (pipeline, schedule) in rows {
            changed.entry(pipeline).or_default().push(schedule);
        }
        Ok(changed)
    }

    async fn standings(
        &mut self,
        keys: &str,
        set: &[Enacted],
        mut changed: BTreeMap<String, Vec<Box<str>>>,
    ) -> Result<Vec<Standing>, CommitError> {
        let connection = self.writer.connection().await?;
        let ahead: Vec<(i64, Box<str>, String)> =
            sqlx::query_as(FIRED_AHEAD).fetch_all(&mut *connection).await?;
        let mut fired: BTreeMap<PipelineId, BTreeMap<_, BTreeSet<_>>> = BTreeMap::new();
        for (pipeline, schedule, slot) in ahead {
            let fired = fired.entry(PipelineId(pipeline)).or_default();
            fired.entry(schedule).or_default().insert(key(&slot)?);
        }
        let rows = sqlx::query(STANDINGS).bind(keys).fetch_all(connection).await?;
        let standing = |(row, one): (_, &Enacted)| {
            let standing = standing(row)?;
            let mut fired_ahead = fired.remove(&standing.pipeline).unwrap_or_default();
            fired_ahead.retain(|schedule, fired| {
                let progress = standing.progress.get(schedule);
                fired.retain(|key| progress.is_none_or(|progress| !progress.has_passed(key)));
                !fired.is_empty()
            });
            Ok(Standing {
                fired_ahead,
                changed: changed.remove(&one.definition.name).unwrap_or_default(),
                ..standing
            })
        };
        rows.iter().zip(set).map(standing).collect()
    }

    /// Pauses a pipeline, or lets it go on.
    pub async fn pause(&mut self, pipeline: PipelineId, pause: Option<&Pause>) -> Result<(), CommitError> {
        let row = json!([{ "id": pipeline.0, "at": pause.map(|pause| ms(pause.at)),
            "by": pause.map(|pause| &pause.by) }]);
        let sql = ["begin immediate;", PAUSE, REFUSE_MISSING, "commit"].concat();
        Ok(self.writer.transact(sql, vec![row.to_string(), "1".to_owned()]).await?)
    }
}

impl Reader {
    /// What is in force; `None` where nothing ever was.
    pub async fn in_force(&self) -> Result<Option<InForce>, Error> {
        // Both at one point in time.
        let mut reading = self.pool.begin().await?;
        let beside = sqlx::query_as("select source, calendars from settings order by id desc limit 1");
        let beside: Option<(String, String)> = beside.fetch_optional(&mut *reading).await?;
        let Some((settings, calendars)) = beside else { return Ok(None) };
        let calendars = serde_json::from_str(&calendars)
            .map_err(|source| Damage::Json { column: "calendars", source })?;
        let beside = Beside { settings, calendars };
        let rows = sqlx::query(IN_FORCE).fetch_all(&mut *reading).await?;
        let definition = |row| {
            Ok(Definition {
                name: get(row, "name")?,
                hash: get(row, "hash")?,
                source: get(row, "source")?,
                defaults: get(row, "defaults")?,
            })
        };
        let pipelines = rows.iter().map(definition).collect::<Result<_, Error>>()?;
        Ok(Some(InForce { beside, pipelines }))
    }

    /// How far any schedule in force has been considered.
    pub async fn newest_watermark(&self) -> Result<Option<Timestamp>, Error> {
        let newest: Option<i64> =
            sqlx::query_scalar("select max(watermark) from schedules").fetch_one(&self.pool).await?;
        Ok(newest.map(from_ms).transpose()?)
    }
}

/// Without what has fired ahead, and what has changed.
fn standing(row: &SqliteRow) -> Result<Standing, CommitError> {
    let paused = match (row.try_get("paused_by")?, row.try_get("paused_at")?) {
        (Some(by), Some(at)) => Some(Pause { by, at: from_ms(at)? }),
        (None, _) | (_, None) => None,
    };
    let marks: BTreeMap<Box<str>, (i64, Option<String>)> = serde_json::from_str(row.try_get("progress")?)
        .map_err(|source| Damage::Json { column: "progress", source })?;
    let marks = marks.into_iter().map(|(schedule, (at, key))| Ok((schedule, progress(at, key.as_deref())?)));
    Ok(Standing {
        pipeline: PipelineId(row.try_get("id")?),
        version: VersionId(row.try_get("version_in_force")?),
        paused,
        progress: marks.collect::<Result<_, Damage>>()?,
        fired_ahead: BTreeMap::new(),
        changed: Vec::new(),
    })
}

/// How far a schedule was considered, as its row has it.
pub(super) fn progress(watermark: i64, considered: Option<&str>) -> Result<Progress, Damage> {
    Ok(Progress { watermark: from_ms(watermark)?, considered: considered.map(key).transpose()? })
}

pub(super) fn key(slot: &str) -> Result<Key, Damage> {
    Key::from_text(slot).ok_or_else(|| Damage::Slot { text: slot.to_owned() })
}

/// Those that meet tables which only grow.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 6] = [UNKNOWN, CHANGED, SET_VERSIONS, STANDINGS, FIRED_AHEAD, IN_FORCE];

const UNKNOWN: &str = "
    select wanted.key from json_each(?) as wanted
    left join pipelines on pipelines.name = wanted.value ->> 'name'
    left join versions on versions.pipeline_id = pipelines.id and versions.hash = wanted.value ->> 'hash'
    where versions.id is null";

const CHANGED: &str = "
    select wanted.value ->> 'pipeline', wanted.value ->> 'name' from json_each(?) as wanted
    left join pipelines on pipelines.name = wanted.value ->> 'pipeline'
    left join schedules on pipeline_id = pipelines.id and schedules.name = wanted.value ->> 'name'
    where spelled is not wanted.value ->> 'spelled'
    order by wanted.key";

const INSERT_SETTINGS: &str = "
    insert into settings (source, calendars, loaded_at)
    select value ->> 'source', value ->> 'calendars', value ->> 'loaded_at' from jsonb_each(?)
    where (value ->> 'source', value ->> 'calendars')
        is not (select source, calendars from settings order by id desc limit 1);";

const CLEAR_VERSIONS: &str = "
    update pipelines set version_in_force = null
    where version_in_force is not null and name not in (select value ->> 'name' from jsonb_each(?));";

const SET_VERSIONS: &str = "
    update pipelines set version_in_force = versions.id
    from jsonb_each(?) join versions on hash = value ->> 'hash'
    where pipelines.name = value ->> 'name' and versions.pipeline_id = pipelines.id
        and version_in_force is not versions.id;";

const DELETE_SCHEDULES: &str = "
    delete from schedules where (pipeline_id, name) not in
        (select pipelines.id, value ->> 'name'
         from jsonb_each(?) join pipelines on pipelines.name = value ->> 'pipeline');";

const UPSERT_SCHEDULES: &str = "
    insert into schedules (pipeline_id, name, spelled, watermark, considered)
    select pipelines.id, value ->> 'name', value ->> 'spelled', value ->> 'watermark', value ->> 'considered'
    from jsonb_each(?) join pipelines on pipelines.name = value ->> 'pipeline' where true
    on conflict (pipeline_id, name) do update set spelled = excluded.spelled, watermark = excluded.watermark,
        considered = excluded.considered
    where schedules.spelled <> excluded.spelled;";

// A row costs more on its way here than in SQLite: those of a pipeline's schedules come as one.
const STANDINGS: &str = "
    select pipelines.id, version_in_force, paused_at, paused_by,
        (select json_group_object(name, json_array(watermark, considered)) from schedules
         where pipeline_id = pipelines.id) as progress
    from json_each(?) as wanted join pipelines on pipelines.name = wanted.value ->> 'name'
    order by wanted.key";

// Those that were due later, and of schedules whose slots move those with a later key. Cut off behind the date,
// keys as text are in the order of their dates, and what is too much is sorted out by who asked.
const FIRED_AHEAD: &str = "
    select schedules.pipeline_id, name, slot
    from schedules cross join ledger indexed by ledger_fired
    on ledger.pipeline_id = schedules.pipeline_id and schedule = name and first > watermark
    where run_id is not null
    union
    select schedules.pipeline_id, name, slot
    from schedules cross join ledger
    on ledger.pipeline_id = schedules.pipeline_id and schedule = name and slot >= substr(considered, 1, 18)
    where considered is not null and run_id is not null";

const PAUSE: &str = "
    update pipelines set paused_at = value ->> 'at', paused_by = value ->> 'by'
    from jsonb_each(?) where pipelines.id = value ->> 'id';";

const IN_FORCE: &str = "
    select name, hash, source, defaults
    from pipelines join versions on versions.id = version_in_force
    where version_in_force is not null
    order by name";
