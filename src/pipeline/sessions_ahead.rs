//! Tells in advance of what a schedule by sessions will meet: the end of its calendar, and days so short that its
//! time is on the other side of the session. The present is an argument.

use jiff::Timestamp;

use crate::schedule::crossing::Crossing;
use crate::schedule::definition::{Schedule, Trigger};
use crate::schedule::horizon::{Horizon, REMEDY};
use crate::schedule::told::clock;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};

use super::definition::Pipeline;

/// An error for each schedule that has no slot any more, and warnings of what is to come.
pub fn findings(pipeline: &Pipeline, now: Timestamp) -> Diagnostics {
    let mut found = Diagnostics::default();
    let timetable = &pipeline.timetable;
    for (schedule, &span) in timetable.schedules.iter().zip(&pipeline.schedule_places) {
        if let Some(horizon) = Horizon::of(schedule, &timetable.policy, now) {
            found.push(ending(&horizon, span));
        }
        let Trigger::Sessions(sessions) = &schedule.trigger else { continue };
        if let Some(crossing) = sessions.crossing(schedule.date(now), &schedule.zone()) {
            found.push(crossed(schedule, &crossing, span, &pipeline.source));
        }
    }
    found
}

fn ending(horizon: &Horizon, span: Span) -> Diagnostic {
    let words = horizon.words();
    let finding = match horizon.left {
        None => Diagnostic::error(span, words).label("there is no slot any more"),
        Some(_) => Diagnostic::warning(span, words).label("there is no slot after that"),
    };
    finding.help(REMEDY)
}

fn crossed(schedule: &Schedule, crossing: &Crossing, span: Span, source: &str) -> Diagnostic {
    let text = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    let Crossing { date, at, end, remarks } = crossing;
    let (side, at) = (if *end == "open" { "before" } else { "after" }, clock(*at, &schedule.zone()));
    let why = if remarks.is_empty() { String::new() } else { format!(": {remarks}") };
    let message = format!("on {date}, `{}` is {side} the {end}, {at}{why}", text.trim_matches(['"', '\'']));
    let help =
        "count from the other end, or leave short days to a schedule of their own, `days: early_closes`";
    Diagnostic::warning(span, message).help(help)
}
