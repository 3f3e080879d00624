//! Amounts of bytes as people write them: `64KiB`, `512MiB`, `4GiB`. Exact, in powers of 1,024; it never
//! knows what is measured.

/// The same rule as a regular expression, for the JSON Schema.
pub const PATTERN: &str = "^[0-9]+(KiB|MiB|GiB|TiB)$";

const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// A bare number.
    #[error("a size needs a unit: did you mean `{0}MiB`?")]
    NoUnit(String),
    /// A unit that is nearly one.
    #[error("sizes are in powers of 1,024: did you mean `{0}`?")]
    OtherUnit(String),
    /// Not of the form.
    #[error("not a size; write `64KiB`, `512MiB` or `4GiB`")]
    Malformed,
    /// More than can be counted.
    #[error("a size may be at most 8388607TiB")]
    TooLarge,
}

/// Reads a size, in bytes.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(SizeError::Malformed);
    }
    if unit.is_empty() {
        return Err(SizeError::NoUnit(number.to_owned()));
    }
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let near = UNITS.iter().find(|(name, _)| {
            let letter = &name[..1];
            let forms = [letter.to_owned(), format!("{letter}B"), (*name).to_owned()];
            forms.iter().any(|form| form.eq_ignore_ascii_case(unit))
        });
        return Err(
            near.map_or(SizeError::Malformed, |(name, _)| SizeError::OtherUnit(format!("{number}{name}")))
        );
    };
    let number: u64 = number.parse().map_err(|_| SizeError::TooLarge)?;
    // SQLite's and everybody else's integers are signed.
    number.checked_mul(*bytes).filter(|size| i64::try_from(*size).is_ok()).ok_or(SizeError::TooLarge)
}

/// The size in the largest unit that gives a whole number; bytes where none does.
pub fn show(bytes: u64) -> String {
    let whole = UNITS.iter().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{bytes} bytes"), |(name, unit)| format!("{}{name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes) in
            [("64KiB", 64 << 10), ("512MiB", 512 << 20), ("4GiB", 4 << 30), ("1TiB", 1 << 40)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
            assert_eq!(show(bytes), text);
        }
        assert_eq!(show(parse("1024MiB").unwrap()), "1GiB");
        assert_eq!((show(0), show(1_500)), ("0 bytes".to_owned(), "1500 bytes".to_owned()));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        assert_eq!(parse("256"), Err(SizeError::NoUnit("256".to_owned())));
        for near in ["4GB", "4G", "4gib", "4gb"] {
            assert_eq!(parse(near), Err(SizeError::OtherUnit("4GiB".to_owned())), "{near}");
        }
        for text in ["", "MiB", "1.5GiB", " 1GiB", "1 GiB", "-1GiB", "1PiB", "1GiB2", "ü"] {
            assert_eq!(parse(text), Err(SizeError::Malformed), "{text:?}");
        }
        for text in ["8388608TiB", "99999999999999999999KiB"] {
            assert_eq!(parse(text), Err(SizeError::TooLarge), "{text}");
        }
    }
}
