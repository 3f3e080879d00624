//! Where the time of a schedule crosses the other end of a session: five hours before the close are before the
//! open on a short day.

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
    /// What is unusual about the session.
    pub remarks: String,
}

impl Sessions {
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
            let (crosses, end) =
                if from_the_open { (at > session.close, "close") } else { (at < session.open, "open") };
            others |= !crosses;
            if crosses && first.is_none() {
                let remarks = self.exchange.remarks(&session);
                first = Some(Crossing { date: session.label, at, end, remarks });
            }
        }
        first.filter(|_| others)
    }
}
