//! Reads a calendar file: text in, what it says out, with all mistakes at their places. It never knows other
//! calendars.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::{Date, Weekday};

use crate::yaml::composer;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, listed, nearest};
use crate::yaml::document::{ValueId, View};
use crate::yaml::reader::{self, Field};
use crate::yaml::reading::{Reading, text, value};
use crate::yaml::report::SourceFile;
use crate::yaml::scalars::Day;
use crate::yaml::zone::timezone;

use super::hours::{Hours, TimeError, Wall};
use super::rule::{self, Roll, Rule, Yearly};
use super::spec::{FileKeys, HoursKeys, RollWord, RuleKeys, WallTime, YearOrDay};
use super::table::{Authored, Base, Bound, Dates, Layer, Named, Own, Saying, What};
use super::week::{Regime, WEEKDAYS, Weeks};

/// Years that a calendar may speak of.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;
/// What stands for no name.
const UNNAMED: &str = "unnamed";
const SHORT_DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What a file says; `None` where it has mistakes, which are then in `found`.
pub(super) fn read(file: &SourceFile, found: &mut Diagnostics) -> Option<Authored> {
    let document = composer::read(&file.text, found)?;
    let root = document.root();
    if !matches!(document.view(root), View::Mapping(_)) {
        let start = document.span(root).start;
        let message = format!("a calendar is a mapping, found {}", document.describe(root));
        let error = Diagnostic::error(Span { start, end: start }, message);
        found.push(
            error.help("begin with `override: XNYS` to change a calendar, or with `code: …` to make one"),
        );
        return None;
    }
    let keys: FileKeys = reader::read(&document, root, Some(&[]), found);
    let mut reader = CalendarReader { reading: Reading { document: &document, found }, said: HashMap::new() };
    let authored = reader.file(&keys);
    authored.filter(|_| !found.has_errors())
}

struct CalendarReader<'a, 'd, 's> {
    reading: Reading<'a, 'd, 's>,
    /// Where each date has been spoken of, and how.
    said: HashMap<Date, Vec<(What, Span)>>,
}

impl<'d> CalendarReader<'_, 'd, '_> {
    fn file(&mut self, keys: &FileKeys) -> Option<Authored> {
        let layer = self.layer(keys);
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
                let error = Diagnostic::error(
                    Span { start, end: start },
                    "the file says of no calendar that it is its own",
                );
                self.reading.found.push(
                    error.help(
                        "begin with `override: XNYS` to change a calendar, or with `code: …` to make one",
                    ),
                );
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
        let from = self.bound(keys.from.as_ref());
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
            "hours" => Some(Base::Weeks(self.weeks(id, keys)?, document.span(id))),
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

    fn bound(&mut self, field: Option<&Field<Day>>) -> Option<Bound> {
        let field = field?;
        let date = field.value?.0;
        if !YEARS.contains(&date.year()) {
            let message = format!("a calendar speaks of the years {} to {}", YEARS.start(), YEARS.end());
            self.reading.error(field.id, message);
        }
        Some(Bound { date, span: self.reading.document.span(field.id) })
    }

    fn weeks(&mut self, id: ValueId, keys: &FileKeys) -> Option<Weeks> {
        let document = self.reading.document;
        let View::List(items) = document.view(id) else {
            let found = document.describe(id);
            let error =
                Diagnostic::error(document.span(id), format!("`hours` must be a list, found {found}"));
            self.reading.found.push(error.help("for example `- {days: mon-fri, open: 09:30, close: 16:00}`"));
            return None;
        };
        let begin = value(keys.from.as_ref()).map_or(Date::MIN, |day| day.0);
        let mut regimes: Vec<Regime> = Vec::new();
        for item in items {
            let keys: HoursKeys = reader::read(document, *item, Some(&[]), self.reading.found);
            let from = value(keys.from.as_ref()).map_or(begin, |day| day.0);
            let days = keys.days.as_ref().map(|days| self.days(days.id)).unwrap_or_default();
            let Some(hours) = self.hours(*item, &keys) else { continue };
            let Some(first) = days.first() else { continue };
            let at = regimes.iter().position(|regime| regime.from == from).unwrap_or_else(|| {
                regimes.push(Regime { from, days: [None; 7], first_named: *first });
                regimes.len() - 1
            });
            for day in &days {
                let slot = &mut regimes[at].days[day.to_monday_zero_offset() as usize];
                if slot.replace(hours).is_some() {
                    let name = SHORT_DAYS[day.to_monday_zero_offset() as usize];
                    self.reading.error(*item, format!("`{name}` has hours already, from the same date"));
                }
            }
        }
        if let Some(first) = regimes.iter().map(|regime| regime.from).min().filter(|first| *first > begin) {
            let error = Diagnostic::error(document.span(id), format!("there are no hours before {first}"));
            self.reading.found.push(error.help("leave out the `from` of the first ones"));
        }
        if regimes.is_empty() {
            if items.is_empty() {
                self.reading.error(id, "`hours` names no weekday");
            }
            return None;
        }
        Some(Weeks::new(regimes))
    }

    fn hours(&mut self, item: ValueId, keys: &HoursKeys) -> Option<Hours> {
        let document = self.reading.document;
        let place = document.span(item);
        for (key, missing, example) in [
            ("days", keys.days.is_none(), "`days: mon-fri`"),
            ("open", keys.open.is_none(), "`open: 09:30`"),
            ("close", keys.close.is_none(), "`close: 16:00`"),
        ] {
            if missing && matches!(document.view(item), View::Mapping(_)) {
                let at = Span { start: place.start, end: place.start };
                let error = Diagnostic::error(at, format!("the hours have no `{key}`"));
                self.reading.found.push(error.help(format!("for example {example}")));
            }
        }
        let wall = |field: Option<&Field<WallTime>>| value(field).map(|time| time.0);
        let pause = match &keys.pause {
            None => None,
            Some(pause) => Some(self.pause(pause.id)?),
        };
        let hours = Hours { open: wall(keys.open.as_ref())?, close: wall(keys.close.as_ref())?, pause };
        if !hours.are_in_order() {
            let order = if pause.is_some() { "open, break and close" } else { "open and close" };
            self.reading.error(item, format!("{order} must come one after another, found {hours}"));
        }
        Some(hours)
    }

    fn pause(&mut self, id: ValueId) -> Option<(Wall, Wall)> {
        let document = self.reading.document;
        let View::List([from, to]) = document.view(id) else {
            self.reading.error(id, "`break` is two times, such as `[11:30, 12:30]`");
            return None;
        };
        let [from, to] = [*from, *to].map(|id| {
            let text = document.text(id).unwrap_or_default();
            self.wall(id, text)
        });
        Some((from?, to?))
    }

    fn wall(&mut self, id: ValueId, text: &str) -> Option<Wall> {
        match Wall::parse(text) {
            Ok(wall) => Some(wall),
            Err(error) => {
                self.reading.error(id, format!("{}: {error}", self.reading.document.describe(id)));
                None
            }
        }
    }

    fn days(&mut self, id: ValueId) -> Vec<Weekday> {
        let document = self.reading.document;
        let mut days = Vec::new();
        for item in self.reading.texts("days", id) {
            for part in document.text(item).unwrap_or_default().split(',').map(str::trim) {
                match weekdays(part) {
                    Ok(more) => days.extend(more),
                    Err((message, help)) => {
                        self.reading.found.push(Diagnostic::error(document.span(item), message).help(help));
                    }
                }
            }
        }
        days
    }

    fn layer(&mut self, keys: &FileKeys) -> Layer {
        let mut sayings = Vec::new();
        for (what, named) in [
            (What::Reopened, &keys.reopened),
            (What::Closed { ad_hoc: false }, &keys.closed),
            (What::Closed { ad_hoc: true }, &keys.closed_ad_hoc),
            (What::Extra, &keys.extra),
        ] {
            if let Some(named) = named {
                self.by_name(named.id, what, &mut sayings);
            }
        }
        if let Some(session) = &keys.session {
            self.keyed(session.id, Hours::parse, What::Session, &mut sayings);
        }
        for (keyed, what) in [
            (&keys.late_open, What::LateOpen as fn(Wall) -> What),
            (&keys.early_close, What::EarlyClose as fn(Wall) -> What),
        ] {
            if let Some(keyed) = keyed {
                self.keyed(keyed.id, Wall::parse, what, &mut sayings);
            }
        }
        sayings.sort_by_key(|saying: &Saying| saying.what.key().0);
        let to = self.bound(keys.to.as_ref());
        let announced_to = self.bound(keys.announced_to.as_ref());
        if let (Some(to), Some(announced)) = (to, announced_to)
            && to.date < announced.date
        {
            let error = Diagnostic::error(announced.span, "`announced_to` is after `to`");
            self.reading.found.push(error.beside(to.span, "this is earlier"));
        }
        Layer { to, announced_to, sayings: sayings.into() }
    }

    /// Times or hours, and the dates of each.
    fn keyed<T>(
        &mut self,
        id: ValueId,
        parse: fn(&str) -> Result<T, TimeError>,
        what: fn(T) -> What,
        sayings: &mut Vec<Saying>,
    ) {
        let document = self.reading.document;
        if !matches!(document.view(id), View::Mapping(_)) {
            let found = document.describe(id);
            self.reading.error(id, format!("expected times with the dates of each, found {found}"));
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
                    self.by_name(dates, what, sayings);
                }
                Err(error) => self.reading.error(key, format!("{}: {error}", document.describe(key))),
            }
        }
    }

    /// Names, and the dates of each; or dates without a name.
    fn by_name(&mut self, id: ValueId, what: What, sayings: &mut Vec<Saying>) {
        let document = self.reading.document;
        let is_rule = document.entries(id).any(|(key, _)| document.key(key) == "rule");
        if is_rule || !matches!(document.view(id), View::Mapping(_)) {
            self.dates(id, what, None, sayings);
            return;
        }
        for (key, dates) in document.entries(id) {
            let name = document.key(key).trim();
            if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
                self.reading.error(key, "a name is a text of at most 200 bytes");
            }
            let name = (name != UNNAMED).then(|| Arc::from(name));
            self.dates(dates, what, name, sayings);
        }
    }

    fn dates(&mut self, id: ValueId, what: What, name: Option<Arc<str>>, sayings: &mut Vec<Saying>) {
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
            sayings.push(Saying { what, name: name.clone(), dates, span });
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
                        self.reading.found.push(error.help("write it as `2026-11-20`"));
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
            Err(message) => {
                let error = Diagnostic::error(self.reading.document.span(id), message);
                self.reading.found.push(error.help(rule::FORM));
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
            RollWord::NearestWeekday => Roll::Nearest,
            RollWord::NextWeekday => Roll::Next,
            RollWord::PreviousWeekday => Roll::Previous,
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

/// A weekday or a range of them, which may go round: `sat-tue`.
fn weekdays(text: &str) -> Result<Vec<Weekday>, (String, String)> {
    let day = |name: &str| {
        SHORT_DAYS.iter().position(|day| day.eq_ignore_ascii_case(name)).ok_or_else(|| {
            let meant = nearest(name, SHORT_DAYS).map(|meant| format!("did you mean `{meant}`?"));
            let help = meant.unwrap_or_else(|| format!("weekdays are {}", listed(SHORT_DAYS)));
            (format!("`{name}` is no weekday"), help)
        })
    };
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (day(first.trim())?, day(last.trim())?),
        None => (day(text)?, day(text)?),
    };
    Ok((0..=(last + 7 - first) % 7).map(|on| WEEKDAYS[(first + on) % 7]).collect())
}

/// The aliases of a table, without reading all of it: they stand above its `hours`.
pub(super) fn aliases(table: &str) -> Vec<String> {
    let head = table.split_once("\nhours:").map_or(table, |(head, _)| head);
    let mut found = Diagnostics::default();
    let Some(document) = composer::read(head, &mut found) else { return Vec::new() };
    let keys: FileKeys = reader::read(&document, document.root(), Some(&[]), &mut found);
    let Some(list) = &keys.aliases else { return Vec::new() };
    let ids = Reading { document: &document, found: &mut found }.texts("aliases", list.id);
    ids.into_iter().filter_map(|id| document.text(id)).map(str::to_lowercase).collect()
}
