//! `sexton logs`: what a task has printed.

use anyhow::{Context as _, anyhow};

use crate::store::tasks::AttemptRecord;

use super::args::LogsArgs;
use super::desk;
use super::failure::Outcome;
use super::show::log;
use super::tasks::restored;

/// Prints an attempt's log.
pub async fn logs(args: &LogsArgs) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state).await?;
    let record = desk::run(&reader, Some(args.run)).await?;
    let run = restored(&reader, &record).await?;
    let node = desk::node(run.tree(), &args.path, record.id)?;
    anyhow::ensure!(run.tree().is_leaf(node), "`{}` is a container: only tasks print something", args.path);
    let task = run.tree().path(node);
    let attempts = reader.attempts(record.id, &task).await?;
    let attempt = choose(&attempts, args)?;
    let places = crate::executor::output::Places::new(&desk::directory(&args.state)?);
    let relative = places.log(&record.pipeline_name, record.id, &task, attempt.number);
    let path = places.absolute(&relative);
    if let Some(count) = args.tail {
        let lines = log::tail(&path, count, args.timestamps);
        for line in lines.with_context(|| format!("reading {}", path.display()))? {
            println!("{line}");
        }
        return Ok(Outcome::Good);
    }
    match std::fs::read(&path) {
        Ok(bytes) => print!("{}", log::text(&bytes, args.timestamps)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("attempt {} of `{}` has printed nothing", attempt.number, args.path);
        }
        Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
    }
    Ok(Outcome::Good)
}

fn choose<'a>(attempts: &'a [AttemptRecord], args: &LogsArgs) -> anyhow::Result<&'a AttemptRecord> {
    let task = &args.path;
    let last = attempts.last().ok_or_else(|| {
        anyhow!("`{task}` was never tried in run {0}; `sexton why {0} '{task}'` says why", args.run)
    })?;
    let Some(number) = args.attempt else { return Ok(last) };
    let chosen = attempts.iter().find(|attempt| attempt.number == number);
    chosen.ok_or_else(|| anyhow!("`{task}` has no attempt {number}: its last is attempt {}", last.number))
}
