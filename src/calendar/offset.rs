//! A point in time as people give it relative to a session: `close + 4h`, `next_open - 90m`, `16:30`. It never
//! knows what is to happen then.

use std::fmt;
use std::ops::Range;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use crate::duration;
use crate::yaml::diagnostic::{listed, nearest};

use super::calendar::Calendar;
use super::hours::{TimeError, Wall, clock_time, show_time};
use super::session::Day;

/// Sessions that an offset may count: some four years of them.
const MOST_SESSIONS: i32 = 1_000;

/// A point in time relative to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset {
    /// From where it counts.
    pub anchor: Anchor,
    /// How far.
    pub shift: Shift,
}

/// From where an offset counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// The session's open.
    Open,
    /// Its close.
    Close,
    /// The open of the session after it.
    NextOpen,
    /// The close of the session before it.
    PrevClose,
    /// A time of day of the calendar's zone, on the session's date.
    Time(Time),
}

/// How far an offset goes from its anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shift {
    /// Not at all.
    None,
    /// So much absolute time, whatever the clocks do; a day is 24 hours.
    Span(SignedDuration),
    /// To the same anchor of the session that is so many later, or earlier.
    Sessions(i32),
}

/// Why a text is no offset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OffsetError {
    /// The bytes of the text that are wrong.
    pub span: Range<usize>,
    /// What is wrong with them.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

const WORDS: [(&str, Anchor); 4] = [
    ("open", Anchor::Open),
    ("close", Anchor::Close),
    ("next_open", Anchor::NextOpen),
    ("prev_close", Anchor::PrevClose),
];

const EXAMPLES: &str = "for example `close + 4h`, `open - 45m`, `close + 2 sessions` or `16:30`";

impl Offset {
    /// The open itself.
    pub const OPEN: Self = Self { anchor: Anchor::Open, shift: Shift::None };
    /// The close itself.
    pub const CLOSE: Self = Self { anchor: Anchor::Close, shift: Shift::None };

    /// Reads an offset: an anchor, and behind it, if anything, `+` or `-` with a duration or `n sessions`.
    pub fn parse(text: &str) -> Result<Self, OffsetError> {
        let trimmed = text.trim();
        let start = text.len() - text.trim_start().len();
        // No anchor has a sign in it.
        let sign = trimmed.find(['+', '-']).unwrap_or(trimmed.len());
        let word = trimmed[..sign].trim_end();
        let anchor = anchor(word).map_err(|(message, help)| {
            let help = Some(help.unwrap_or_else(|| EXAMPLES.to_owned()));
            let wrong = if word.is_empty() { trimmed } else { word };
            OffsetError { span: start..start + wrong.len(), message, help }
        })?;
        let Some(signed) = trimmed.get(sign..).filter(|rest| !rest.is_empty()) else {
            return Ok(Self { anchor, shift: Shift::None });
        };
        let length = signed[1..].trim_start();
        let at = start + trimmed.len() - length.len();
        let shift = shift(signed.starts_with('-'), length).map_err(|(message, help)| {
            let span = if length.is_empty() { start + sign..start + sign + 1 } else { at..at + length.len() };
            OffsetError { span, message, help: Some(help.unwrap_or_else(|| EXAMPLES.to_owned())) }
        })?;
        Ok(Self { anchor, shift })
    }

    /// The instant, for the session or the closed date of this label: that one goes by the hours it would have
    /// had. `None` where the calendar does not know: beyond its dates, and for an open or a close on a date
    /// that is no weekday of the exchange.
    pub fn resolve(&self, calendar: &Calendar, label: Date) -> Option<Timestamp> {
        match self.shift {
            Shift::None => self.anchor.of(calendar, label),
            Shift::Span(span) => self.anchor.of(calendar, label)?.checked_add(span).ok(),
            Shift::Sessions(by) => self.anchor.of(calendar, calendar.shifted(label, by)?),
        }
    }
}

impl Anchor {
    fn of(self, calendar: &Calendar, label: Date) -> Option<Timestamp> {
        let session = |label: Option<Date>| calendar.session(label?);
        if !(calendar.first()..=calendar.last()).contains(&label) {
            return None;
        }
        match self {
            Self::Open | Self::Close | Self::Time(_) => match (calendar.day(label), self) {
                (_, Self::Time(time)) => Some(Wall::on_label(time).at(label, &calendar.zone())),
                (Day::Session(session), Self::Open) => Some(session.open),
                (Day::Session(session), _) => Some(session.close),
                (Day::Closed(closure), Self::Open) => Some(closure.would_open),
                (Day::Closed(closure), _) => Some(closure.would_close),
                (Day::Off | Day::Before | Day::Beyond, _) => None,
            },
            Self::NextOpen => Some(session(calendar.next_label(label))?.open),
            Self::PrevClose => Some(session(calendar.previous_label(label))?.close),
        }
    }
}

/// What is wrong, and what to write instead.
type Wrong = (String, Option<String>);

fn anchor(word: &str) -> Result<Anchor, Wrong> {
    if let Some((_, anchor)) = WORDS.iter().find(|(known, _)| *known == word) {
        return Ok(*anchor);
    }
    let expected = format!("{} or a time", listed(WORDS.map(|(word, _)| word)).replace(" and ", ", "));
    match clock_time(word) {
        Ok(time) => Ok(Anchor::Time(time)),
        Err(TimeError::NoSuchTime) => Err((format!("`{word}` is no time of day"), None)),
        Err(TimeError::Malformed | TimeError::TooFar) if word.is_empty() => {
            Err((format!("an offset begins with {expected}"), None))
        }
        Err(TimeError::Malformed | TimeError::TooFar) => {
            let meant =
                nearest(word, WORDS.map(|(word, _)| word)).map(|meant| format!("did you mean `{meant}`?"));
            Err((format!("expected {expected}, found `{word}`"), meant))
        }
    }
}

fn shift(back: bool, length: &str) -> Result<Shift, Wrong> {
    let counted =
        ["sessions", "session"].iter().find_map(|unit| length.strip_suffix(unit)).map(str::trim_end);
    if let Some(number) = counted {
        let count = number.parse::<i32>().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()));
        return match count {
            Some(0) => Ok(Shift::None),
            Some(count) if count <= MOST_SESSIONS => Ok(Shift::Sessions(if back { -count } else { count })),
            Some(_) => Err((format!("at most {MOST_SESSIONS} sessions"), None)),
            None => Err((
                format!("`{number}` is no number of sessions"),
                Some("write `close + 2 sessions`".to_owned()),
            )),
        };
    }
    if length.is_empty() {
        return Err(("expected a duration or a number of sessions behind the sign".to_owned(), None));
    }
    let span = duration::parse(length).map_err(|error| (error.to_string(), None))?;
    let span = SignedDuration::try_from(span).map_err(|error| (error.to_string(), None))?;
    Ok(if span.is_zero() { Shift::None } else { Shift::Span(if back { -span } else { span }) })
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.anchor {
            Anchor::Time(time) => f.write_str(&show_time(time))?,
            Anchor::Open | Anchor::Close | Anchor::NextOpen | Anchor::PrevClose => {
                let word = WORDS.iter().find(|(_, anchor)| *anchor == self.anchor);
                f.write_str(word.map_or("", |(word, _)| word))?;
            }
        }
        match self.shift {
            Shift::None => Ok(()),
            Shift::Span(span) => {
                let sign = if span.is_negative() { '-' } else { '+' };
                write!(f, " {sign} {}", duration::show(span.unsigned_abs()))
            }
            Shift::Sessions(by) => {
                let sign = if by < 0 { '-' } else { '+' };
                let unit = if by.abs() == 1 { "session" } else { "sessions" };
                write!(f, " {sign} {} {unit}", by.abs())
            }
        }
    }
}
