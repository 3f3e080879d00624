//! A pipeline as a file defines it, and the one way to make one: parse, don't validate. Whoever holds a
//! `Pipeline` holds a checked one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::calendar::book::Book;
use crate::calendar::calendar::Calendar;
use crate::duration;
use crate::schedule::definition::{Schedule, Timetable};
use crate::schedule::exchange::Exchange;
use crate::yaml::composer;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, listed};
use crate::yaml::document::{Document, ValueId, View};
use crate::yaml::reader::{self, Field};
use crate::yaml::reading::Reading;
use crate::yaml::report::SourceFile;
use crate::yaml::zone::timezone;

use super::coherence::{Coherence, coherence};
use super::lower::{Lowered, lower};
use super::name;
use super::node::Tree;
use super::params::{Param, ParamType, Params, Pattern};
use super::policy::{RetryOn, Settings};
use super::session_schedule;
use super::spec::{FileKeys, ParamKeys, ParamWord};
use super::strayed;
use super::text::check::World;
use super::text::scope::NO_CALENDAR;
use super::timetable::{self, Around};
use super::whole::Whole;

/// A checked pipeline.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Its name, which is its root's too.
    pub name: Box<str>,
    /// The IANA time zone of its dates and times; known to the zone data of when it was checked.
    pub timezone: Box<str>,
    /// When it runs by itself.
    pub timetable: Timetable,
    /// The calendar whose sessions its conditions ask for where no schedule of sessions has made the run.
    pub calendar: Option<Arc<Calendar>>,
    /// Where in the source the expression of each of its schedules stands.
    pub schedule_places: Box<[Span]>,
    /// What a trigger may give.
    pub params: Params,
    /// The secrets that its texts name, and where in the source first.
    pub secrets: BTreeMap<Box<str>, Span>,
    /// Its nodes. What the file says about the pipeline as a whole is in the options of the root.
    pub tree: Arc<Tree>,
    /// The calendars that its schedules and expressions may name.
    pub calendars: Book,
    /// Why its expressions have no `session`, if they have none.
    pub no_session: Option<String>,
    /// The text it was made from.
    pub source: Arc<str>,
    /// SHA-256, in hex, of everything it was made from: name, text and defaults.
    pub hash: String,
}

impl Pipeline {
    /// The calendar of a run that no slot has made: the pipeline's own, or else the one that all its schedules
    /// go by.
    pub fn own_calendar(&self) -> Option<&Arc<Calendar>> {
        let mut exchanges = self.timetable.schedules.iter().map(Schedule::exchange);
        let first = exchanges.next().flatten();
        let common = first.filter(|first| {
            exchanges.all(|other| other.is_some_and(|other| other.spelled() == first.spelled()))
        });
        self.calendar.as_ref().or(common.map(Exchange::calendar))
    }
}

/// What a pipeline file need not say.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// What the root inherits.
    pub settings: Settings,
    /// The time zone of pipelines that name none.
    pub timezone: Box<str>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { settings: Settings::default(), timezone: "UTC".into() }
    }
}

/// Reads and checks a pipeline file, which may name calendars of the book. There is a pipeline exactly where
/// there is no error; warnings may stand beside it.
pub fn parse(file: &SourceFile, defaults: &Defaults, book: &Book) -> (Option<Pipeline>, Diagnostics) {
    let mut found = Diagnostics::default();
    let pipeline = read(file, defaults, book, &mut found).filter(|_| !found.has_errors());
    (pipeline, found)
}

fn read(file: &SourceFile, defaults: &Defaults, book: &Book, found: &mut Diagnostics) -> Option<Pipeline> {
    let document = composer::read(&file.text, found)?;
    if strayed::is_calendar(&document, found) {
        return None;
    }
    let root = document.root();
    let keys: FileKeys = match document.view(root) {
        View::Mapping(_) => reader::read(&document, root, None, found),
        View::Scalar { .. } | View::List(_) => FileKeys::default(),
    };
    let name: Box<str> = match keys.name.as_ref().and_then(|name| name.value.as_deref()) {
        Some(name) => name.into(),
        None => stem(&file.path).into(),
    };
    check_name(&document, &name, keys.name.as_ref(), found);
    let timezone =
        timezone(&document, keys.timezone.as_ref(), found).unwrap_or_else(|| defaults.timezone.clone());
    let params = keys.params.as_ref().map(|params| read_params(&document, params.id, found));
    let params = params.unwrap_or_default();
    let around = Around { name: &name, timezone: &timezone, params: &params, book };
    let mut reading = Reading { document: &document, found };
    let calendar = keys.calendar.as_ref().filter(|field| field.value.is_some());
    let calendar = calendar.and_then(|field| session_schedule::calendar(&mut reading, field.id, book));
    let (timetable, schedule_places) = timetable::read(&mut reading, &keys, &around);
    let lowered = lower(&document, Whole::Pipeline(&name), defaults.settings.clone(), found)?;
    let no_session = no_session(&document, &keys, &timetable);
    let world = World {
        tree: &lowered.tree,
        own: None,
        params: &params,
        timezone: &timezone,
        schedules: &timetable.schedules,
        calendars: Some(book),
        no_session: no_session.as_deref(),
    };
    let Coherence { after, secrets } = coherence(&document, &lowered, &world, found);
    let Lowered { mut tree, .. } = lowered;
    tree.set_after(after);
    let hash = hash(&name, &file.text, defaults);
    Some(Pipeline {
        name,
        timezone,
        calendar,
        timetable,
        schedule_places,
        params,
        secrets,
        tree: Arc::new(tree),
        calendars: book.clone(),
        no_session,
        source: file.text.clone(),
        hash,
    })
}

/// Why some run of the pipeline has no `session`, if one has none.
fn no_session(document: &Document<'_>, keys: &FileKeys, timetable: &Timetable) -> Option<String> {
    let authored = keys.schedule.as_ref().map_or(0, |schedule| match document.view(schedule.id) {
        View::List(items) => items.len(),
        View::Scalar { .. } | View::Mapping(_) => 1,
    });
    // One with a mistake, which is left out, may be meant to have one.
    if keys.calendar.is_some() || authored != timetable.schedules.len() {
        return None;
    }
    let mut without = timetable.schedules.iter().filter(|schedule| schedule.exchange().is_none());
    let (first, others) = (without.next(), without.count());
    match first {
        Some(first) if others + 1 < authored => Some(format!(
            "the schedule `{}` has no calendar: give it or the pipeline a `calendar:`",
            first.name
        )),
        Some(_) => Some(NO_CALENDAR.to_owned()),
        None if authored == 0 => Some(NO_CALENDAR.to_owned()),
        None => no_common_calendar(&timetable.schedules),
    }
}

/// Why a run that somebody starts has no `session`, where the schedules go by different calendars.
fn no_common_calendar(schedules: &[Schedule]) -> Option<String> {
    let mut all: Vec<&str> = schedules.iter().filter_map(Schedule::exchange).map(Exchange::spelled).collect();
    all.sort_unstable();
    all.dedup();
    (all.len() > 1).then(|| {
        let names = listed(all);
        format!(
            "the schedules go by {names}, so a run by hand has no calendar: give the pipeline a `calendar:`"
        )
    })
}

/// `nightly` of `config/pipelines/nightly.yaml`.
fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.rsplit_once('.').map_or(file, |(stem, _)| if stem.is_empty() { file } else { stem })
}

fn check_name(document: &Document<'_>, name: &str, field: Option<&Field<String>>, found: &mut Diagnostics) {
    if let Some(problem) = name::problem(name) {
        let (span, help) = match field {
            Some(field) => (document.span(field.id), name::RULE),
            None => (Span::default(), "rename the file, or give the pipeline a `name`"),
        };
        found.push(
            Diagnostic::error(span, format!("the pipeline's name `{}` {problem}", name.escape_debug()))
                .help(help),
        );
    }
}

fn read_params(document: &Document<'_>, id: ValueId, found: &mut Diagnostics) -> Params {
    if !matches!(document.view(id), View::Mapping(_)) {
        let message =
            format!("`params` must be a mapping of names to defaults, found {}", document.describe(id));
        found.push(Diagnostic::error(document.span(id), message));
    }
    let mut all: Vec<(Box<str>, Param)> = Vec::new();
    for (key, value) in document.entries(id) {
        let name = document.key(key);
        if !name::is_identifier(name) {
            let error =
                Diagnostic::error(document.span(key), format!("`{name}` cannot be the name of a parameter"));
            found.push(error.help("a name is letters, digits and `_`, and does not begin with a digit"));
        }
        if let Some((other, _)) = all.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            let message = format!(
                "`{name}` and `{other}` would be the same variable, `{}`",
                super::environment::param_variable(name)
            );
            found.push(Diagnostic::error(document.span(key), message));
        }
        all.push((name.into(), read_param(document, name, value, found)));
    }
    Params::new(all)
}

fn read_param(document: &Document<'_>, name: &str, id: ValueId, found: &mut Diagnostics) -> Param {
    let mut reading = Reading { document, found };
    let keys: ParamKeys = match document.view(id) {
        View::Mapping(_) => reader::read(document, id, Some(&[]), reading.found),
        View::Scalar { .. } | View::List(_) => ParamKeys::default(),
    };
    let bare = matches!(document.view(id), View::Scalar { .. });
    let default = if bare { Some(id) } else { keys.default.as_ref().map(|default| default.id) };
    if matches!(document.view(id), View::List(_)) || (bare && document.is_null(id)) {
        let message = format!(
            "the parameter `{name}` must be a default value or a mapping, found {}",
            document.describe(id)
        );
        reading.error(id, message);
    }
    let kind = match keys.kind.as_ref().and_then(|kind| kind.value) {
        Some(word) => of_word(word),
        None => default.map_or(ParamType::String, |default| inferred(document, default)),
    };
    let pattern = keys.pattern.as_ref().and_then(|field| {
        let pattern = Pattern::new(field.value.as_deref()?);
        if kind != ParamType::String {
            reading.error(
                field.id,
                format!("`pattern` is for strings, and `{name}` is of type `{}`", kind.word()),
            );
        }
        pattern.map_err(|error| reading.error(field.id, format!("not a regular expression: {error}"))).ok()
    });
    let description = keys.description.and_then(|text| text.value).map(String::into_boxed_str);
    let required = keys.required.as_ref().and_then(|field| field.value);
    if let (Some(true), Some(_), Some(field)) = (required, default, &keys.required) {
        reading.error(field.id, format!("the parameter `{name}` has a default, so nobody has to give it"));
    }
    let mut param = Param {
        kind,
        default: None,
        choices: Box::default(),
        pattern,
        required: required.unwrap_or(default.is_none()),
        description,
    };
    let accept = |reading: &mut Reading<'_, '_, '_>, param: &Param, id: ValueId| match document
        .text(id)
        .map(|text| param.accept(text))
    {
        Some(Ok(value)) => Some(value),
        Some(Err(problem)) => {
            reading.error(id, format!("the parameter `{name}` {problem}"));
            None
        }
        None => {
            reading.error(id, format!("expected a value, found {}", document.describe(id)));
            None
        }
    };
    if let Some(choices) = &keys.choices {
        let items = match document.view(choices.id) {
            View::List(items) => items,
            View::Scalar { .. } | View::Mapping(_) => &[],
        };
        param.choices = items.iter().filter_map(|&item| accept(&mut reading, &param, item)).collect();
        if items.is_empty() {
            reading.error(choices.id, "`enum` must be a list of at least one value");
        }
    }
    if let Some(default) = default.filter(|&default| !(bare && document.text(default).is_none())) {
        param.default = accept(&mut reading, &param, default);
    }
    param
}

fn of_word(word: ParamWord) -> ParamType {
    match word {
        ParamWord::String => ParamType::String,
        ParamWord::Integer => ParamType::Integer,
        ParamWord::Number => ParamType::Number,
        ParamWord::Boolean => ParamType::Boolean,
        ParamWord::Date => ParamType::Date,
    }
}

/// What a default value says about its type; quotes make it a string.
fn inferred(document: &Document<'_>, id: ValueId) -> ParamType {
    let View::Scalar { text, plain: true } = document.view(id) else { return ParamType::String };
    // `010` and `+1` are spellings of something else than a number.
    let padded = text.len() > 1 && text.trim_start_matches('-').starts_with('0') && !text.contains('.');
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && !padded;
    let kinds = [ParamType::Boolean, ParamType::Integer, ParamType::Number, ParamType::Date];
    let kinds = kinds.into_iter().filter(|kind| numeric || matches!(kind, ParamType::Boolean));
    kinds.into_iter().find(|kind| kind.read(text).is_some()).unwrap_or(ParamType::String)
}

fn hash(name: &str, text: &str, defaults: &Defaults) -> String {
    let mut hasher = Sha256::new();
    let mut part = |text: &str| {
        // With its length, so that two parts never read like two others.
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text);
    };
    part("sexton pipeline 1");
    part(name);
    part(text);
    part(&defaults.timezone);
    let Settings { env, working_dir, shell, user, retry, kill_grace } = &defaults.settings;
    part(&env.len().to_string());
    for (name, value) in env {
        part(name);
        part(value);
    }
    part(working_dir.as_deref().unwrap_or("\0"));
    part(&shell.join("\0"));
    part(user.as_deref().unwrap_or("\0"));
    part(&format!("{} {} {}", retry.limit, retry.backoff, retry.jitter));
    part(&duration::show(retry.delay));
    part(&retry.max_delay.map(duration::show).unwrap_or_default());
    part(&match &retry.on {
        RetryOn::Any => "any".to_owned(),
        RetryOn::Only { codes, timeout, signal, lost } => format!("{codes:?} {timeout} {signal} {lost}"),
    });
    part(&duration::show(*kill_grace));
    hasher.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
