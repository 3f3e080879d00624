//! A calendar while it is made: what each date is by its week or by other calendars, and then what files say of
//! single dates, one on top of the other. It never knows how that is told to people.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{Basis, Calendar, Head};
use super::hours::Times;
use super::row::{Note, Row, Shut};
use super::session::Source;
use super::table::What;

/// All dates of a calendar.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    head: &'a Head,
    zone: &'a TimeZone,
    basis: &'a Basis,
    /// From the first date on.
    plans: Vec<Plan>,
    notes: BTreeMap<Date, Jotting>,
}

/// What a date is so far.
#[derive(Clone, Debug)]
enum Plan {
    Off,
    Closed { name: Option<Arc<str>>, ad_hoc: bool, times: Times },
    Open(Trading),
}

/// The hours of a session so far.
#[derive(Clone, Copy, Debug)]
struct Trading {
    /// The hours of its weekday.
    regular: Times,
    /// The same, or hours of its own.
    whole: Times,
    /// Another open than these have.
    open: Option<i64>,
    close: Option<i64>,
}

#[derive(Clone, Debug)]
struct Jotting {
    names: Vec<Arc<str>>,
    source: Source,
    /// The layer that wrote it.
    layer: usize,
}

/// What came of something said of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Holds,
    /// It holds, and is probably not meant: a late open that is not after the regular one, or an early close
    /// that is not before it.
    Odd { regular: i64, late: bool },
    /// It holds, says what is so already, and puts a name in the place of another.
    Renames,
    /// It holds, and makes a holiday of what was closed ad hoc.
    MakesHoliday,
    /// It says what is so already.
    Redundant,
    /// It cannot hold, and says nothing.
    Void(Hindrance),
    /// The session would not open before it closes.
    OutOfOrder,
}

/// Why something cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hindrance {
    /// There is no session: it is no weekday of the exchange.
    Off,
    /// There is no session: it is closed.
    Closed,
    /// There is a session, and nothing to reopen.
    Open,
    /// The calendar knows other dates.
    Outside { from: Date, to: Date },
}

impl Trading {
    fn new(times: Times) -> Self {
        Self { regular: times, whole: times, open: None, close: None }
    }

    fn times(self) -> Times {
        let Times { open, close, pause } = self.whole;
        Times { open: self.open.unwrap_or(open), close: self.close.unwrap_or(close), pause }
            .with_break_inside()
    }
}

impl<'a> Sheet<'a> {
    /// The dates as the week has them, or other calendars.
    pub(super) fn new(head: &'a Head, zone: &'a TimeZone, basis: &'a Basis) -> Self {
        let mut sheet = Self { head, zone, basis, plans: Vec::new(), notes: BTreeMap::new() };
        let mut date = head.from;
        while date <= head.to {
            let plan = match basis {
                Basis::Extends(base) if (base.first()..=base.last()).contains(&date) => {
                    sheet.like(base, date)
                }
                Basis::Weeks(_) | Basis::Extends(_) => sheet.by_week(date),
                Basis::AllOf(all) => sheet.all_of(all, date),
                Basis::AnyOf(any) => sheet.any_of(any, date),
            };
            sheet.plans.push(plan);
            date = date.saturating_add(1.day());
        }
        sheet
    }

    fn by_week(&self, date: Date) -> Plan {
        self.basis.regular(date, self.zone).map_or(Plan::Off, |times| Plan::Open(Trading::new(times)))
    }

    /// As another calendar has it.
    fn like(&mut self, other: &Calendar, date: Date) -> Plan {
        let names = other.names(date).to_vec();
        if !names.is_empty() || *other.source(date) != self.head.source {
            self.notes.insert(date, Jotting { names, source: other.source(date).clone(), layer: 0 });
        }
        if let Some(row) = other.row(date) {
            let whole = row.times();
            let regular = other.basis.regular(date, &other.zone).unwrap_or(whole);
            return Plan::Open(Trading { regular, whole, open: None, close: None });
        }
        other.shut(date).map_or(Plan::Off, |shut| Plan::Closed {
            name: shut.name.clone(),
            ad_hoc: shut.ad_hoc,
            times: shut.times,
        })
    }

    fn all_of(&mut self, all: &[Arc<Calendar>], date: Date) -> Plan {
        let has_none = |one: &&Arc<Calendar>| one.row(date).is_none();
        let Some(closed) = all.iter().find(has_none) else {
            return all.first().map_or(Plan::Off, |first| self.like(first, date));
        };
        if all.iter().any(|one| one.row(date).is_none() && one.shut(date).is_none()) {
            return Plan::Off;
        }
        let plan = self.like(closed, date);
        let hours = all.first().and_then(|first| {
            first.row(date).map(Row::times).or_else(|| first.shut(date).map(|shut| shut.times))
        });
        match (plan, hours) {
            (Plan::Closed { name, ad_hoc, .. }, Some(times)) => Plan::Closed { name, ad_hoc, times },
            (plan, _) => plan,
        }
    }

    fn any_of(&mut self, any: &[Arc<Calendar>], date: Date) -> Plan {
        let open = any.iter().find(|one| one.row(date).is_some());
        let known = open.or_else(|| any.iter().find(|one| one.shut(date).is_some()));
        known.map_or(Plan::Off, |one| self.like(one, date))
    }

    /// Whether a date is a weekday of the exchange.
    pub(super) fn is_weekday(&self, date: Date) -> bool {
        self.basis.regular(date, self.zone).is_some()
    }

    /// The first date and the last.
    pub(super) fn range(&self) -> (Date, Date) {
        (self.head.from, self.head.to)
    }

    /// The zone of its times.
    pub(super) fn zone(&self) -> &TimeZone {
        self.zone
    }

    /// Who says what a date is so far.
    pub(super) fn source(&self, date: Date) -> &Source {
        self.notes.get(&date).map_or(&self.head.source, |note| &note.source)
    }

    /// What a date is called so far.
    pub(super) fn names(&self, date: Date) -> &[Arc<str>] {
        self.notes.get(&date).map_or(&[], |note| &note.names)
    }

    fn index(&self, date: Date) -> Option<usize> {
        usize::try_from(date.since(self.head.from).ok()?.get_days()).ok()
    }

    /// Says something of a date, as a layer above those before.
    pub(super) fn say(
        &mut self,
        date: Date,
        what: What,
        name: Option<&Arc<str>>,
        (layer, source): (usize, &Source),
    ) -> Verdict {
        let Some((at, plan)) = self.index(date).and_then(|at| Some((at, self.plans.get(at)?.clone()))) else {
            return Verdict::Void(Hindrance::Outside { from: self.head.from, to: self.head.to });
        };
        let named = name.is_none_or(|name| self.names(date).contains(name));
        // What has no name may be given one.
        let same = if self.names(date).is_empty() { Verdict::Holds } else { Verdict::Renames };
        let second = |wall: super::hours::Wall| wall.at(date, self.zone).as_second();
        let mut verdict = Verdict::Holds;
        let new = match (what, plan) {
            (What::Closed { ad_hoc }, Plan::Open(trading)) => {
                Plan::Closed { name: name.cloned(), ad_hoc, times: trading.times() }
            }
            (What::Closed { ad_hoc: false }, Plan::Closed { name: old, ad_hoc: true, times }) => {
                verdict = Verdict::MakesHoliday;
                Plan::Closed { name: name.cloned().or(old), ad_hoc: false, times }
            }
            // What is a holiday is not closed for once.
            (What::Closed { ad_hoc: true }, Plan::Closed { ad_hoc: false, .. })
            | (What::Extra, Plan::Open(_)) => return Verdict::Redundant,
            (What::Closed { .. }, Plan::Closed { ad_hoc, times, .. }) => {
                if named {
                    return Verdict::Redundant;
                }
                verdict = same;
                Plan::Closed { name: name.cloned(), ad_hoc, times }
            }
            (What::Reopened, Plan::Closed { times, .. }) => {
                let times = self.basis.regular(date, self.zone).unwrap_or(times);
                Plan::Open(Trading::new(times))
            }
            (What::Extra, Plan::Off) => match self.basis.nearest(date, self.zone) {
                Some(times) => Plan::Open(Trading::new(times)),
                None => return Verdict::Void(Hindrance::Off),
            },
            (What::Reopened, Plan::Open(_)) => return Verdict::Void(Hindrance::Open),
            (What::Session(hours), Plan::Open(trading)) => {
                let whole = hours.at(date, self.zone);
                if whole == trading.times() {
                    if named {
                        return Verdict::Redundant;
                    }
                    verdict = same;
                }
                Plan::Open(Trading { whole, open: None, close: None, ..trading })
            }
            (What::LateOpen(wall), Plan::Open(trading)) => {
                let open = second(wall);
                if open == trading.times().open {
                    if named {
                        return Verdict::Redundant;
                    }
                    verdict = same;
                }
                if open <= trading.regular.open {
                    verdict = Verdict::Odd { regular: trading.regular.open, late: true };
                }
                Plan::Open(Trading { open: Some(open), ..trading })
            }
            (What::EarlyClose(wall), Plan::Open(trading)) => {
                let close = second(wall);
                if close == trading.times().close {
                    if named {
                        return Verdict::Redundant;
                    }
                    verdict = same;
                }
                if close >= trading.regular.close {
                    verdict = Verdict::Odd { regular: trading.regular.close, late: false };
                }
                Plan::Open(Trading { close: Some(close), ..trading })
            }
            (
                What::Closed { .. }
                | What::Reopened
                | What::Session(_)
                | What::LateOpen(_)
                | What::EarlyClose(_),
                Plan::Off,
            ) => return Verdict::Void(Hindrance::Off),
            (
                What::Extra | What::Session(_) | What::LateOpen(_) | What::EarlyClose(_),
                Plan::Closed { .. },
            ) => return Verdict::Void(Hindrance::Closed),
        };
        if let Plan::Open(trading) = &new
            && !trading.times().are_in_order()
        {
            return Verdict::OutOfOrder;
        }
        self.plans[at] = new;
        // What is closed as another kind is closed for the same reason, unless that is said too.
        let is_still = verdict == Verdict::MakesHoliday && name.is_none();
        // Other hours of what has a name are still hours of that, unless they say of what.
        let changes_hours = matches!(what, What::LateOpen(_) | What::EarlyClose(_));
        let goes_on =
            |before: &Jotting| is_still || changes_hours && (before.layer == layer || name.is_none());
        self.jot(date, name, (layer, source), goes_on);
        verdict
    }

    /// Notes what is said of a date, by which name; the names before stay where it `goes_on` what was there.
    fn jot(
        &mut self,
        date: Date,
        name: Option<&Arc<str>>,
        (layer, source): (usize, &Source),
        goes_on: impl Fn(&Jotting) -> bool,
    ) {
        let empty = || Jotting { names: Vec::new(), source: source.clone(), layer };
        let note = self.notes.entry(date).or_insert_with(empty);
        if !goes_on(note) {
            note.names.clear();
        }
        note.names.extend(name.filter(|name| !note.names.contains(name)).cloned());
        (note.source, note.layer) = (source.clone(), layer);
    }

    /// Whether a regular holiday lies between two dates, both included.
    pub(super) fn has_holiday(&self, from: Date, to: Date) -> bool {
        let is_holiday = |plan: &Plan| matches!(plan, Plan::Closed { ad_hoc: false, .. });
        let (Some(first), Some(last)) = (self.index(from), self.index(to)) else { return false };
        self.plans.get(first..=last).is_some_and(|plans| plans.iter().any(is_holiday))
    }

    /// The first session that has not ended when the next one begins, and that one.
    pub(super) fn overlap(&self) -> Option<(Date, Date)> {
        let mut before: Option<(Date, i64)> = None;
        for (date, trading) in self.open() {
            let times = trading.times();
            if let Some((other, _)) = before.filter(|(_, close)| times.open < *close) {
                return Some((other, date));
            }
            before = Some((date, times.close));
        }
        None
    }

    fn open(&self) -> impl Iterator<Item = (Date, Trading)> {
        self.dated().filter_map(|(date, plan)| match plan {
            Plan::Open(trading) => Some((date, *trading)),
            Plan::Off | Plan::Closed { .. } => None,
        })
    }

    fn dated(&self) -> impl Iterator<Item = (Date, &Plan)> {
        self.head.from.series(1.day()).zip(&self.plans)
    }

    /// The calendar.
    pub(super) fn finish(&self) -> Calendar {
        let closures = self.dated().filter_map(|(label, plan)| match plan {
            Plan::Closed { name, ad_hoc, times } => {
                Some(Shut { label, name: name.clone(), ad_hoc: *ad_hoc, times: *times })
            }
            Plan::Off | Plan::Open(_) => None,
        });
        let note = |(date, note): (&Date, &Jotting)| Note {
            date: *date,
            names: note.names.clone().into(),
            source: note.source.clone(),
        };
        let row = |(label, trading): (Date, Trading)| (label, Row::new(trading.times(), trading.regular));
        let (labels, rows): (Vec<Date>, Vec<Row>) = self.open().map(row).unzip();
        Calendar {
            head: self.head.clone(),
            zone: self.zone.clone(),
            basis: self.basis.clone(),
            labels: labels.into(),
            rows: rows.into(),
            closures: closures.collect(),
            notes: self.notes.iter().map(note).collect(),
        }
    }
}
