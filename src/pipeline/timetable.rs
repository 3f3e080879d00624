//! When a pipeline runs by itself: the keys about schedules become a checked `Timetable`. It never asks what
//! time it is.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::calendar::book::Book;
use crate::calendar::offset::Offset;
use crate::schedule::cron::{Dialect, Line};
use crate::schedule::definition::{Catchup, Overlap, Policy, Schedule, Timetable, Trigger, UNNAMED};
use crate::schedule::fires::{self, Dst, Fold, Gap};
use crate::yaml::diagnostic::{Diagnostic, Span, nearest};
use crate::yaml::document::{BROKEN_KEY, Document, ValueId, View};
use crate::yaml::reader::{self, Field, Unread, unknown_key};
use crate::yaml::reading::{Reading, value};
use crate::yaml::zone::timezone;

use super::name;
use super::params::Params;
use super::schedule_spec::{DstKeys, FoldWord, GapWord, SCHEDULE_KEYS, ScheduleKeys};
use super::session_schedule;
use super::shapes::ParamsShape;
use super::spec::{CatchupWord, FileKeys, OverlapWord};

/// Schedules of one pipeline.
const MAX_SCHEDULES: usize = 100;
/// What does not fire after this does not fire at all: the rules of no calendar change.
const LONG_AGO: Timestamp = Timestamp::UNIX_EPOCH;

/// What schedules take from the pipeline around them.
pub(crate) struct Around<'a> {
    pub(crate) name: &'a str,
    pub(crate) timezone: &'a str,
    pub(crate) params: &'a Params,
    pub(crate) book: &'a Book,
}

/// The timetable, and where the expression of each of its schedules stands.
pub(crate) fn read(
    reading: &mut Reading<'_, '_, '_>,
    keys: &FileKeys,
    around: &Around<'_>,
) -> (Timetable, Box<[Span]>) {
    let policy = policy(reading, keys);
    let Some(schedule) = &keys.schedule else {
        nothing_to_say(reading);
        return (Timetable { schedules: Box::default(), policy }, Box::default());
    };
    if let Some(params) = &keys.params {
        nobody_gives(reading, params, around.params);
    }
    let (schedules, places): (Vec<_>, Vec<_>) = schedules(reading, schedule.id, around).into_iter().unzip();
    (Timetable { schedules: schedules.into(), policy }, places.into())
}

fn policy(reading: &mut Reading<'_, '_, '_>, keys: &FileKeys) -> Policy {
    let default = Policy::default();
    let start_date = value(keys.start_date.as_ref()).map(|day| day.0);
    let end_date = value(keys.end_date.as_ref()).map(|day| day.0);
    if let (Some(start), Some(end)) = (&keys.start_date, &keys.end_date)
        && let (Some(first), Some(last)) = (start_date, end_date)
        && last < first
    {
        let document = reading.document;
        let error = Diagnostic::error(document.span(end.id), "`end_date` is before `start_date`");
        reading.found.push(error.beside(document.span(start.id), "this is later"));
    }
    Policy {
        catchup: value(keys.catchup.as_ref()).map_or(default.catchup, Into::into),
        starting_deadline: reading.length("starting_deadline", keys.starting_deadline.as_ref()),
        grace: value(keys.grace.as_ref()).map_or(default.grace, |grace| grace.0),
        overlap: value(keys.overlap.as_ref()).map_or(default.overlap, Into::into),
        max_active_runs: value(keys.max_active_runs.as_ref())
            .map_or(default.max_active_runs, |count| count.0),
        start_date,
        end_date,
    }
}

/// Warns of keys about slots where there are none.
fn nothing_to_say(reading: &mut Reading<'_, '_, '_>) {
    let document = reading.document;
    let about_slots = ["catchup", "starting_deadline", "grace", "overlap", "start_date", "end_date"];
    for (key, _) in document.entries(document.root()) {
        let word = document.key(key);
        if about_slots.contains(&word) {
            let message = format!("the pipeline has no schedule, so `{word}` says nothing");
            reading.found.push(Diagnostic::warning(document.span(key), message));
        }
    }
}

/// Nobody is there to give a parameter when a schedule makes a run.
fn nobody_gives(reading: &mut Reading<'_, '_, '_>, authored: &Unread<ParamsShape>, params: &Params) {
    let document = reading.document;
    let missing =
        |name: &str| params.get(name).is_some_and(|param| param.required && param.default.is_none());
    for (key, _) in document.entries(authored.id).filter(|(key, _)| missing(document.key(*key))) {
        let message =
            format!("the parameter `{}` must be given, and a schedule gives none", document.key(key));
        let error = Diagnostic::error(document.span(key), message);
        reading.found.push(error.help("give it a `default`, or say `required: false`"));
    }
}

/// The schedules, each with the place of its expression. One with a mistake is left out.
fn schedules(reading: &mut Reading<'_, '_, '_>, id: ValueId, around: &Around<'_>) -> Vec<(Schedule, Span)> {
    let document = reading.document;
    let items = match document.view(id) {
        View::List(items) => items,
        View::Scalar { .. } | View::Mapping(_) => &[id],
    };
    if items.is_empty() {
        let error = Diagnostic::error(document.span(id), "`schedule` is an empty list");
        reading.found.push(error.help("leave `schedule` out where only people start runs"));
    }
    if items.len() > MAX_SCHEDULES {
        reading.error(id, format!("a pipeline has at most {MAX_SCHEDULES} schedules"));
        return Vec::new();
    }
    let mut named: HashMap<&str, Span> = HashMap::new();
    let mut all = Vec::new();
    for &item in items {
        let Some(authored) = authored(reading, item) else { continue };
        check_name(reading, &authored, items.len() > 1, &mut named);
        let Some(Read { trigger, timezone, place }) = read_one(reading, &authored, around) else { continue };
        let name = authored.name.map_or(UNNAMED, |(name, _)| name).into();
        let schedule = Schedule { name, trigger, timezone };
        // On which sessions it may is for `check` to look at: a calendar may change with the next file.
        if let Trigger::Cron { cron, dst, .. } = &schedule.trigger
            && fires::next(cron, &schedule.zone(), *dst, LONG_AGO).is_none()
        {
            let message = format!("{} never fires", document.describe(place));
            let error = Diagnostic::error(document.span(place), message);
            reading.found.push(error.label("no such date ever comes"));
        }
        all.push((schedule, document.span(place)));
    }
    all
}

/// What a schedule waits for, the zone of its times, and where it says when.
struct Read {
    trigger: Trigger,
    timezone: Box<str>,
    place: ValueId,
}

fn read_one(reading: &mut Reading<'_, '_, '_>, authored: &Authored<'_>, around: &Around<'_>) -> Option<Read> {
    let document = reading.document;
    let zone = timezone(document, authored.keys.timezone.as_ref(), reading.found);
    session_schedule::misplaced(reading, authored.id, &authored.keys);
    if session_schedule::goes_by_sessions(&authored.keys) {
        let (sessions, timezone, place) =
            session_schedule::sessions(reading, authored.id, &authored.keys, around.book)?;
        return Some(Read { trigger: Trigger::Sessions(sessions), timezone, place });
    }
    let calendar = authored.keys.calendar.as_ref().map(|calendar| calendar.id);
    let filter = calendar.map(|id| session_schedule::filter(reading, id, &authored.keys, around.book));
    let (text, place) = authored.cron.filter(|(_, at)| !document.is_unresolved(*at))?;
    let trigger = trigger(reading, authored, (text, place), around.name)?;
    let trigger = match (trigger, filter) {
        (Trigger::Cron { text, cron, dst, .. }, Some(filter)) => {
            Trigger::Cron { text, cron, dst, filter: Some(filter?) }
        }
        (trigger @ (Trigger::Cron { .. } | Trigger::Sessions(_) | Trigger::Reboot), _) => trigger,
    };
    Some(Read { trigger, timezone: zone.unwrap_or_else(|| around.timezone.into()), place })
}

/// A schedule as it is written.
struct Authored<'d> {
    /// Its mapping, or its expression where that is all of it.
    id: ValueId,
    keys: ScheduleKeys,
    name: Option<(&'d str, ValueId)>,
    cron: Option<(&'d str, ValueId)>,
}

fn authored<'d>(reading: &mut Reading<'_, 'd, '_>, id: ValueId) -> Option<Authored<'d>> {
    let document = reading.document;
    match document.view(id) {
        View::Mapping(_) => Some(mapping(reading, id)),
        View::Scalar { text, .. } if !document.is_null(id) => {
            Some(Authored { id, keys: ScheduleKeys::default(), name: None, cron: Some((text, id)) })
        }
        View::Scalar { .. } | View::List(_) => {
            let found = document.describe(id);
            let message = format!(
                "a schedule must be an expression or a mapping with `cron` or `calendar`, found {found}"
            );
            reading.error(id, message);
            None
        }
    }
}

fn mapping<'d>(reading: &mut Reading<'_, 'd, '_>, id: ValueId) -> Authored<'d> {
    let document = reading.document;
    let keys: ScheduleKeys = reader::read(document, id, None, reading.found);
    let text = |field: Option<&Field<String>>| {
        let id = field?.id;
        Some((document.text(id)?, id))
    };
    let mut authored = Authored { id, name: text(keys.name.as_ref()), cron: text(keys.cron.as_ref()), keys };
    let cut = authored.cron.and_then(|(_, cron)| cut_short(document, id, cron));
    if let Some(whole) = cut {
        let line = &document.source[whole.start as usize..whole.end as usize];
        let error = Diagnostic::error(whole, "inside `{}` a comma ends a text without quotes");
        reading.found.push(error.help(format!("quote the cron line: cron: \"{line}\"")));
        authored.cron = None;
    }
    let mut misspelt = false;
    for (key, _) in document.entries(id) {
        let (word, span) = (document.key(key), document.span(key));
        let known = SCHEDULE_KEYS.contains(&word) || word == BROKEN_KEY;
        if !known && cut.is_none_or(|cut| span < cut || span.end > cut.end) {
            misspelt |= nearest(word, SCHEDULE_KEYS) == Some("cron");
            reading.found.push_error(|| unknown_key(word, span, SCHEDULE_KEYS.into_iter()));
        }
    }
    if authored.keys.cron.is_none() && !misspelt && !session_schedule::goes_by_sessions(&authored.keys) {
        let start = document.span(id).start;
        let error = Diagnostic::error(Span { start, end: start }, "the schedule says nothing of when");
        let sessions = "or sessions, such as `calendar: XNYS` with `at: close + 4h`";
        let help = format!("expected an expression, such as `cron: \"30 21 * * 1-5\"`, {sessions}");
        reading.found.push(error.help(help));
    }
    authored
}

/// All of an expression whose rest YAML has made into keys, at a comma: `{cron: 0 9,17 * * *}`.
fn cut_short(document: &Document<'_>, id: ValueId, cron: ValueId) -> Option<Span> {
    let start = document.span(cron).start;
    let rest = document.entries(id).skip_while(|(_, value)| *value != cron).skip(1);
    let rest = rest
        .take_while(|(key, value)| !SCHEDULE_KEYS.contains(&document.key(*key)) && document.is_null(*value));
    let end = document.span(rest.last()?.0).end;
    let whole = document.source.get(start as usize..end as usize)?;
    (!whole.contains([':', '\n', '"', '\''])).then_some(Span { start, end })
}

/// A schedule is known by its name: among several each has one, and its own.
fn check_name<'d>(
    reading: &mut Reading<'_, 'd, '_>,
    authored: &Authored<'d>,
    several: bool,
    named: &mut HashMap<&'d str, Span>,
) {
    let document = reading.document;
    let at = |id: ValueId| document.span(id);
    let Some((name, id)) = authored.name else {
        // A name that is no text has been reported.
        if several && authored.keys.name.is_none() {
            let place = at(authored.cron.map_or(authored.id, |(_, cron)| cron));
            let error = Diagnostic::error(place, "where there are two, each schedule needs a `name`");
            reading.found.push(error.help("for example `{name: nightly, cron: \"30 21 * * 1-5\"}`"));
        }
        return;
    };
    if let Some(problem) = name::problem(name) {
        let shown: String = name.chars().take(60).flat_map(char::escape_debug).collect();
        let error = Diagnostic::error(at(id), format!("the schedule's name `{shown}` {problem}"));
        reading.found.push(error.help(name::RULE));
    } else if let Some(first) = named.insert(name, at(id)) {
        let error = Diagnostic::error(at(id), format!("two schedules are called `{name}`"))
            .label("again here")
            .beside(first, "first here");
        reading.found.push(error.help("give one of them another name"));
    }
}

fn trigger(
    reading: &mut Reading<'_, '_, '_>,
    authored: &Authored<'_>,
    (text, at): (&str, ValueId),
    pipeline: &str,
) -> Option<Trigger> {
    let document = reading.document;
    // A block of text ends with its line.
    let text = text.trim_end();
    match Line::parse(text, Dialect::Pipeline { name: pipeline }) {
        Ok(Line::Times(cron)) => {
            let dst = authored.keys.dst.as_ref().and_then(|dst| dst.value.as_ref()).map(dst_rule);
            // No name of a month or a weekday begins with it.
            let hashed = text.split([' ', '\t', ',']).any(|item| item.starts_with('H'));
            let text = if hashed { cron.expanded().into() } else { text.into() };
            Some(Trigger::Cron { text, cron, dst: dst.unwrap_or_default(), filter: None })
        }
        Ok(Line::Reboot) => {
            for (key, _) in document.entries(authored.id) {
                let word = document.key(key);
                if ["timezone", "dst", "calendar", "roll"].contains(&word) {
                    let message = format!("`{word}` means nothing beside `@reboot`");
                    let error = Diagnostic::error(document.span(key), message);
                    reading.found.push(error.help("a boot has no time of day; leave it out"));
                }
            }
            Some(Trigger::Reboot)
        }
        Err(error) => {
            if let Ok(offset) = Offset::parse(text) {
                reading.found.push(session_schedule::no_line(document, at, offset));
                return None;
            }
            let place = document.place(at, error.span.start, error.span.end);
            let mut finding = Diagnostic::error(place, error.message);
            finding.help.extend(error.help);
            reading.found.push(finding);
            None
        }
    }
}

fn dst_rule(keys: &DstKeys) -> Dst {
    let gap = |word: GapWord| match word {
        GapWord::After => Gap::After,
        GapWord::Skip => Gap::Skip,
    };
    let fold = |word: FoldWord| match word {
        FoldWord::First => Fold::First,
        FoldWord::Second => Fold::Second,
        FoldWord::Both => Fold::Both,
    };
    Dst { gap: value(keys.gap.as_ref()).map(gap), overlap: value(keys.overlap.as_ref()).map(fold) }
}

impl From<CatchupWord> for Catchup {
    fn from(word: CatchupWord) -> Self {
        match word {
            CatchupWord::None => Self::None,
            CatchupWord::Latest => Self::Latest,
            CatchupWord::All => Self::All,
        }
    }
}

impl From<OverlapWord> for Overlap {
    fn from(word: OverlapWord) -> Self {
        match word {
            OverlapWord::Queue => Self::Queue,
            OverlapWord::Skip => Self::Skip,
            OverlapWord::CancelRunning => Self::CancelRunning,
        }
    }
}
