//! Reading generated trees, and with them what a run's tree has become: that of its version, with every tree
//! put in its place that no later one has replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;

use crate::pipeline::definition::Pipeline;
use crate::pipeline::generated::{self, Generated};
use crate::pipeline::node::{NodeId, Tree};
use crate::pipeline::packed::Packed;
use crate::run::event::{Event, Yield};
use crate::run::machine::Run;
use crate::run::state::{AttemptId, RunId};
use crate::yaml::report::{Report, SourceFile};

use super::db::Reader;
use super::error::Error;
use super::event::Line;
use super::row::{get, json, number};

/// A tree that an attempt wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRecord {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The lazy node's path.
    pub path: String,
    /// Its text.
    pub packed: Packed,
}

impl Reader {
    /// A run as its rows say it is.
    pub async fn restored(&self, run: RunId, pipeline: &Pipeline) -> Result<Run, Error> {
        let mut tree = pipeline.tree.clone();
        let written = self.written(run).await?;
        let current = current(&written);
        for (attempt, path) in &current {
            let record = self.generated_tree(*attempt).await?;
            let lost = || unreadable(path, "the run has no such lazy node");
            let lazy = tree.find(path).ok_or_else(lost)?;
            let execute = tree.children(lazy).nth(1).filter(|at| tree.is_execute(*at)).ok_or_else(lost)?;
            let generated = parsed(&record, pipeline, &tree, lazy)?;
            Arc::make_mut(&mut tree).graft(execute, &generated.tree);
        }
        let records = self.records(run, &tree).await?;
        let restored = Run::restore(run, tree, records);
        // Only what was generated twice can have left something behind.
        if current.len() == written.len() {
            return Ok(restored);
        }
        Ok(restored.with_former(self.former(run).await?))
    }

    /// What happened to a run of this pipeline, in order.
    pub async fn journal(
        &self,
        run: RunId,
        pipeline: &Pipeline,
    ) -> Result<Vec<(jiff::Timestamp, Event)>, Error> {
        let mut records = BTreeMap::new();
        for (attempt, _) in self.written(run).await? {
            records.insert(attempt, self.generated_tree(attempt).await?);
        }
        let rows = sqlx::query("select events from journal where run_id = ? order by seq")
            .bind(run.0)
            .fetch_all(&self.pool)
            .await?;
        let mut tree = pipeline.tree.clone();
        let mut events = Vec::new();
        for row in &rows {
            for line in json::<Vec<Line>>(row, "events")? {
                let found = |attempt: AttemptId, generate: NodeId| {
                    let lazy = tree.parent(generate).unwrap_or(generate);
                    let record = records.get(&attempt);
                    let record = record.ok_or_else(|| unreadable(&tree.path(lazy), "it was not kept"))?;
                    parsed(record, pipeline, &tree, lazy)
                };
                let (at, event) = line.into_law(&tree, found)?;
                if let Event::Exited { node, yields: Yield::Tree(generated), .. } = &event
                    && let Some(execute) = tree.execute(*node)
                {
                    Arc::make_mut(&mut tree).graft(execute, &generated.tree);
                }
                events.push((at, event));
            }
        }
        Ok(events)
    }

    /// The tree that this attempt wrote.
    pub async fn generated_tree(&self, attempt: AttemptId) -> Result<TreeRecord, Error> {
        let row = sqlx::query("select attempt, path, hash, size, source from trees where attempt = ?")
            .bind(attempt.0.cast_signed())
            .fetch_one(&self.pool)
            .await?;
        record(&row)
    }

    /// Which attempts of a run have written trees, in their order, with the paths of their lazy nodes.
    async fn written(&self, run: RunId) -> Result<Vec<(AttemptId, String)>, Error> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select attempt, path from trees where run_id = ? order by attempt")
                .bind(run.0)
                .fetch_all(&self.pool)
                .await?;
        Ok(rows.into_iter().map(|(attempt, path)| (AttemptId(attempt.cast_unsigned()), path)).collect())
    }

    /// How many attempts those tasks had that have no row any more.
    async fn former(&self, run: RunId) -> Result<Vec<(String, u32)>, Error> {
        let rows = sqlx::query(
            "select path, max(number) as attempts from attempts where run_id = ? and not exists
                (select 1 from tasks where tasks.run_id = attempts.run_id and tasks.path = attempts.path)
             group by path",
        )
        .bind(run.0)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((get(row, "path")?, number(row, "attempts")?))).collect()
    }
}

/// Those that no later one has replaced, at the same lazy node or at one around it. What is around another
/// was written before it.
fn current(written: &[(AttemptId, String)]) -> Vec<(AttemptId, String)> {
    let mut replaced: BTreeSet<&str> = BTreeSet::new();
    let mut current: Vec<(AttemptId, String)> = Vec::new();
    for (attempt, path) in written.iter().rev() {
        let around = path.match_indices('/').map(|(at, _)| &path[..at]);
        if !around.chain(["/", path]).any(|around| replaced.contains(around)) {
            current.push((*attempt, path.clone()));
        }
        replaced.insert(path);
    }
    current.reverse();
    current
}

fn parsed(
    record: &TreeRecord,
    pipeline: &Pipeline,
    tree: &Tree,
    lazy: NodeId,
) -> Result<Arc<Generated>, Error> {
    let text = record.packed.text().map_err(|spoilt| unreadable(&record.path, &spoilt.to_string()))?;
    let file = SourceFile::new(format!("output of {}", record.path), text);
    let (parsed, found) = generated::parse(&file, pipeline, tree.settings(lazy));
    let mut report = Report::default();
    report.add(&file, found);
    let tree = parsed.ok_or_else(|| unreadable(&record.path, &report.render(false)))?;
    Ok(Arc::new(Generated { tree, packed: record.packed.clone() }))
}

fn unreadable(path: &str, why: &str) -> Error {
    Error::Tree { path: path.to_owned(), report: why.to_owned() }
}

fn record(row: &SqliteRow) -> Result<TreeRecord, Error> {
    let hash: String = get(row, "hash")?;
    let source: Vec<u8> = get(row, "source")?;
    Ok(TreeRecord {
        attempt: AttemptId(get::<i64>(row, "attempt")?.cast_unsigned()),
        path: get(row, "path")?,
        packed: Packed { hash: hash.into(), size: number(row, "size")?, bytes: source.into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_generated_again_takes_all_inside_of_it_along() {
        let current = |written: &[&str]| {
            let written = written.iter().zip(1..).map(|(path, id)| (AttemptId(id), (*path).to_owned()));
            let current = current(&written.collect::<Vec<_>>());
            current.into_iter().map(|(attempt, _)| attempt.0).collect::<Vec<_>>()
        };
        assert_eq!(current(&["a", "b", "ab"]), [1, 2, 3]);
        assert_eq!(current(&["a", "a/execute/x", "b", "a"]), [3, 4]);
        assert_eq!(current(&["a", "a/execute/x", "a/execute/x", "ab", "a/execute/xy"]), [1, 3, 4, 5]);
        assert_eq!(current(&["/", "execute/x", "/", "execute/x"]), [3, 4]);
    }
}
