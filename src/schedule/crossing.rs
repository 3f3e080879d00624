//! Where the times of a schedule are on the wrong side of something: five hours before the close are before the
//! open on a short day, and of two ends the later is named first.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::calendar::offset::{Anchor, Shift};

use super::days::Taken;
use super::sessions::{Sessions, Times};

/// A session on which it is so, though it is not on most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Its label.
    pub date: Date,
    /// When the schedule's slot is.
    pub at: Timestamp,
    /// Which end it crosses: `open` or `close`.
    pub end: &'static str,
    /// When that is.
    pub end_at: Timestamp,
    /// What is unusual about the session.
    pub remarks: String,
}

/// Ends that stand the wrong way round, on the last session that is known: on all others it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// When the first would be.
    pub from: Timestamp,
    /// When the last would be.
    pub to: Timestamp,
}

impl Sessions {
    /// Whether between its ends there is nothing on any session there is.
    pub fn reversal(&self, zone: &TimeZone) -> Option<Reversal> {
        let Times::Every { from, to, .. } = self.times else { return None };
        let calendar = self.exchange.calendar();
        let ends = calendar.sessions(calendar.first(), calendar.last()).rev().filter_map(|session| {
            let [from, to] = [from, to].map(|offset| self.resolved(offset, session.label, zone));
            Some(Reversal { from: from?, to: to? })
        });
        let mut example = None;
        for ends in ends {
            if ends.from <= ends.to {
                return None;
            }
            example = example.or(Some(ends));
        }
        example
    }

    /// The first session within a year from a date on whose other side the slot lies, if there are such that it
    /// does not.
    pub fn crossing(&self, from: Date, zone: &TimeZone) -> Option<Crossing> {
        let Times::At(offset) = self.times else { return None };
        let from_the_open = match (offset.anchor, offset.shift) {
            (Anchor::Open, Shift::Span(_)) => true,
            (Anchor::Close, Shift::Span(_)) => false,
            (Anchor::Open | Anchor::Close, Shift::None | Shift::Sessions(_))
            | (Anchor::NextOpen | Anchor::PrevClose | Anchor::Time(_), _) => return None,
        };
        let calendar = self.exchange.calendar();
        let mut first = None;
        let mut others = false;
        for session in calendar.sessions(from, from.saturating_add(1.year())) {
            if self.days.take(calendar, session.label) != Taken::Yes {
                continue;
            }
            let Some(at) = self.resolved(offset, session.label, zone) else { continue };
            let (end, end_at) = if from_the_open { ("close", session.close) } else { ("open", session.open) };
            let crosses = if from_the_open { at > end_at } else { at < end_at };
            others |= !crosses;
            if crosses && first.is_none() {
                let remarks = self.exchange.remarks(&session);
                first = Some(Crossing { date: session.label, at, end, end_at, remarks });
            }
        }
        first.filter(|_| others)
    }
}
