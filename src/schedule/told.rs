//! Instants and slots in words, by the clocks of a zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// An instant by the clocks of a zone: `2026-11-21 02:30:00 EST`, and in UTC `2026-11-21 02:30:00Z`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    if is_utc(zone) {
        return utc(at);
    }
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// An instant in UTC: `2026-11-21 02:30:00Z`.
pub fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Two instants with a text between them: the date stands there once if it is the same.
pub fn stretch(first: Timestamp, last: Timestamp, zone: &TimeZone, between: &str) -> String {
    let date = |at: Timestamp| at.to_zoned(zone.clone()).date();
    let mut end = clock(last, zone);
    if date(first) == date(last) {
        end = end.split_once(' ').map_or(end.clone(), |(_, time)| time.to_owned());
    }
    format!("{}{between}{end}", clock(first, zone))
}

/// Slots in a row, in a sentence: `slot 2026-11-21 02:30:00Z`, `24 slots from … to …`.
pub fn slots(count: u64, first: Timestamp, last: Timestamp, zone: &TimeZone) -> String {
    if count == 1 {
        format!("slot {}", clock(first, zone))
    } else {
        format!("{count} slots from {}", stretch(first, last, zone, " to "))
    }
}

fn is_utc(zone: &TimeZone) -> bool {
    *zone == TimeZone::UTC || zone.iana_name() == Some("UTC")
}
