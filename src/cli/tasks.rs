//! `sexton tasks`: a run as a tree, from what is recorded.

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::calendar::book::Book;
use crate::pipeline::node::NodeId;
use crate::run::machine::Run;
use crate::run::picture::picture;
use crate::store::db::Reader;
use crate::store::runs::RunRecord;
use crate::wire;

use super::desk;
use super::dirs::StateDir;
use super::failure::Outcome;
use super::show::out;

/// `sexton tasks`
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// The run's number [default: the newest]
    pub run: Option<i64>,
    /// One JSON object a line instead of a tree
    #[arg(long)]
    pub json: bool,
    /// Where runs are remembered.
    #[command(flatten)]
    pub state: StateDir,
}

/// More neighbours than this that ended alike become one line.
const FOLD: usize = 40;

/// Draws, or lists, the nodes of a run.
pub async fn tasks(args: &TasksArgs) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state, !args.json).await?;
    let record = desk::run(&reader, args.run).await?;
    let run = restored(&reader, &record).await?;
    if args.json {
        for node in run.tree().ids() {
            out::line(&serde_json::to_string(&wire::Node::of(&run, node))?)?;
        }
    } else {
        out::line(&format!(
            "run {}, {} [{}]: {}",
            record.id,
            record.pipeline_name,
            record.logical_date,
            record.state.word()
        ))?;
        out::print(&picture(&run, NodeId::ROOT, FOLD))?;
        let dir = desk::directory(&args.state)?;
        desk::say_if_abandoned(&dir, &reader, |run| run.id == record.id).await?;
    }
    Ok(Outcome::Good)
}

/// The run as its rows say it is.
pub(super) async fn restored(reader: &Reader, record: &RunRecord) -> anyhow::Result<Run> {
    let version = reader.version(record.version).await?;
    let version =
        version.ok_or_else(|| anyhow!("the definition of run {} is not in the database", record.id))?;
    let pipeline = crate::config::kept::read(
        &version.definition.name,
        &version.definition.source,
        &version.definition.defaults,
        &Book::embedded(),
    )
    .map_err(|report| anyhow!("{report}"))
    .context("the run's definition can no longer be read")?;
    Ok(reader.restored(record.id, &pipeline).await?)
}
