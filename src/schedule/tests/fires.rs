//! Instants: where the clock jumps, what is far, and what never comes.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::schedule::cron::{Cron, Dialect, Line};
use crate::schedule::fires::{Dst, Fold, Gap, next, previous};

fn cron(text: &str) -> Cron {
    match Line::parse(text, Dialect::Extended) {
        Ok(Line::Times(cron)) => cron,
        other => panic!("{text}: {other:?}"),
    }
}

/// The next fires after an instant, as the clock of the zone shows them.
#[track_caller]
fn shows(text: &str, zone: &str, dst: Dst, after: &str, expected: &[&str]) {
    let (cron, zone) = (cron(text), TimeZone::get(zone).unwrap());
    let mut at: Timestamp = after.parse().unwrap();
    let mut before = None;
    for expected in expected {
        let fires = next(&cron, &zone, dst, at).unwrap_or_else(|| panic!("{text} is silent after {at}"));
        assert_eq!(fires.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(), *expected);
        assert_eq!(previous(&cron, &zone, dst, fires), before.or_else(|| previous(&cron, &zone, dst, fires)));
        assert_eq!(previous(&cron, &zone, dst, fires + jiff::SignedDuration::from_nanos(1)), Some(fires));
        (before, at) = (Some(fires), fires);
    }
}

const PLAIN: Dst = Dst { gap: None, overlap: None };
const NEW_YORK: &str = "America/New_York";

#[test]
fn a_fixed_time_that_is_skipped_fires_right_after() {
    let day = ["2025-03-08T02:30:00-05:00", "2025-03-09T03:00:00-04:00", "2025-03-10T02:30:00-04:00"];
    shows("30 2 * * *", NEW_YORK, PLAIN, "2025-03-08T05:00:00Z", &day);
    shows("0,30 2 * * *", NEW_YORK, PLAIN, "2025-03-09T05:00:00Z", &[day[1], "2025-03-10T02:00:00-04:00"]);
    let wild = ["2025-03-09T01:45:00-05:00", "2025-03-09T03:00:00-04:00", "2025-03-09T03:15:00-04:00"];
    shows("*/15 * * * *", NEW_YORK, PLAIN, "2025-03-09T06:30:00Z", &wild);
    let skip = Dst { gap: Some(Gap::Skip), overlap: None };
    shows("30 2 * * *", NEW_YORK, skip, "2025-03-08T05:00:00Z", &[day[0], day[2]]);
}

#[test]
fn a_fixed_time_that_is_shown_twice_fires_once() {
    let (first, second) = ("2025-11-02T01:30:00-04:00", "2025-11-02T01:30:00-05:00");
    let (after, tomorrow) = ("2025-11-02T04:00:00Z", "2025-11-03T01:30:00-05:00");
    shows("30 1 * * *", NEW_YORK, PLAIN, after, &[first, tomorrow]);
    let wild = [first, "2025-11-02T01:00:00-05:00", second, "2025-11-02T02:00:00-05:00"];
    shows("*/30 * * * *", NEW_YORK, PLAIN, "2025-11-02T05:15:00Z", &wild);
    for (fold, expected) in [
        (Fold::First, &[first, tomorrow][..]),
        (Fold::Second, &[second, tomorrow]),
        (Fold::Both, &[first, second, tomorrow]),
    ] {
        shows("30 1 * * *", NEW_YORK, Dst { gap: None, overlap: Some(fold) }, after, expected);
    }
}

#[test]
fn what_never_comes_is_never() {
    for text in ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 29W 2 */7"] {
        let at = Timestamp::UNIX_EPOCH;
        for zone in ["UTC", NEW_YORK] {
            let zone = TimeZone::get(zone).unwrap();
            assert_eq!(next(&cron(text), &zone, PLAIN, at), None, "{text}");
            assert_eq!(previous(&cron(text), &zone, PLAIN, at), None, "{text}");
        }
    }
}
