//! Tells in advance of what a schedule by sessions will meet: the end of its calendar, and days so short that its
//! time is on the other side of the session. The present is an argument.

use jiff::Timestamp;

use crate::schedule::crossing::Crossing;
use crate::schedule::definition::{Schedule, Trigger};
use crate::schedule::horizon::{Horizon, REMEDY};
use crate::schedule::told::stretch;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};

use super::definition::Pipeline;

/// Slots that are looked at for one that can fire: those of every week there is, or of some days' minutes.
const MOST_SEARCHED: usize = 20_000;

/// An error for each schedule that has no slot any more, and warnings of what is to come.
pub fn findings(pipeline: &Pipeline, now: Timestamp) -> Diagnostics {
    let mut found = Diagnostics::default();
    let timetable = &pipeline.timetable;
    for (schedule, &span) in timetable.schedules.iter().zip(&pipeline.schedule_places) {
        if let Some(never) = never_fires(schedule, span) {
            found.push(never);
            continue;
        }
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

/// A finding about a schedule without a slot that can fire, in all that its calendar knows.
fn never_fires(schedule: &Schedule, span: Span) -> Option<Diagnostic> {
    let calendar = schedule.exchange()?.calendar();
    let mut searched = 0;
    let slots = schedule.occasions(calendar.first(), calendar.last()).take(MOST_SEARCHED);
    if slots.inspect(|_| searched += 1).any(|slot| slot.bar.is_none()) || searched == MOST_SEARCHED {
        return None;
    }
    let (code, first, last) = (calendar.code(), calendar.first(), calendar.last());
    let message = format!("the schedule never fires: no date of {code} from {first} to {last} is like that");
    // There may be one some day.
    let of_the_unforeseen = match &schedule.trigger {
        Trigger::Sessions(sessions) => sessions.days.are_of_the_unforeseen(),
        Trigger::Cron { .. } | Trigger::Reboot => false,
    };
    Some(if of_the_unforeseen {
        Diagnostic::warning(span, message)
    } else {
        Diagnostic::error(span, message)
    })
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
    let Crossing { date, at, end, end_at, remarks } = crossing;
    let side = if *end == "open" { "before" } else { "after" };
    let times = stretch(*at, *end_at, &schedule.zone(), &format!(", {side} the {end} at "));
    let why = if remarks.is_empty() { String::new() } else { format!(": {remarks}") };
    let message = format!("on {date}, `{}` is at {times}{why}", text.trim_matches(['"', '\'']));
    let help =
        "count from the other end, or leave short days to a schedule of their own, `days: early_closes`";
    Diagnostic::warning(span, message).help(help)
}
