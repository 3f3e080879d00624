//! When something is, as sensors say it: the first such time of day from an instant on, and a date that is so
//! far from another. It never knows what is waited for.

use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

/// As far as another date may be away: some four years of sessions, or of days.
const FARTHEST: i32 = 1_500;

/// The first instant at or after `from` at which the clocks of a zone show this time. Where they are put forward
/// over it, the instant at which they are; `None` at the end of time.
pub fn first_at(time: Time, zone: &TimeZone, from: Timestamp) -> Option<Timestamp> {
    let today = from.to_zoned(zone.clone()).date();
    let mut date = today.yesterday().unwrap_or(today);
    // Where the clocks are put back over midnight, a date may come twice.
    for _ in 0..4 {
        let moment = zone.to_ambiguous_timestamp(date.to_datetime(time));
        let earlier = moment.earlier().ok();
        let times = match moment.offset() {
            AmbiguousOffset::Gap { .. } => {
                [earlier.and_then(|at| Some(zone.following(at).next()?.timestamp())), None]
            }
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
                [earlier, moment.later().ok()]
            }
        };
        let found = times.into_iter().flatten().filter(|at| *at >= from).min();
        if found.is_some() {
            return found;
        }
        date = date.tomorrow().ok()?;
    }
    None
}

/// From one logical date to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOffset {
    /// So many days later, or earlier.
    Days(i32),
    /// So many sessions of a calendar.
    Sessions(i32),
}

/// Why a text is no offset of a date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no offset of a date; write `-1d`, `+2d`, `-1 session` or `-2 sessions`")]
pub struct NoDateOffset(pub String);

impl DateOffset {
    /// Reads an offset: a sign, and days or sessions.
    pub fn parse(text: &str) -> Result<Self, NoDateOffset> {
        let none = || NoDateOffset(text.to_owned());
        let trimmed = text.trim();
        let (sign, length) = match trimmed.strip_prefix('-') {
            Some(length) => (-1, length),
            None => (1, trimmed.strip_prefix('+').ok_or_else(none)?),
        };
        let units = [("sessions", false), ("session", false), ("d", true)];
        let read = |(unit, days)| Some((length.strip_suffix(unit)?.trim(), days));
        let (number, days) = units.into_iter().find_map(read).ok_or_else(none)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let count: i32 = number.parse().ok().filter(|count| digits && *count <= FARTHEST).ok_or_else(none)?;
        Ok(if days { Self::Days(sign * count) } else { Self::Sessions(sign * count) })
    }

    /// The date that is so far from this one, where no calendar is needed to tell; `None` else, and at the end of
    /// time.
    pub fn in_days(self, date: Date) -> Option<Date> {
        match self {
            Self::Days(days) => date.checked_add(days.days()).ok(),
            Self::Sessions(0) => Some(date),
            Self::Sessions(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(time: &str, zone: &str, from: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        first_at(time.parse().unwrap(), &zone, from.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_time_of_day_is_the_first_from_then_on() {
        for (time, zone, from, expected) in [
            ("09:00", "UTC", "2026-11-20T08:59:59Z", "2026-11-20T09:00:00Z"),
            ("09:00", "UTC", "2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z"),
            ("09:00", "UTC", "2026-11-20T09:00:01Z", "2026-11-21T09:00:00Z"),
            ("09:00", "America/New_York", "2026-11-20T02:30:00Z", "2026-11-20T14:00:00Z"),
            ("09:00", "Asia/Tokyo", "2026-11-20T02:30:00Z", "2026-11-21T00:00:00Z"),
            // The clocks go forward from 02:00 to 03:00, and back from 02:00 to 01:00.
            ("02:30", "America/New_York", "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z"),
            ("02:30", "America/New_York", "2026-03-08T07:10:00Z", "2026-03-09T06:30:00Z"),
            ("01:30", "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T05:30:00Z"),
            ("01:30", "America/New_York", "2026-11-01T05:45:00Z", "2026-11-01T06:30:00Z"),
            ("01:30", "America/New_York", "2026-11-01T06:45:00Z", "2026-11-02T06:30:00Z"),
        ] {
            assert_eq!(first(time, zone, from), expected, "{time} in {zone} from {from}");
        }
    }

    #[test]
    fn an_offset_of_a_date_is_days_or_sessions() {
        for (text, offset) in [
            ("-1d", DateOffset::Days(-1)),
            (" + 2 d ", DateOffset::Days(2)),
            ("-1 session", DateOffset::Sessions(-1)),
            ("+20sessions", DateOffset::Sessions(20)),
            ("-0d", DateOffset::Days(0)),
        ] {
            assert_eq!(DateOffset::parse(text), Ok(offset), "{text}");
        }
        for text in
            ["1d", "-1", "-d", "-1h", "-1.5d", "-+1d", "--1d", "-1501d", "-99999999999d", "", "yesterday"]
        {
            assert_eq!(DateOffset::parse(text), Err(NoDateOffset(text.to_owned())));
        }
        let date: Date = "2026-03-01".parse().unwrap();
        assert_eq!(DateOffset::Days(-1).in_days(date), Some("2026-02-28".parse().unwrap()));
        assert_eq!(DateOffset::Sessions(-1).in_days(date), None);
    }
}
