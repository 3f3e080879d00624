//! Reads a calendar file: text in, what it says out, with all mistakes at their places. It never knows other
//! calendars.

use std::sync::Arc;

use jiff::civil::Date;

use crate::yaml::composer;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::yaml::document::{ValueId, View};
use crate::yaml::reader::{self, Field};
use crate::yaml::reading::{Reading, text, value};
use crate::yaml::report::SourceFile;
use crate::yaml::zone::timezone;

use super::super::spec::FileKeys;
use super::super::table::{Authored, Base, Layer, Named, Own};
use super::{dates, weeks};

/// How a file begins.
const BEGIN: &str = "begin with `override: XNYS` to change a calendar, or with `code: …` to make one";

/// A file, read.
#[derive(Debug, Default)]
pub(in crate::calendar) struct Read {
    /// What it says. Where it has mistakes, it may be only a part of that, or nothing.
    pub(in crate::calendar) authored: Option<Authored>,
    /// The code that it defines, also where it has mistakes.
    pub(in crate::calendar) code: Option<String>,
}

/// What a file says. Its mistakes are in `found`.
pub(in crate::calendar) fn read(file: &SourceFile, found: &mut Diagnostics) -> Read {
    let Some(document) = composer::read(&file.text, found) else { return Read::default() };
    let root = document.root();
    if !matches!(document.view(root), View::Mapping(_)) {
        let start = document.span(root).start;
        let message = format!("a calendar is a mapping, found {}", document.describe(root));
        found.push(Diagnostic::error(Span { start, end: start }, message).help(BEGIN));
        return Read::default();
    }
    let keys: FileKeys = reader::read(&document, root, Some(&[]), found);
    let authored = FileReader { reading: Reading { document: &document, found } }.file(&keys);
    let code = keys.code.and_then(|code| code.value);
    Read { authored, code }
}

struct FileReader<'a, 'd, 's> {
    reading: Reading<'a, 'd, 's>,
}

impl FileReader<'_, '_, '_> {
    fn file(&mut self, keys: &FileKeys) -> Option<Authored> {
        let layer = dates::layer(&mut self.reading, keys);
        match (&keys.overridden, &keys.code) {
            (Some(code), None) => {
                self.nothing_else(keys);
                Some(Authored::Override { code: self.named(code)?, layer })
            }
            (None, Some(code)) => self.own(keys, code, layer).map(Authored::Own),
            (Some(overridden), Some(code)) => {
                let document = self.reading.document;
                let error = Diagnostic::error(
                    document.span(code.id),
                    "a file has a `code` or an `override`, not both",
                );
                let error = error.beside(document.span(overridden.id), "this is the other");
                self.reading.found.push(error.help(
                    "`override: X` changes X; `code: Y` with `extends: X` is another calendar like it",
                ));
                None
            }
            (None, None) => {
                let start = self.reading.document.span(self.reading.document.root()).start;
                let error = Diagnostic::error(Span { start, end: start }, "the file names no calendar");
                self.reading.found.push(error.help(BEGIN));
                None
            }
        }
    }

    /// Keys that an override cannot have.
    fn nothing_else(&mut self, keys: &FileKeys) {
        let of_own = [
            ("name", keys.name.as_ref().map(|field| field.id)),
            ("aliases", keys.aliases.as_ref().map(|field| field.id)),
            ("timezone", keys.timezone.as_ref().map(|field| field.id)),
            ("from", keys.from.as_ref().map(|field| field.id)),
            ("source", keys.source.as_ref().map(|field| field.id)),
            ("extends", keys.extends.as_ref().map(|field| field.id)),
            ("all_of", keys.all_of.as_ref().map(|field| field.id)),
            ("any_of", keys.any_of.as_ref().map(|field| field.id)),
            ("hours", keys.hours.as_ref().map(|field| field.id)),
        ];
        for (key, id) in of_own {
            let Some(id) = id else { continue };
            let error =
                Diagnostic::error(self.reading.document.span(id), format!("an override has no `{key}`"));
            self.reading.found.push(error.help("a calendar of its own, with a `code`, may have one"));
        }
    }

    fn own(&mut self, keys: &FileKeys, code: &Field<String>, layer: Layer) -> Option<Own> {
        let document = self.reading.document;
        let code = self.named(code);
        let base = self.base(keys);
        let mut aliases = Vec::new();
        if let Some(list) = &keys.aliases {
            for id in self.reading.texts("aliases", list.id) {
                aliases.extend(self.code(id));
            }
        }
        let zone = timezone(document, keys.timezone.as_ref(), self.reading.found);
        if matches!(base, Some(Base::Weeks(..))) {
            self.complete(keys);
        }
        if let Some(reopened) = keys.reopened.as_ref().filter(|_| matches!(base, Some(Base::Weeks(..)))) {
            let error = Diagnostic::error(
                document.span(reopened.id),
                "a calendar with `hours` of its own closes nothing that could be `reopened`",
            );
            self.reading.found.push(error.help("leave the date out of `closed`"));
        }
        let from = dates::bound(&mut self.reading, keys.from.as_ref());
        if let (Some(from), Some(to)) = (from, layer.to)
            && to.date < from.date
        {
            let error = Diagnostic::error(to.span, "`to` is before `from`");
            self.reading.found.push(error.beside(from.span, "this is later"));
        }
        Some(Own {
            code: code?,
            name: text(keys.name.as_ref()).map(Arc::from),
            aliases: aliases.into(),
            timezone: zone.map(Arc::from),
            from,
            origin: text(keys.source.as_ref()).map(Arc::from),
            base: base?,
            layer,
        })
    }

    /// What a calendar with hours of its own has to say.
    fn complete(&mut self, keys: &FileKeys) {
        let document = self.reading.document;
        let start = document.span(document.root()).start;
        let missing = [
            ("timezone", keys.timezone.is_none(), "expected an IANA name, such as `timezone: Asia/Tokyo`"),
            ("from", keys.from.is_none(), "expected its first date, such as `from: 2020-01-01`"),
            (
                "to",
                keys.to.is_none(),
                "expected its last date, such as `to: 2027-12-31`; beyond it nothing is guessed",
            ),
        ];
        for (key, _, help) in missing.iter().filter(|(_, missing, _)| *missing) {
            let message = format!("a calendar with `hours` needs a `{key}`");
            self.reading.found.push(Diagnostic::error(Span { start, end: start }, message).help(*help));
        }
    }

    fn base(&mut self, keys: &FileKeys) -> Option<Base> {
        let document = self.reading.document;
        let given: Vec<(&str, ValueId)> = [
            ("hours", keys.hours.as_ref().map(|field| field.id)),
            ("extends", keys.extends.as_ref().map(|field| field.id)),
            ("all_of", keys.all_of.as_ref().map(|field| field.id)),
            ("any_of", keys.any_of.as_ref().map(|field| field.id)),
        ]
        .into_iter()
        .filter_map(|(key, id)| Some((key, id?)))
        .collect();
        let (key, id) = match given.as_slice() {
            [only] => *only,
            [] => {
                let start = document.span(document.root()).start;
                let error = Diagnostic::error(Span { start, end: start }, "the calendar has no hours");
                self.reading.found.push(
                    error.help("say `hours`, or take them from another: `extends`, `all_of` or `any_of`"),
                );
                return None;
            }
            [(first, at), (second, id), ..] => {
                let message = format!("a calendar has `{first}` or `{second}`, not both");
                let error = Diagnostic::error(document.span(*id), message);
                self.reading.found.push(error.beside(document.span(*at), "this is the other"));
                return None;
            }
        };
        match key {
            "hours" => {
                let begin = value(keys.from.as_ref()).map_or(Date::MIN, |day| day.0);
                Some(Base::Weeks(weeks::weeks(&mut self.reading, id, begin)?, document.span(id)))
            }
            "extends" => Some(Base::Extends(self.named(keys.extends.as_ref()?)?)),
            _ => {
                let ids = self.reading.texts(key, id);
                let codes: Box<[Named]> = ids.iter().filter_map(|id| self.code(*id)).collect();
                if ids.len() < 2 {
                    self.reading.error(id, format!("`{key}` needs two calendars at least"));
                }
                Some(if key == "all_of" { Base::AllOf(codes) } else { Base::AnyOf(codes) })
            }
        }
    }

    fn named(&mut self, field: &Field<String>) -> Option<Named> {
        field.value.as_ref()?;
        self.code(field.id)
    }

    /// A code: what can stand in a schedule without quotes, and in the name of a file nearly.
    fn code(&mut self, id: ValueId) -> Option<Named> {
        let document = self.reading.document;
        let text = document.text(id)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
        if text.len() > 64 || !text.chars().all(fits) {
            let error = Diagnostic::error(
                document.span(id),
                format!("{} is no code of a calendar", document.describe(id)),
            );
            self.reading
                .found
                .push(error.help("a code is letters, digits, `_`, `-`, `.` and `/`, at most 64"));
            return None;
        }
        Some(Named { text: text.into(), span: document.span(id) })
    }
}

/// What stands at the head of a table.
#[derive(Debug, Default)]
pub(in crate::calendar) struct Preface {
    pub(in crate::calendar) aliases: Vec<String>,
    pub(in crate::calendar) origin: Option<String>,
}

/// The head of a table that comes with the program, without reading the rest: it ends where `hours` begins.
pub(in crate::calendar) fn preface(table: &str) -> Preface {
    let head = table.split_once("\nhours:").map_or(table, |(head, _)| head);
    let mut found = Diagnostics::default();
    let Some(document) = composer::read(head, &mut found) else { return Preface::default() };
    let keys: FileKeys = reader::read(&document, document.root(), Some(&[]), &mut found);
    let mut reading = Reading { document: &document, found: &mut found };
    let aliases = keys.aliases.map(|list| reading.texts("aliases", list.id)).unwrap_or_default();
    let aliases = aliases.into_iter().filter_map(|id| document.text(id)).map(str::to_owned);
    Preface { aliases: aliases.collect(), origin: keys.source.and_then(|source| source.value) }
}
