//! `sexton why` about a pipeline: what became of its slots of a day, and where there is none, why. Here it is
//! read from the database and printed; the words are `show::slot`'s and `schedule::why`'s.

use anyhow::{Context as _, anyhow};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::calendar::book::Book;
use crate::config::kept;
use crate::pipeline::definition::Pipeline;
use crate::schedule::definition::{Policy, Schedule, Trigger};
use crate::schedule::occasion::Occasion;
use crate::schedule::slot::Key;
use crate::schedule::told::clock;
use crate::schedule::why::{Question, Told, When, asked};
use crate::store::db::Reader;
use crate::store::ledger::{LedgerFilter, LedgerRecord};
use crate::store::record::PipelineId;
use crate::store::standing::Outlook;
use crate::yaml::report::SourceFile;

use super::desk;
use super::dirs::DaemonDir;
use super::failure::Outcome;
use super::range::when;
use super::show::out;
use super::show::slot::{Line, told as told_of};

/// Lines of one schedule that are told: of every minute of a day.
const MOST_LINES: u32 = 1_500;
/// Lines that are read at a time where those of some schedules are looked for.
const PAGE: u32 = 1_000;

/// What was asked.
struct Asked<'a> {
    reader: &'a Reader,
    name: &'a str,
    pipeline: PipelineId,
    /// `None` for today.
    when: Option<When>,
    now: Timestamp,
    /// What other commands must be told to look at the same directory.
    there: String,
}

/// Explains the slots of a pipeline: of a day, of one instant, or today's.
pub async fn slots(
    name: &str,
    of: Option<&str>,
    state: &DaemonDir,
    now: Timestamp,
) -> anyhow::Result<Outcome> {
    let when = of.map(|text| when(text).map_err(|error| anyhow!("`{text}`: {error}")));
    let when = when.transpose().context("about a pipeline, what follows is a day")?;
    let dir = desk::daemon_directory(state.dir.as_deref())?;
    let there = desk::there(&dir);
    let reader = desk::open_daemon(state).await?;
    let pipeline = desk::pipeline(&reader, name).await?;
    let asked = Asked { reader: &reader, name, pipeline, when, now, there };
    let outlook = reader.outlook(pipeline).await?;
    let in_force = in_force(&outlook);
    let zone = in_force.as_ref().and_then(|pipeline| TimeZone::get(&pipeline.timezone).ok());
    let zone = zone.unwrap_or(TimeZone::UTC);
    let schedules = in_force.as_ref().map_or(&[][..], |pipeline| &pipeline.timetable.schedules);
    let mut text = asked.gone(schedules, &zone).await?;
    for schedule in schedules {
        let policy = in_force.as_ref().map(|pipeline| &pipeline.timetable.policy);
        let Some(policy) = policy else { continue };
        text.extend(asked.of(schedule, policy, &outlook).await?);
    }
    text.extend(standing(name, &outlook, schedules, &zone));
    out::print(&(text.join("\n") + "\n"))?;
    desk::say_if_abandoned(&dir, &reader, |run| run.pipeline == pipeline).await?;
    Ok(Outcome::Good)
}

/// The pipeline as its slots go by it.
fn in_force(outlook: &Outlook) -> Option<Pipeline> {
    let kept = outlook.in_force.as_ref()?;
    let files = outlook.calendars.iter().map(|(path, text)| SourceFile::new(path.clone(), text.clone()));
    let calendars = Book::with(&files.collect::<Vec<_>>()).0;
    let read = kept::read(&kept.name, &kept.source, &kept.defaults, &calendars);
    let told = |report| {
        out::note(&format!("what is in force of `{}` can no longer be read:\n{report}", kept.name));
    };
    read.map_err(told).ok()
}

/// What holds of the pipeline as a whole, beyond its slots.
fn standing(name: &str, outlook: &Outlook, schedules: &[Schedule], zone: &TimeZone) -> Vec<String> {
    let mut text = Vec::new();
    if outlook.in_force.is_none() {
        text.push(format!("`{name}` is not in force: no file that the daemon goes by defines it."));
    } else if schedules.is_empty() {
        text.push(format!("`{name}` has no schedule in force: it runs when somebody starts it."));
    } else if let Some(pause) = &outlook.paused {
        let since = clock(pause.at, zone);
        text.push(format!("`{name}` is paused by {} since {since}: its slots make no runs.", pause.by));
    }
    text
}

impl Asked<'_> {
    fn when(&self, zone: &TimeZone) -> When {
        let today = || When::Day(self.now.to_zoned(zone.clone()).date());
        self.when.unwrap_or_else(today)
    }

    /// About one schedule that is in force.
    async fn of(
        &self,
        schedule: &Schedule,
        policy: &Policy,
        outlook: &Outlook,
    ) -> anyhow::Result<Vec<String>> {
        let zone = schedule.zone();
        let when = self.when(&zone);
        let lines = self.lines(schedule, when).await?;
        let all = lines.len() < MOST_LINES as usize;
        let told: Vec<Told> = lines.iter().map(line_of).collect();
        let mut text = told_of(&self.with_runs(lines).await?, &zone, &self.there);
        if !all {
            let (name, schedule) = (self.name, &schedule.name);
            let from = told.last().map_or_else(|| when.span(&zone).0, |last| last.first);
            text.push(format!("… and more: sexton ledger '{name}' --schedule '{schedule}' --from {from}"));
            return Ok(text);
        }
        // Ages before the first schedule: within a range the oldest line comes first.
        let ever = LedgerFilter { from: Some(Timestamp::UNIX_EPOCH), ..self.filter(schedule) };
        let question = Question {
            schedule,
            policy,
            when,
            now: self.now,
            progress: outlook.progress.get(&schedule.name),
            told: &told,
            oldest: self.reader.ledger(&ever, 1).await?.first().map(|line| line.first),
        };
        text.extend(question.answers());
        Ok(text)
    }

    fn filter(&self, schedule: &Schedule) -> LedgerFilter {
        let (pipeline, schedule) = (Some(self.pipeline), Some(schedule.name.clone()));
        LedgerFilter { pipeline, schedule, ..LedgerFilter::default() }
    }

    /// What the ledger tells of the slots that are asked about.
    async fn lines(&self, schedule: &Schedule, when: When) -> anyhow::Result<Vec<LedgerRecord>> {
        let zone = schedule.zone();
        let (mut from, mut to) = when.span(&zone);
        let between = |from, to| LedgerFilter { from: Some(from), to: Some(to), ..self.filter(schedule) };
        let (Some(_), When::Day(date)) = (schedule.exchange(), when) else {
            return Ok(self.reader.ledger(&between(from, to), MOST_LINES).await?);
        };
        // What is for a date may be due on another, and may have been due on a third when it was decided.
        let occasions: Vec<Occasion> = asked(schedule, when).take(MOST_LINES as usize).collect();
        for occasion in &occasions {
            (from, to) = (from.min(occasion.at), to.max(occasion.at));
        }
        let near = self.reader.ledger(&between(from, to), MOST_LINES).await?;
        let is_for_it = |line: &LedgerRecord| match line_of(line).key {
            _ if line.first < line.last => true,
            Some(key @ (Key::Session { .. } | Key::Instant(_))) => {
                occasions.iter().any(|occasion| occasion.key == key)
            }
            Some(Key::Boot(_) | Key::Clock(_)) | None => true,
        };
        let keys = match schedule.trigger {
            Trigger::Sessions(_) => {
                [date, date.saturating_add(1.day())].map(|label| Key::Session { label, ordinal: 0 })
            }
            Trigger::Cron { .. } | Trigger::Reboot => {
                [date, date.saturating_add(1.day())].map(|date| Key::Instant(When::Day(date).span(&zone).0))
            }
        };
        let mut lines = self.reader.ledger_of_keys(self.pipeline, &schedule.name, &keys, MOST_LINES).await?;
        lines.extend(near.into_iter().filter(is_for_it));
        lines.sort_by_key(|line| (line.first, line.id));
        lines.dedup_by_key(|line| line.id);
        Ok(lines)
    }

    /// What the ledger tells of schedules that are not in force any more.
    async fn gone(&self, in_force: &[Schedule], zone: &TimeZone) -> anyhow::Result<Vec<String>> {
        let (from, to) = self.when(zone).span(zone);
        let pipeline = Some(self.pipeline);
        let mut filter = LedgerFilter { pipeline, from: Some(from), to: Some(to), ..LedgerFilter::default() };
        let mut gone = Vec::new();
        loop {
            let page = self.reader.ledger(&filter, PAGE).await?;
            filter.after = page.last().map(|line| (line.first, line.id));
            let whole = page.len() == PAGE as usize;
            gone.extend(
                page.into_iter().filter(|line| in_force.iter().all(|own| *own.name != *line.schedule)),
            );
            if !whole || gone.len() >= MOST_LINES as usize {
                break;
            }
        }
        gone.sort_by(|a, b| (&a.schedule, a.first, a.id).cmp(&(&b.schedule, b.first, b.id)));
        let lines = self.with_runs(gone).await?;
        let mut text = Vec::new();
        for lines in lines.chunk_by(|(a, _), (b, _)| a.schedule == b.schedule) {
            text.extend(told_of(lines, zone, &self.there));
            let schedule = lines.first().map(|(line, _)| &*line.schedule).unwrap_or_default();
            text.push(format!("Schedule `{schedule}` is no longer in force."));
        }
        Ok(text)
    }

    async fn with_runs(&self, lines: Vec<LedgerRecord>) -> anyhow::Result<Vec<Line>> {
        let mut all = Vec::with_capacity(lines.len());
        for line in lines {
            let run = match line.run {
                Some(run) => self.reader.run(run).await?,
                None => None,
            };
            all.push((line, run));
        }
        Ok(all)
    }
}

fn line_of(line: &LedgerRecord) -> Told {
    Told { key: Key::from_text(&line.slot), first: line.first, last: line.last }
}
