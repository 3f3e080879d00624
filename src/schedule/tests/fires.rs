//! Instants: where the clock jumps, what is far, and what never comes.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::expressions::any_field;
use crate::schedule::cron::{Cron, Dialect, Line};
use crate::schedule::fires::{Affected, Change, Dst, Fold, Gap, affected, next, previous};

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
    for expected in expected {
        let fires = next(&cron, &zone, dst, at).unwrap_or_else(|| panic!("{text} is silent after {at}"));
        let shown = fires.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
        assert_eq!(shown, *expected, "{text}");
        assert_eq!(previous(&cron, &zone, dst, fires + SignedDuration::from_nanos(1)), Some(fires));
        assert!(previous(&cron, &zone, dst, fires).is_none_or(|before| before <= at));
        at = fires;
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
fn a_change_of_three_hours_is_a_correction() {
    // Samoa went without 30 December.
    let apia = ["2011-12-29T12:00:00-10:00", "2011-12-31T12:00:00+14:00"];
    shows("0 12 * * *", "Pacific/Apia", PLAIN, "2011-12-29T12:00:00Z", &apia);
    shows("0 12 30 * *", "Pacific/Apia", PLAIN, "2011-12-29T12:00:00Z", &["2012-01-30T12:00:00+14:00"]);
    // Three hours forward, and back.
    let casey = ["2009-10-17T03:00:00+08:00", "2009-10-19T03:00:00+11:00"];
    shows("0 3 * * *", "Antarctica/Casey", PLAIN, "2009-10-16T12:00:00+08:00", &casey);
    let casey = ["2010-03-05T00:30:00+11:00", "2010-03-06T00:30:00+08:00"];
    shows("30 0 * * *", "Antarctica/Casey", PLAIN, "2010-03-04T12:00:00+11:00", &casey);
    // A schedule that says what it wants gets it whatever the size.
    let after = Dst { gap: Some(Gap::After), overlap: None };
    shows("0 12 30 12 *", "Pacific/Apia", after, "2011-12-29T12:00:00Z", &["2011-12-31T00:00:00+14:00"]);
}

#[test]
fn wildcards_follow_an_explicit_rule_too() {
    let once = Dst { gap: Some(Gap::After), overlap: Some(Fold::First) };
    let spring = ["2025-03-09T01:20:00-05:00", "2025-03-09T03:00:00-04:00", "2025-03-09T03:20:00-04:00"];
    shows("20 * * * *", NEW_YORK, once, "2025-03-09T06:00:00Z", &spring);
    let autumn = ["2025-11-02T01:20:00-04:00", "2025-11-02T02:20:00-05:00"];
    shows("20 * * * *", NEW_YORK, once, "2025-11-02T05:00:00Z", &autumn);
}

#[test]
fn seconds_are_times_like_others() {
    let wild = ["2025-03-09T01:59:50-05:00", "2025-03-09T03:00:10-04:00", "2025-03-09T03:00:30-04:00"];
    shows("10-59/20 * * * * *", NEW_YORK, PLAIN, "2025-03-09T06:59:40Z", &wild);
    let fixed = ["2025-03-09T03:00:00-04:00", "2025-03-10T02:30:10-04:00", "2025-03-10T02:30:50-04:00"];
    shows("10,50 30 2 * * *", NEW_YORK, PLAIN, "2025-03-09T06:00:00Z", &fixed);
    shows("* * * * * *", "UTC", PLAIN, "2025-01-01T00:00:00.5Z", &["2025-01-01T00:00:01+00:00"]);
    shows("* * * * * *", "UTC", PLAIN, "1969-12-31T23:59:57.5Z", &["1969-12-31T23:59:58+00:00"]);
}

#[test]
fn days_that_only_pipeline_files_name() {
    for (text, expected) in [
        ("0 0 L * *", ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30"]),
        // The last of May 2025 is a Saturday, of August a Sunday.
        ("0 0 LW 5,8,11 *", ["2025-05-30", "2025-08-29", "2025-11-28", "2026-05-29"]),
        // 15 February and March 2025 are Saturdays, 15 June a Sunday.
        ("0 0 15W 2-6/2 *", ["2025-02-14", "2025-04-15", "2025-06-16", "2026-02-16"]),
        // Never into another month: 1 February 2025 is a Saturday, 31 August a Sunday.
        ("0 0 1W,31W 2,8 *", ["2025-02-03", "2025-08-01", "2025-08-29", "2026-02-02"]),
        ("0 0 * * fri#2", ["2025-01-10", "2025-02-14", "2025-03-14", "2025-04-11"]),
        ("0 0 * * 7#5", ["2025-03-30", "2025-06-29", "2025-08-31", "2025-11-30"]),
        ("0 0 * * friL", ["2025-01-31", "2025-02-28", "2025-03-28", "2025-04-25"]),
        ("0 0 1 * fri#1", ["2025-01-03", "2025-02-01", "2025-02-07", "2025-03-01"]),
    ] {
        let expected = expected.map(|date| format!("{date}T00:00:00+00:00"));
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        shows(text, "UTC", PLAIN, "2025-01-02T00:00:00Z", &expected);
    }
}

#[test]
fn what_never_comes_is_never() {
    for text in ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 29W 2 */7"] {
        let cron = cron(text);
        for zone in ["UTC", NEW_YORK] {
            let zone = TimeZone::get(zone).unwrap();
            for at in [Timestamp::UNIX_EPOCH, Timestamp::MIN, Timestamp::MAX] {
                assert_eq!(next(&cron, &zone, PLAIN, at), None, "{text}");
                assert_eq!(previous(&cron, &zone, PLAIN, at), None, "{text}");
            }
        }
    }
}

#[test]
fn what_is_rare_comes() {
    // The longest wait there is: 2088 to 2128, for 2100 is no leap year.
    shows("0 0 29 2 */7", "UTC", PLAIN, "2088-02-29T00:00:00Z", &["2128-02-29T00:00:00+00:00"]);
    shows("0 0 29 2 *", "UTC", PLAIN, "1896-03-01T00:00:00Z", &["1904-02-29T00:00:00+00:00"]);
    shows("0 0 29 2 *", NEW_YORK, PLAIN, "2096-03-01T00:00:00Z", &["2104-02-29T00:00:00-05:00"]);
}

#[test]
fn time_has_ends() {
    let (minutely, yearly) = (cron("* * * * *"), cron("@yearly"));
    for zone in ["UTC", NEW_YORK, "Pacific/Kiritimati", "Pacific/Pago_Pago"] {
        let zone = TimeZone::get(zone).unwrap();
        for cron in [&minutely, &yearly] {
            assert_eq!(next(cron, &zone, PLAIN, Timestamp::MAX), None);
            assert_eq!(previous(cron, &zone, PLAIN, Timestamp::MIN), None);
            assert!(next(cron, &zone, PLAIN, Timestamp::MIN).is_some());
            assert!(previous(cron, &zone, PLAIN, Timestamp::MAX).is_some());
            assert_eq!(affected(cron, &zone, Timestamp::MAX), None);
        }
    }
}

#[test]
fn a_schedule_is_told_where_the_clock_meets_it() {
    let new_york = TimeZone::get(NEW_YORK).unwrap();
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let found = |text: &str, after: &str| affected(&cron(text), &new_york, at(after));
    let gap = |civil: &str, fires: &str| {
        Some(Affected { civil: civil.parse().unwrap(), change: Change::Gap, fires: vec![at(fires)] })
    };
    let fold = |civil: &str, fires: &str| {
        Some(Affected { civil: civil.parse().unwrap(), change: Change::Fold, fires: vec![at(fires)] })
    };
    assert_eq!(found("30 2 * * *", "2025-01-01T00:00Z"), gap("2025-03-09T02:30", "2025-03-09T07:00Z"));
    assert_eq!(found("30 2 * * *", "2025-03-09T07:00Z"), gap("2026-03-08T02:30", "2026-03-08T07:00Z"));
    assert_eq!(found("30 1 * * *", "2025-01-01T00:00Z"), fold("2025-11-02T01:30", "2025-11-02T05:30Z"));
    assert_eq!(found("45 1-2 * * *", "2025-06-01T00:00Z"), fold("2025-11-02T01:45", "2025-11-02T05:45Z"));
    // Not on a working day, not in the daytime, not by the clock's face; not where the clock never changes.
    for text in ["30 2 * * 1-5", "30 12 * * *", "*/30 * * * *", "30 * * * *"] {
        assert_eq!(found(text, "2025-01-01T00:00Z"), None, "{text}");
    }
    assert_eq!(affected(&cron("30 2 * * *"), &TimeZone::UTC, at("2025-01-01T00:00Z")), None);
    // A correction is caught up by nobody, and repeats what it repeats.
    let apia =
        affected(&cron("0 12 * * *"), &TimeZone::get("Pacific/Apia").unwrap(), at("2011-12-01T00:00Z"));
    let lost = Affected { civil: "2011-12-30T12:00".parse().unwrap(), change: Change::Gap, fires: vec![] };
    assert_eq!(apia, Some(lost));
}

#[test]
fn a_rule_is_spelled_as_it_is_written() {
    assert_eq!(PLAIN.spelled(), "");
    assert_eq!(Dst { gap: Some(Gap::Skip), overlap: None }.spelled(), " dst: {gap: skip}");
    assert_eq!(Dst { gap: None, overlap: Some(Fold::Both) }.spelled(), " dst: {overlap: both}");
    let both = Dst { gap: Some(Gap::After), overlap: Some(Fold::Second) };
    assert_eq!(both.spelled(), " dst: {gap: after, overlap: second}");
}

proptest! {
    #[test]
    fn between_two_fires_there_is_none(
        minutes in any_field(0..=59), hours in any_field(0..=23), dates in any_field(1..=31),
        weekdays in any_field(0..=7), gap in 0..3_usize, overlap in 0..4_usize,
        zone in proptest::sample::select(vec![NEW_YORK, "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Cairo"]),
        after in 1_300_000_000..1_800_000_000_i64, part in 0.0..1.0,
    ) {
        let cron = cron(&format!("{minutes} {hours} {dates} * {weekdays}"));
        let zone = TimeZone::get(zone).unwrap();
        let dst = Dst { gap: Gap::ALL.get(gap).copied(), overlap: Fold::ALL.get(overlap).copied() };
        let after = Timestamp::from_second(after).unwrap();
        if let Some(at) = next(&cron, &zone, dst, after) {
            let between = after + at.duration_since(after).mul_f64(part);
            prop_assert_eq!(next(&cron, &zone, dst, between).filter(|_| between < at), Some(at).filter(|_| between < at));
            prop_assert_eq!(previous(&cron, &zone, dst, at).filter(|&before| before > after), None);
            prop_assert_eq!(previous(&cron, &zone, dst, at + SignedDuration::from_millis(1)), Some(at));
        }
    }
}
