//! The search for the next time that an expression allows, on a calendar with a clock that never changes. Zones
//! are `fires`'s. Times are counted in seconds from 1970 as such a clock shows them.

use super::cron::Cron;
use super::extended::{LAST, LAST_WORKDAY, last_weekday, nearest_workday, nth_weekday};

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
/// How far a search goes. A 29 February that must be a certain weekday is at most 40 years away.
pub(super) const YEARS: i64 = 41;

impl Cron {
    /// The first time at or after `from`; `None` if there is none within [`YEARS`].
    pub(super) fn at_or_after(&self, from: i64) -> Option<i64> {
        let today = from.div_euclid(DAY);
        let (mut year, mut month, date) = calendar(today);
        let mut first = today - i64::from(date) + 1;
        // Days as bits, the first of the month as bit 0.
        let mut days = self.days(year, month, first) >> (date - 1);
        if days & 1 != 0
            && let Some(time) = self.time_at_or_after(from.rem_euclid(DAY) as u32)
        {
            return Some(today * DAY + i64::from(time));
        }
        days = days >> 1 << date;
        let earliest = self.time_at_or_after(0)?;
        for _ in 0..=12 * YEARS {
            if days != 0 {
                return Some((first + i64::from(days.trailing_zeros())) * DAY + i64::from(earliest));
            }
            first += i64::from(length(year, month));
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            days = self.days(year, month, first);
        }
        None
    }

    /// The days of a month that begins on day `first`.
    fn days(&self, year: i64, month: u32, first: i64) -> u64 {
        if self.months & 1 << month == 0 {
            return 0;
        }
        let month = Month { length: length(year, month), weekday: (first + 4).rem_euclid(7) as u32 };
        let dates = month.dates(self.dates);
        let weekdays = month.weekdays(self.weekdays);
        let days = if self.wants_both_days() { dates & weekdays } else { dates | weekdays };
        days & ((1 << month.length) - 1)
    }

    /// The first time of day at or after `from`, in seconds.
    fn time_at_or_after(&self, from: u32) -> Option<u32> {
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        if self.hours & 1 << hour != 0 {
            if self.minutes & 1 << minute != 0
                && let Some(second) = at_or_above(self.seconds, second)
            {
                return Some(hour * 3600 + minute * 60 + second);
            }
            if let Some(minute) = at_or_above(self.minutes, minute + 1) {
                return Some(hour * 3600 + minute * 60 + self.seconds.trailing_zeros());
            }
        }
        let hour = at_or_above(self.hours, hour + 1)?;
        Some(hour * 3600 + self.minutes.trailing_zeros() * 60 + self.seconds.trailing_zeros())
    }
}

/// The lowest number of a set that is not below `from`, which is at most 60.
fn at_or_above(set: u64, from: u32) -> Option<u32> {
    let rest = set >> from << from;
    (rest != 0).then_some(rest.trailing_zeros())
}

/// A month's days, as bits from 0.
#[derive(Clone, Copy)]
struct Month {
    length: u32,
    /// Of its first day.
    weekday: u32,
}

impl Month {
    fn dates(self, set: u64) -> u64 {
        let mut days = (set & 0xFFFF_FFFE) >> 1;
        if set & LAST != 0 {
            days |= 1 << (self.length - 1);
        }
        if set >> 32 != 0 {
            if set & LAST_WORKDAY != 0 {
                days |= self.workday_near(self.length);
            }
            let near = (1..=self.length).filter(|&date| set & nearest_workday(date) != 0);
            days |= near.fold(0, |days, date| days | self.workday_near(date));
        }
        days
    }

    /// The day from Monday to Friday that is nearest to a date, in the same month.
    fn workday_near(self, date: u32) -> u64 {
        let day = date - 1;
        match (self.weekday + day) % 7 {
            6 if date == 1 => 1 << (day + 2),
            6 => 1 << (day - 1),
            0 if date == self.length => 1 << (day - 2),
            0 => 1 << (day + 1),
            1..=5 | 7.. => 1 << day,
        }
    }

    fn weekdays(self, set: u64) -> u64 {
        // The week turned to begin with the weekday of the first, five times over.
        let week = set & 0x7F;
        let turned = (week >> self.weekday | week << (7 - self.weekday)) & 0x7F;
        let mut days = turned * (1 | 1 << 7 | 1 << 14 | 1 << 21 | 1 << 28);
        if set >> 7 != 0 {
            for weekday in 0..7 {
                let first = (7 + weekday - self.weekday) % 7;
                let nth = (1..=5).filter(|&nth| set & nth_weekday(weekday, nth) != 0);
                days |= nth.fold(0, |days, nth| days | 1 << (first + 7 * (nth - 1)));
                if set & last_weekday(weekday) != 0 {
                    days |= 1 << (first + (self.length - 1 - first) / 7 * 7);
                }
            }
        }
        days
    }
}

fn length(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and date of a day counted from 1970, by the Gregorian calendar.
/// (After Howard Hinnant, *chrono-compatible low-level date algorithms*, `civil_from_days`.)
#[expect(clippy::cast_sign_loss, reason = "months and dates are positive")]
fn calendar(day: i64) -> (i64, u32, u32) {
    // Years begin in March here, eras of 400 years on 0000-03-01.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month as u32, date as u32)
}
