//! What pipeline files may say beyond crontabs: `?`, `L`, `LW`, `15W`, `fri#2`, `friL`, and `H`, a number that is
//! made from a pipeline's name. How a set of dates or weekdays holds these is decided here, too.

use sha2::{Digest as _, Sha256};

use super::field::{DATE, FIELDS, WEEKDAY, digits, set};

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

/// A word that pipeline files have and crontabs have not.
pub(super) enum Extra {
    /// `?`: the other day field decides.
    Any,
    /// Some days of a month.
    Days(u64),
    /// A number made from a name.
    Hashed(Hashed),
    /// It begins with `H` and goes on otherwise.
    Malformed,
}

impl Extra {
    /// Reads an item of the field at `place`; `None` where it is no such word.
    pub(super) fn read(place: usize, item: &str) -> Option<Self> {
        match item {
            "?" if place == DATE || place == WEEKDAY => Some(Self::Any),
            _ if item.starts_with('H') => {
                Some(Hashed::parse(place, item).map_or(Self::Malformed, Self::Hashed))
            }
            _ if place == DATE => date(item).map(Self::Days),
            _ if place == WEEKDAY => weekday(item).map(Self::Days),
            _ => None,
        }
    }
}

fn date(item: &str) -> Option<u64> {
    match item {
        "L" => Some(LAST),
        "LW" => Some(LAST_WORKDAY),
        near => FIELDS[DATE].number_within(near.strip_suffix('W')?).map(nearest_workday),
    }
}

fn weekday(item: &str) -> Option<u64> {
    let number = |word: &str| FIELDS[WEEKDAY].number_within(word).map(|weekday| weekday % 7);
    if let Some((weekday, nth)) = item.split_once('#') {
        let nth = digits(nth).filter(|nth| (1..=5).contains(nth))?;
        return Some(nth_weekday(number(weekday)?, nth));
    }
    number(item.strip_suffix('L')?).map(last_weekday)
}

/// What `H`, `H(a-b)`, `H/n` or `H(a-b)/n` stands for: its range and step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hashed {
    low: u32,
    high: u32,
    step: Option<u32>,
}

impl Hashed {
    /// Reads one.
    fn parse(place: usize, item: &str) -> Option<Self> {
        let field = &FIELDS[place];
        let rest = item.strip_prefix('H')?;
        let (range, rest) = match rest.strip_prefix('(') {
            Some(inner) => inner.split_once(')').map(|(range, rest)| (Some(range), rest))?,
            None => (None, rest),
        };
        let (low, high) = match range {
            Some(range) => {
                let (low, high) = range.split_once('-')?;
                (field.number_within(low)?, field.number_within(high)?)
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
        (low <= high).then_some(Self { low, high, step })
    }

    /// The numbers for a pipeline: always the same for the same name, and different in each field.
    pub(super) fn numbers(self, place: usize, pipeline: &str) -> u64 {
        // By the field's place: what fields are called to people may change, and times may not.
        let hash = Sha256::new().chain_update(pipeline).chain_update([0, place as u8]);
        let hash = hash.finalize().iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte));
        let size = self.high - self.low + 1;
        let within = |size: u32| self.low + (hash % u64::from(size)) as u32;
        match self.step {
            None => 1 << within(size),
            Some(step) => {
                let first = within(step.min(size));
                set((first..=self.high).step_by(step as usize))
            }
        }
    }
}
