//! A day as people of a time zone live it, as instants. Not all of them begin at midnight, and not all have
//! 24 hours.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The first instant of a day.
pub fn first(date: Date, zone: &TimeZone) -> Timestamp {
    date.to_zoned(zone.clone()).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// The last instant of a day, to the nanosecond. Where its midnight comes twice, the second one ends it.
pub fn last(date: Date, zone: &TimeZone) -> Timestamp {
    let midnight = date.tomorrow().map(|next| next.to_datetime(Time::midnight()));
    let next = midnight.and_then(|midnight| zone.to_ambiguous_zoned(midnight).later());
    let last = next.and_then(|next| next.timestamp().checked_sub(SignedDuration::from_nanos(1)));
    last.unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(day: &str, zone: &str) -> [String; 2] {
        let zone = TimeZone::get(zone).unwrap();
        let day = day.parse().unwrap();
        [first(day, &zone).to_string(), last(day, &zone).to_string()]
    }

    #[test]
    fn a_day_begins_where_its_zone_lets_it() {
        assert_eq!(span("2026-11-21", "UTC"), ["2026-11-21T00:00:00Z", "2026-11-21T23:59:59.999999999Z"]);
        let zone = "America/New_York";
        assert_eq!(span("2026-11-01", zone), ["2026-11-01T04:00:00Z", "2026-11-02T04:59:59.999999999Z"]);
        // Beirut's clocks go forward at midnight: the day begins at one.
        assert_eq!(span("2024-03-31", "Asia/Beirut")[0], "2024-03-30T22:00:00Z");
        assert_eq!(span("2024-03-30", "Asia/Beirut")[1], "2024-03-30T21:59:59.999999999Z");
    }
}
