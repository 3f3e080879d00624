//! Makes a calendar of what files say of it, one on top of the other, and finds what says nothing, contradicts or
//! is said again. It never knows where the files are.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::yaml::diagnostic::{Diagnostic, Span};

use super::calendar::{Basis, Calendar, Head};
use super::session::Source;
use super::sheet::{Hindrance, Oddity, Plan, Sheet, Verdict};
use super::table::{Base, Dates, Layer, Named, Own, Saying, What};

/// What a file says of a calendar's dates.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) source: Source,
    pub(super) layer: Layer,
}

/// A finding, and which layer's file it is about: 0 is the calendar's own, then come those that change it.
pub(super) type Remark = (usize, Diagnostic);

/// Finds a calendar that this one is made of.
pub(super) type Resolve<'a> = dyn Fn(&str) -> Option<Arc<Calendar>> + 'a;

/// A calendar, and what was found; `None` where one that it is made of is not there.
pub(super) fn make(
    own: &Own,
    source: &Source,
    overrides: &[Said],
    resolve: &Resolve<'_>,
) -> (Option<Calendar>, Vec<Remark>) {
    let mut remarks = Vec::new();
    let Some(basis) = basis(&own.base, resolve) else { return (None, remarks) };
    let head = head(own, source, overrides, &basis, &mut remarks);
    let zone = zone(&head.timezone);
    let mut sheet = Sheet::new(&head, &zone, &basis);
    let layers = std::iter::once((source, &own.layer));
    let layers = layers.chain(overrides.iter().map(|said| (&said.source, &said.layer)));
    let mut log = Log { code: &head.code, sources: Vec::new(), said: BTreeMap::new(), remarks };
    // What the program comes with is held right by its own tests.
    let quiet = |source: &Source| *source == Source::Table;
    for (number, (source, layer)) in layers.enumerate() {
        log.sources.push(source);
        for saying in &layer.sayings {
            log.say(&mut sheet, saying, number, &head, quiet(source));
        }
    }
    let overlaps = sheet.overlaps();
    if let Some(date) = overlaps.first() {
        log.overlap(*date, own);
    }
    (Some(sheet.finish()), log.remarks)
}

fn basis(base: &Base, resolve: &Resolve<'_>) -> Option<Basis> {
    let all = |codes: &[Named]| codes.iter().map(|code| resolve(&code.text)).collect::<Option<Vec<_>>>();
    Some(match base {
        Base::Weeks(weeks, _) => Basis::Weeks(weeks.clone()),
        Base::Extends(code) => Basis::Extends(resolve(&code.text)?),
        Base::AllOf(codes) => Basis::AllOf(all(codes)?.into()),
        Base::AnyOf(codes) => Basis::AnyOf(all(codes)?.into()),
    })
}

fn head(own: &Own, source: &Source, overrides: &[Said], basis: &Basis, remarks: &mut Vec<Remark>) -> Head {
    let members: Vec<&Calendar> = match basis {
        Basis::Weeks(_) => Vec::new(),
        Basis::Extends(base) => vec![base],
        Basis::AllOf(all) | Basis::AnyOf(all) => all.iter().map(AsRef::as_ref).collect(),
    };
    let first = members.first();
    let known_from = members.iter().map(|member| member.first()).max();
    let known_to = members.iter().map(|member| member.last()).min();
    let announced = members.iter().map(|member| member.announced_to()).min();
    let from = own.from.map(|bound| bound.date).or(known_from).unwrap_or(Date::MIN);
    let bounds = std::iter::once(&own.layer).chain(overrides.iter().map(|said| &said.layer)).enumerate();
    let (mut to, mut announced_to) = (known_to.unwrap_or(Date::MAX), announced);
    for (number, layer) in bounds {
        if let Some(bound) = layer.to {
            to = bound.date;
            let combined = matches!(basis, Basis::AllOf(_) | Basis::AnyOf(_));
            if let Some(known) = known_to.filter(|known| combined && *known < bound.date) {
                let message = format!("one of the calendars ends {known}: this one cannot go on to {to}");
                remarks.push((number, Diagnostic::error(bound.span, message)));
                to = known;
            }
        }
        announced_to = layer.announced_to.map(|bound| bound.date).or(announced_to);
    }
    Head {
        code: own.code.text.clone(),
        name: own.name.clone().unwrap_or_else(|| own.code.text.clone()),
        aliases: own.aliases.iter().map(|alias| alias.text.clone()).collect(),
        timezone: own
            .timezone
            .clone()
            .or_else(|| first.map(|first| first.timezone().into()))
            .unwrap_or_default(),
        from,
        to,
        announced_to: announced_to.unwrap_or(to).min(to),
        origin: own.origin.clone().or_else(|| first.map(|first| first.origin().into())).unwrap_or_default(),
        source: source.clone(),
    }
}

/// The zone of a name that was known when its file was read, by this machine's zone data or our own.
fn zone(name: &str) -> TimeZone {
    let own = || TimeZoneDatabase::bundled().get(name);
    TimeZone::get(name).or_else(|_| own()).unwrap_or(TimeZone::UTC)
}

/// What has been said of which date, and what is to be said about that.
struct Log<'a> {
    code: &'a str,
    sources: Vec<&'a Source>,
    /// By which layer, and where.
    said: BTreeMap<Date, Vec<(usize, What, Span)>>,
    remarks: Vec<Remark>,
}

impl Log<'_> {
    fn say(&mut self, sheet: &mut Sheet<'_>, saying: &Saying, layer: usize, head: &Head, quiet: bool) {
        let source = self.sources[layer];
        let dates = match saying.dates {
            Dates::One(date) => vec![date],
            Dates::Rule(rule) => rule.dates(head.from, head.to, |date| sheet.is_weekday(date)),
        };
        for date in dates {
            sheet.say(date, saying.what, saying.name.as_ref(), (layer, source));
        }
        let _ = quiet;
    }

    fn overlap(&mut self, date: Date, own: &Own) {
        let message = format!("the session of {date} begins before the one before it has ended");
        let span = match &own.base {
            Base::Weeks(_, span) => *span,
            Base::Extends(code) => code.span,
            Base::AllOf(codes) | Base::AnyOf(codes) => codes.first().map_or(own.code.span, |code| code.span),
        };
        self.remarks.push((0, Diagnostic::error(span, message)));
    }
}
