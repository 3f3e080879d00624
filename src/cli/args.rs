//! The words of the command line, their options and their help.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::schedule::slot::Decision;
use crate::schedule::why::When;

use super::range::{date, decisions, when, zone};

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

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub struct ConfigDir {
    /// The directory with sexton.yaml, pipelines/ and calendars/ [default: config]
    #[arg(long = "config", value_name = "DIR", env = "SEXTON_CONFIG")]
    given: Option<PathBuf>,
}

impl ConfigDir {
    /// The directory that was named, else `config`.
    pub fn dir(&self) -> PathBuf {
        self.given.clone().unwrap_or_else(|| "config".into())
    }

    /// The directory that was named, which has to be there, else `config`, which need not.
    pub fn there(&self) -> anyhow::Result<PathBuf> {
        let dir = self.dir();
        anyhow::ensure!(self.given.is_none() || dir.is_dir(), "{}: no such directory", dir.display());
        Ok(dir)
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
    /// The directory with the database and the logs [default: your desk, ~/.local/state/sexton/desk];
    /// what a daemon ran is in its own, as a rule ~/.local/state/sexton/daemon
    #[arg(long = "state-dir", value_name = "DIR", env = "SEXTON_STATE_DIR")]
    pub dir: Option<PathBuf>,
}

/// Where a daemon remembers.
#[derive(Clone, Debug, Args)]
pub struct DaemonDir {
    /// The daemon's directory with the database [default: ~/.local/state/sexton/daemon, as of `serve`]
    #[arg(long = "state-dir", value_name = "DIR", env = "SEXTON_STATE_DIR")]
    pub dir: Option<PathBuf>,
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

/// `sexton check`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all valid, 1 mistakes found (with --strict: or warnings), 2 wrong use."
)]
pub struct CheckArgs {
    /// Files of pipelines and calendars, or directories of them [default: the configuration directory]
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

/// `sexton plan`
#[derive(Debug, Args)]
#[command(
    after_help = "It reads the files as they are now, and says what the daemon would decide if it were \
                        there at each instant and no run were under way. It changes nothing and remembers \
                        nothing; what did happen is told by `sexton ledger`.\nExit codes: 0 shown, 2 wrong \
                        use, or files that are not valid."
)]
pub struct PlanArgs {
    /// Only of these pipelines
    #[arg(value_name = "PIPELINE")]
    pub pipelines: Vec<String>,
    /// The first day, in each schedule's own time zone [default: today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub from: Option<Date>,
    /// The last day, which is shown too [default: six days after the first]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub to: Option<Date>,
    /// One JSON object a line instead of a table
    #[arg(long)]
    pub json: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigDir,
}

/// `sexton calendar`
#[derive(Debug, Args)]
pub struct CalendarArgs {
    /// What is wanted of them.
    #[command(subcommand)]
    pub what: CalendarCommand,
}

/// What can be asked of calendars.
#[derive(Debug, Subcommand)]
pub enum CalendarCommand {
    /// List all calendars: those that come with sexton, and those of calendars/ in the configuration
    List(CalendarListArgs),
    /// Show the sessions and holidays of a calendar
    Show(CalendarShowArgs),
}

/// `sexton calendar list`
#[derive(Debug, Args)]
pub struct CalendarListArgs {
    /// One JSON object a line instead of a table
    #[arg(long)]
    pub json: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigDir,
}

/// `sexton calendar show`
#[derive(Debug, Args)]
#[command(after_help = "sexton calendar show XNYS                 this year\n\
                        sexton calendar show nasdaq 2027          by any of its codes\n\
                        sexton calendar show XTKS --from 2026-12-21 --to 2027-01-08\n\n\
                        Times are the exchange's own; with --json they are in UTC.\nExit codes: 0 shown, 2 wrong \
                        use, no such calendar, no such dates in it, or files that are not valid.")]
pub struct CalendarShowArgs {
    /// The calendar, by its code or another, in any case
    #[arg(value_name = "CODE")]
    pub code: String,
    /// The year [default: this year; with --json, all of them]
    #[arg(value_name = "YEAR", value_parser = clap::value_parser!(i16).range(1000..9999), conflicts_with_all = ["from", "to"])]
    pub year: Option<i16>,
    /// The first date [default: with --to, the calendar's first]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub from: Option<Date>,
    /// The last date, which is shown too [default: with --from, the calendar's last]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    pub to: Option<Date>,
    /// One JSON object a line for each session, instead of months
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
    /// A calendar file
    Calendar,
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
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    pub timezone: TimeZone,
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
    /// Whose secrets are hidden, as far as they can be had.
    #[command(flatten)]
    pub config: ConfigDir,
    /// Where runs are remembered.
    #[command(flatten)]
    pub state: StateDir,
}

/// `sexton ledger`
#[derive(Debug, Args)]
#[command(after_help = "A slot is one instant that a schedule names. What became of it:\n  \
                        fired    it made a run; the reason says how late, and for what the run waits\n  \
                        missed   nobody was there in time, and `catchup` did not want it\n  \
                        expired  it was, or came to be, older than `starting_deadline`\n  \
                        skipped  too many runs were under way, or its date was out of bounds\n  \
                        paused   the pipeline was paused\n  \
                        rebased  no slot: the machine's clock was set, and what lies between is not \
                        replayed\nMany slots in a row that came to the same share a line.\nExit codes: 0 \
                        listed (or nothing to list), 2 wrong use.")]
pub struct LedgerArgs {
    /// Only of this pipeline
    pub pipeline: Option<String>,
    /// Only of this schedule; one that was given no name is called `default`
    #[arg(long, value_name = "NAME")]
    pub schedule: Option<String>,
    /// Only slots of this day and later, or from this instant on; the oldest come first then
    #[arg(long, value_name = "DATE-or-INSTANT", value_parser = when)]
    pub from: Option<When>,
    /// Only slots up to and with this day, or this instant; the oldest come first then
    #[arg(long, value_name = "DATE-or-INSTANT", value_parser = when)]
    pub to: Option<When>,
    /// The zone in which a day is a day and times are shown, such as Europe/London [default: UTC]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub timezone: Option<TimeZone>,
    /// Only slots that came to this
    #[arg(long, value_name = "WORD", value_parser = decisions())]
    pub decision: Option<Decision>,
    /// How many lines
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// One JSON object a line instead of a table; its times are in UTC
    #[arg(long)]
    pub json: bool,
    /// Where the daemon remembers.
    #[command(flatten)]
    pub state: DaemonDir,
}

/// `sexton why`
#[derive(Debug, Args)]
#[command(after_help = "sexton why 12                    run 12 as a whole, and the slot that made it\n\
                        sexton why 12 load/prices        a task or a container of it\n\
                        sexton why nightly               what became of nightly's slots today, and why there \
                        is none\n\
                        sexton why nightly 2026-11-21    the same of a day, in the schedule's time zone\n\
                        sexton why nightly 2026-11-21T02:30:00Z\n\n\
                        Slots are the daemon's: about a pipeline, the state directory is by default the \
                        daemon's, ~/.local/state/sexton/daemon.")]
pub struct WhyArgs {
    /// A run's number, or a pipeline's name
    #[arg(value_name = "RUN-or-PIPELINE")]
    pub about: String,
    /// Of a run: the path of a task or container [default: the whole run]; of a pipeline: a day, or the
    /// instant of a slot [default: today]
    #[arg(value_name = "PATH-or-DATE")]
    pub part: Option<String>,
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

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "expected an instant with its offset, such as 2025-03-09T00:00:00-05:00".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
