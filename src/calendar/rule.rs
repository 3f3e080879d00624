//! Rules that name dates year by year, as people write them in their calendars: `third monday of january`,
//! `easter - 2`. It never knows what happens on a date.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan as _};

use crate::yaml::diagnostic::nearest;

use super::week::WEEKDAYS;

/// Days that a rule may lie from Easter.
const FARTHEST: i64 = 180;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const ORDINALS: [(&str, i8); 6] =
    [("first", 1), ("second", 2), ("third", 3), ("fourth", 4), ("fifth", 5), ("last", -1)];
const FEASTS: [(&str, Feast); 2] = [("easter", Feast::Western), ("orthodox_easter", Feast::Orthodox)];

/// The form, for messages.
pub(super) const FORM: &str = "write `december 25`, `third monday of january`, `last friday of may`, `easter - 2` or `orthodox_easter + 1`";

/// The rule that is meant by what begins with a number: `1st monday of march`, `25 december`.
pub(super) fn in_words(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (number, rest) = text.split_once(' ')?;
    let number: i8 = number.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
    let nth = ORDINALS.iter().find(|(_, nth)| *nth == number).map(|(word, _)| format!("{word} {rest}"));
    let mut rules = nth.into_iter().chain([format!("{rest} {number}")]);
    rules.find(|rule| Yearly::parse(rule).is_ok())
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleError {
    /// The word that is wrong, in lower case, if it is one alone.
    pub(super) word: Option<String>,
    pub(super) message: String,
    /// What was probably meant by it.
    pub(super) meant: Option<&'static str>,
}

impl RuleError {
    fn of(word: &str, message: String) -> Self {
        Self { word: Some(word.to_owned()), message, meant: None }
    }
}

/// A date of each year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Yearly {
    /// The same date each year.
    Fixed { month: i8, day: i8 },
    /// The nth weekday of a month; -1 is its last.
    Nth { nth: i8, weekday: Weekday, month: i8 },
    /// So many days after Easter Sunday.
    Feast { feast: Feast, days: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feast {
    Western,
    Orthodox,
}

/// Which way a rule's date goes that falls on no weekday of the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Roll {
    Nearest,
    Next,
    Previous,
}

/// A rule: its dates, the years they hold in, and where they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) yearly: Yearly,
    pub(super) observed: Option<Roll>,
    /// Of the date itself, wherever it is kept.
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
}

impl Rule {
    /// Its dates from a date to a date, both included, each where it is kept; `is_weekday` says which dates
    /// the exchange trades on by its week.
    pub(super) fn dates(&self, from: Date, to: Date, is_weekday: impl Fn(Date) -> bool) -> Vec<Date> {
        // The first of January may be kept in the year before.
        let years = from.year() - 1..=to.year() + 1;
        let own = years.filter_map(|year| self.yearly.date(year));
        let own = own.filter(|date| {
            self.from.is_none_or(|from| from <= *date) && self.until.is_none_or(|until| *date <= until)
        });
        let kept = own.map(|date| self.observed.map_or(date, |roll| roll.rolled(date, &is_weekday)));
        kept.filter(|date| (from..=to).contains(date)).collect()
    }
}

impl Roll {
    fn rolled(self, date: Date, is_weekday: impl Fn(Date) -> bool) -> Date {
        let away = |days: i64| date.saturating_add(days.days());
        let found = (0..=7).find_map(|days| {
            let ways: &[i64] = match self {
                Self::Next => &[1],
                Self::Previous => &[-1],
                Self::Nearest => &[1, -1],
            };
            ways.iter().map(|way| away(way * days)).find(|date| is_weekday(*date))
        });
        found.unwrap_or(date)
    }
}

impl Yearly {
    /// Reads a rule, in any case.
    pub(super) fn parse(text: &str) -> Result<Self, RuleError> {
        let text = text.to_ascii_lowercase();
        let spaced = text.replace('+', " + ").replace('-', " - ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        match words.as_slice() {
            [feast] if FEASTS.iter().any(|(name, _)| name == feast) => Self::feast(feast, 0),
            [feast, sign @ ("+" | "-"), days] => {
                let word = *days;
                let number = days.bytes().all(|byte| byte.is_ascii_digit()).then(|| days.parse::<i64>().ok());
                let days = number.flatten().filter(|days| *days <= FARTHEST);
                let message = || format!("expected a number of days, at most {FARTHEST}");
                let days = days.ok_or_else(|| RuleError::of(word, message()))?;
                Self::feast(feast, if *sign == "-" { -days } else { days })
            }
            [month, day] => {
                let word = *day;
                let month = among(month, MONTHS, "month")?;
                let (month, name) = (month as i8 + 1, MONTHS[month]);
                let day = day.bytes().all(|byte| byte.is_ascii_digit()).then(|| day.parse::<i8>().ok());
                let day = day.flatten().filter(|day| *day >= 1 && *day <= longest(month));
                let day = day.ok_or_else(|| RuleError::of(word, format!("{name} has no such day")))?;
                Ok(Self::Fixed { month, day })
            }
            [nth, weekday, "of", month] => {
                let nth = ORDINALS[among(nth, ORDINALS.map(|(word, _)| word), "ordinal")?].1;
                let weekday = WEEKDAYS[among(weekday, DAYS, "weekday")?];
                Ok(Self::Nth { nth, weekday, month: among(month, MONTHS, "month")? as i8 + 1 })
            }
            _ => {
                let message = "not a date and not a rule for dates".to_owned();
                Err(RuleError { word: None, message, meant: None })
            }
        }
    }

    fn feast(word: &str, days: i64) -> Result<Self, RuleError> {
        let feast = FEASTS[among(word, FEASTS.map(|(name, _)| name), "feast")?].1;
        Ok(Self::Feast { feast, days })
    }

    /// The date of a year, if that has one.
    pub(super) fn date(self, year: i16) -> Option<Date> {
        match self {
            Self::Fixed { month, day } => Date::new(year, month, day).ok(),
            Self::Nth { nth, weekday, month } => {
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()
            }
            Self::Feast { feast, days } => {
                let sunday = match feast {
                    Feast::Western => western_easter(year),
                    Feast::Orthodox => orthodox_easter(year),
                };
                sunday?.checked_add(Span::new().days(days)).ok()
            }
        }
    }
}

fn among<const N: usize>(word: &str, known: [&'static str; N], what: &str) -> Result<usize, RuleError> {
    known.iter().position(|name| *name == word).ok_or_else(|| RuleError {
        word: Some(word.to_owned()),
        message: format!("`{word}` is no {what}"),
        meant: nearest(word, known),
    })
}

/// The days of a month in a leap year.
fn longest(month: i8) -> i8 {
    Date::new(2024, month, 1).map_or(31, Date::days_in_month)
}

/// Easter Sunday of the western churches (the anonymous Gregorian computus; Meeus, *Astronomical Algorithms*,
/// chapter 8).
#[expect(clippy::many_single_char_names, reason = "as they are called there")]
fn western_easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 19, y / 100, y % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let n = h + l - 7 * m + 114;
    Date::new(year, (n / 31) as i8, (n % 31 + 1) as i8).ok()
}

/// Easter Sunday of the orthodox churches: that of the Julian calendar (Meeus, chapter 8), by the Gregorian.
#[expect(clippy::many_single_char_names, reason = "as they are called there")]
fn orthodox_easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let (a, b, c) = (y % 4, y % 7, y % 19);
    let d = (19 * c + 15) % 30;
    let e = (2 * a + 4 * b - d + 34) % 7;
    let n = d + e + 114;
    let behind = y / 100 - y / 400 - 2;
    let julian = Date::new(year, (n / 31) as i8, (n % 31 + 1) as i8).ok()?;
    julian.checked_add(i64::from(behind).days()).ok()
}
