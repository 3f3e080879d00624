//! `sexton logs`: what a task has printed.

use anyhow::{Context as _, anyhow};
use clap::Args;

use crate::config::load;
use crate::config::secrets::Secrets;
use crate::executor::log;
use crate::executor::output::Places;
use crate::mask::Masker;
use crate::store::tasks::AttemptRecord;
use crate::yaml::report::Report;

use super::desk;
use super::dirs::{ConfigDir, StateDir};
use super::failure::Outcome;
use super::show::out;
use super::tasks::restored;

/// `sexton logs`
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The run's number
    pub run: i64,
    /// The task's path
    #[arg(value_name = "PATH")]
    pub path: String,
    /// Which attempt [default: the last]
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// Only the last lines
    #[arg(long, value_name = "LINES")]
    pub tail: Option<usize>,
    /// Time and stream before each line
    #[arg(long)]
    pub timestamps: bool,
    /// Whose secrets are hidden, as far as they can be had.
    #[command(flatten)]
    pub config: ConfigDir,
    /// Where runs are remembered.
    #[command(flatten)]
    pub state: StateDir,
}

/// Prints an attempt's log.
pub async fn logs(args: &LogsArgs) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state, true).await?;
    let record = desk::run(&reader, Some(args.run)).await?;
    let run = restored(&reader, &record).await?;
    let path = if desk::was_generated(&run, &args.path) {
        args.path.trim_start_matches('/').to_owned()
    } else {
        let node = desk::node(run.tree(), &record, &args.path)?;
        anyhow::ensure!(
            run.tree().is_leaf(node),
            "`{}` is a container; its tasks have logs of their own, see `sexton tasks {}`",
            args.path,
            args.run
        );
        run.tree().path(node)
    };
    let attempts = reader.attempts(record.id, &path).await?;
    let attempt = choose(&attempts, args)?;
    let dir = desk::directory(&args.state)?;
    let places = Places::new(&dir);
    let file = places.absolute(&places.log(&record.pipeline_name, record.id, &path, attempt.number));
    if !file.exists() {
        out::note(&format!("attempt {} of `{}` has printed nothing", attempt.number, args.path));
    } else if let Some(count) = args.tail {
        let lines = log::tail(&file, count, args.timestamps);
        let lines = lines.with_context(|| format!("reading {}", file.display()))?;
        out::print(&hidden(args, &lines.iter().map(|line| format!("{line}\n")).collect::<String>()))?;
    } else {
        let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        out::print(&hidden(args, &log::text(&bytes, args.timestamps)))?;
    }
    desk::say_if_abandoned(&dir, &reader, |run| run.id == record.id).await?;
    Ok(Outcome::Good)
}

/// A log has none of the secrets that its command was given. It may have others, or newer ones: what is known here
/// is not shown either.
fn hidden(args: &LogsArgs, text: &str) -> String {
    let directory = args.config.dir();
    let config = load::config(&directory, &mut Report::default());
    let secrets = config.ok().flatten().map(|config| Secrets::of(&config, &directory).values());
    Masker::text(&secrets.unwrap_or_default(), text)
}

fn choose<'a>(attempts: &'a [AttemptRecord], args: &LogsArgs) -> anyhow::Result<&'a AttemptRecord> {
    let last = attempts.last();
    let last = last.ok_or_else(|| {
        anyhow!("`{}` has not been tried in run {1}; see `sexton why {1} '{0}'`", args.path, args.run)
    })?;
    match args.attempt {
        None => Ok(last),
        Some(number) => attempts.iter().find(|attempt| attempt.number == number).ok_or_else(|| {
            let plural = if last.number == 1 { "attempt" } else { "attempts" };
            anyhow!("`{}` has {} {plural}, and no attempt {number}", args.path, last.number)
        }),
    }
}
