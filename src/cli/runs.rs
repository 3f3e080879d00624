//! `sexton runs`: what has run, the newest first.

use clap::Args;
use jiff::Timestamp;

use crate::schedule::told::utc;
use crate::store::runs::{RunFilter, RunRecord};
use crate::wire;

use super::desk;
use super::dirs::StateDir;
use super::failure::Outcome;
use super::show::out;
use super::show::table::{lasted, table};

/// `sexton runs`
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Only of this pipeline
    pub pipeline: Option<String>,
    /// How many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
    /// One JSON object a line instead of a table
    #[arg(long)]
    pub json: bool,
    /// Where runs are remembered.
    #[command(flatten)]
    pub state: StateDir,
}

/// Lists runs.
pub async fn runs(args: &RunsArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state, !args.json).await?;
    let mut filter = RunFilter::default();
    if let Some(name) = &args.pipeline {
        filter.pipeline = Some(desk::pipeline(&reader, name).await?);
    }
    let runs = reader.runs(&filter, args.limit).await?;
    if args.json {
        for run in &runs {
            out::line(&serde_json::to_string(&wire::Run::from(run))?)?;
        }
        return Ok(Outcome::Good);
    }
    let rows: Vec<Vec<String>> = runs.iter().map(|run| row(run, now)).collect();
    out::print(&table(&["RUN", "PIPELINE", "DATE", "STATE", "KIND", "STARTED", "TOOK"], &rows))?;
    let shown = |other: &RunRecord| runs.iter().any(|run| run.id == other.id);
    desk::say_if_abandoned(&desk::directory(&args.state)?, &reader, shown).await?;
    Ok(Outcome::Good)
}

fn row(run: &RunRecord, now: Timestamp) -> Vec<String> {
    let started = run.started_at.unwrap_or(run.created_at);
    let millis = run.ended_at.unwrap_or(now).as_millisecond() - started.as_millisecond();
    let suppressed =
        if run.suppressed > 0 { format!(" ({} suppressed)", run.suppressed) } else { String::new() };
    vec![
        run.id.to_string(),
        run.pipeline_name.clone(),
        run.logical_date.to_string(),
        format!("{}{suppressed}", run.state.word()),
        run.kind.word().to_owned(),
        utc(started),
        lasted(millis),
    ]
}
