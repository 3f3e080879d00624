//! `sexton ledger`: what became of slots; the newest first, and within a range the oldest.

use clap::Args;
use jiff::tz::TimeZone;

use crate::schedule::slot::Decision;
use crate::schedule::why::When;
use crate::store::db::Reader;
use crate::store::ledger::{LedgerFilter, LedgerRecord};
use crate::wire;
use crate::yaml::diagnostic::listed;

use super::desk;
use super::dirs::DaemonDir;
use super::failure::Outcome;
use super::range::{self, decisions, when, zone};
use super::show::table::table;
use super::show::{out, slot};

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

/// Lists lines of the ledger.
pub async fn ledger(args: &LedgerArgs) -> anyhow::Result<Outcome> {
    let zone = args.timezone.clone().unwrap_or(TimeZone::UTC);
    let (from, to) = range::between(args.from, args.to, &zone)?;
    let reader = desk::open_daemon(&args.state).await?;
    let pipeline = match &args.pipeline {
        Some(name) => Some(desk::pipeline(&reader, name).await?),
        None => None,
    };
    let schedule = args.schedule.as_deref().map(Box::from);
    let filter = LedgerFilter { pipeline, schedule, decision: args.decision, from, to, after: None };
    // One more than wanted tells whether there are more.
    let mut lines = reader.ledger(&filter, args.limit + 1).await?;
    let more = lines.len() > args.limit as usize;
    lines.truncate(args.limit as usize);
    if lines.is_empty() {
        out::note(&nothing(&reader, &filter, args.pipeline.as_deref()).await?);
    } else if args.json {
        for line in &lines {
            out::line(&serde_json::to_string(&wire::Slot::from(line))?)?;
        }
    } else {
        let rows: Vec<Vec<String>> = lines.iter().map(|line| row(line, &zone)).collect();
        out::print(&table(&["SLOT", "PIPELINE", "SCHEDULE", "DECISION", "RUN", "REASON"], &rows))?;
    }
    // The newest of all are a beginning; of a range people take what they see for the whole.
    if more && (from.is_some() || to.is_some()) {
        out::note(&format!("the first {} of more; see --limit, or a later --from", args.limit));
    }
    Ok(Outcome::Good)
}

fn row(line: &LedgerRecord, zone: &TimeZone) -> Vec<String> {
    vec![
        slot::cell(line, zone),
        line.pipeline_name.clone(),
        line.schedule.clone(),
        line.decision.word().to_owned(),
        line.run.map(|run| run.to_string()).unwrap_or_default(),
        line.reason.clone(),
    ]
}

/// That nothing was found, and whether that may be a slip of the pen.
async fn nothing(reader: &Reader, filter: &LedgerFilter, name: Option<&str>) -> anyhow::Result<String> {
    let anything = LedgerFilter { pipeline: filter.pipeline, ..LedgerFilter::default() };
    if reader.ledger(&anything, 1).await?.is_empty() {
        let whose = name.map(|name| format!(" of `{name}`")).unwrap_or_default();
        return Ok(format!("no slot{whose} has come due yet"));
    }
    if let (Some(pipeline), Some(schedule)) = (filter.pipeline, &filter.schedule) {
        let known = reader.outlook(pipeline).await?.progress;
        if !known.is_empty() && !known.contains_key(schedule) {
            let known = listed(known.keys().map(|name| &**name));
            return Ok(format!("no such slot; there is no schedule `{schedule}` in force, only {known}"));
        }
    }
    Ok("no such slot".to_owned())
}
