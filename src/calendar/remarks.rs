//! What is to be said about what files say of dates: that it says nothing, contradicts, or is said again. It never
//! decides what a date is.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::yaml::diagnostic::{Diagnostic, Span};

use super::hours::instant;
use super::session::Source;
use super::sheet::{Hindrance, Sheet, Verdict};
use super::table::{Dates, Saying, What};

/// A finding, and which layer's file it is about: 0 is the calendar's own, then come those that change it.
pub(super) type Remark = (usize, Diagnostic);

/// What has been said of which date, and what is to be said about that.
pub(super) struct Remarks<'a> {
    code: &'a str,
    /// Of each layer.
    sources: Vec<&'a Source>,
    /// By which layer, and where.
    said: BTreeMap<Date, Vec<(usize, What, Span)>>,
    found: Vec<Remark>,
}

impl<'a> Remarks<'a> {
    /// Nothing yet, about the calendar of a code and the files of its layers.
    pub(super) fn new(code: &'a str, sources: Vec<&'a Source>) -> Self {
        Self { code, sources, said: BTreeMap::new(), found: Vec::new() }
    }

    pub(super) fn push(&mut self, layer: usize, finding: Diagnostic) {
        self.found.push((layer, finding));
    }

    pub(super) fn finish(self) -> Vec<Remark> {
        self.found
    }

    /// Puts something said into the sheet.
    pub(super) fn say(&mut self, sheet: &mut Sheet<'_>, saying: &Saying, layer: usize) {
        match saying.dates {
            Dates::One(date) => {
                let before = Before::of(sheet, date);
                let verdict = self.say_of(sheet, date, saying, layer);
                if let Some(finding) = self.finding(date, saying, &before, verdict) {
                    self.push(layer, finding);
                }
            }
            Dates::Rule(rule) => {
                let (from, to) = sheet.range();
                let dates = rule.dates(from, to, |date| sheet.is_weekday(date));
                self.say_by_rule(sheet, &dates, saying, layer);
            }
        }
    }

    /// A rule is told of once: where none of its dates says anything, or for the first that is odd.
    fn say_by_rule(&mut self, sheet: &mut Sheet<'_>, dates: &[Date], saying: &Saying, layer: usize) {
        let (mut holds, mut odd, mut first) = (false, None, None);
        for date in dates {
            let before = Before::of(sheet, *date);
            let verdict = self.say_of(sheet, *date, saying, layer);
            let finding = || self.finding(*date, saying, &before, verdict);
            match verdict {
                Verdict::Holds => holds = true,
                Verdict::Odd { .. } | Verdict::OutOfOrder => odd = odd.or_else(finding),
                Verdict::Renames | Verdict::MakesHoliday | Verdict::Redundant | Verdict::Void(_) => {
                    first = first.or_else(finding);
                }
            }
        }
        if let Some(odd) = odd {
            self.push(layer, odd);
        } else if let Some(first) = first.filter(|_| !holds) {
            self.push(layer, first.help("no date of the rule says more"));
        } else if !holds {
            let (from, to) = sheet.range();
            let message = format!("the rule names no date from {from} to {to}");
            self.push(layer, Diagnostic::warning(saying.span, message));
        }
    }

    fn say_of(&mut self, sheet: &mut Sheet<'_>, date: Date, saying: &Saying, layer: usize) -> Verdict {
        let source = self.sources[layer];
        let verdict = sheet.say(date, saying.what, saying.name.as_ref(), (layer, source));
        let holds = match verdict {
            Verdict::Holds | Verdict::Odd { .. } | Verdict::Renames | Verdict::MakesHoliday => true,
            Verdict::Redundant | Verdict::Void(_) | Verdict::OutOfOrder => false,
        };
        if holds {
            let said = self.said.entry(date).or_default();
            // That they change what a calendar's own file says is what they are for.
            let changes = |by: usize| by > 0 && by != layer;
            let outdone = said.iter().filter(|(by, what, _)| changes(*by) && outdoes(saying.what, *what));
            for (by, _, span) in outdone {
                let message = format!("what is said of {date} is overridden by {}", source.text());
                self.found.push((*by, Diagnostic::warning(*span, message).help("the last file counts")));
            }
            said.retain(|(by, what, _)| *by == layer || !outdoes(saying.what, *what));
            said.push((layer, saying.what, saying.span));
        }
        verdict
    }

    fn finding(&self, date: Date, saying: &Saying, before: &Before, verdict: Verdict) -> Option<Diagnostic> {
        let code = self.code;
        let warning = |message: String| Diagnostic::warning(saying.span, message);
        let (named, by) = (before.named(), before.by());
        Some(match verdict {
            Verdict::Holds => return None,
            Verdict::Redundant => {
                warning(self.already(date, saying.what, before)).help(format!("{by} says so; this can go"))
            }
            Verdict::Renames => {
                let name = saying.name.as_deref().unwrap_or_default();
                warning(self.already(date, saying.what, before))
                    .help(format!("{by} says so; all that this does is to call it `{name}`"))
            }
            Verdict::MakesHoliday => {
                let help = format!("{by} has it as closed ad hoc; this makes a holiday of it");
                warning(self.already(date, saying.what, before)).help(help)
            }
            Verdict::Void(Hindrance::Off) => {
                let weekday = date.strftime("%A");
                let found = warning(format!("{date} is a {weekday}, on which `{code}` has no session"));
                match saying.what {
                    What::Closed { .. } | What::Reopened | What::Extra => found,
                    What::Session(_) | What::LateOpen(_) | What::EarlyClose(_) => {
                        found.help("to make it one, name the date under `extra` too")
                    }
                }
            }
            Verdict::Void(Hindrance::Closed) => {
                let found = warning(format!("`{code}` is closed on {date}{named}, so this says nothing"));
                match saying.what {
                    What::Extra => found.help("to open it, name the date under `reopened` instead"),
                    What::Session(_) | What::LateOpen(_) | What::EarlyClose(_) => {
                        found.help("to open it, name the date under `reopened` too")
                    }
                    What::Closed { .. } | What::Reopened => found,
                }
            }
            Verdict::Void(Hindrance::Open) => warning(format!("`{code}` is not closed on {date}")),
            Verdict::Void(Hindrance::Outside { from, to }) => {
                let found = warning(format!("{date} is outside of `{code}`, which knows {from} to {to}"));
                if date > to { found.help("it says nothing until `to` is later") } else { found }
            }
            Verdict::Odd { regular, late } => {
                let (relation, end) = if late { ("after", "open") } else { ("before", "close") };
                let regular = clock(regular, &before.zone);
                warning(format!("on {date} this is not {relation} the regular {end} of `{code}`, {regular}"))
            }
            Verdict::OutOfOrder => {
                let message = format!("the session of {date} would not open before it closes");
                Diagnostic::error(saying.span, message)
            }
        })
    }

    /// What is so already.
    fn already(&self, date: Date, what: What, before: &Before) -> String {
        let (code, named) = (self.code, before.named());
        match what {
            What::Closed { .. } => format!("`{code}` is closed on {date} already{named}"),
            What::Extra | What::Reopened => format!("`{code}` has a session on {date} already"),
            What::Session(_) => format!("`{code}` has these hours on {date} already{named}"),
            What::LateOpen(wall) => format!("`{code}` opens at {wall} on {date} already{named}"),
            What::EarlyClose(wall) => format!("`{code}` closes at {wall} on {date} already{named}"),
        }
    }

    /// A session begins before the one before it has ended. It is told where one of them was said last; where
    /// neither was, at the regular hours.
    pub(super) fn overlap(&mut self, (one, other): (Date, Date), place: Span) {
        let message = format!("the session of {other} begins before that of {one} has ended");
        let said = [one, other].into_iter().filter_map(|date| self.said.get(&date)?.last());
        let last = said.max_by_key(|(layer, _, _)| *layer);
        let (layer, span) = last.map_or((0, place), |(layer, _, span)| (*layer, *span));
        self.push(layer, Diagnostic::error(span, message));
    }
}

/// What was known of a date before something more was said.
struct Before {
    name: Option<String>,
    source: Source,
    zone: TimeZone,
}

impl Before {
    fn of(sheet: &Sheet<'_>, date: Date) -> Self {
        let names = sheet.names(date);
        let name = (!names.is_empty()).then(|| names.join(", "));
        Self { name, source: sheet.source(date).clone(), zone: sheet.zone().clone() }
    }

    /// Its name behind a text, if it has one.
    fn named(&self) -> String {
        self.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default()
    }

    /// Who said so.
    fn by(&self) -> &str {
        match &self.source {
            Source::Table => "the table",
            Source::File(path) => path,
        }
    }
}

/// Whether of what an earlier file says nothing is left when a later one says this of the same date.
fn outdoes(later: What, earlier: What) -> bool {
    match later {
        What::Closed { .. } => !matches!(earlier, What::Closed { .. }),
        What::Reopened => matches!(earlier, What::Closed { .. }),
        What::Extra => false,
        What::Session(_) => matches!(earlier, What::Session(_) | What::LateOpen(_) | What::EarlyClose(_)),
        What::LateOpen(_) => matches!(earlier, What::LateOpen(_)),
        What::EarlyClose(_) => matches!(earlier, What::EarlyClose(_)),
    }
}

fn clock(second: i64, zone: &TimeZone) -> String {
    zone.to_datetime(instant(second)).strftime("%H:%M").to_string()
}
