//! Where a schedule ends because its calendar does: nothing beyond is guessed, and somebody has to be told in time.

use jiff::Timestamp;
use jiff::civil::Date;

use super::definition::{Policy, Schedule};

/// So many days before the end people are told.
const NEAR: i32 = 60;

/// How a schedule stands to the end of its calendar, where that is near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// The exchange whose table ends.
    pub code: Box<str>,
    /// The last date there is.
    pub last: Date,
    /// Days until then; `None` where the schedule has no slot any more.
    pub left: Option<i32>,
}

impl Horizon {
    /// Of a schedule that is to go on beyond the end of its calendar, and is near it or behind it.
    pub fn of(schedule: &Schedule, policy: &Policy, now: Timestamp) -> Option<Self> {
        let (code, last) = schedule.exchange()?.horizon();
        if policy.end_date.is_some_and(|end| end <= last) {
            return None;
        }
        let left = schedule.date(now).until(last).map_or(0, |left| left.get_days());
        let left = schedule.after(now).map(|_| left.max(0));
        left.is_none_or(|left| left <= NEAR).then(|| Self { code: code.into(), last, left })
    }

    /// In a few words.
    pub fn words(&self) -> String {
        let Self { code, last, left } = self;
        match left {
            None => exhausted(code, *last),
            Some(0) => format!("{code} ends today, {last}"),
            Some(1) => format!("{code} ends tomorrow, {last}"),
            Some(days) => format!("{code} ends in {days} days, {last}"),
        }
    }
}

/// That a calendar has ended, in a few words.
pub(super) fn exhausted(code: &str, last: Date) -> String {
    format!("calendar exhausted: {code} ends {last}")
}

/// What to do about it.
pub const REMEDY: &str =
    "a newer sexton may have more of it, and a file in `calendars/` may say `to` and what is known";
