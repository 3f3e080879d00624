//! The exchange that a schedule goes by, or several taken together, and what is to be said of their dates. It
//! never knows what happens then.

use std::sync::Arc;

use jiff::civil::Date;

use crate::calendar::calendar::Calendar;
use crate::calendar::joint;
use crate::calendar::session::{Closure, Day, Session, Source};

/// Whose sessions a schedule goes by.
#[derive(Clone, Debug)]
pub struct Exchange {
    calendar: Arc<Calendar>,
    /// Those that make it up; itself where it is one exchange's.
    members: Box<[Arc<Calendar>]>,
    spelled: Box<str>,
}

impl Exchange {
    /// One exchange.
    pub fn one(calendar: Arc<Calendar>) -> Self {
        let spelled = calendar.code().into();
        Self { members: Box::new([calendar.clone()]), spelled, calendar }
    }

    /// Only the dates on which all of them have a session. The hours are those of the first.
    pub fn all_of(members: Vec<Arc<Calendar>>) -> Self {
        let calendar = Arc::new(joint::all_of(&members));
        Self { spelled: spelled("all_of", &members), members: members.into(), calendar }
    }

    /// The dates on which one of them has a session, with the hours of the first that has.
    pub fn any_of(members: Vec<Arc<Calendar>>) -> Self {
        let calendar = Arc::new(joint::any_of(&members));
        Self { spelled: spelled("any_of", &members), members: members.into(), calendar }
    }

    /// Its sessions.
    pub fn calendar(&self) -> &Arc<Calendar> {
        &self.calendar
    }

    /// As a pipeline file says it, with the codes that stand for all their aliases.
    pub fn spelled(&self) -> &str {
        &self.spelled
    }

    /// Where its dates end: the exchange whose table is the first to, and the last date there is.
    pub fn horizon(&self) -> (&str, Date) {
        let last = self.calendar.last();
        let first_to_end = self.members.iter().find(|member| member.last() == last);
        (first_to_end.unwrap_or(&self.calendar).code(), last)
    }

    /// Why there is no session on a date, whatever the reason.
    pub fn why_none(&self, date: Date) -> String {
        let closed = self.members.iter().filter_map(|member| match member.day(date) {
            Day::Closed(closure) => Some(closed(member, date, &closure)),
            Day::Session(_) | Day::Off | Day::Before | Day::Beyond => None,
        });
        let mut reasons: Vec<String> = closed.collect();
        let without = |member: &&Arc<Calendar>| matches!(member.day(date), Day::Off);
        if let Some(member) = self.members.iter().find(without)
            && reasons.is_empty()
        {
            reasons.push(format!("{} has no session on {}s", member.code(), date.strftime("%A")));
        }
        reasons.extend(self.unknown(date));
        reasons.join(", ")
    }

    /// That nothing is known of a date, if nothing is.
    pub(super) fn unknown(&self, date: Date) -> Option<String> {
        self.members.iter().find_map(|member| match member.day(date) {
            Day::Before => Some(format!("{} begins {}", member.code(), member.first())),
            Day::Beyond => Some(format!("{} ends {}", member.code(), member.last())),
            Day::Session(_) | Day::Closed(_) | Day::Off => None,
        })
    }

    /// What is unusual about a session.
    pub(super) fn remarks(&self, session: &Session) -> String {
        let calendar = &self.calendar;
        let names = calendar.names(session.label).join(", ");
        let named = |what: &str| if names.is_empty() { what.to_owned() } else { format!("{what} ({names})") };
        let mut remarks = Vec::new();
        remarks.extend(session.early_close.then(|| named("early close")));
        remarks.extend(session.late_open.then(|| named("late open")));
        remarks.extend(calendar.regular(session.label).is_none().then(|| named("an extra session")));
        remarks.extend(session.projected.then(|| self.projected()));
        remarks.extend(changed_by(calendar, session.label).map(|path| format!("hours of {path}")));
        remarks.join("; ")
    }

    fn projected(&self) -> String {
        let announced_to = self.calendar.announced_to();
        let member = self.members.iter().find(|member| member.announced_to() == announced_to);
        projected(member.unwrap_or(&self.calendar))
    }
}

fn closed(calendar: &Calendar, date: Date, closure: &Closure) -> String {
    let name = match &closure.name {
        Some(name) => format!(" ({name})"),
        None if closure.ad_hoc => String::new(),
        None => " (holiday)".to_owned(),
    };
    let mut parts = vec![format!("{} is closed{name}", calendar.code())];
    parts.extend(closure.ad_hoc.then(|| "ad hoc".to_owned()));
    parts.extend(changed_by(calendar, date).map(|path| format!("by {path}")));
    parts.extend(closure.projected.then(|| projected(calendar)));
    parts.join("; ")
}

fn projected(calendar: &Calendar) -> String {
    format!("projected: {}'s dates are announced to {}", calendar.code(), calendar.announced_to())
}

/// The file that has singled a date out, if one has.
fn changed_by(calendar: &Calendar, date: Date) -> Option<&str> {
    match calendar.source(date) {
        Source::Table => None,
        source @ Source::File(path) => (source != calendar.mostly_by()).then_some(path),
    }
}

fn spelled(word: &str, members: &[Arc<Calendar>]) -> Box<str> {
    let codes: Vec<&str> = members.iter().map(|member| member.code()).collect();
    format!("{{{word}: [{}]}}", codes.join(", ")).into()
}
