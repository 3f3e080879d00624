//! `sexton next`: when an expression fires. It asks nobody: text in, instants out.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::schedule::cron::{CronError, Dialect, Line};
use crate::schedule::fires::{self, Dst};
use crate::wire;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::yaml::report::{Report, SourceFile};

use super::failure::Outcome;
use super::range::zone;
use super::show::out;

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

/// Prints the next fires.
pub fn next(args: &NextArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    let text = &args.expression;
    if !args.unquoted.is_empty() {
        out::note(&format!("error: {}", unquoted(text, &args.unquoted)));
        return Ok(Outcome::Unusable);
    }
    let dialect = if args.extended { Dialect::Extended } else { Dialect::Crontab };
    let cron = match Line::parse(text, dialect) {
        Ok(Line::Times(cron)) => cron,
        Ok(Line::Reboot) => {
            out::note("`@reboot` fires at the first start after each boot, not by the clock");
            return Ok(Outcome::Bad);
        }
        Err(error) => {
            out::findings(&drawn(text, error, args.extended));
            return Ok(Outcome::Unusable);
        }
    };
    let (zone, from) = (&args.timezone, args.from.unwrap_or(now));
    let following = |at: &Timestamp| fires::next(&cron, zone, Dst::default(), *at);
    let mut fires = std::iter::successors(following(&from), following).take(args.count as usize).peekable();
    if fires.peek().is_none() {
        let after = from.to_zoned(zone.clone()).date();
        out::note(&format!("`{}` never fires: not once in the 41 years after {after}", text.trim()));
        return Ok(Outcome::Bad);
    }
    for at in fires {
        let fire = wire::Fire { utc: at.to_string(), local: local(at, zone) };
        out::line(&if args.json { serde_json::to_string(&fire)? } else { fire.local })?;
    }
    Ok(Outcome::Good)
}

/// RFC 3339 with the zone's offset; UTC is `Z`.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    match zone.to_fixed_offset() {
        Ok(Offset::UTC) => at.to_string(),
        Ok(_) | Err(_) => at.display_with_offset(zone.to_offset(at)).to_string(),
    }
}

/// Fields without quotes around them. Of a bare `*` the shell has made the names of files.
fn unquoted(first: &str, others: &[String]) -> String {
    let whole = format!("{first} {}", others.join(" "));
    let example = if Line::parse(&whole, Dialect::Extended).is_ok() { &whole } else { "*/5 * * * *" };
    format!("expected one word, found {}; quote the expression: '{example}'", others.len() + 1)
}

fn drawn(text: &str, error: CronError, extended: bool) -> Report {
    let CronError { span, message, help } = error;
    let mut diagnostic = Diagnostic::error(Span::new(span.start, span.end), message);
    diagnostic.help.extend(help);
    if !extended && Line::parse(text, Dialect::Extended).is_ok() {
        diagnostic = diagnostic.help("with `--extended` it is read as in a pipeline file");
    }
    let mut found = Diagnostics::default();
    found.push(diagnostic);
    let mut report = Report::default();
    report.add(&SourceFile::new("expression", text), found);
    report
}

fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "expected an instant with its offset, such as 2025-03-09T00:00:00-05:00".to_owned())
}
