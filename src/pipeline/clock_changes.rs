//! Tells in advance of clock changes that a schedule will meet, whoever has not said what they want of them.
//! The present is an argument.

use jiff::Timestamp;
use jiff::civil::Time;

use crate::schedule::cron::Cron;
use crate::schedule::definition::{Policy, Schedule, Trigger};
use crate::schedule::fires::{Affected, Change, Dst, affected};
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};

use super::definition::Pipeline;

/// How far ahead is looked: each change there is comes once in a year.
const MONTHS: i32 = 12;

/// A warning for each schedule and each kind of change that its `dst` says nothing about.
pub fn warnings(pipeline: &Pipeline, now: Timestamp) -> Diagnostics {
    let mut found = Diagnostics::default();
    let timetable = &pipeline.timetable;
    for (schedule, &span) in timetable.schedules.iter().zip(&pipeline.schedule_places) {
        let Trigger::Cron { cron, dst, .. } = &schedule.trigger else { continue };
        for met in unsaid(schedule, cron, *dst, &timetable.policy, now) {
            found.push(warning(schedule, &met, span, &pipeline.source));
        }
    }
    found
}

/// The first change of each kind within the time that is looked at.
fn unsaid(schedule: &Schedule, cron: &Cron, dst: Dst, policy: &Policy, now: Timestamp) -> Vec<Affected> {
    let zone = schedule.zone();
    let until = now.to_zoned(zone.clone()).checked_add(jiff::Span::new().months(MONTHS));
    let until = until.map_or(now, |until| until.timestamp());
    let (mut gap, mut fold) = (dst.gap.is_some(), dst.overlap.is_some());
    let mut all = Vec::new();
    let mut after = now;
    while !(gap && fold)
        && let Some(met) = affected(cron, &zone, after)
        // The later of both instants, and behind a gap: in any case behind the change.
        && let Ok(behind) = zone.to_ambiguous_timestamp(met.civil).later()
        && behind <= until
        && behind > after
    {
        after = behind;
        let date = met.civil.date();
        let outside = policy.start_date.is_some_and(|first| date < first)
            || policy.end_date.is_some_and(|last| date > last);
        let said = match met.change {
            Change::Gap => &mut gap,
            Change::Fold => &mut fold,
        };
        if !outside && !std::mem::replace(said, true) {
            all.push(met);
        }
    }
    all
}

fn warning(schedule: &Schedule, met: &Affected, span: Span, source: &str) -> Diagnostic {
    let (time, date, zone) = (shown(met.civil.time()), met.civil.date(), &schedule.timezone);
    let (what, becomes, word, others) = match (met.change, met.fires.as_slice()) {
        (Change::Gap, []) => {
            let others = "`dst: {gap: after}` runs it right after the change";
            ("does not exist", "does not run".to_owned(), "gap: skip", others)
        }
        (Change::Gap, [at, ..]) => {
            let at = shown(at.to_zoned(schedule.zone()).time());
            let others = "`dst: {gap: skip}` leaves it out";
            ("does not exist", format!("runs at {at}"), "gap: after", others)
        }
        (Change::Fold, [_, _, ..]) => {
            let others = "there are `first` and `second` too";
            ("comes twice", "runs both times".to_owned(), "overlap: both", others)
        }
        (Change::Fold, [_] | []) => {
            let others = "there are `second` and `both` too";
            ("comes twice", "runs the first time".to_owned(), "overlap: first", others)
        }
    };
    let message = format!("{time} {what} on {date} in {zone}: it {becomes}");
    let warning = Diagnostic::warning(span, message).help(format!("`dst: {{{word}}}` says so, and {others}"));
    let (before, text) = (&source[..span.start as usize], &source[span.start as usize..span.end as usize]);
    let key = before.trim_end().trim_end_matches(':').trim_end_matches(['"', '\'']);
    if key.ends_with("cron") || text.contains('\n') {
        return warning;
    }
    let text = text.trim_matches(['"', '\'']);
    warning.help(format!("write `schedule: {{cron: \"{text}\", dst: {{{word}}}}}`"))
}

fn shown(time: Time) -> String {
    let format = if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" };
    time.strftime(format).to_string()
}
