//! The six fields of a cron expression: what they are called, the numbers they go through, the names of these.

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    /// As people are told it.
    pub(super) name: &'static str,
    /// The smallest number.
    pub(super) low: u32,
    /// The largest number that may be written.
    pub(super) high: u32,
    /// What the numbers are called, from the smallest on.
    pub(super) names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// In the order of the text. The seconds may be left out.
pub(super) const FIELDS: [Field; 6] = [
    Field { name: "second", low: 0, high: 59, names: &[] },
    Field { name: "minute", low: 0, high: 59, names: &[] },
    Field { name: "hour", low: 0, high: 23, names: &[] },
    Field { name: "day of the month", low: 1, high: 31, names: &[] },
    Field { name: "month", low: 1, high: 12, names: MONTHS },
    // Sunday is 0 and 7, and always 0 by its name.
    Field { name: "day of the week", low: 0, high: 7, names: WEEKDAYS },
];
/// The places of fields.
pub(super) const SECOND: usize = 0;
pub(super) const MINUTE: usize = 1;
pub(super) const HOUR: usize = 2;
pub(super) const DATE: usize = 3;
pub(super) const MONTH: usize = 4;
pub(super) const WEEKDAY: usize = 5;

impl Field {
    /// The number that a word is: a name in any case, or digits; not held against the field's bounds.
    pub(super) fn number(&self, word: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(word));
        named.map(|place| place as u32 + self.low).or_else(|| digits(word))
    }

    /// The same, if the field has it.
    pub(super) fn number_within(&self, word: &str) -> Option<u32> {
        self.number(word).filter(|&number| self.has(number))
    }

    /// Whether the field has this number.
    pub(super) fn has(&self, number: u32) -> bool {
        (self.low..=self.high).contains(&number)
    }

    /// All its numbers.
    pub(super) fn all(&self) -> u64 {
        set(self.low..=self.high)
    }

    /// What can stand in it.
    pub(super) fn expected(&self) -> String {
        let Self { low, high, .. } = self;
        match self.names {
            [] => format!("expected {low} to {high}"),
            [first, .., last] => format!("expected {low} to {high}, or {first} to {last}"),
            [only] => format!("expected {low} to {high}, or {only}"),
        }
    }
}

/// A number in digits only; one that is too large for any field is as good as the largest.
pub(super) fn digits(word: &str) -> Option<u32> {
    let all = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| word.parse().unwrap_or(u32::MAX))
}

/// Numbers below 64 as a set: the bits of an integer.
pub(super) fn set(numbers: impl IntoIterator<Item = u32>) -> u64 {
    numbers.into_iter().fold(0, |bits, number| bits | 1 << number)
}
