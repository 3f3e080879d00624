//! Sessions as templates hold them: what a date is on an exchange, and the exchange itself. They are asked of
//! the calendar each time, and beyond its dates they are an error.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use minijinja::value::{DynObject, Object, ObjectRepr, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use crate::calendar::book::Book;
use crate::calendar::calendar::Calendar;
use crate::calendar::session::{Day, Period, Session};

use super::dates::{Civil, Instant, date_of, refused, show};

/// A date on an exchange: its session, or that it has none.
#[derive(Clone, Debug)]
pub(crate) struct OnExchange {
    pub(crate) calendar: Arc<Calendar>,
    pub(crate) date: Date,
}

/// An exchange: `calendar("XLON")`.
#[derive(Debug)]
struct Exchange(Arc<Calendar>);

/// What `calendar` is before it is called.
#[derive(Debug)]
pub(crate) struct Exchanges(pub(crate) Book);

/// What a date is on an exchange, given both as expressions hold them.
pub(crate) fn on_exchange(exchange: &Value, date: &Value) -> Option<OnExchange> {
    let Exchange(calendar) = exchange.downcast_object_ref()?;
    Some(OnExchange { calendar: calendar.clone(), date: date_of(date).ok()? })
}

impl OnExchange {
    /// The session's label, open and close, as text; `None` where there is none.
    pub(crate) fn texts(&self) -> Option<[String; 3]> {
        let Session { label, open, close, .. } = self.calendar.session(self.date)?;
        Some([label.to_string(), show(&self.instant(open)), show(&self.instant(close))])
    }

    /// What the date is on the exchange, in words: of a session, the answers to what was asked. `None` where that
    /// is no answer to any of it.
    pub(crate) fn answers(&self, names: &[&str]) -> Option<String> {
        let (code, date) = (self.calendar.code(), self.date);
        let answered =
            |name: &&str| *name == "holiday_name" || name.starts_with("is_") || name.starts_with("nth_");
        let mut names = names.iter().copied().filter(answered).peekable();
        names.peek()?;
        let day = match self.day() {
            Ok(Day::Session(_)) => {
                let mut answers: Vec<String> = names.filter_map(|name| self.answer(name)).collect();
                answers.dedup();
                return (!answers.is_empty()).then(|| format!("{code} {date} is {}", answers.join(", ")));
            }
            Ok(day) => day,
            Err(error) => return error.detail().map(str::to_owned),
        };
        let why = reason(&day, date);
        Some(match day {
            Day::Closed(_) => format!("{code} is closed on {date} ({why})"),
            Day::Session(_) | Day::Off | Day::Before | Day::Beyond => {
                format!("{code} has no session on {why}s")
            }
        })
    }

    /// What a session is or is not: `not the last session of its month`.
    fn answer(&self, name: &str) -> Option<String> {
        let words = match (name, name.rsplit_once("_of_")) {
            ("is_early_close", _) => "an early close".to_owned(),
            ("is_late_open", _) => "a late open".to_owned(),
            ("is_projected", _) => "projected".to_owned(),
            ("is_session" | "is_closed" | "is_holiday" | "is_regular_holiday" | "holiday_name", _) => {
                return Some("a session".to_owned());
            }
            ("nth_of_month", _) => {
                return Some(format!("session {} of its month", self.nth_of_month().ok()?.0));
            }
            ("nth_last_of_month", _) => {
                return Some(format!("session {} of its month from the end", self.nth_of_month().ok()?.1));
            }
            (_, Some((which, period))) => {
                format!("the {} session of its {period}", which.strip_prefix("is_")?)
            }
            (_, None) => return None,
        };
        let holds = self.attribute(name)?.ok()?.is_true();
        Some(if holds { words } else { format!("not {words}") })
    }

    fn day(&self) -> Result<Day, Error> {
        match self.calendar.day(self.date) {
            Day::Before | Day::Beyond => Err(self.beyond(self.date)),
            day @ (Day::Session(_) | Day::Closed(_) | Day::Off) => Ok(day),
        }
    }

    /// The session of the date, or that there is none, and why.
    fn session(&self) -> Result<Session, Error> {
        match self.day()? {
            Day::Session(session) => Ok(session),
            day @ (Day::Closed(_) | Day::Off | Day::Before | Day::Beyond) => {
                let (code, date) = (self.calendar.code(), self.date);
                Err(refused(format!("{code} has no session on {date} ({})", reason(&day, date))))
            }
        }
    }

    /// That what is asked for would be about a date that nobody knows.
    fn beyond(&self, date: Date) -> Error {
        let (code, first, last) = (self.calendar.code(), self.calendar.first(), self.calendar.last());
        let side = if date < first { "before" } else { "after" };
        refused(format!("nothing is known of {code} {side} {}", if date < first { first } else { last }))
    }

    fn at(&self, label: Option<Date>, otherwise: Date) -> Result<Value, Error> {
        let date = label.ok_or_else(|| self.beyond(otherwise))?;
        Ok(Value::from_object(Self { calendar: self.calendar.clone(), date }))
    }

    fn instant(&self, at: Timestamp) -> Zoned {
        at.to_zoned(self.calendar.zone())
    }

    fn previous(&self) -> Result<Value, Error> {
        self.day()?;
        self.at(self.calendar.previous_label(self.date), Date::MIN)
    }

    fn next(&self) -> Result<Value, Error> {
        self.day()?;
        self.at(self.calendar.next_label(self.date), Date::MAX)
    }

    fn shifted(&self, by: i64) -> Result<Value, Error> {
        self.day()?;
        let label = match i32::try_from(by) {
            Ok(0) => Some(self.session()?.label),
            Ok(by) => self.calendar.shifted(self.date, by),
            Err(_) => None,
        };
        self.at(label, if by < 0 { Date::MIN } else { Date::MAX })
    }

    fn is_first_of(&self, period: Period) -> Result<bool, Error> {
        let Day::Session(Session { label, .. }) = self.day()? else { return Ok(false) };
        let first = self.calendar.is_first_of(label, period);
        // With nothing before it, only the calendar's own beginning may say that it is not.
        if !first && self.calendar.previous_label(label).is_none() {
            return Err(self.beyond(Date::MIN));
        }
        Ok(first)
    }

    fn is_last_of(&self, period: Period) -> Result<bool, Error> {
        let Day::Session(Session { label, .. }) = self.day()? else { return Ok(false) };
        let last = self.calendar.is_last_of(label, period);
        if !last && self.calendar.next_label(label).is_none() {
            return Err(self.beyond(Date::MAX));
        }
        Ok(last)
    }

    /// Counted from the month's beginning, and from its end.
    fn nth_of_month(&self) -> Result<(u32, u32), Error> {
        let label = self.session()?.label;
        let known = label.first_of_month() >= self.calendar.first();
        let unknown = if known { Date::MAX } else { Date::MIN };
        self.calendar.nth_of_month(label).ok_or_else(|| self.beyond(unknown))
    }

    fn pause(&self, side: impl Fn((Timestamp, Timestamp)) -> Timestamp) -> Result<Value, Error> {
        let pause = self.session()?.pause;
        Ok(pause.map_or(Value::from(()), |pause| Value::from_object(Instant(self.instant(side(pause))))))
    }

    fn attribute(&self, name: &str) -> Option<Result<Value, Error>> {
        let is = |what: fn(&Day) -> bool| self.day().map(|day| Value::from(what(&day)));
        let truth = |known: Result<bool, Error>| known.map(Value::from);
        let instant = |at: Timestamp| Value::from_object(Instant(self.instant(at)));
        Some(match name {
            "is_session" => is(|day| matches!(day, Day::Session(_))),
            "is_closed" => is(|day| !matches!(day, Day::Session(_))),
            "is_holiday" => is(|day| matches!(day, Day::Closed(_))),
            "is_regular_holiday" => is(|day| matches!(day, Day::Closed(closure) if !closure.ad_hoc)),
            "is_early_close" => is(|day| matches!(day, Day::Session(session) if session.early_close)),
            "is_late_open" => is(|day| matches!(day, Day::Session(session) if session.late_open)),
            "is_projected" => truth(self.day().map(|_| self.date > self.calendar.announced_to())),
            "is_first_of_week" => truth(self.is_first_of(Period::Week)),
            "is_first_of_month" => truth(self.is_first_of(Period::Month)),
            "is_first_of_quarter" => truth(self.is_first_of(Period::Quarter)),
            "is_first_of_year" => truth(self.is_first_of(Period::Year)),
            "is_last_of_week" => truth(self.is_last_of(Period::Week)),
            "is_last_of_month" => truth(self.is_last_of(Period::Month)),
            "is_last_of_quarter" => truth(self.is_last_of(Period::Quarter)),
            "is_last_of_year" => truth(self.is_last_of(Period::Year)),
            "nth_of_month" => self.nth_of_month().map(|(nth, _)| Value::from(nth)),
            "nth_last_of_month" => self.nth_of_month().map(|(_, nth)| Value::from(nth)),
            "holiday_name" => self.day().map(|day| match day {
                Day::Closed(closure) => Value::from(closure.name.as_deref()),
                Day::Session(_) | Day::Off | Day::Before | Day::Beyond => Value::from(()),
            }),
            "names" => self.day().map(|_| {
                self.calendar.names(self.date).iter().map(|name| Value::from(&**name)).collect::<Value>()
            }),
            "open" => self.session().map(|session| instant(session.open)),
            "close" => self.session().map(|session| instant(session.close)),
            "break_start" => self.pause(|(start, _)| start),
            "break_end" => self.pause(|(_, end)| end),
            "previous" => self.previous(),
            "next" => self.next(),
            "label" => self.session().map(|session| Value::from_object(Civil(session.label))),
            "date" => Ok(Value::from_object(Civil(self.date))),
            "calendar" => Ok(Value::from(self.calendar.code())),
            _ => return None,
        })
    }
}

/// Why a date has no session: the holiday, or the weekday that has none.
fn reason(day: &Day, date: Date) -> String {
    match day {
        Day::Closed(closure) => {
            closure.name.as_deref().unwrap_or(if closure.ad_hoc { "ad hoc" } else { "holiday" }).to_owned()
        }
        Day::Session(_) | Day::Off | Day::Before | Day::Beyond => date.strftime("%A").to_string(),
    }
}

impl Object for OnExchange {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.attribute(key.as_str()?).map(|value| value.unwrap_or_else(Value::from))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "shift" => {
                let (by,): (i64,) = from_args(args)?;
                self.shifted(by)
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        let other = other.downcast_ref::<Self>()?;
        Some((self.date, self.calendar.code()).cmp(&(other.date, other.calendar.code())))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.date, f)
    }
}

impl Object for Exchange {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "code").then(|| Value::from(self.0.code()))
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        if !matches!(method, "session" | "is_session") {
            return Err(Error::from(ErrorKind::UnknownMethod));
        }
        let (date,): (&Value,) = from_args(args)?;
        let session = OnExchange { calendar: self.0.clone(), date: date_of(date)? };
        if method == "session" {
            return Ok(Value::from_object(session));
        }
        session.day().map(|day| Value::from(matches!(day, Day::Session(_))))
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.code().cmp(other.downcast_ref::<Self>()?.0.code()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code())
    }
}

impl Object for Exchanges {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let (code,): (&str,) = from_args(args)?;
        let calendar = self.0.get(code).map_err(|unknown| {
            let meant = unknown.meant.as_ref().map(|meant| format!("; did you mean `{meant}`?"));
            refused(format!("{unknown}{}", meant.unwrap_or_default()))
        })?;
        Ok(Value::from_object(Exchange(calendar)))
    }
}
