//! The words of the command line. What a command takes stands in the command's own file; that of the daemon's
//! entries here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::calendar::CalendarArgs;
use super::check::CheckArgs;
use super::dirs::{ConfigDir, StateDir};
use super::ledger::LedgerArgs;
use super::logs::LogsArgs;
use super::next::NextArgs;
use super::plan::PlanArgs;
use super::range::date;
use super::runs::RunsArgs;
use super::schema::SchemaArgs;
use super::tasks::TasksArgs;
use super::why::WhyArgs;

/// A daemon that replaces cron for teams whose nights are data loads.
#[derive(Debug, Parser)]
#[command(name = "sexton", version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Sexton {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of `sexton`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: fire what is due, until told to end
    Serve(ServeArgs),
    /// Run one pipeline in the foreground, to its end
    Run(RunArgs),
    /// Check pipelines, calendars and settings: all mistakes of all files, each with its place
    Check(CheckArgs),
    /// Show what the schedules name between two dates, and what is to become of it; runs nothing
    Plan(PlanArgs),
    /// List exchange calendars, or show the days of one
    Calendar(CalendarArgs),
    /// Print the JSON Schema of pipeline files, for editors
    Schema(SchemaArgs),
    /// Print when a cron expression fires next
    Next(NextArgs),
    /// List runs, the newest first
    Runs(RunsArgs),
    /// List the tasks of a run
    Tasks(TasksArgs),
    /// Print what a task has printed
    Logs(LogsArgs),
    /// List what became of every instant that a schedule named, the newest first
    Ledger(LedgerArgs),
    /// Say why a run or a task is as it is, or why a pipeline did or did not run on a day
    Why(WhyArgs),
    /// Own the local attempts of a state directory (started by sexton itself)
    #[command(hide = true)]
    Keeper(KeeperArgs),
}

/// `sexton serve`
#[derive(Debug, Args)]
#[command(
    after_help = "Signals: SIGHUP goes by the files as they are now, if all of them are valid. SIGTERM and \
                        SIGINT end the daemon within a second; running tasks go on, and the next start takes \
                        them up.\nExit codes: 0 ended when told to, 2 wrong use, or no valid files."
)]
pub struct ServeArgs {
    /// On SIGTERM, wait for running tasks before ending; a second SIGTERM ends at once
    #[arg(long)]
    pub drain: bool,
    /// How to log on standard error [default: journald under systemd, else human]
    #[arg(long, value_enum, value_name = "FORMAT", env = "SEXTON_LOG")]
    pub log: Option<LogFormat>,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigDir,
    /// The directory with the database and the logs [default: ~/.local/state/sexton/daemon]
    #[arg(long = "state-dir", value_name = "DIR", env = "SEXTON_STATE_DIR")]
    pub state: Option<PathBuf>,
}

/// How the daemon logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A sentence a line
    Human,
    /// One JSON object a line
    Json,
    /// To the journal, with fields
    Journald,
}

/// `sexton run`
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 succeeded (or skipped), 1 failed, 2 wrong use or an invalid file, \
                        130 interrupted (Ctrl-C cancels the run and ends what it started).")]
pub struct RunArgs {
    /// A pipeline file, or the name of a pipeline in the configuration directory
    #[arg(value_name = "FILE-or-NAME")]
    pub pipeline: String,
    /// The date the run is for [default: today in the pipeline's time zone]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub date: Option<Date>,
    /// A parameter of the pipeline
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    pub params: Vec<(String, String)>,
    /// One JSON object a line instead of text
    #[arg(long)]
    pub json: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigDir,
    /// Where runs are remembered.
    #[command(flatten)]
    pub state: StateDir,
}

/// `sexton keeper`
#[derive(Debug, Args)]
pub struct KeeperArgs {
    /// The keeper's directory
    #[arg(long)]
    pub dir: PathBuf,
    /// End all attempts, and itself, when the daemon's connection closes
    #[arg(long)]
    pub bound: bool,
    /// A state handed over by the program that executes this one
    #[arg(long, value_name = "FD", hide = true)]
    pub resume: Option<i32>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
