//! Reads the regular weeks of a calendar file: which weekdays have a session, from when to when, since when.

use jiff::civil::{Date, Weekday};

use crate::yaml::diagnostic::{Diagnostic, Span, listed, nearest};
use crate::yaml::document::{BROKEN_KEY, ValueId, View};
use crate::yaml::reader::{self, Field, unknown_key};
use crate::yaml::reading::{Reading, value};

use super::super::hours::{Hours, Wall};
use super::super::spec::{HoursKeys, WallTime};
use super::super::week::{self, Regime, WEEKDAYS, Weeks};

const KEYS: [&str; 5] = ["from", "days", "open", "close", "break"];
const SHORT_DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The weeks at `id` of a calendar that begins on a date.
pub(super) fn weeks(reading: &mut Reading<'_, '_, '_>, id: ValueId, begin: Date) -> Option<Weeks> {
    let document = reading.document;
    let View::List(items) = document.view(id) else {
        let found = document.describe(id);
        let error = Diagnostic::error(document.span(id), format!("`hours` must be a list, found {found}"));
        reading.found.push(error.help("for example `- {days: mon-fri, open: 09:30, close: 16:00}`"));
        return None;
    };
    let mut regimes: Vec<Regime> = Vec::new();
    for item in items {
        let keys: HoursKeys = reader::read(document, *item, None, reading.found);
        unknown(reading, *item);
        let from = value(keys.from.as_ref()).map_or(begin, |day| day.0);
        let days = keys.days.as_ref().map(|field| days(reading, field.id)).unwrap_or_default();
        let Some(hours) = hours(reading, *item, &keys) else { continue };
        let Some(first) = days.first() else { continue };
        let at = regimes.iter().position(|regime| regime.from == from).unwrap_or_else(|| {
            regimes.push(Regime { from, days: [None; 7], first_named: *first });
            regimes.len() - 1
        });
        for day in &days {
            let slot = &mut regimes[at].days[week::number(*day)];
            if slot.replace(hours).is_some() {
                let name = SHORT_DAYS[week::number(*day)];
                reading.error(*item, format!("`{name}` has hours already, from the same date"));
            }
        }
    }
    if let Some(first) = regimes.iter().map(|regime| regime.from).min().filter(|first| *first > begin) {
        let error = Diagnostic::error(document.span(id), format!("there are no hours before {first}"));
        reading.found.push(error.help("leave out the `from` of the first ones"));
    }
    if regimes.is_empty() {
        if items.is_empty() {
            reading.error(id, "`hours` names no weekday");
        }
        return None;
    }
    Some(Weeks::new(regimes))
}

/// Keys that are none. Inside `{}` a comma makes some of `days: mon,wed`.
fn unknown(reading: &mut Reading<'_, '_, '_>, item: ValueId) {
    let document = reading.document;
    for (key, _) in document.entries(item) {
        let (word, span) = (document.key(key), document.span(key));
        if KEYS.contains(&word) || word == BROKEN_KEY {
            continue;
        }
        if weekdays(word).is_ok() {
            let error = Diagnostic::error(span, "inside `{}` a comma ends a text without quotes");
            reading.found.push(error.help("write the weekdays as a list: `days: [mon, wed]`"));
        } else {
            reading.found.push_error(|| unknown_key(word, span, KEYS.into_iter()));
        }
    }
}

fn hours(reading: &mut Reading<'_, '_, '_>, item: ValueId, keys: &HoursKeys) -> Option<Hours> {
    let document = reading.document;
    let place = document.span(item);
    for (key, missing, example) in [
        ("days", keys.days.is_none(), "`days: mon-fri`"),
        ("open", keys.open.is_none(), "`open: 09:30`"),
        ("close", keys.close.is_none(), "`close: 16:00`"),
    ] {
        if missing && matches!(document.view(item), View::Mapping(_)) {
            let at = Span { start: place.start, end: place.start };
            let error = Diagnostic::error(at, format!("the hours have no `{key}`"));
            reading.found.push(error.help(format!("for example {example}")));
        }
    }
    let wall = |field: Option<&Field<WallTime>>| value(field).map(|time| time.0);
    let pause = match &keys.pause {
        None => None,
        Some(field) => Some(pause(reading, field.id)?),
    };
    let hours = Hours { open: wall(keys.open.as_ref())?, close: wall(keys.close.as_ref())?, pause };
    if !hours.are_in_order() {
        let order = if pause.is_some() { "open, break and close" } else { "open and close" };
        reading.error(item, format!("{order} must come one after another, found {hours}"));
    }
    Some(hours)
}

fn pause(reading: &mut Reading<'_, '_, '_>, id: ValueId) -> Option<(Wall, Wall)> {
    let document = reading.document;
    let View::List([from, to]) = document.view(id) else {
        reading.error(id, "`break` is two times, such as `[11:30, 12:30]`");
        return None;
    };
    let [from, to] = [*from, *to].map(|id| {
        let text = document.text(id).unwrap_or_default();
        wall(reading, id, text)
    });
    Some((from?, to?))
}

fn wall(reading: &mut Reading<'_, '_, '_>, id: ValueId, text: &str) -> Option<Wall> {
    match Wall::parse(text) {
        Ok(wall) => Some(wall),
        Err(error) => {
            reading.error(id, format!("{}: {error}", reading.document.describe(id)));
            None
        }
    }
}

fn days(reading: &mut Reading<'_, '_, '_>, id: ValueId) -> Vec<Weekday> {
    let document = reading.document;
    let mut days = Vec::new();
    for item in reading.texts("days", id) {
        let text = document.text(item).unwrap_or_default();
        for part in text.split(',') {
            match weekdays(part) {
                Ok(more) => days.extend(more),
                Err(word) => {
                    let at = word.as_ptr().addr() - text.as_ptr().addr();
                    let place = document.place(item, at, at + word.len());
                    let error = Diagnostic::error(place, format!("`{word}` is no weekday"));
                    reading.found.push(match nearest(word, SHORT_DAYS) {
                        Some(meant) => error.label(format!("did you mean `{meant}`?")),
                        None => error.help(format!("weekdays are {}", listed(SHORT_DAYS))),
                    });
                }
            }
        }
    }
    days
}

/// A weekday or a range of them, which may go round: `sat-tue`. The error is the word that is none.
fn weekdays(text: &str) -> Result<Vec<Weekday>, &str> {
    let day = |name: &'_ str| SHORT_DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim(), last.trim());
    let (first, last) = (day(first).ok_or(first)?, day(last).ok_or(last)?);
    Ok((0..=(last + 7 - first) % 7).map(|on| WEEKDAYS[(first + on) % 7]).collect())
}
