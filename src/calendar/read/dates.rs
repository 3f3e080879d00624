//! Reads what a calendar file says of dates: under which key, by which name, as a date or as a rule.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::yaml::diagnostic::{Diagnostic, Span};
use crate::yaml::document::{ValueId, View};
use crate::yaml::reader::{self, Field};
use crate::yaml::reading::{Reading, value};
use crate::yaml::scalars::Day;

use super::super::hours::{Hours, TimeError, Wall};
use super::super::rule::{self, Roll, Rule, Yearly};
use super::super::spec::{FileKeys, RollWord, RuleKeys, YearOrDay};
use super::super::table::{Bound, Dates, Layer, Saying, What};

/// Years that a calendar may speak of.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;
/// What stands for no name.
const UNNAMED: &str = "unnamed";

/// What a file says of dates.
pub(super) fn layer(reading: &mut Reading<'_, '_, '_>, keys: &FileKeys) -> Layer {
    let mut reader = DatesReader { reading, said: HashMap::new(), sayings: Vec::new() };
    for (what, named) in [
        (What::Reopened, &keys.reopened),
        (What::Closed { ad_hoc: false }, &keys.closed),
        (What::Closed { ad_hoc: true }, &keys.closed_ad_hoc),
        (What::Extra, &keys.extra),
    ] {
        if let Some(named) = named {
            reader.by_name(named.id, what);
        }
    }
    if let Some(session) = &keys.session {
        let keyed = ("hours", "session: {09:30-13:00: [2026-12-31]}");
        reader.keyed(session.id, Hours::parse, What::Session, keyed);
    }
    for (keyed, what, example) in [
        (&keys.late_open, What::LateOpen as fn(Wall) -> What, "late_open: {10:30: [2026-12-31]}"),
        (&keys.early_close, What::EarlyClose as fn(Wall) -> What, "early_close: {13:00: [2026-12-31]}"),
    ] {
        if let Some(keyed) = keyed {
            reader.keyed(keyed.id, Wall::parse, what, ("times", example));
        }
    }
    let mut sayings = reader.sayings;
    sayings.sort_by_key(|saying| saying.what.key().0);
    let to = bound(reading, keys.to.as_ref());
    let announced_to = bound(reading, keys.announced_to.as_ref());
    if let (Some(to), Some(announced)) = (to, announced_to)
        && to.date < announced.date
    {
        let error = Diagnostic::error(announced.span, "`announced_to` is after `to`");
        reading.found.push(error.beside(to.span, "this is earlier"));
    }
    Layer { to, announced_to, sayings: sayings.into() }
}

/// A date that a calendar begins or ends with.
pub(super) fn bound(reading: &mut Reading<'_, '_, '_>, field: Option<&Field<Day>>) -> Option<Bound> {
    let field = field?;
    let date = field.value?.0;
    if !YEARS.contains(&date.year()) {
        let message = format!("a calendar speaks of the years {} to {}", YEARS.start(), YEARS.end());
        reading.error(field.id, message);
    }
    Some(Bound { date, span: reading.document.span(field.id) })
}

struct DatesReader<'r, 'a, 'd, 's> {
    reading: &'r mut Reading<'a, 'd, 's>,
    /// Where each date has been spoken of, and how.
    said: HashMap<Date, Vec<(What, Span)>>,
    sayings: Vec<Saying>,
}

impl DatesReader<'_, '_, '_, '_> {
    /// Times or hours, and the dates of each.
    fn keyed<T>(
        &mut self,
        id: ValueId,
        parse: fn(&str) -> Result<T, TimeError>,
        what: fn(T) -> What,
        keyed: (&str, &str),
    ) {
        let document = self.reading.document;
        if !matches!(document.view(id), View::Mapping(_)) {
            let found = document.describe(id);
            let (keys, example) = keyed;
            let message = format!("expected {keys} with the dates of each, found {found}");
            let error = Diagnostic::error(document.span(id), message);
            self.reading.found.push(error.help(format!("for example `{example}`")));
        }
        for (key, dates) in document.entries(id) {
            match parse(document.key(key)) {
                Ok(time) => {
                    let what = what(time);
                    if let What::Session(hours) = what
                        && !hours.are_in_order()
                    {
                        self.reading.error(key, "open, break and close must come one after another");
                    }
                    self.by_name(dates, what);
                }
                Err(error) => self.reading.error(key, format!("{}: {error}", document.describe(key))),
            }
        }
    }

    /// Names, and the dates of each; or dates without a name.
    fn by_name(&mut self, id: ValueId, what: What) {
        let document = self.reading.document;
        let is_rule = document.entries(id).any(|(key, _)| document.key(key) == "rule");
        if is_rule || !matches!(document.view(id), View::Mapping(_)) {
            self.dates(id, what, None);
            return;
        }
        for (key, dates) in document.entries(id) {
            let name = document.key(key).trim();
            if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
                self.reading.error(key, "a name is a text of at most 200 bytes");
            }
            let name: Option<Arc<str>> = (name != UNNAMED).then(|| name.into());
            self.dates(dates, what, name.as_ref());
        }
    }

    fn dates(&mut self, id: ValueId, what: What, name: Option<&Arc<str>>) {
        let document = self.reading.document;
        let items = match document.view(id) {
            View::List(items) => items,
            View::Scalar { .. } | View::Mapping(_) => &[id],
        };
        for item in items {
            let span = document.span(*item);
            let Some(dates) = self.one(*item) else { continue };
            if let Dates::One(date) = dates {
                self.once(date, what, span);
            }
            self.sayings.push(Saying { what, name: name.cloned(), dates, span });
        }
    }

    fn one(&mut self, id: ValueId) -> Option<Dates> {
        let document = self.reading.document;
        match document.view(id) {
            View::Mapping(_) => self.rule(id).map(Dates::Rule),
            View::Scalar { text, .. } if !document.is_null(id) => {
                if text.starts_with(|c: char| c.is_ascii_digit()) {
                    let date = text
                        .parse::<Date>()
                        .ok()
                        .filter(|date| text.len() == 10 && YEARS.contains(&date.year()));
                    if date.is_none() {
                        let error = Diagnostic::error(document.span(id), format!("`{text}` is no date"));
                        self.reading.found.push(match rule::in_words(text) {
                            Some(rule) => error.label(format!("as a rule it is `{rule}`")),
                            None if text.contains(' ') => error.help(
                                "write it as `2026-11-20`, or as a rule such as `first monday of march`",
                            ),
                            None => error.help("write it as `2026-11-20`"),
                        });
                    }
                    return date.map(Dates::One);
                }
                let yearly = self.yearly(id, text)?;
                Some(Dates::Rule(Rule { yearly, observed: None, from: None, until: None }))
            }
            View::Scalar { .. } | View::List(_) => {
                let found = document.describe(id);
                let error =
                    Diagnostic::error(document.span(id), format!("expected a date or a rule, found {found}"));
                self.reading.found.push(error.help("write `2026-11-20`, or `third monday of january`"));
                None
            }
        }
    }

    fn yearly(&mut self, id: ValueId, text: &str) -> Option<Yearly> {
        match Yearly::parse(text) {
            Ok(yearly) => Some(yearly),
            Err(error) => {
                let word =
                    error.word.and_then(|word| Some((text.to_ascii_lowercase().find(&word)?, word.len())));
                let document = self.reading.document;
                let place = word.map_or(document.span(id), |(at, len)| document.place(id, at, at + len));
                let found = Diagnostic::error(place, error.message);
                self.reading.found.push(match error.meant {
                    Some(meant) => found.label(format!("did you mean `{meant}`?")),
                    None => found.help(rule::FORM),
                });
                None
            }
        }
    }

    fn rule(&mut self, id: ValueId) -> Option<Rule> {
        let document = self.reading.document;
        let keys: RuleKeys = reader::read(document, id, Some(&[]), self.reading.found);
        let Some(rule) = &keys.rule else {
            let error = Diagnostic::error(document.span(id), "the mapping has no `rule`");
            self.reading
                .found
                .push(error.help("for example `{rule: december 25, observed: nearest_weekday}`"));
            return None;
        };
        let yearly = self.yearly(rule.id, rule.value.as_deref()?)?;
        let observed = value(keys.observed.as_ref()).map(|word| match word {
            RollWord::Nearest => Roll::Nearest,
            RollWord::Next => Roll::Next,
            RollWord::Previous => Roll::Previous,
        });
        let bound = |field: Option<&Field<YearOrDay>>, month, day| match value(field)? {
            YearOrDay::Year(year) => Date::new(year, month, day).ok(),
            YearOrDay::Day(date) => Some(date),
        };
        let (from, until) = (bound(keys.from.as_ref(), 1, 1), bound(keys.until.as_ref(), 12, 31));
        if let (Some(first), Some(last), Some(field)) = (from, until, &keys.until)
            && last < first
        {
            self.reading.error(field.id, "`until` is before `from`");
        }
        Some(Rule { yearly, observed, from, until })
    }

    /// A date stands once under what it is, and what is closed has no hours.
    fn once(&mut self, date: Date, what: What, span: Span) {
        let is_closed = |what: What| matches!(what, What::Closed { .. });
        let said = self.said.entry(date).or_default();
        let other = said
            .iter()
            .find(|(other, _)| other.key().0 == what.key().0 || (is_closed(*other) != is_closed(what)));
        if let Some((other, first)) = other {
            let (other, key) = (other.key().1, what.key().1);
            let message = if other == key {
                format!("{date} stands twice under `{key}`")
            } else {
                format!("{date} stands under `{other}` and under `{key}`")
            };
            let error = Diagnostic::error(span, message).beside(*first, "first here");
            self.reading.found.push(error);
        }
        said.push((what, span));
    }
}
