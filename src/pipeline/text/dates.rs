//! Dates and instants as templates hold them: what they know about themselves, and their arithmetic. What
//! time it is now, they never know.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use jiff::civil::{Date, Weekday};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::{Span, Unit, Zoned};
use minijinja::value::{DynObject, Kwargs, Object, ObjectRepr, from_args};
use minijinja::{Error, ErrorKind, State, Value};

use crate::pipeline::params::{ParamType, ParamValue};

use super::vocabulary::UNITS;

/// Bytes of a format; what it makes is at most fifty times as long.
const MAX_FORMAT: usize = 200;

/// A date.
#[derive(Debug)]
pub(crate) struct Civil(pub(crate) Date);

/// A moment, where the clock shows it so.
#[derive(Debug)]
pub(crate) struct Instant(pub(crate) Zoned);

/// An error of the author's, in words.
pub(crate) fn refused(words: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, words.into())
}

/// The date that a text spells, or why it spells none.
pub(crate) fn read(text: &str) -> Result<Date, String> {
    if let Some(ParamValue::Date(date)) = ParamType::Date.read(text) {
        return Ok(date);
    }
    let shown: String = text.chars().take(40).collect();
    Err(format!("`{shown}` is no date; one is written like `2026-11-27`"))
}

/// `date(…)`, and whatever else takes a date.
pub(crate) fn date_of(value: &Value) -> Result<Date, Error> {
    if let Some(date) = value.downcast_object_ref::<Civil>() {
        return Ok(date.0);
    }
    if value.downcast_object_ref::<Instant>().is_some() {
        return Err(refused("an instant is no date: say `.date` behind it"));
    }
    match value.as_str() {
        Some(text) => read(text).map_err(refused),
        None => Err(refused(format!("expected a date, found the {} `{value}`", value.kind()))),
    }
}

/// A date or an instant as a format of strftime says, or why that is none.
pub(crate) fn formatted(format: &str, time: impl Into<BrokenDownTime>) -> Result<String, String> {
    if format.len() > MAX_FORMAT {
        return Err(format!("a format is at most {MAX_FORMAT} bytes long"));
    }
    strtime::format(format, time).map_err(|error| {
        let error = error.to_string();
        let why = error.strip_prefix("strftime formatting failed: ").unwrap_or(&error);
        format!("`{format}` cannot be filled in: {why}")
    })
}

fn attribute(date: Date, name: &str) -> Option<Value> {
    Some(match name {
        "year" => Value::from(date.year()),
        "month" => Value::from(date.month()),
        "day" => Value::from(date.day()),
        "weekday" => Value::from(date.weekday().to_monday_one_offset()),
        "weekday_name" => Value::from(date.strftime("%A").to_string()),
        "is_weekend" => Value::from(matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)),
        "first_of_month" => Value::from_object(Civil(date.first_of_month())),
        "last_of_month" => Value::from_object(Civil(date.last_of_month())),
        "quarter" => Value::from((date.month() - 1) / 3 + 1),
        "iso_week" => Value::from(date.iso_week_date().week()),
        "day_of_year" => Value::from(date.day_of_year()),
        _ => return None,
    })
}

/// What is asked of `plus` and `minus`: `(3)`, `(weeks=1, days=-1)`.
fn span(args: &[Value]) -> Result<Span, Error> {
    let (days, named): (Option<i64>, Kwargs) = from_args(args)?;
    let [named_days, weeks, months, years] = UNITS.map(|unit| named.get::<Option<i64>>(unit));
    named.assert_all_used()?;
    let (named_days, weeks, months, years) = (named_days?, weeks?, months?, years?);
    if days.is_some() && named_days.is_some() {
        return Err(refused("the days are given twice"));
    }
    let span = Span::new().try_days(days.or(named_days).unwrap_or_default());
    let span = span.and_then(|span| span.try_weeks(weeks.unwrap_or_default()));
    let span = span.and_then(|span| span.try_months(months.unwrap_or_default()));
    span.and_then(|span| span.try_years(years.unwrap_or_default())).map_err(|_| out_of_range())
}

fn out_of_range() -> Error {
    refused("there is no such date: they go from the year -9999 to 9999")
}

impl Civil {
    fn plus(&self, span: Span) -> Result<Value, Error> {
        let date = self.0.checked_add(span).map_err(|_| out_of_range())?;
        Ok(Value::from_object(Self(date)))
    }
}

impl Object for Civil {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        attribute(self.0, key.as_str()?)
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "plus" => self.plus(span(args)?),
            "minus" => self.plus(span(args)?.negate()),
            "days_until" => {
                let (other,): (&Value,) = from_args(args)?;
                let days = self.0.until((Unit::Day, date_of(other)?)).map_err(|_| out_of_range())?;
                Ok(Value::from(days.get_days()))
            }
            "strftime" => {
                let (format,): (&str,) = from_args(args)?;
                formatted(format, self.0).map(Value::from).map_err(refused)
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Object for Instant {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "hour" => Value::from(self.0.hour()),
            "minute" => Value::from(self.0.minute()),
            "second" => Value::from(self.0.second()),
            "date" => Value::from_object(Civil(self.0.date())),
            "timestamp" => Value::from(self.0.timestamp().as_second()),
            name => return attribute(self.0.date(), name),
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "strftime" => {
                let (format,): (&str,) = from_args(args)?;
                formatted(format, &self.0).map(Value::from).map_err(refused)
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.timestamp().cmp(&other.downcast_ref::<Self>()?.0.timestamp()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(&self.0))
    }
}

/// An instant as text: `2026-11-20T20:30:00-05:00`.
pub(crate) fn show(instant: &Zoned) -> String {
    instant.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
