//! What a turn decided about slots, gathered in its batch: entries of the ledger, and how far schedules have
//! been considered.

use jiff::Timestamp;
use serde::Serialize;

use crate::run::state::RunId;
use crate::schedule::progress::Progress;
use crate::schedule::slot::{Decision, Entry, Key};

use super::batch::Batch;
use super::instant::ms;
use super::record::PipelineId;

impl Batch {
    /// What became of a slot, or of a stretch of slots; `run` is what it made, if it made one.
    ///
    /// An entry without a run may be written again with the same key: a stretch grows, or a slot that was
    /// missed fires after all. One with a run never is: the batch is refused.
    pub fn slot(&mut self, pipeline: PipelineId, entry: &Entry, run: Option<RunId>, decided_at: Timestamp) {
        let slot = entry.key.text();
        let rows = self.slots.entry((pipeline, entry.schedule.clone(), slot.clone())).or_default();
        rows.pop_if(|earlier| earlier.run_id.is_none());
        rows.push(SlotRow {
            pipeline_id: pipeline.0,
            schedule: entry.schedule.clone(),
            slot,
            first: ms(entry.first),
            last: ms(entry.last),
            count: entry.count,
            decision: entry.decision.word(),
            reason: entry.reason.clone(),
            run_id: run.map(|run| run.0),
            decided_at: ms(decided_at),
        });
    }

    /// The slot that made this run came to something else before the run could start. It has fired all the
    /// same, and when that was decided is kept.
    pub fn slot_of_run(&mut self, run: RunId, decision: Decision, reason: &str) {
        let row = OutcomeRow { run_id: run.0, decision: decision.word(), reason: reason.into() };
        self.outcomes.insert(run, row);
    }

    /// What is left to say of the slots in it whose runs cannot be: they made none.
    #[must_use]
    pub fn without_runs(&self, reason: &str) -> Self {
        let mut batch = Self::default();
        for (key, rows) in &self.slots {
            let skipped = rows.iter().filter(|row| row.run_id.is_some()).map(|row| SlotRow {
                decision: Decision::Skipped.word(),
                reason: reason.into(),
                run_id: None,
                ..row.clone()
            });
            batch.slots.entry(key.clone()).or_default().extend(skipped);
        }
        batch
    }

    /// The slots of this schedule are considered so far. The schedule is in force, or the batch is refused.
    pub fn progress(&mut self, pipeline: PipelineId, schedule: &str, progress: &Progress) {
        let row = ProgressRow {
            pipeline_id: pipeline.0,
            name: schedule.into(),
            watermark: ms(progress.watermark),
            considered: progress.considered.as_ref().map(Key::text),
        };
        self.progress.insert((pipeline, schedule.into()), row);
    }
}

// What a statement reads out of JSON: a field is called as its column is.

#[derive(Clone, Debug, Serialize)]
pub(super) struct SlotRow {
    pipeline_id: i64,
    schedule: Box<str>,
    slot: String,
    first: i64,
    last: i64,
    count: u64,
    decision: &'static str,
    reason: Box<str>,
    run_id: Option<i64>,
    decided_at: i64,
}

impl SlotRow {
    pub(super) fn run(&self) -> Option<RunId> {
        self.run_id.map(RunId)
    }
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ProgressRow {
    pipeline_id: i64,
    name: Box<str>,
    watermark: i64,
    considered: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct OutcomeRow {
    run_id: i64,
    decision: &'static str,
    reason: Box<str>,
}
