//! Parse, dispatch, print the error chain, exit.

use std::process::ExitCode;

use clap::Parser as _;

use sexton::cli::args::{Command, Sexton};
use sexton::cli::failure::Outcome;
use sexton::cli::show::out;
use sexton::cli::{calendar, check, ledger, logs, next, plan, runs, schema, tasks, why};
use sexton::clock::{Clock as _, System};
use sexton::daemon::surroundings::{block_on, keeper};
use sexton::daemon::{foreground, serve};

fn main() -> ExitCode {
    // Who speaks TLS speaks it with this; refused only where it is chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match dispatch(Sexton::parse().command) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            out::note(&format!("error: {}", told(&error)));
            Outcome::Unusable.into()
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Serve(args) => serve::serve(&args),
        Command::Run(args) => foreground::run(&args),
        Command::Keeper(args) => keeper(args),
        Command::Check(args) => check::check(&args, System.now()),
        Command::Plan(args) => plan::plan(&args, System.now()),
        Command::Calendar(args) => calendar::calendar(&args, System.now()),
        Command::Schema(args) => schema::schema(&args),
        Command::Next(args) => next::next(&args, System.now()),
        Command::Runs(args) => block_on(runs::runs(&args, System.now())),
        Command::Tasks(args) => block_on(tasks::tasks(&args)),
        Command::Logs(args) => block_on(logs::logs(&args)),
        Command::Ledger(args) => block_on(ledger::ledger(&args)),
        Command::Why(args) => block_on(why::why(&args, System.now())),
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
