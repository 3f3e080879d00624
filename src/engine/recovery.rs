//! Taking up what was under way: runs from their rows, attempts from theirs. What has become of the
//! attempts is asked of the executor when it connects.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::pipeline::definition::Pipeline;
use crate::pipeline::text::scope::Scope;
use crate::run::live::{Live, Slot};
use crate::run::state::{AttemptId, RunId};
use crate::schedule::slot::Key;
use crate::store::catalog::Definition;
use crate::store::db::{Error as StoreError, Reader};
use crate::store::record::{NewRun, VersionId};
use crate::store::runs::RunRecord;

use super::facts::scope;
use super::flight::Flight;

/// Everything that was under way.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The runs.
    pub(super) runs: BTreeMap<RunId, Live>,
    /// Their attempts whose end is not known.
    pub(super) attempts: HashMap<AttemptId, Flight>,
    /// Runs that were under way and whose definition cannot be read any more. The others do not suffer.
    pub unreadable: Vec<(RunId, Error)>,
}

/// Why a run cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its rows cannot be read.
    #[error("run {run}: {source}")]
    Store {
        /// The run.
        run: RunId,
        /// Why.
        source: StoreError,
    },
    /// The list of runs cannot be read.
    #[error(transparent)]
    Runs(#[from] StoreError),
    /// Its definition is not in the database.
    #[error("run {run}: its definition is not in the database")]
    NoDefinition {
        /// The run.
        run: RunId,
    },
    /// Its definition is not valid for this version of sexton.
    #[error("run {run}: its definition can no longer be read:\n{report}")]
    Definition {
        /// The run.
        run: RunId,
        /// What is wrong with it, in words.
        report: String,
    },
    /// Nor is a tree that it has generated.
    #[error("run {run}: {source}")]
    Tree {
        /// The run.
        run: RunId,
        /// Which, and what is wrong with it.
        source: StoreError,
    },
}

/// Reads a pinned definition again: the file's text, and the defaults it was read with.
pub type Reread = dyn Fn(&Definition) -> Result<Pipeline, String> + Send + Sync;

impl Recovered {
    /// Reads everything that was under way. `environment` is the present one.
    pub async fn load(reader: &Reader, reread: &Reread, environment: &str) -> Result<Self, Error> {
        let mut recovered = Self::default();
        // Many runs may wait with one definition: it is read once, and its tree is there once.
        let mut definitions = BTreeMap::new();
        for record in reader.unfinished_runs().await? {
            let live = match load(reader, &record, reread, &mut definitions, environment).await {
                Ok(live) => live,
                Err(error @ (Error::NoDefinition { .. } | Error::Definition { .. } | Error::Tree { .. })) => {
                    recovered.unreadable.push((record.id, error));
                    continue;
                }
                Err(error @ (Error::Store { .. } | Error::Runs(_))) => return Err(error),
            };
            let failed = |source| Error::Store { run: record.id, source };
            for attempt in reader.live_attempts(record.id).await.map_err(failed)? {
                if let Some(node) = live.run.tree().find(&attempt.path) {
                    let flight = Flight {
                        run: record.id,
                        node,
                        created_at: attempt.created_at,
                        boot_id: attempt.boot_id,
                        pid: None,
                        ended: None,
                    };
                    recovered.attempts.insert(attempt.id, flight);
                }
            }
            recovered.runs.insert(record.id, live);
        }
        Ok(recovered)
    }

    /// What was under way, in words.
    pub fn words(&self) -> String {
        match (self.runs.len(), self.attempts.len()) {
            (0, _) => "nothing was under way".to_owned(),
            (runs, attempts) => format!("taken up again: runs: {runs}, tasks that ran: {attempts}"),
        }
    }

    /// Whether nothing was under way that can go on.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }
}

/// A run as its rows say it is.
async fn load(
    reader: &Reader,
    record: &RunRecord,
    reread: &Reread,
    definitions: &mut BTreeMap<VersionId, Arc<Pipeline>>,
    environment: &str,
) -> Result<Live, Error> {
    let run = record.id;
    let failed = |source| Error::Store { run, source };
    let pipeline = match definitions.entry(record.version) {
        Entry::Occupied(known) => known.get().clone(),
        Entry::Vacant(place) => {
            let version = reader.version(record.version).await.map_err(failed)?;
            let version = version.ok_or(Error::NoDefinition { run })?;
            let pipeline = reread(&version.definition).map_err(|report| Error::Definition { run, report })?;
            place.insert(Arc::new(pipeline)).clone()
        }
    };
    let restored = reader.restored(run, &pipeline).await.map_err(|source| {
        if let StoreError::Tree { .. } = source { Error::Tree { run, source } } else { failed(source) }
    })?;
    let outputs = reader.outputs(run).await.map_err(failed)?;
    let begun = NewRun {
        id: run,
        version: record.version,
        kind: record.kind,
        logical_date: record.logical_date,
        calendar: record.calendar.clone(),
        scheduled_at: record.scheduled_at,
        interval: record.interval,
        params: record.params.clone(),
        evidence: record.evidence.clone(),
        created_at: record.created_at,
    };
    let scope = Scope { outputs: Arc::new(outputs), ..scope(&begun, &pipeline, environment) };
    let slot = reader.slot_of_run(run).await.map_err(failed)?;
    let slot =
        slot.and_then(|line| Some(Slot { key: Key::from_text(&line.slot)?, schedule: line.schedule.into() }));
    let cleared = reader.was_cleared(run).await.map_err(failed)?;
    let created_at = record.created_at;
    Ok(Live { run: restored, kind: record.kind, slot, cleared, created_at, pipeline, scope })
}
