//! `sexton logs`: what a task has printed.

use anyhow::{Context as _, anyhow};

use crate::store::tasks::AttemptRecord;

use super::args::LogsArgs;
use super::desk;
use super::failure::Outcome;
use super::show::log;

/// Prints an attempt's log.
pub async fn logs(args: &LogsArgs) -> anyhow::Result<Outcome> {
    let reader = desk::open(&args.state).await?;
    let record = desk::run(&reader, Some(args.run)).await?;
    let attempts = reader.attempts(record.id, &args.path).await?;
    let attempt = choose(&attempts, args)?;
    let places = crate::executor::output::Places::new(&desk::directory(&args.state)?);
    let relative = places.log(&record.pipeline_name, record.id, &args.path, attempt.number);
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
    let last = attempts.last();
    let last = last.ok_or_else(|| {
        anyhow!("run {} has no attempt of `{}`; see `sexton tasks {0}`", args.run, args.path)
    })?;
    match args.attempt {
        None => Ok(last),
        Some(number) => attempts
            .iter()
            .find(|attempt| attempt.number == number)
            .ok_or_else(|| anyhow!("`{}` has {} attempts, and no attempt {number}", args.path, last.number)),
    }
}
