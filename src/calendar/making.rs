//! Makes a calendar of what files say of it, one on top of the other. It never knows which other calendars there
//! are, nor how findings are worded.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::yaml::diagnostic::{Diagnostic, Span};

use super::calendar::{Basis, Calendar, Head};
use super::carried;
use super::remarks::{Remark, Remarks};
use super::session::Source;
use super::sheet::Sheet;
use super::table::{Base, Bound, Layer, Named, Own};

/// What a file says of a calendar's dates.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) source: Source,
    pub(super) layer: Arc<Layer>,
}

/// A calendar, and what was found; `None` where `resolve` does not find one that it is made of, and where it has
/// no dates.
pub(super) fn make(
    own: &Own,
    source: &Source,
    overrides: &[Said],
    resolve: &dyn Fn(&str) -> Option<Arc<Calendar>>,
) -> (Option<Calendar>, Vec<Remark>) {
    let Some(basis) = basis(&own.base, resolve) else { return (None, Vec::new()) };
    let layers: Vec<(&Source, &Layer)> = std::iter::once((source, &own.layer))
        .chain(overrides.iter().map(|said| (&said.source, &*said.layer)))
        .collect();
    let mut remarks = Remarks::new(&own.code.text, layers.iter().map(|(source, _)| *source).collect());
    let heading = Heading { own, source, layers: &layers, basis: &basis };
    let Some(head) = heading.head(&mut remarks) else { return (None, remarks.finish()) };
    let zone = zone(&head.timezone);
    let mut sheet = Sheet::new(&head, &zone, &basis);
    for (number, (_, layer)) in layers.iter().enumerate() {
        for saying in &layer.sayings {
            remarks.say(&mut sheet, saying, number);
        }
    }
    if let Some((known, (number, end))) = heading.carried_on()
        && let Some(error) = carried::in_vain(&own.code.text, &sheet, known, end)
    {
        remarks.push(number, error);
    }
    if let Some(sessions) = sheet.overlap() {
        remarks.overlap(sessions, place(own));
    }
    (Some(sheet.finish()), remarks.finish())
}

fn basis(base: &Base, resolve: &dyn Fn(&str) -> Option<Arc<Calendar>>) -> Option<Basis> {
    let all = |codes: &[Named]| codes.iter().map(|code| resolve(&code.text)).collect::<Option<Arc<_>>>();
    Some(match base {
        Base::Weeks(weeks, _) => Basis::Weeks(weeks.clone()),
        Base::Extends(code) => Basis::Extends(resolve(&code.text)?),
        Base::AllOf(codes) => Basis::AllOf(all(codes)?),
        Base::AnyOf(codes) => Basis::AnyOf(all(codes)?),
    })
}

/// Where a calendar's regular hours are said.
fn place(own: &Own) -> Span {
    match &own.base {
        Base::Weeks(_, span) => *span,
        Base::Extends(code) => code.span,
        Base::AllOf(codes) | Base::AnyOf(codes) => codes.first().map_or(own.code.span, |code| code.span),
    }
}

/// The zone of a name that was known when its file was read, by this machine's zone data or our own.
fn zone(name: &str) -> TimeZone {
    let own = || TimeZoneDatabase::bundled().get(name);
    TimeZone::get(name).or_else(|_| own()).unwrap_or(TimeZone::UTC)
}

/// What a head is made of.
struct Heading<'a> {
    own: &'a Own,
    source: &'a Source,
    layers: &'a [(&'a Source, &'a Layer)],
    basis: &'a Basis,
}

impl Heading<'_> {
    fn head(&self, remarks: &mut Remarks<'_>) -> Option<Head> {
        let own = self.own;
        let members = self.basis.members();
        let first = members.first();
        let from = self.from(members, remarks)?;
        let (to, announced_to) = self.ends(members, remarks)?;
        if let Some(bound) = self.last(|layer| layer.to).filter(|(_, bound)| bound.date < from) {
            let message = format!("the calendar begins {from}, and cannot end before that");
            remarks.push(bound.0, Diagnostic::error(bound.1.span, message));
        }
        if to < from {
            return None;
        }
        let like = |of: fn(&Calendar) -> &str| first.map(|first| Arc::from(of(first)));
        Some(Head {
            code: own.code.text.clone(),
            name: own.name.clone().unwrap_or_else(|| own.code.text.clone()),
            aliases: own.aliases.iter().map(|alias| alias.text.clone()).collect(),
            timezone: own.timezone.clone().or_else(|| like(Calendar::timezone))?,
            from,
            to,
            announced_to,
            origin: own.origin.clone().or_else(|| like(Calendar::origin)).unwrap_or_default(),
            definer: self.source.clone(),
            source: first.map_or_else(|| self.source.clone(), |first| first.mostly_by().clone()),
        })
    }

    /// The first date: no earlier than others know.
    fn from(&self, members: &[Arc<Calendar>], remarks: &mut Remarks<'_>) -> Option<Date> {
        let latest = members.iter().max_by_key(|member| member.first());
        let known = latest.map(|member| member.first());
        let Some(bound) = self.own.from else { return known };
        if let Some(member) = latest.filter(|member| bound.date < member.first()) {
            let message =
                format!("`{}` begins {}: what was before is not known", member.code(), member.first());
            remarks.push(0, Diagnostic::error(bound.span, message));
            return known;
        }
        Some(bound.date)
    }

    /// The last date, and the last that has been announced.
    fn ends(&self, members: &[Arc<Calendar>], remarks: &mut Remarks<'_>) -> Option<(Date, Date)> {
        let earliest = members.iter().min_by_key(|member| member.last());
        let known = earliest.map(|member| member.last());
        let announced = members.iter().map(|member| member.announced_to()).min();
        self.outdone("to", |layer| layer.to, remarks);
        self.outdone("announced_to", |layer| layer.announced_to, remarks);
        let said = self.last(|layer| layer.to);
        let to = said.map(|(_, bound)| bound.date).or(known)?;
        if let (Basis::AllOf(_) | Basis::AnyOf(_), Some(member), Some((number, bound))) =
            (self.basis, earliest.filter(|member| member.last() < to), said)
        {
            let message =
                format!("`{}` ends {}: what comes after is not known", member.code(), member.last());
            remarks.push(number, Diagnostic::error(bound.span, message));
        }
        let announced = self.last(|layer| layer.announced_to).map(|(_, bound)| bound.date).or(announced);
        Some((to, announced.unwrap_or(to).min(to)))
    }

    /// The end of what is known without those that carry the calendar on, and who says that it ends later.
    fn carried_on(&self) -> Option<(Date, (usize, Bound))> {
        let known = match self.basis {
            Basis::Weeks(_) => self.own.layer.to.map(|bound| bound.date),
            Basis::Extends(base) => Some(base.last()),
            // What one of several knows cannot be carried on.
            Basis::AllOf(_) | Basis::AnyOf(_) => None,
        }?;
        Some((known, self.last(|layer| layer.to).filter(|(_, end)| end.date > known)?))
    }

    /// What the uppermost layer says of an end, and which that is.
    fn last(&self, of: fn(&Layer) -> Option<Bound>) -> Option<(usize, Bound)> {
        self.layers.iter().enumerate().rev().find_map(|(number, (_, layer))| Some((number, of(layer)?)))
    }

    /// Of files that change a calendar, the last one counts.
    fn outdone(&self, key: &str, of: fn(&Layer) -> Option<Bound>, remarks: &mut Remarks<'_>) {
        let Some((last, _)) = self.last(of) else { return };
        for (number, (_, layer)) in self.layers.iter().enumerate().take(last).skip(1) {
            if let Some(bound) = of(layer) {
                let message = format!("`{key}` is said again by {}", self.layers[last].0.text());
                remarks.push(number, Diagnostic::warning(bound.span, message).help("the last file counts"));
            }
        }
    }
}
