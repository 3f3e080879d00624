//! Which of an exchange's dates a schedule takes: the words of `days`. They are asked of a calendar, and never
//! know an hour.

use jiff::civil::{Date, Weekday};

use crate::calendar::calendar::Calendar;
use crate::calendar::session::{Day, Period};
use crate::yaml::diagnostic::{listed, nearest};

/// Dates of an exchange: those that one of these words takes, or every session where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days(pub Box<[DayWord]>);

/// A word of `days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayWord {
    /// The first session of a period.
    First(Period),
    /// The last session of a period.
    Last(Period),
    /// This session of a month, counted from 1, or with a number below zero from its end.
    Nth(i32),
    /// From one weekday to another, both included.
    Weekdays(Weekday, Weekday),
    /// Sessions that close early.
    EarlyCloses,
    /// Full closures.
    Holidays,
}

/// What a schedule makes of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// An occasion.
    Yes,
    /// One that cannot fire, because the exchange is closed.
    Closed,
    /// Nothing.
    No,
}

const PERIODS: [(&str, Period); 4] =
    [("week", Period::Week), ("month", Period::Month), ("quarter", Period::Quarter), ("year", Period::Year)];

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// No month has more sessions.
const MOST: i32 = 31;

impl DayWord {
    /// Reads a word; the error is what is wrong with it, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let words = [("early_closes", Self::EarlyCloses), ("holidays", Self::Holidays)].into_iter();
        let periods = PERIODS.into_iter().flat_map(|(name, period)| {
            [
                (format!("first_of_{name}"), Self::First(period)),
                (format!("last_of_{name}"), Self::Last(period)),
            ]
        });
        let all: Vec<(String, Self)> =
            words.map(|(word, meaning)| (word.to_owned(), meaning)).chain(periods).collect();
        if let Some((_, word)) = all.iter().find(|(word, _)| word == text) {
            return Ok(*word);
        }
        if let Some(number) = text.strip_prefix("nth(").and_then(|rest| rest.strip_suffix(")_of_month")) {
            let within = |number: &i32| *number != 0 && (-MOST..=MOST).contains(number);
            return number.parse().ok().filter(within).map(Self::Nth).ok_or_else(|| {
                let message = format!("`{number}` is no place in a month");
                (message, "count from 1, or from the end with -1 for the last session".to_owned())
            });
        }
        let weekday = |name: &str| WEEKDAYS.iter().find(|(known, _)| *known == name).map(|(_, day)| *day);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        if let (Some(first), Some(last)) = (weekday(first), weekday(last)) {
            return Ok(Self::Weekdays(first, last));
        }
        let names: Vec<&str> = all.iter().map(|(word, _)| word.as_str()).chain(["nth(2)_of_month"]).collect();
        let near = nearest(text, names.iter().copied().chain(WEEKDAYS.map(|(name, _)| name)));
        let help = near.map_or_else(
            || format!("there are {}, and weekdays such as `mon` and `mon-thu`", listed(names)),
            |near| format!("did you mean `{near}`?"),
        );
        Err((format!("`{text}` is no word of `days`"), help))
    }

    /// As it is written.
    pub fn spelled(self) -> String {
        let period = |period| PERIODS.iter().find(|(_, one)| *one == period).map_or("", |(name, _)| *name);
        let weekday = |day| WEEKDAYS.iter().find(|(_, one)| *one == day).map_or("", |(name, _)| *name);
        match self {
            Self::First(of) => format!("first_of_{}", period(of)),
            Self::Last(of) => format!("last_of_{}", period(of)),
            Self::Nth(number) => format!("nth({number})_of_month"),
            Self::Weekdays(first, last) if first == last => weekday(first).to_owned(),
            Self::Weekdays(first, last) => format!("{}-{}", weekday(first), weekday(last)),
            Self::EarlyCloses => "early_closes".to_owned(),
            Self::Holidays => "holidays".to_owned(),
        }
    }

    fn takes(self, calendar: &Calendar, date: Date, day: &Day) -> Taken {
        match day {
            Day::Off | Day::Before | Day::Beyond => Taken::No,
            Day::Closed(_) => match self {
                Self::Holidays => Taken::Yes,
                Self::Weekdays(first, last) if is_within(date, first, last) => Taken::Closed,
                Self::Weekdays(..) | Self::First(_) | Self::Last(_) | Self::Nth(_) | Self::EarlyCloses => {
                    Taken::No
                }
            },
            Day::Session(session) => {
                let takes = match self {
                    Self::Holidays => false,
                    Self::Weekdays(first, last) => is_within(date, first, last),
                    Self::First(period) => calendar.is_first_of(date, period),
                    Self::Last(period) => calendar.is_last_of(date, period),
                    Self::Nth(number) => calendar.nth_of_month(date).is_some_and(|(from_start, from_end)| {
                        number.unsigned_abs() == if number > 0 { from_start } else { from_end }
                    }),
                    Self::EarlyCloses => session.early_close,
                };
                if takes { Taken::Yes } else { Taken::No }
            }
        }
    }
}

/// Whether a date's weekday is one from `first` to `last`, over the weekend if need be.
fn is_within(date: Date, first: Weekday, last: Weekday) -> bool {
    date.weekday().since(first) <= last.since(first)
}

impl Days {
    /// As they are written, with a blank before them; empty where every session is taken.
    pub fn spelled(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|word| word.spelled()).collect();
        if words.is_empty() { String::new() } else { format!(" days: {}", words.join(", ")) }
    }

    /// Whether a word takes what a calendar may have none of yet: early closes, holidays.
    pub fn are_of_the_unforeseen(&self) -> bool {
        self.0.iter().any(|word| matches!(word, DayWord::EarlyCloses | DayWord::Holidays))
    }

    /// What becomes of a date of this calendar.
    pub(super) fn take(&self, calendar: &Calendar, date: Date) -> Taken {
        let day = calendar.day(date);
        if self.0.is_empty() {
            return match day {
                Day::Session(_) => Taken::Yes,
                Day::Closed(_) => Taken::Closed,
                Day::Off | Day::Before | Day::Beyond => Taken::No,
            };
        }
        let taken: Vec<Taken> = self.0.iter().map(|word| word.takes(calendar, date, &day)).collect();
        let any = |which: Taken| taken.contains(&which);
        if any(Taken::Yes) {
            Taken::Yes
        } else if any(Taken::Closed) {
            Taken::Closed
        } else {
            Taken::No
        }
    }
}
