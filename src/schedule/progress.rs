//! How far a schedule's slots have been considered: up to an instant and, where instants may move, up to a key.
//! It never knows what became of them.

use jiff::Timestamp;

use super::definition::Schedule;
use super::exchange::Exchange;
use super::occasion::Occasion;
use super::slot::Key;

/// How far slots have been considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Everything up to this instant has been.
    pub watermark: Timestamp,
    /// Of a schedule that goes by sessions, the last slot that has been: what comes after it has not, wherever
    /// it was moved to. `None` for schedules whose instants stay.
    pub considered: Option<Key>,
}

impl Progress {
    /// Up to an instant, of a schedule whose instants stay.
    pub fn upto(watermark: Timestamp) -> Self {
        Self { watermark, considered: None }
    }

    /// Of a schedule that begins at an instant: what is due by then is over.
    pub fn beginning(schedule: &Schedule, at: Timestamp) -> Self {
        let over = |_: &Exchange| {
            let next = schedule.after(at);
            let last = match &next {
                Some(next) => schedule.before_key(&next.key),
                None => schedule.last(),
            };
            // Where nothing is over, nothing before this day is to come.
            let before = || schedule.key_before(schedule.date(at));
            let comes_before = |key: &Key| next.as_ref().is_none_or(|next| *key < next.key);
            last.map(|last| last.key).or_else(|| before().filter(comes_before))
        };
        Self { watermark: at, considered: schedule.exchange().and_then(over) }
    }

    /// The first occasion that has not been considered.
    pub fn next(&self, schedule: &Schedule) -> Option<Occasion> {
        match &self.considered {
            Some(key) => schedule.after_key(key),
            None => schedule.after(self.watermark),
        }
    }

    /// The occasions that have not been considered and are due by an instant, in their order.
    pub fn due(&self, schedule: &Schedule, by: Timestamp) -> impl Iterator<Item = Occasion> {
        let next = |occasion: &Occasion| schedule.after_key(&occasion.key);
        std::iter::successors(self.next(schedule), next).take_while(move |occasion| occasion.at <= by)
    }

    /// Whether a slot of this key has been considered.
    pub fn has_passed(&self, key: &Key) -> bool {
        match (&self.considered, key) {
            (Some(considered), key) => key <= considered,
            (None, Key::Instant(at)) => *at <= self.watermark,
            (None, Key::Session { .. } | Key::Boot(_) | Key::Clock(_)) => false,
        }
    }

    /// Considers an occasion, the next one.
    pub(super) fn pass(&mut self, schedule: &Schedule, occasion: &Occasion) {
        if schedule.exchange().is_some() {
            self.considered = Some(occasion.key.clone());
        }
    }

    /// Whether an occasion that has not been considered was due before: its instant has moved.
    pub(super) fn has_moved(&self, occasion: &Occasion) -> bool {
        occasion.at <= self.watermark
    }
}
