//! What sensors say of exchanges, dates and times of day, held against the calendars and the zones that are known.

use crate::calendar::book::Book;
use crate::calendar::offset::Offset;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};

use super::moments::DateOffset;
use super::sensor::{Condition, Placed};
use super::text::check::World;
use super::text::texts::is_template;

/// Reports offsets that are none, calendars that are not known, and times of day that are probably not meant in the
/// pipeline's zone.
pub(crate) fn check(world: &World<'_>, found: &mut Diagnostics) {
    let no_session = world.no_session;
    for node in world.tree.ids() {
        let Some(sensor) = world.tree.kind(node).sensor() else { continue };
        match &sensor.condition {
            Condition::Session { at, calendar } => {
                if let Err(error) = Offset::parse(&at.text) {
                    let mut finding = Diagnostic::error(within(at, &error.span), error.message);
                    finding.help.extend(error.help);
                    found.push(finding);
                }
                match (calendar, no_session) {
                    (Some(code), _) => known(code, world.calendars, found),
                    (None, Some(why)) => {
                        let help = "or name one beside the sensor's `session`: `calendar: XNYS`";
                        found.push(Diagnostic::error(at.place, why).help(help));
                    }
                    (None, None) => {}
                }
            }
            Condition::Run(other) => {
                let Some(offset) = &other.offset else { continue };
                match (DateOffset::parse(&offset.text), no_session) {
                    (Err(error), _) => found.push(Diagnostic::error(offset.place, error.to_string())),
                    (Ok(DateOffset::Sessions(by)), Some(why)) if by != 0 => {
                        found.push(Diagnostic::error(offset.place, why));
                    }
                    (Ok(DateOffset::Sessions(_) | DateOffset::Days(_)), _) => {}
                }
            }
            Condition::Time { at, timezone: None } => elsewhere(at, world, found),
            Condition::Time { timezone: Some(_), .. }
            | Condition::File { .. }
            | Condition::Http(_)
            | Condition::Object(_)
            | Condition::Exec(_) => {}
        }
    }
}

/// Warns of a time of day without a zone where a schedule has another one than the pipeline.
fn elsewhere(at: &Placed, world: &World<'_>, found: &mut Diagnostics) {
    let own = world.timezone;
    let Some(other) = world.schedules.iter().find(|schedule| *schedule.timezone != *own) else { return };
    let (time, zone) = (if is_template(&at.text) { "this" } else { &*at.text }, &other.timezone);
    let schedule = match world.schedules {
        [_] => "its schedule".to_owned(),
        _ => format!("its schedule `{}`", other.name),
    };
    let message =
        format!("{time} is by the clocks of {own}, the pipeline's zone, and {schedule} goes by {zone}");
    let help = format!("name the zone that is meant beside `time`: `timezone: {zone}`");
    found.push(Diagnostic::warning(at.place, message).help(help));
}

fn known(code: &Placed, calendars: Option<&Book>, found: &mut Diagnostics) {
    let Some(Err(unknown)) = calendars.map(|book| book.get(&code.text)) else { return };
    let error = Diagnostic::error(code.place, unknown.to_string());
    found.push(match unknown.meant {
        Some(meant) => error.label(format!("did you mean `{meant}`?")),
        None => error.help("`sexton calendar list` shows all there are"),
    });
}

/// The place of some bytes of a text that stands there as it is; of all of it, where it is quoted or folded.
fn within(text: &Placed, bytes: &std::ops::Range<usize>) -> Span {
    let plain = (text.place.end - text.place.start) as usize == text.text.len();
    if plain {
        Span { start: text.place.start + bytes.start as u32, end: text.place.start + bytes.end as u32 }
    } else {
        text.place
    }
}
