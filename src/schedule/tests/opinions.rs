//! Second opinions: the crate `cron` on times of the calendar, chrono-tz on the offsets of zones. Neither is in the
//! program.

use std::str::FromStr as _;

use chrono::{DateTime, Datelike as _, Days, Offset as _, TimeZone as _, Utc};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::expressions::any_field;
use crate::schedule::cron::{Cron, Dialect, Line};
use crate::schedule::fires::{Dst, next};

/// The crate's search, fed with plain lists and asked without days, and the day rule on top of it.
fn by_the_crate(cron: &Cron, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let listed = |set: u64| (0..64).filter(|n| set >> n & 1 != 0).map(|n| n.to_string()).collect::<Vec<_>>();
    let [minutes, hours, months] = [cron.minutes, cron.hours, cron.months].map(|set| listed(set).join(","));
    let times = cron::Schedule::from_str(&format!("0 {minutes} {hours} * {months} *")).unwrap();
    let starred = |word: usize| cron.stars & 1 << word != 0;
    let mut after = after;
    // Its years end with 2100.
    while after.year() < 2099 {
        let at = times.after(&after).next()?;
        let date = cron.dates >> at.day() & 1 != 0;
        let weekday = cron.weekdays >> at.weekday().num_days_from_sunday() & 1 != 0;
        if if starred(3) || starred(5) { date && weekday } else { date || weekday } {
            return Some(at);
        }
        let midnight = (at.date_naive() + Days::new(1)).and_hms_opt(0, 0, 0)?.and_utc();
        after = midnight - chrono::Duration::seconds(1);
    }
    None
}

proptest! {
    #[test]
    fn the_crate_finds_the_same_times(
        minutes in any_field(0..=59), hours in any_field(0..=23), dates in any_field(1..=31),
        months in any_field(1..=12), weekdays in any_field(0..=7), after in 0..3_900_000_000_i64,
    ) {
        let text = format!("{minutes} {hours} {dates} {months} {weekdays}");
        let Ok(Line::Times(cron)) = Line::parse(&text, Dialect::Crontab) else { panic!("{text}") };
        let mut ours = Timestamp::from_second(after).unwrap();
        let mut theirs = Utc.timestamp_opt(after, 0).unwrap();
        for _ in 0..3 {
            let found = by_the_crate(&cron, theirs);
            let next = next(&cron, &TimeZone::UTC, Dst::default(), ours);
            let Some(at) = found else {
                // It may be beyond the crate's years.
                prop_assert!(next.is_none_or(|at| at.as_second() > 4_070_000_000), "{text}: {next:?}");
                break;
            };
            prop_assert_eq!(next.map(Timestamp::as_second), Some(at.timestamp()), "{}", text);
            (ours, theirs) = (next.unwrap(), at);
        }
    }
}

/// Those of the Debian vectors, and some of the busiest.
const ZONES: [chrono_tz::Tz; 16] = [
    chrono_tz::America::New_York,
    chrono_tz::America::Chicago,
    chrono_tz::America::Sao_Paulo,
    chrono_tz::America::St_Johns,
    chrono_tz::Europe::London,
    chrono_tz::Europe::Berlin,
    chrono_tz::Africa::Cairo,
    chrono_tz::Africa::Casablanca,
    chrono_tz::Asia::Kolkata,
    chrono_tz::Asia::Tokyo,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Australia::Sydney,
    chrono_tz::Pacific::Apia,
    chrono_tz::Pacific::Chatham,
    chrono_tz::Antarctica::Casey,
    chrono_tz::Antarctica::Troll,
];

fn seconds(text: &str) -> i64 {
    text.parse::<Timestamp>().unwrap().as_second()
}

/// Where the two have not the same offset, looked at each noon and on both sides of each change.
fn drift(zone: chrono_tz::Tz, from: i64, until: i64) -> Option<Timestamp> {
    let system = TimeZone::get(zone.name()).ok()?;
    let changes = system.following(Timestamp::from_second(from).ok()?);
    let changes = changes.map(|change| change.timestamp().as_second()).take_while(|&at| at < until);
    let sides: Vec<i64> = changes.flat_map(|at| [at - 1, at]).collect();
    let noons = (from..until).step_by(86_400).map(|midnight| midnight + 43_200);
    let differs = |at: &Timestamp| {
        let theirs =
            zone.offset_from_utc_datetime(&Utc.timestamp_opt(at.as_second(), 0).unwrap().naive_utc());
        system.to_offset(*at).seconds() != theirs.fix().local_minus_utc()
    };
    noons.chain(sides).filter_map(|at| Timestamp::from_second(at).ok()).filter(differs).min()
}

#[test]
fn chrono_tz_has_the_same_offsets_till_2024() {
    for zone in ZONES {
        let at = drift(zone, seconds("2000-01-01T00:00:00Z"), seconds("2025-01-01T00:00:00Z"));
        assert_eq!(at, None, "{}", zone.name());
    }
    // What is later depends on whose zone data is newer, and is only told.
    let (from, until) = (seconds("2025-01-01T00:00:00Z"), seconds("2027-01-01T00:00:00Z"));
    for (zone, at) in ZONES.into_iter().filter_map(|zone| Some((zone, drift(zone, from, until)?))) {
        println!("{}: the system's zone data and that of chrono-tz differ from {at} on", zone.name());
    }
}
