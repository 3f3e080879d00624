//! The keys of a schedule that goes by an exchange's sessions, and what binds a cron line to them: read and checked
//! against the book of calendars. It never asks what day it is.

use std::sync::Arc;

use crate::calendar::book::Book;
use crate::calendar::calendar::Calendar;
use crate::calendar::offset::{Anchor, Offset, Shift};
use crate::schedule::crossing::Reversal;
use crate::schedule::days::{DayWord, Days};
use crate::schedule::exchange::Exchange;
use crate::schedule::filtered::{Filter, Roll};
use crate::schedule::sessions::{Sessions, Times};
use crate::schedule::told::stretch;
use crate::yaml::diagnostic::{Diagnostic, listed};
use crate::yaml::document::{Document, ValueId, View};
use crate::yaml::reading::{Reading, value};

use super::schedule_spec::{JOINTS, RollWord, ScheduleKeys};

/// What stands in a schedule that goes by sessions, beside what any schedule may say.
const OF_SESSIONS: [&str; 4] = ["at", "every", "between", "days"];

/// Whether keys say when in sessions.
pub(super) fn goes_by_sessions(keys: &ScheduleKeys) -> bool {
    keys.cron.is_none() && (keys.calendar.is_some() || keys.at.is_some() || keys.every.is_some())
}

/// What is wrong with keys that do not go together, in the mapping of a schedule.
pub(super) fn misplaced(reading: &mut Reading<'_, '_, '_>, id: ValueId, keys: &ScheduleKeys) {
    let by_cron = keys.cron.is_some();
    let by_sessions = goes_by_sessions(keys);
    let document = reading.document;
    for (key, _) in document.entries(id) {
        let word = document.key(key);
        let (message, help) = if by_cron && OF_SESSIONS.contains(&word) {
            let message = format!("`{word}` is for sessions, and `cron` says when already");
            (message, "a schedule has either `cron` or, with a `calendar`, `at` or `every`")
        } else if word == "roll" && by_cron && keys.calendar.is_none() {
            let message = "`roll` needs a `calendar`: without one there is no date to be moved".to_owned();
            (message, "add the exchange on whose session dates it is to fire, such as `calendar: XNYS`")
        } else if word == "roll" && by_sessions {
            let message = "`roll` is for a `cron` line with a `calendar`".to_owned();
            (message, "sessions have no dates that would have to be moved")
        } else if word == "dst" && by_sessions {
            ("`dst` is for `cron` lines".to_owned(), "sessions are at one instant, whatever the clocks do")
        } else if word == "between" && keys.every.is_none() && by_sessions {
            ("`between` says nothing without `every`".to_owned(), "for example `every: 15m`")
        } else if word == "every" && keys.at.is_some() && by_sessions {
            let message = "the schedule has both `at` and `every`".to_owned();
            (message, "make two schedules of it, each with a `name`")
        } else {
            continue;
        };
        reading.found.push(Diagnostic::error(document.span(key), message).help(help));
    }
}

/// A schedule that goes by sessions, in the mapping `id`; the zone of its times, and where it says when.
pub(super) fn sessions(
    reading: &mut Reading<'_, '_, '_>,
    id: ValueId,
    keys: &ScheduleKeys,
    book: &Book,
) -> Option<(Sessions, Box<str>, ValueId)> {
    let document = reading.document;
    let exchange = if let Some(calendar) = &keys.calendar {
        exchange(reading, calendar.id, book)
    } else {
        let what = if keys.at.is_some() { "at" } else { "every" };
        let error = Diagnostic::error(document.span(id), format!("`{what}` needs a `calendar`"));
        reading.found.push(error.help("say whose sessions: `calendar: XNYS`"));
        None
    };
    let times = times(reading, keys);
    let days = days(reading, keys);
    if times.is_none() && keys.at.is_none() && keys.every.is_none() {
        let error = Diagnostic::error(document.span(id), "the schedule has a `calendar`, and no time");
        reading.found.push(error.help("say when: `at: close + 4h`, `every: 15m`, or a `cron` line"));
    }
    let (times, place) = times?;
    let (exchange, days) = (exchange?, days?);
    let own = exchange.calendar().timezone();
    let timezone = zone(reading, keys, &times, own);
    let sessions = Sessions { exchange, times, days };
    if let Some(between) = &keys.between {
        reversed(reading, between.id, &sessions);
    }
    Some((sessions, timezone, place))
}

/// Ends of `between`, which stand here, the later of which is named first.
fn reversed(reading: &mut Reading<'_, '_, '_>, between: ValueId, sessions: &Sessions) {
    let zone = sessions.exchange.calendar().zone();
    let (Some(Reversal { from, to }), View::List(&[first, last])) =
        (sessions.reversal(&zone), reading.document.view(between))
    else {
        return;
    };
    let document = reading.document;
    let [first, last] = [first, last].map(|end| document.text(end).unwrap_or_default());
    let times = stretch(from, to, &zone, &format!(", and `{last}` at "));
    let message = format!("`between` ends before it begins: `{first}` is at {times}");
    let error = Diagnostic::error(document.span(between), message);
    reading.found.push(error.help("the earlier one stands first, as in `[open, close]`"));
}

/// What a cron line is held against, whose `calendar` stands here; `None` where that cannot be read.
pub(super) fn filter(
    reading: &mut Reading<'_, '_, '_>,
    calendar: ValueId,
    keys: &ScheduleKeys,
    book: &Book,
) -> Option<Filter> {
    let exchange = exchange(reading, calendar, book)?;
    let roll = match value(keys.roll.as_ref()) {
        None | Some(RollWord::Skip) => Roll::Skip,
        Some(RollWord::Previous) => Roll::Previous,
        Some(RollWord::Next) => Roll::Next,
    };
    Some(Filter { exchange, roll })
}

/// That what stands as a cron line is a time of a session.
pub(super) fn no_line(document: &Document<'_>, line: ValueId, offset: Offset) -> Diagnostic {
    let message = format!("{} is a time of a session, and no cron line", document.describe(line));
    let error = Diagnostic::error(document.span(line), message)
        .help(format!("say of which exchange: `{{calendar: XNYS, at: {offset}}}`"));
    match offset {
        Offset { anchor: Anchor::Time(time), shift: Shift::None } => {
            error.help(format!("as a cron line it is `{} {} * * *`", time.minute(), time.hour()))
        }
        Offset { .. } => error,
    }
}

/// The calendar of a code.
pub(super) fn calendar(reading: &mut Reading<'_, '_, '_>, id: ValueId, book: &Book) -> Option<Arc<Calendar>> {
    let document = reading.document;
    let Some(code) = document.text(id) else {
        let found = document.describe(id);
        let error =
            Diagnostic::error(document.span(id), format!("expected the code of a calendar, found {found}"));
        reading.found.push(error.help("for example `XNYS`; `sexton calendar list` shows them all"));
        return None;
    };
    book.get(code)
        .map_err(|unknown| {
            let error = Diagnostic::error(document.span(id), unknown.to_string());
            reading.found.push(match unknown.meant {
                Some(meant) => error.label(format!("did you mean `{meant}`?")),
                None => error.help("`sexton calendar list` shows them all"),
            });
        })
        .ok()
}

fn exchange(reading: &mut Reading<'_, '_, '_>, id: ValueId, book: &Book) -> Option<Exchange> {
    let document = reading.document;
    if !matches!(document.view(id), View::Mapping(_)) {
        return calendar(reading, id, book).map(Exchange::one);
    }
    let entries: Vec<_> = document.entries(id).collect();
    let forms = "write `{all_of: [XNYS, XLON]}` for the dates on which all have a session, or `any_of`";
    let &[(key, list)] = entries.as_slice() else {
        let found = entries.len();
        let message = format!("`calendar` must be a code, or one of {}, found {found} keys", listed(JOINTS));
        reading.found.push(Diagnostic::error(document.span(id), message).help(forms));
        return None;
    };
    let word = document.key(key);
    if !JOINTS.contains(&word) {
        let message = format!("unknown key `{word}` of `calendar`");
        reading.found.push(Diagnostic::error(document.span(key), message).help(forms));
        return None;
    }
    let View::List(items @ [_, ..]) = document.view(list) else {
        let found = document.describe(list);
        let message = format!("`{word}` must be a list of calendars, found {found}");
        reading.found.push(Diagnostic::error(document.span(list), message).help(forms));
        return None;
    };
    let members: Vec<_> = items.iter().map(|&item| calendar(reading, item, book)).collect();
    let members: Vec<_> = members.into_iter().collect::<Option<_>>()?;
    for (at, member) in members.iter().enumerate() {
        if members[..at].iter().any(|other| other.code() == member.code()) {
            reading.error(items[at], format!("`{word}` names {} twice", member.code()));
        }
    }
    Some(if word == JOINTS[0] { Exchange::all_of(members) } else { Exchange::any_of(members) })
}

fn times(reading: &mut Reading<'_, '_, '_>, keys: &ScheduleKeys) -> Option<(Times, ValueId)> {
    if let Some(at) = &keys.at {
        return Some((Times::At(offset(reading, "at", at.id)?), at.id));
    }
    let every = keys.every.as_ref()?;
    let step = reading.length("every", Some(every)).filter(|step| !step.is_zero());
    let (from, to) = match &keys.between {
        None => (Some(Offset::OPEN), Some(Offset::CLOSE)),
        Some(between) => match reading.document.view(between.id) {
            View::List(&[from, to]) => (offset(reading, "between", from), offset(reading, "between", to)),
            View::List(_) | View::Scalar { .. } | View::Mapping(_) => {
                let found = reading.document.describe(between.id);
                let error = Diagnostic::error(
                    reading.document.span(between.id),
                    format!("`between` must be a list of two, found {found}"),
                );
                reading.found.push(error.help("for example `[open, close]` or `[open + 30m, 15:00]`"));
                (None, None)
            }
        },
    };
    Some((Times::Every { step: step?, from: from?, to: to? }, every.id))
}

fn offset(reading: &mut Reading<'_, '_, '_>, key: &str, id: ValueId) -> Option<Offset> {
    let document = reading.document;
    let Some(text) = document.text(id) else {
        // Where the key has been read as a text, this has been reported.
        if key != "at" {
            let found = document.describe(id);
            reading.error(id, format!("`{key}` must hold offsets such as `open + 30m`, found {found}"));
        }
        return None;
    };
    Offset::parse(text)
        .map_err(|error| {
            let place = document.place(id, error.span.start, error.span.end);
            let mut finding = Diagnostic::error(place, error.message);
            finding.help.extend(error.help);
            reading.found.push(finding);
        })
        .ok()
}

fn days(reading: &mut Reading<'_, '_, '_>, keys: &ScheduleKeys) -> Option<Days> {
    let Some(days) = &keys.days else { return Some(Days::default()) };
    let document = reading.document;
    let items = reading.texts("days", days.id);
    if matches!(document.view(days.id), View::List([])) {
        let error = Diagnostic::error(document.span(days.id), "`days` names nothing");
        reading.found.push(error.help("leave it out for every session"));
    }
    let word = |item: ValueId| match DayWord::parse(document.text(item)?) {
        Ok(word) => Some(word),
        Err((message, help)) => {
            reading.found.push(Diagnostic::error(document.span(item), message).help(help));
            None
        }
    };
    let words: Vec<_> = items.into_iter().map(word).collect();
    words
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .filter(|words| !words.is_empty())
        .map(|words| Days(words.into()))
}

/// The zone of its times: the exchange's, unless it is a time of day that another was named for.
fn zone(reading: &mut Reading<'_, '_, '_>, keys: &ScheduleKeys, times: &Times, own: &str) -> Box<str> {
    let Some(field) = &keys.timezone else { return own.into() };
    let Some(name) = &field.value else { return own.into() };
    let may_be_named = match times {
        Times::At(offset) => matches!(offset.anchor, Anchor::Time(_)),
        Times::Every { .. } => false,
    };
    if may_be_named {
        return name.as_str().into();
    }
    let message = format!("sessions are by the clocks of their exchange, {own}");
    let error = Diagnostic::error(reading.document.span(field.id), message);
    reading.found.push(
        error.help("leave `timezone` out; only a time of day, as in `at: 16:30`, may have one of its own"),
    );
    own.into()
}
