//! Times as the clock of an exchange shows them, and how they become instants. It never knows which date has
//! which hours.

use std::fmt;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// Days that a time may lie before or after its label.
const FARTHEST: i8 = 6;

/// A time of the clock at or near a session's label: `09:30`, `-1d 17:00`, `+1d 00:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall {
    /// Days after the label; below zero, before it.
    pub days: i8,
    /// What the clock shows then.
    pub time: Time,
}

/// The hours of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hours {
    /// When it opens.
    pub open: Wall,
    /// When it closes.
    pub close: Wall,
    /// From when to when it rests.
    pub pause: Option<(Wall, Wall)>,
}

/// The hours of one session as instants, in seconds from 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) open: i64,
    pub(super) close: i64,
    pub(super) pause: Option<(i64, i64)>,
}

impl Times {
    /// Whether they open, rest, resume and close in this order.
    pub(super) fn are_in_order(self) -> bool {
        match self.pause {
            None => self.open < self.close,
            Some((from, to)) => self.open < from && from < to && to < self.close,
        }
    }

    /// Without the break, unless that still lies inside.
    pub(super) fn with_break_inside(self) -> Self {
        let pause = self.pause.filter(|(from, to)| self.open < *from && *to < self.close);
        Self { pause, ..self }
    }
}

/// An instant that a zone has made of a date within the range of calendars.
pub(super) fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::MAX)
}

/// Why a text is no time of a session.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not of the form.
    #[error("not a time; write `09:30`, `-1d 17:00` for the evening before, or `+1d 00:00`")]
    Malformed,
    /// Of the form, and no such time of day.
    #[error("there is no such time of day; midnight at the end of a day is `+1d 00:00`")]
    NoSuchTime,
    /// Another day than that of the label, and not near it.
    #[error("a time is at most {FARTHEST} days from its session's date")]
    TooFar,
}

impl Wall {
    /// This time on the day of the label.
    pub fn on_label(time: Time) -> Self {
        Self { days: 0, time }
    }

    /// Reads `HH:MM`, `HH:MM:SS`, and either behind `-1d` or `+1d` and a blank.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        match Self::take(text)? {
            (wall, "") => Ok(wall),
            (_, _) => Err(TimeError::Malformed),
        }
    }

    /// Reads one at the beginning of a text; and the rest.
    fn take(text: &str) -> Result<(Self, &str), TimeError> {
        let (days, clock) = match text.as_bytes() {
            [b'-' | b'+', ..] => text.split_once("d ").ok_or(TimeError::Malformed)?,
            _ => ("+0", text),
        };
        let number = &days[1..];
        if !(1..=3).contains(&number.len()) || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TimeError::Malformed);
        }
        let days: i16 = days.parse().map_err(|_| TimeError::Malformed)?;
        let days = i8::try_from(days).map_err(|_| TimeError::TooFar)?;
        if !(-FARTHEST..=FARTHEST).contains(&days) {
            return Err(TimeError::TooFar);
        }
        let length = if clock.as_bytes().get(5) == Some(&b':') { 8 } else { 5 };
        let (clock, rest) = clock.split_at_checked(length).ok_or(TimeError::Malformed)?;
        Ok((Self { days, time: clock_time(clock)? }, rest))
    }

    /// The instant, for a session of this label. A time that the zone's clock skips is as much later as was
    /// skipped; of one that it shows twice, it is the first.
    pub fn at(self, label: Date, zone: &TimeZone) -> Timestamp {
        let date = label.saturating_add(i64::from(self.days).days());
        let at = zone.to_ambiguous_timestamp(date.to_datetime(self.time)).compatible();
        at.unwrap_or(if self.days < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }
}

impl Hours {
    /// Reads `09:30-13:00`, and with a break `09:00-11:30 12:30-15:00`. That one comes after the other is not
    /// looked at.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let stretch = |text| {
            let (from, rest) = Wall::take(text)?;
            let (to, rest) = Wall::take(rest.strip_prefix('-').ok_or(TimeError::Malformed)?)?;
            Ok((from, to, rest))
        };
        let (open, rests, rest) = stretch(text)?;
        if rest.is_empty() {
            return Ok(Self { open, close: rests, pause: None });
        }
        let (resumes, close, rest) = stretch(rest.trim_start())?;
        if rest.is_empty() {
            Ok(Self { open, close, pause: Some((rests, resumes)) })
        } else {
            Err(TimeError::Malformed)
        }
    }

    /// Whether they open, rest, resume and close in this order.
    pub fn are_in_order(&self) -> bool {
        match self.pause {
            None => self.open < self.close,
            Some((from, to)) => self.open < from && from < to && to < self.close,
        }
    }

    /// The instants, for a session of this label.
    pub(super) fn at(&self, label: Date, zone: &TimeZone) -> Times {
        let second = |wall: Wall| wall.at(label, zone).as_second();
        Times {
            open: second(self.open),
            close: second(self.close),
            pause: self.pause.map(|(from, to)| (second(from), second(to))),
        }
    }
}

/// `HH:MM` or `HH:MM:SS`, to the letter.
pub(super) fn clock_time(text: &str) -> Result<Time, TimeError> {
    let form = |(at, byte): (usize, u8)| if at % 3 == 2 { byte == b':' } else { byte.is_ascii_digit() };
    if !matches!(text.len(), 5 | 8) || !text.bytes().enumerate().all(form) {
        return Err(TimeError::Malformed);
    }
    let part =
        |at: usize| text.get(at..at + 2).and_then(|digits| digits.parse::<i8>().ok()).unwrap_or_default();
    Time::new(part(0), part(3), part(6), 0).map_err(|_| TimeError::NoSuchTime)
}

/// `09:30`, with seconds where there are any.
pub(super) fn show_time(time: Time) -> String {
    time.strftime(if time.second() == 0 { "%H:%M" } else { "%H:%M:%S" }).to_string()
}

impl fmt::Display for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != 0 {
            write!(f, "{:+}d ", self.days)?;
        }
        f.write_str(&show_time(self.time))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pause {
            None => write!(f, "{}-{}", self.open, self.close),
            Some((from, to)) => write!(f, "{}-{from} {to}-{}", self.open, self.close),
        }
    }
}
