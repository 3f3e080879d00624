//! `sexton plan`: what the schedules name between two dates and what is to become of it. It reads the files,
//! asks the law, and touches no state.

use anyhow::anyhow;
use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

use crate::config::load;
use crate::pipeline::definition::Pipeline;
use crate::schedule::definition::Schedule;
use crate::schedule::preview::{Foreseen, Merged, preview};
use crate::schedule::slot::Decision;
use crate::schedule::told::clock;
use crate::wire;
use crate::yaml::diagnostic::nearest;

use super::dirs::ConfigDir;
use super::failure::Outcome;
use super::range::date;
use super::show::out;
use super::show::table::Growing;

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

/// Rows that are printed together, as wide as the widest of them.
const AT_ONCE: usize = 200;
/// Days that are shown after the first.
const DAYS: i64 = 6;

/// Shows what is to come.
pub fn plan(args: &PlanArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    if let (Some(from), Some(to)) = (args.from, args.to) {
        anyhow::ensure!(from <= to, "--to is before --from");
    }
    let dir = args.config.dir();
    let found = load::everything(&dir)?;
    if found.report.has_errors() {
        out::findings(&found.report);
        return Ok(Outcome::Unusable);
    }
    let pipelines = chosen(&found.pipelines, &args.pipelines)?;
    for note in notes(&pipelines, !args.pipelines.is_empty()) {
        out::note(&note);
    }
    let schedules: Vec<(&Pipeline, &Schedule)> = pipelines
        .iter()
        .flat_map(|pipeline| pipeline.timetable.schedules.iter().map(move |schedule| (*pipeline, schedule)))
        .filter(|(_, schedule)| !schedule.is_reboot())
        .collect();
    let previews = schedules.iter().map(|(pipeline, schedule)| {
        preview(schedule, &pipeline.timetable.policy, dates(args, schedule, now))
    });
    let slots = Merged::new(previews).map(|(number, foreseen)| (schedules[number], foreseen));
    let any = if args.json { listed(slots)? } else { tabled(slots)? };
    if !any && !schedules.is_empty() {
        out::note("no slot between the two dates");
    }
    Ok(Outcome::Good)
}

/// The first and the last date, by the clocks of the schedule.
fn dates(args: &PlanArgs, schedule: &Schedule, now: Timestamp) -> (Date, Date) {
    let from = args.from.unwrap_or_else(|| schedule.date(now));
    let to = args.to.unwrap_or_else(|| from.saturating_add(DAYS.days()));
    (from, to)
}

/// The pipelines of these names, or all.
fn chosen<'a>(all: &'a [Pipeline], names: &[String]) -> anyhow::Result<Vec<&'a Pipeline>> {
    if names.is_empty() {
        return Ok(all.iter().collect());
    }
    let one = |name: &String| {
        all.iter().find(|pipeline| *pipeline.name == **name).ok_or_else(|| {
            let near = nearest(name, all.iter().map(|pipeline| &*pipeline.name));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            anyhow!("there is no pipeline `{name}` in the configuration{hint}")
        })
    };
    let mut chosen: Vec<&Pipeline> = names.iter().map(one).collect::<Result<_, _>>()?;
    // Named twice is meant once.
    let mut seen = std::collections::BTreeSet::new();
    chosen.retain(|pipeline| seen.insert(&*pipeline.name));
    Ok(chosen)
}

/// What has no slot by the clock, and why.
fn notes(pipelines: &[&Pipeline], named: bool) -> Vec<String> {
    let mut notes = Vec::new();
    for pipeline in pipelines {
        let name = &pipeline.name;
        if named && pipeline.timetable.schedules.is_empty() {
            notes.push(format!("`{name}` has no schedule: it runs when somebody starts it"));
        }
        for schedule in pipeline.timetable.schedules.iter().filter(|schedule| schedule.is_reboot()) {
            notes.push(format!(
                "`{name}`, schedule `{}`: @reboot fires at the daemon's first start after each boot; no date tells when",
                schedule.name
            ));
        }
    }
    if !named && pipelines.iter().all(|pipeline| pipeline.timetable.schedules.is_empty()) {
        notes.push("no pipeline has a schedule".to_owned());
    }
    notes
}

type Planned<'a> = ((&'a Pipeline, &'a Schedule), Foreseen);

/// Prints objects; whether there were any.
fn listed<'a>(slots: impl Iterator<Item = Planned<'a>>) -> anyhow::Result<bool> {
    let mut slots = slots.peekable();
    let any = slots.peek().is_some();
    let mut text = String::new();
    while let Some(((pipeline, schedule), foreseen)) = slots.next() {
        let object = wire::PlannedSlot::new(&pipeline.name, schedule, foreseen);
        text += &serde_json::to_string(&object)?;
        text.push('\n');
        let full = text.len() >= AT_ONCE * 100 || slots.peek().is_none();
        if full && !out::pour(&std::mem::take(&mut text))? {
            break;
        }
    }
    Ok(any)
}

/// Prints a table; whether it has any rows.
fn tabled<'a>(mut slots: impl Iterator<Item = Planned<'a>>) -> anyhow::Result<bool> {
    let mut table = Growing::new(&["LOCAL", "PIPELINE", "SCHEDULE", "DATE", "DECISION", "REASON"]);
    let mut any = false;
    loop {
        let rows: Vec<Vec<String>> = slots.by_ref().take(AT_ONCE).map(row).collect();
        if rows.is_empty() {
            return Ok(any);
        }
        any = true;
        if !out::pour(&table.more(&rows))? {
            return Ok(any);
        }
    }
}

fn row(((pipeline, schedule), foreseen): Planned<'_>) -> Vec<String> {
    let (at, date, decision, reason) = match foreseen {
        Foreseen::Slot(entry) => {
            let at = clock(entry.first, &schedule.zone());
            // It has not yet.
            let fires = entry.decision == Decision::Fired;
            (at, entry.date, if fires { "fires" } else { entry.decision.word() }, entry.reason.to_string())
        }
        Foreseen::Exhausted { date, reason, .. } => (String::new(), date, "exhausted", reason),
    };
    let (pipeline, schedule) = (pipeline.name.to_string(), schedule.name.to_string());
    vec![at, pipeline, schedule, date.to_string(), decision.to_owned(), reason]
}
