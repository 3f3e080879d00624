//! Parse, dispatch, print the error chain, exit.

use std::process::ExitCode;

use clap::Parser as _;

use sexton::cli::args::{Command, Sexton};
use sexton::cli::failure::Outcome;
use sexton::cli::{check, logs, next, runs, schema, tasks, why};
use sexton::clock::{Clock as _, System};
use sexton::daemon;

fn main() -> ExitCode {
    match dispatch(Sexton::parse().command) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            eprintln!("error: {}", told(&error));
            Outcome::Unusable.into()
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Run(args) => daemon::run(&args),
        Command::Keeper(args) => daemon::keeper(args),
        Command::Check(args) => check::check(&args),
        Command::Schema(args) => schema::schema(&args),
        Command::Next(args) => next::next(&args, System.now()),
        Command::Runs(args) => daemon::block_on(runs::runs(&args, System.now())),
        Command::Tasks(args) => daemon::block_on(tasks::tasks(&args)),
        Command::Logs(args) => daemon::block_on(logs::logs(&args)),
        Command::Why(args) => daemon::block_on(why::why(&args)),
    }
}

/// The chain of an error in one line. Some causes are told by what they caused, too: those once.
fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
