//! The authored shape of a calendar file: every key, and what it means (the comments are the JSON Schema's
//! descriptions). It never knows whether what is said makes sense.

use std::borrow::Cow;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::yaml::reader::{Field, Unread};
use crate::yaml::scalars::{Day, shape};

use super::hours::Wall;

/// A calendar, or an override of one.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct FileKeys {
    /// What the calendar is called in schedules, e.g. `desk`. A known code replaces that calendar.
    pub(super) code: Option<Field<String>>,
    /// The calendar that this file changes; what it does not speak of stays.
    #[serde(rename = "override")]
    pub(super) overridden: Option<Field<String>>,
    /// What people call it. Default: its code.
    pub(super) name: Option<Field<String>>,
    /// Other codes that mean it.
    pub(super) aliases: Option<Unread<Codes>>,
    /// The IANA zone of its times. Default: that of the calendar it is made of.
    pub(super) timezone: Option<Field<String>>,
    /// The first date it knows. Default: that of the calendar it is made of.
    pub(super) from: Option<Field<Day>>,
    /// The last date it knows; beyond it nothing is guessed. Default: that of the calendar it is made of.
    pub(super) to: Option<Field<Day>>,
    /// The last date that has been announced; what comes after is marked as projected. Default: `to`.
    pub(super) announced_to: Option<Field<Day>>,
    /// Where the data come from, and when they were taken.
    pub(super) source: Option<Field<String>>,
    /// The calendar that this one is like.
    pub(super) extends: Option<Field<String>>,
    /// A session where all of these calendars have one, with the hours of the first.
    pub(super) all_of: Option<Unread<Codes>>,
    /// A session where any of these calendars has one, with the hours of the first that has.
    pub(super) any_of: Option<Unread<Codes>>,
    /// The regular week. Entries with the same `from` belong together, and replace all before them.
    pub(super) hours: Option<Unread<Vec<HoursKeys>>>,
    /// Holidays: names, and the dates of each.
    pub(super) closed: Option<Unread<NamedDates>>,
    /// Closures that no rule of the exchange foresaw: names, and the dates of each.
    pub(super) closed_ad_hoc: Option<Unread<NamedDates>>,
    /// Sessions that close at another time: times, and the dates of each, by name or not.
    pub(super) early_close: Option<Unread<TimedDates>>,
    /// Sessions that open at another time: times, and the dates of each, by name or not.
    pub(super) late_open: Option<Unread<TimedDates>>,
    /// Sessions with hours of their own, such as `09:00-11:30 12:30-15:00`, and the dates of each.
    pub(super) session: Option<Unread<HoursDates>>,
    /// Sessions on dates that the week does not name: names, and the dates of each.
    pub(super) extra: Option<Unread<NamedDates>>,
    /// Closures that are none: names, and the dates of each.
    pub(super) reopened: Option<Unread<NamedDates>>,
}

/// Hours of some weekdays.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct HoursKeys {
    /// The first date of these hours. Default: the calendar's.
    pub(super) from: Option<Field<Day>>,
    /// The weekdays, such as `mon-fri`, `sun-thu` or a list.
    pub(super) days: Option<Unread<Days>>,
    /// When a session opens: `09:30`, or `-1d 17:00` for the evening before its date.
    pub(super) open: Option<Field<WallTime>>,
    /// When it closes: `16:00`, or `+1d 00:00` for the day after its date.
    pub(super) close: Option<Field<WallTime>>,
    /// From when to when it rests.
    #[serde(rename = "break")]
    pub(super) pause: Option<Unread<Pause>>,
}

/// A rule for a date of each year.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct RuleKeys {
    /// The date: `december 25`, `third monday of january`, `easter - 2`.
    pub(super) rule: Option<Field<String>>,
    /// Where it is kept if it falls on no weekday of the exchange. Default: nowhere.
    pub(super) observed: Option<Field<RollWord>>,
    /// The first year, or date, that it holds in.
    pub(super) from: Option<Field<YearOrDay>>,
    /// The last year, or date, that it holds in.
    pub(super) until: Option<Field<YearOrDay>>,
}

/// Which way a date goes that falls on no weekday of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum RollWord {
    /// To the nearest weekday; a Saturday to Friday, a Sunday to Monday.
    #[serde(rename = "nearest_weekday")]
    Nearest,
    /// To the next weekday.
    #[serde(rename = "next_weekday")]
    Next,
    /// To the weekday before.
    #[serde(rename = "previous_weekday")]
    Previous,
}

/// A time at or near a session's date.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallTime(pub(super) Wall);

impl<'d> Deserialize<'d> for WallTime {
    fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'d, str>>::deserialize(deserializer)?;
        Wall::parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A year or a date.
#[derive(Clone, Copy, Debug)]
pub(super) enum YearOrDay {
    Year(i16),
    Day(Date),
}

impl<'d> Deserialize<'d> for YearOrDay {
    fn deserialize<D: serde::Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'d, str>>::deserialize(deserializer)?;
        if text.len() == 4
            && let Ok(year) = text.parse()
        {
            return Ok(Self::Year(year));
        }
        let day = Day::deserialize(serde::de::value::CowStrDeserializer::new(text));
        day.map(|day| Self::Day(day.0)).map_err(|_: serde::de::value::Error| {
            serde::de::Error::custom("write a year or a date, `2026` or `2026-11-20`")
        })
    }
}

const TIME: &str = r"([+-][1-6]d )?[0-9]{2}:[0-9]{2}(:[0-9]{2})?";

shape!(schema WallTime, "time", { "type": "string", "pattern": format!("^{TIME}$") });
shape!(schema YearOrDay, "year_or_date", { "type": ["string", "integer"] });
shape!(
    /// Codes of calendars.
    Codes, "codes", { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }
);
shape!(
    /// Weekdays.
    Days, "days", { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        "examples": ["mon-fri", "sun-thu", ["mon", "wed", "fri"]] }
);
shape!(
    /// When a break begins and when it ends.
    Pause, "break", { "type": "array", "items": { "type": "string", "pattern": format!("^{TIME}$") },
        "minItems": 2, "maxItems": 2 }
);

/// Dates, rules for dates, or lists of both.
#[derive(Debug)]
pub(super) struct Dates;

/// Names, and the dates of each; or dates without a name.
#[derive(Debug)]
pub(super) struct NamedDates;

/// Times, and the dates of each.
#[derive(Debug)]
pub(super) struct TimedDates;

/// Hours, and the dates of each.
#[derive(Debug)]
pub(super) struct HoursDates;

impl JsonSchema for Dates {
    fn schema_name() -> Cow<'static, str> {
        "dates".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let rule = generator.subschema_for::<RuleKeys>();
        let one = schemars::json_schema!({ "anyOf": [{ "type": "string" }, rule] });
        schemars::json_schema!({ "anyOf": [{ "type": "array", "items": one }, one] })
    }
}

impl JsonSchema for NamedDates {
    fn schema_name() -> Cow<'static, str> {
        "named_dates".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let dates = generator.subschema_for::<Dates>();
        schemars::json_schema!({ "anyOf": [{ "type": "object", "additionalProperties": dates }, dates] })
    }
}

impl JsonSchema for TimedDates {
    fn schema_name() -> Cow<'static, str> {
        "dates_by_time".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let dates = generator.subschema_for::<NamedDates>();
        schemars::json_schema!({ "type": "object", "patternProperties": { format!("^{TIME}$"): dates },
            "additionalProperties": false })
    }
}

impl JsonSchema for HoursDates {
    fn schema_name() -> Cow<'static, str> {
        "dates_by_hours".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let dates = generator.subschema_for::<NamedDates>();
        schemars::json_schema!({
            "type": "object", "patternProperties": { format!("^{TIME}-{TIME}( {TIME}-{TIME})?$"): dates },
            "additionalProperties": false
        })
    }
}
