//! Offsets: what is read is shown again, and what is wrong is shown with its place.

use super::super::offset::{Anchor, Offset, Shift};
use super::shelf::{at, calendar, day};

#[test]
fn offsets_are_read_and_shown() {
    for (text, shown) in [
        ("open", "open"),
        ("close + 4h", "close + 4h"),
        ("close+4h", "close + 4h"),
        ("  open  -45m ", "open - 45m"),
        ("next_open - 90m", "next_open - 1h30m"),
        ("prev_close", "prev_close"),
        ("16:30", "16:30"),
        ("16:30:05 + 1m", "16:30:05 + 1m"),
        ("09:00 - 1d", "09:00 - 1d"),
        ("close + 2 sessions", "close + 2 sessions"),
        ("close - 1 session", "close - 1 session"),
        ("open + 1sessions", "open + 1 session"),
        ("close + 0s", "close"),
        ("close - 0 sessions", "close"),
    ] {
        let offset = Offset::parse(text).unwrap();
        assert_eq!(offset.to_string(), shown, "{text}");
        assert_eq!(Offset::parse(shown), Ok(offset), "{shown}");
    }
    let two = Offset::parse("close - 2 sessions").unwrap();
    assert_eq!((two.anchor, two.shift), (Anchor::Close, Shift::Sessions(-2)));
}

#[test]
fn what_is_no_offset_is_shown_with_its_place() {
    for (text, wrong, message, help) in [
        (
            "",
            "",
            "an offset begins with `open`, `close`, `next_open`, `prev_close` or a time",
            "for example `close + 4h`",
        ),
        (
            "opne + 5m",
            "opne",
            "expected `open`, `close`, `next_open`, `prev_close` or a time, found `opne`",
            "did you mean `open`?",
        ),
        (
            "  ",
            "",
            "an offset begins with `open`, `close`, `next_open`, `prev_close` or a time",
            "for example",
        ),
        (
            "+ 4h",
            "+ 4h",
            "an offset begins with `open`, `close`, `next_open`, `prev_close` or a time",
            "for example",
        ),
        (
            " next-open",
            "next",
            "expected `open`, `close`, `next_open`, `prev_close` or a time, found `next`",
            "for example",
        ),
        ("25:00", "25:00", "`25:00` is no time of day", "for example"),
        (
            "9:30",
            "9:30",
            "expected `open`, `close`, `next_open`, `prev_close` or a time, found `9:30`",
            "for example",
        ),
        ("close +", "+", "expected a duration or a number of sessions behind the sign", "for example"),
        ("close + 4", "4", "a duration needs a unit: did you mean `4s`?", "for example"),
        ("close + 4 h", "4 h", "not a duration; write `90s`, `10m`, `4h`, `1d` or `1h30m`", "for example"),
        (
            "close + two sessions",
            "two sessions",
            "`two` is no number of sessions",
            "write `close + 2 sessions`",
        ),
        ("close + 5000 sessions", "5000 sessions", "at most 1000 sessions", "for example"),
        (
            "close + 1h + 2h",
            "1h + 2h",
            "not a duration; write `90s`, `10m`, `4h`, `1d` or `1h30m`",
            "for example",
        ),
    ] {
        let error = Offset::parse(text).unwrap_err();
        assert_eq!(error.message, message, "{text}");
        assert_eq!(&text[error.span.clone()], wrong, "{text}");
        assert!(error.help.as_deref().is_some_and(|found| found.contains(help)), "{text}: {error:?}");
    }
}

#[test]
fn a_closed_date_goes_by_the_hours_it_would_have_had() {
    let nyse = calendar("XNYS");
    let of = |text: &str, label: &str| Offset::parse(text).unwrap().resolve(&nyse, day(label));
    assert_eq!(of("close + 1h", "2026-11-26"), Some(at("2026-11-26T22:00:00Z")));
    assert_eq!(of("open", "2026-11-26"), Some(at("2026-11-26T14:30:00Z")));
    assert_eq!(of("next_open", "2026-11-26"), Some(at("2026-11-27T14:30:00Z")));
    // On a Saturday there is nothing to open, but it has its hours.
    assert_eq!(of("open", "2026-11-28"), None);
    assert_eq!(of("09:00", "2026-11-28"), Some(at("2026-11-28T14:00:00Z")));
    assert_eq!(of("09:00 + 1 session", "2026-11-28"), Some(at("2026-11-30T14:00:00Z")));
}
