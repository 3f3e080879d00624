//! What pipeline files may say beyond crontabs: `?`, `L`, `LW`, `15W`, `fri#2`, `friL`, and `H`, a number that is
//! made from a pipeline's name. How a set of dates or weekdays holds these is decided here, too.

use sha2::{Digest as _, Sha256};

use super::field::{DATE, FIELDS, Field, WEEKDAY, digits};

// Among dates, bits 1 to 31 are the numbers; among weekdays, bits 0 to 6.

/// Among dates: the last of the month, `L`.
pub(super) const LAST: u64 = 1;
/// Among dates: its last day from Monday to Friday, `LW`.
pub(super) const LAST_WORKDAY: u64 = 1 << 32;
/// Among dates: the day from Monday to Friday that is nearest to this date, `15W`.
pub(super) fn nearest_workday(date: u32) -> u64 {
    1 << (32 + date)
}
/// Among weekdays: the first to fifth of the month, `fri#2`.
pub(super) fn nth_weekday(weekday: u32, nth: u32) -> u64 {
    1 << (8 * nth + weekday)
}
/// Among weekdays: the last of the month, `friL`.
pub(super) fn last_weekday(weekday: u32) -> u64 {
    1 << (48 + weekday)
}

/// What a word of the extended dialect names, where it is one.
pub(super) fn special(place: usize, item: &str) -> Option<u64> {
    let field = &FIELDS[place];
    let number = |word: &str| field.number(word).filter(|&number| field.has(number));
    match place {
        DATE => match item {
            "?" => Some(all(field)),
            "L" => Some(LAST),
            "LW" => Some(LAST_WORKDAY),
            near => number(near.strip_suffix('W')?).map(nearest_workday),
        },
        WEEKDAY if item == "?" => Some(all(field)),
        WEEKDAY => {
            if let Some((weekday, nth)) = item.split_once('#') {
                let nth = digits(nth).filter(|nth| (1..=5).contains(nth))?;
                return Some(nth_weekday(number(weekday)? % 7, nth));
            }
            number(item.strip_suffix('L')?).map(|weekday| last_weekday(weekday % 7))
        }
        _ => None,
    }
}

/// Every number of a field.
pub(super) fn all(field: &Field) -> u64 {
    (field.low..=field.high).fold(0, |bits, number| bits | 1 << number)
}

/// What `H`, `H(a-b)`, `H/n` or `H(a-b)/n` stands for: its range and step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hashed {
    low: u32,
    high: u32,
    step: Option<u32>,
}

impl Hashed {
    /// Reads one. `None` where it is not well made.
    pub(super) fn parse(place: usize, item: &str) -> Option<Self> {
        let field = &FIELDS[place];
        let rest = item.strip_prefix('H')?;
        let (range, rest) = match rest.strip_prefix('(') {
            Some(inner) => inner.split_once(')').map(|(range, rest)| (Some(range), rest))?,
            None => (None, rest),
        };
        let (low, high) = match range {
            Some(range) => {
                let (low, high) = range.split_once('-')?;
                (field.number(low)?, field.number(high)?)
            }
            // A date that every month has, and each weekday once.
            None if place == DATE => (1, 28),
            None if place == WEEKDAY => (0, 6),
            None => (field.low, field.high),
        };
        let step = match rest.strip_prefix('/') {
            Some(step) => Some(digits(step).filter(|&step| step > 0)?),
            None if rest.is_empty() => None,
            None => return None,
        };
        (field.has(low) && field.has(high) && low <= high).then_some(Self { low, high, step })
    }

    /// The numbers for a pipeline: always the same for the same name, and different in each field.
    pub(super) fn numbers(self, place: usize, pipeline: &str) -> u64 {
        let hash = Sha256::new().chain_update(pipeline).chain_update(b"\0").chain_update(FIELDS[place].name);
        let hash = hash.finalize().iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte));
        let size = self.high - self.low + 1;
        let within = |size: u32| self.low + (hash % u64::from(size)) as u32;
        match self.step {
            None => 1 << within(size),
            Some(step) => {
                let first = within(step.min(size));
                (first..=self.high).step_by(step as usize).fold(0, |bits, number| bits | 1 << number)
            }
        }
    }
}
