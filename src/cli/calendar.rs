//! `sexton calendar`: which calendars there are, and the days of one. It reads the configuration's calendar files
//! and nothing else.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::calendar::book::Book;
use crate::calendar::calendar::Calendar;
use crate::calendar::session::Session;
use crate::config::load;
use crate::wire;
use crate::yaml::report::Report;

use super::dirs::ConfigDir;
use super::failure::Outcome;
use super::range::date;
use super::show::month;
use super::show::out;
use super::show::table::table;

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

/// Bytes that are printed together.
const AT_ONCE: usize = 64 * 1024;

/// Lists calendars, or shows one.
pub fn calendar(args: &CalendarArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    match &args.what {
        CalendarCommand::List(args) => list(args, now),
        CalendarCommand::Show(args) => show(args, now),
    }
}

/// The calendars, if the files are valid; where not, that has been said.
fn book(config: &ConfigDir) -> anyhow::Result<Option<(Book, Report)>> {
    let dir = config.there()?;
    let mut report = Report::default();
    let book = load::calendars(&dir, &mut report)?;
    if report.has_errors() {
        out::findings(&report);
        return Ok(None);
    }
    Ok(Some((book, report)))
}

fn list(args: &CalendarListArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    let Some((book, _)) = book(&args.config)? else { return Ok(Outcome::Unusable) };
    let mut head = vec!["CODE", "NAME", "ZONE", "FROM", "TO", "ANNOUNCED TO", "OPENS", "ALSO"];
    let any_files = !book.sources().is_empty();
    if any_files {
        head.insert(7, "FILES");
    }
    let mut rows = Vec::new();
    for code in book.codes() {
        let calendar = book.get(code)?;
        let files = book.files(code);
        if args.json {
            let line = serde_json::to_string(&listed(&calendar, files, now))?;
            if !out::pour(&format!("{line}\n"))? {
                break;
            }
            continue;
        }
        let mut row = vec![
            calendar.code().to_owned(),
            calendar.name().to_owned(),
            calendar.timezone().to_owned(),
            calendar.first().to_string(),
            calendar.last().to_string(),
            calendar.announced_to().to_string(),
            next(&calendar, now),
        ];
        if any_files {
            row.push(files.join(" "));
        }
        row.push(calendar.aliases().join(" "));
        rows.push(row);
    }
    if !args.json {
        out::print(&table(&head, &rows))?;
    }
    Ok(Outcome::Good)
}

/// The session that is under way, or the next.
fn nearest(calendar: &Calendar, now: Timestamp) -> Option<Session> {
    calendar.at(now).or_else(|| calendar.first_after(now))
}

fn next(calendar: &Calendar, now: Timestamp) -> String {
    match nearest(calendar, now) {
        Some(session) if session.open <= now => format!("open to {}", clock(calendar, session.close)),
        Some(session) => clock(calendar, session.open),
        None => "not known".to_owned(),
    }
}

/// By the exchange's clock: `Mon 2026-11-23 09:30`.
fn clock(calendar: &Calendar, at: Timestamp) -> String {
    at.to_zoned(calendar.zone()).strftime("%a %Y-%m-%d %H:%M").to_string()
}

fn listed<'c>(calendar: &'c Calendar, files: Vec<&'c str>, now: Timestamp) -> wire::Calendar<'c> {
    wire::Calendar {
        code: calendar.code(),
        name: calendar.name(),
        aliases: calendar.aliases().iter().map(AsRef::as_ref).collect(),
        timezone: calendar.timezone(),
        from: calendar.first().to_string(),
        to: calendar.last().to_string(),
        announced_to: calendar.announced_to().to_string(),
        files,
        next: nearest(calendar, now).map(|session| wire::Session::new(calendar, &session)),
    }
}

fn show(args: &CalendarShowArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    let Some((book, report)) = book(&args.config)? else { return Ok(Outcome::Unusable) };
    let calendar = match book.get(&args.code) {
        Ok(calendar) => calendar,
        Err(unknown) => {
            let hint = match &unknown.meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "`sexton calendar list` shows them all".to_owned(),
            };
            anyhow::bail!("{unknown}; {hint}")
        }
    };
    let (from, to) = dates(args, &calendar, now)?;
    if args.json {
        let mut text = String::new();
        for session in calendar.sessions(from, to) {
            text += &serde_json::to_string(&wire::Session::new(&calendar, &session))?;
            text.push('\n');
            if text.len() >= AT_ONCE && !out::pour(&std::mem::take(&mut text))? {
                return Ok(Outcome::Good);
            }
        }
        out::print(&text)?;
    } else {
        let files = book.files(calendar.code());
        out::findings(&report.of(&files));
        out::print(&month::shown(&calendar, from, to, &files))?;
    }
    Ok(Outcome::Good)
}

/// The first and the last date that are shown; they are in the calendar.
fn dates(args: &CalendarShowArgs, calendar: &Calendar, now: Timestamp) -> anyhow::Result<(Date, Date)> {
    let (first, last) = (calendar.first(), calendar.last());
    let whole = args.json && args.year.is_none();
    let (from, to) = match (args.from, args.to) {
        (None, None) if whole => (first, last),
        (None, None) => {
            let year = args.year.unwrap_or_else(|| now.to_zoned(calendar.zone()).year());
            let begin = Date::new(year, 1, 1)?;
            (begin, begin.last_of_year())
        }
        (from, to) => (from.unwrap_or(first), to.unwrap_or(last)),
    };
    anyhow::ensure!(from <= to, "--to is before --from");
    let code = calendar.code();
    anyhow::ensure!(
        from <= last && to >= first,
        "`{code}` knows the dates from {first} to {last}, and none from {from} to {to}"
    );
    if from < first {
        out::note(&format!("`{code}` begins {first}; what was before is not known"));
    }
    if to > last {
        out::note(&format!("`{code}` ends {last}; what comes after is not known"));
    }
    Ok((from.max(first), to.min(last)))
}
