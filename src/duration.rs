//! Lengths of time as people write them: `90s`, `10m`, `4h`, `1d`, `1h30m`. Whole seconds, exact; it never
//! knows dates or clocks, so a day is 24 hours.

use std::time::Duration;

/// The same rule as a regular expression, for the JSON Schema.
pub const PATTERN: &str = "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A bare number.
    #[error("a duration needs a unit: did you mean `{0}s`?")]
    NoUnit(String),
    /// Not of the form.
    #[error("not a duration; write `90s`, `10m`, `4h`, `1d` or `1h30m`")]
    Malformed,
    /// More than a century.
    #[error("a duration may be at most 36500d")]
    TooLong,
}

/// Reads a duration.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let mut rest = text;
    let mut total: u64 = 0;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let unit = rest[digits..].chars().next().ok_or(DurationError::Malformed)?;
        // Units go down and stand once: the iterator never goes back.
        let &(_, seconds) = units.find(|(letter, _)| *letter == unit).ok_or(DurationError::Malformed)?;
        if digits == 0 {
            return Err(DurationError::Malformed);
        }
        let number: u64 = rest[..digits].parse().map_err(|_| DurationError::TooLong)?;
        total = number
            .checked_mul(seconds)
            .and_then(|part| total.checked_add(part))
            .ok_or(DurationError::TooLong)?;
        rest = &rest[digits + 1..];
    }
    match total {
        _ if text.is_empty() => Err(DurationError::Malformed),
        0..=3_153_600_000 => Ok(Duration::from_secs(total)),
        3_153_600_001.. => Err(DurationError::TooLong),
    }
}

/// The canonical spelling: the largest units first, none of them zero. Parts of a second are dropped.
pub fn show(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (letter, seconds) in UNITS {
        if rest >= seconds {
            out.push_str(&(rest / seconds).to_string());
            out.push(letter);
            rest %= seconds;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("90s", 90, "1m30s"),
            ("10m", 600, "10m"),
            ("4h", 14_400, "4h"),
            ("1d", 86_400, "1d"),
            ("1h30m", 5_400, "1h30m"),
            ("0s", 0, "0s"),
            ("36h", 129_600, "1d12h"),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(show(Duration::from_secs(seconds)), shown);
            assert_eq!(parse(shown), Ok(Duration::from_secs(seconds)), "{shown}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        assert_eq!(parse("90"), Err(DurationError::NoUnit("90".to_owned())));
        for text in ["", "s", "1x", "1m1h", "1h1h", "1.5h", " 1h", "1h ", "-1h", "1h 30m", "ü", "1"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        for text in ["99999999999999999999s", "36501d", "18446744073709551615d"] {
            assert_eq!(parse(text), Err(DurationError::TooLong));
        }
    }
}
