//! The words of the command line, their options and their help.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;

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
    /// Run one pipeline in the foreground, to its end
    Run(RunArgs),
    /// Check pipeline files and settings: all mistakes of all files, each with its place
    Check(CheckArgs),
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
    /// Say why a run or a task is as it is
    Why(WhyArgs),
    /// Own the local attempts of a state directory (started by sexton itself)
    #[command(hide = true)]
    Keeper(KeeperArgs),
}

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub struct ConfigDir {
    /// The directory with sexton.yaml and pipelines/ [default: config]
    #[arg(long = "config", value_name = "DIR", env = "SEXTON_CONFIG")]
    given: Option<PathBuf>,
}

impl ConfigDir {
    /// The directory that was named, else `config`.
    pub fn dir(&self) -> PathBuf {
        self.given.clone().unwrap_or_else(|| "config".into())
    }

    /// The directory for a pipeline file: the one that was named, else the one the file lies in.
    pub fn around(&self, file: &Path) -> PathBuf {
        // Of `x.yaml` alone nobody can tell in which directory it lies.
        let whole = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let file = if file.components().count() > 2 { file } else { &whole };
        let pipelines = file.parent().filter(|dir| dir.file_name().is_some_and(|name| name == "pipelines"));
        let inferred = pipelines.and_then(Path::parent).map(Path::to_owned);
        self.given.clone().or(inferred).unwrap_or_else(|| self.dir())
    }
}

/// Where runs are remembered.
#[derive(Clone, Debug, Args)]
pub struct StateDir {
    /// The directory with the database and the logs [default: your desk, ~/.local/state/sexton/desk]
    #[arg(long = "state-dir", value_name = "DIR", env = "SEXTON_STATE_DIR")]
    pub dir: Option<PathBuf>,
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

/// `sexton check`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all valid, 1 mistakes found (with --strict: or warnings), 2 wrong use."
)]
pub struct CheckArgs {
    /// Pipeline files, or directories of them [default: the configuration directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Warnings fail too
    #[arg(long)]
    pub strict: bool,
    /// One JSON object a line instead of text
    #[arg(long)]
    pub json: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigDir,
}

/// `sexton schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which file's
    #[arg(value_enum, default_value = "pipeline")]
    pub file: SchemaFile,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaFile {
    /// A pipeline file
    Pipeline,
    /// sexton.yaml
    Config,
}

/// `sexton next`
#[derive(Debug, Args)]
#[command(after_help = "Times that a clock change skips or repeats fire as under Debian's cron.\n\n\
                        Exit codes: 0 printed, 1 it never fires, 2 wrong use or an invalid expression.")]
pub struct NextArgs {
    /// The expression, in quotes: '30 21 * * 1-5', with seconds in front if there are six fields, or
    /// '@daily'
    #[arg(value_name = "EXPR")]
    pub expression: String,
    /// Words behind it, which there are where quotes are missing
    #[arg(hide = true)]
    pub unquoted: Vec<String>,
    /// The IANA time zone of the expression's times
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub timezone: String,
    /// The instant to begin after, e.g. 2025-03-09T00:00:00Z [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub from: Option<Timestamp>,
    /// How many
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    /// Understand what pipeline files understand: L, LW, 15W, fri#2, friL, ?
    #[arg(long)]
    pub extended: bool,
    /// One JSON object a line instead of text
    #[arg(long)]
    pub json: bool,
}

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
    /// Where runs are remembered.
    #[command(flatten)]
    pub state: StateDir,
}

/// `sexton why`
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The run's number
    pub run: i64,
    /// The path of a task or container [default: the whole run]
    #[arg(value_name = "PATH", default_value = "/")]
    pub path: String,
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

/// A date that people mean: of four digits' years.
fn date(text: &str) -> Result<Date, String> {
    let date: Date = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    if (1000..9999).contains(&date.year()) {
        Ok(date)
    } else {
        Err("expected a year from 1000 to 9998".to_owned())
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "expected an instant with its offset, such as 2025-03-09T00:00:00-05:00".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
