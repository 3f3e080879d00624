//! Days, instants, zones and decisions as people give them on the command line, and the stretch of time that
//! two of them span. Pure: what is today goes in.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::schedule::slot::Decision;
use crate::schedule::why::When;
use crate::yaml::zone;

/// The instants from the beginning of one to the end of the other.
pub fn between(
    from: Option<When>,
    to: Option<When>,
    zone: &TimeZone,
) -> anyhow::Result<(Option<Timestamp>, Option<Timestamp>)> {
    let from = from.map(|from| from.span(zone).0);
    let to = to.map(|to| to.span(zone).1);
    if let (Some(from), Some(to)) = (from, to) {
        anyhow::ensure!(from <= to, "--to is before --from");
    }
    Ok((from, to))
}

/// A date that people mean: of four digits' years.
pub fn date(text: &str) -> Result<Date, String> {
    let date: Date = text.parse().map_err(|error: jiff::Error| error.to_string())?;
    if (1000..9999).contains(&date.year()) {
        Ok(date)
    } else {
        Err("expected a year from 1000 to 9998".to_owned())
    }
}

/// A date, or an instant with its offset from UTC.
pub fn when(text: &str) -> Result<When, String> {
    // A date alone is the longest text without a time.
    if text.len() <= "2026-11-21".len() {
        return match date(text) {
            Ok(date) => Ok(When::Day(date)),
            Err(_) => Err(EXPECTED.to_owned()),
        };
    }
    let at: Timestamp = text.parse().map_err(|_| EXPECTED.to_owned())?;
    date(&at.to_zoned(TimeZone::UTC).date().to_string())?;
    Ok(When::Instant(at))
}

const EXPECTED: &str =
    "expected a day, as `2026-11-21`, or an instant with its offset from UTC, as `2026-11-21T02:30:00Z`";

/// A time zone by its name.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    zone::zone(name).map_err(|unknown| match unknown.meant {
        Some(meant) => format!("there is no such time zone; did you mean `{meant}`?"),
        None => zone::EXPECTED.to_owned(),
    })
}

/// What may become of a slot, by its word.
pub fn decisions() -> impl TypedValueParser<Value = Decision> {
    let words = PossibleValuesParser::new(Decision::ALL.map(Decision::word));
    words.try_map(|word| Decision::from_word(&word).ok_or_else(|| format!("`{word}` is no decision")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_instants_are_told_apart() {
        assert_eq!(when("2026-11-21"), Ok(When::Day(jiff::civil::date(2026, 11, 21))));
        let instant = Ok(When::Instant(at("2026-11-21T02:30:00Z")));
        for text in ["2026-11-21T02:30:00Z", "2026-11-21 02:30:00Z", "2026-11-21T03:30+01:00"] {
            assert_eq!(when(text), instant, "{text}");
        }
        for text in ["", "yesterday", "2026-11-31", "2026-11-21T02:30", "2026-11-21 nonsense", "99999"] {
            assert_eq!(when(text), Err(EXPECTED.to_owned()), "{text}");
        }
        assert!(when("0001-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn a_range_has_both_of_its_days() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let day = |text| Some(when(text).unwrap());
        let (from, to) = between(day("2026-03-08"), day("2026-03-08"), &zone).unwrap();
        assert_eq!(from, Some(at("2026-03-08T05:00:00Z")));
        // The clocks went forward: a day of 23 hours.
        assert_eq!(to, Some(at("2026-03-09T03:59:59.999999999Z")));
        let instant = day("2026-03-08T12:00:00Z");
        assert_eq!(between(instant, None, &zone).unwrap(), (Some(at("2026-03-08T12:00:00Z")), None));
        assert!(between(day("2026-03-09"), instant, &zone).is_err());
        assert!(between(instant, instant, &zone).is_ok());
    }

    #[test]
    fn zones_that_are_not_known_have_neighbours() {
        assert!(zone("Europe/London").is_ok());
        assert!(zone("Europe/Lundon").unwrap_err().contains("`Europe/London`"));
    }
}
