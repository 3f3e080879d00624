//! Stretches: slots in a row that came to the same become one line of the ledger, so that a year of pause
//! is not half a million lines.

use jiff::Timestamp;

use super::occasion::Occasion;
use super::slot::{Decision, Entry};

/// So many slots in a row have a line each; with more, the rest share one.
pub(super) const SINGLES: u64 = 100;

/// One slot, or several in the order of time.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    pub(super) first: Occasion,
    last: Timestamp,
    count: u64,
    /// Those after the first, as long as they are few.
    more: Vec<Occasion>,
}

impl Slots {
    pub(super) fn one(first: Occasion) -> Self {
        Self { last: first.at, first, count: 1, more: Vec::new() }
    }

    /// Those that come after it.
    pub(super) fn extend(&mut self, later: Self) {
        // One that was moved may lie before another.
        self.last = self.last.max(later.last);
        let room = SINGLES.saturating_sub(self.count) as usize;
        self.count += later.count;
        let single = std::iter::once(later.first).chain(later.more);
        self.more.extend(single.take(room));
    }

    pub(super) fn last(&self) -> Timestamp {
        self.last
    }
}

/// The end of a schedule's ledger: what a further slot may continue.
#[derive(Clone, Debug, Default)]
pub struct Trail(Option<Stretch>);

#[derive(Clone, Debug)]
struct Stretch {
    decision: Decision,
    reason: Box<str>,
    /// Slots with a line each.
    singles: u64,
    /// The line that the rest share.
    shared: Option<Entry>,
}

impl Trail {
    /// Adds the lines of `slots` to `entries`: new ones, or a shared one that has grown.
    pub(super) fn enter(
        &mut self,
        entries: &mut Vec<Entry>,
        schedule: &str,
        slots: Slots,
        decision: Decision,
        reason: &str,
    ) {
        let line = |first: Occasion, last, count| Entry {
            schedule: schedule.into(),
            key: first.key,
            date: first.date,
            first: first.at,
            last,
            count,
            decision,
            reason: reason.into(),
        };
        if decision == Decision::Fired {
            self.0 = None;
            entries.push(line(slots.first, slots.last, slots.count));
            return;
        }
        let continued = self.0.take().filter(|last| last.decision == decision && *last.reason == *reason);
        let mut stretch =
            continued.unwrap_or(Stretch { decision, reason: reason.into(), singles: 0, shared: None });
        match &mut stretch.shared {
            Some(shared) => {
                shared.last = shared.last.max(slots.last);
                shared.count += slots.count;
                // It may have grown in this very batch.
                entries.retain(|entry| entry.schedule != shared.schedule || entry.key != shared.key);
                entries.push(shared.clone());
            }
            None if stretch.singles + slots.count > SINGLES => {
                let shared = line(slots.first, slots.last, slots.count);
                entries.push(shared.clone());
                stretch.shared = Some(shared);
            }
            None => {
                stretch.singles += slots.count;
                let each = std::iter::once(slots.first).chain(slots.more);
                entries.extend(each.map(|slot| {
                    let at = slot.at;
                    line(slot, at, 1)
                }));
            }
        }
        self.0 = Some(stretch);
    }
}
