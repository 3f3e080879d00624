//! What becomes of one slot, or of several in a row that come to the same: its class as long as nobody asks for
//! other runs, then a decision with its reason in words. It moves nothing.

use std::time::Duration;

use jiff::Timestamp;

use crate::duration;

use super::definition::{Catchup, Policy, Schedule};
use super::fold::Slots;
use super::occasion::Occasion;
use super::situation::Situation;
use super::slot::{Decision, Key};
use super::told::clock;

/// With `catchup: all`, so many missed slots of one schedule, the newest, fire after one absence.
pub(super) const MOST_CAUGHT_UP: usize = 1_000;

/// What becomes of a slot as long as nobody asks for other runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    BeforeStart,
    AfterEnd,
    Barred,
    Paused,
    Expired,
    Missed,
    CaughtUp,
    /// It was not due when it was last looked at, and then its instant was put into the past.
    Moved,
    Due,
}

/// Slots of one schedule that share a class; those that may fire stand alone.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) slots: Slots,
    pub(super) class: Class,
    /// What becomes of one that may fire, with what more there is to say.
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Fires,
    Waits(Box<str>),
    Skipped(Box<str>),
}

impl Class {
    /// Of an occasion that is due.
    pub(super) fn of(occasion: &Occasion, policy: &Policy, situation: &Situation<'_>, moved: bool) -> Self {
        let late = lateness(situation.now, occasion.at);
        if policy.start_date.is_some_and(|first| occasion.date < first) {
            Self::BeforeStart
        } else if policy.end_date.is_some_and(|last| occasion.date > last) {
            Self::AfterEnd
        } else if occasion.bar.is_some() {
            Self::Barred
        } else if situation.paused_by.is_some() {
            Self::Paused
        } else if moved {
            Self::Moved
        } else if policy.starting_deadline.is_some_and(|deadline| late > deadline) {
            Self::Expired
        } else if late > policy.grace {
            Self::Missed
        } else {
            Self::Due
        }
    }

    /// Whether files and calendars alone say what becomes of it.
    pub(super) fn is_foreseen(self) -> bool {
        match self {
            Self::BeforeStart | Self::AfterEnd | Self::Barred => true,
            Self::Paused | Self::Expired | Self::Missed | Self::CaughtUp | Self::Moved | Self::Due => false,
        }
    }

    fn may_fire(self) -> bool {
        match self {
            Self::CaughtUp | Self::Moved | Self::Due => true,
            Self::BeforeStart
            | Self::AfterEnd
            | Self::Barred
            | Self::Paused
            | Self::Expired
            | Self::Missed => false,
        }
    }
}

impl Item {
    pub(super) fn new(occasion: Occasion, class: Class) -> Self {
        Self { slots: Slots::one(occasion), class, outcome: Outcome::Fires }
    }

    pub(super) fn may_fire(&self) -> bool {
        self.class.may_fire()
    }

    /// Whether the one that comes after it comes to the same.
    pub(super) fn goes_on_with(&self, next: &Self) -> bool {
        self.class == next.class && !self.may_fire() && self.slots.first.bar == next.slots.first.bar
    }

    pub(super) fn verdict(
        &self,
        schedule: &Schedule,
        policy: &Policy,
        situation: &Situation<'_>,
    ) -> (Decision, Box<str>) {
        match (&self.class, &self.outcome) {
            (Class::BeforeStart, _) => {
                let first = policy.start_date.map(|date| date.to_string()).unwrap_or_default();
                (Decision::Skipped, format!("before start_date ({first})").into())
            }
            (Class::AfterEnd, _) => {
                let last = policy.end_date.map(|date| date.to_string()).unwrap_or_default();
                (Decision::Skipped, format!("after end_date ({last})").into())
            }
            (Class::Barred, _) => (Decision::Skipped, self.slots.first.bar.clone().unwrap_or_default()),
            (Class::Paused, _) => {
                let by = situation.paused_by.unwrap_or("somebody");
                (Decision::Paused, format!("paused by {by}").into())
            }
            (Class::Expired, _) => {
                let deadline = duration::show(policy.starting_deadline.unwrap_or_default());
                let away = away(situation, &self.slots);
                (Decision::Expired, format!("{away}older than starting_deadline ({deadline})").into())
            }
            (Class::Missed, _) => {
                let away = away(situation, &self.slots);
                let away = if away.is_empty() {
                    format!("late by more than grace ({}); ", duration::show(policy.grace))
                } else {
                    away
                };
                let catchup = match policy.catchup {
                    Catchup::None => "catchup: none".to_owned(),
                    Catchup::Latest => "catchup: latest takes only the last of those missed".to_owned(),
                    Catchup::All => {
                        format!("catchup: all takes only the last {MOST_CAUGHT_UP} of those missed")
                    }
                };
                (Decision::Missed, format!("{away}{catchup}").into())
            }
            (Class::CaughtUp | Class::Moved | Class::Due, Outcome::Skipped(why)) => {
                (Decision::Skipped, why.clone())
            }
            (class @ (Class::CaughtUp | Class::Moved | Class::Due), outcome) => {
                let mut reason = self.fires(*class, schedule, policy, situation.now);
                let remarks = &self.slots.first.remarks;
                if !remarks.is_empty() {
                    reason = format!("{reason}; {remarks}");
                }
                if let Outcome::Waits(why) = outcome {
                    reason = format!("{reason}; {why}");
                }
                (Decision::Fired, reason.into())
            }
        }
    }

    fn fires(&self, class: Class, schedule: &Schedule, policy: &Policy, now: Timestamp) -> String {
        let first = &self.slots.first;
        let late = lateness(now, first.at);
        if matches!(first.key, Key::Boot(_)) {
            return "the machine has booted".to_owned();
        }
        if class == Class::CaughtUp {
            format!("missed by {}, catchup: {}", duration::show(late), policy.catchup.word())
        } else if class == Class::Moved {
            format!("its time was moved to {}, which was over", clock(first.at, &schedule.zone()))
        } else if late < Duration::from_secs(1) {
            "on time".to_owned()
        } else {
            format!("{} late", duration::show(late))
        }
    }
}

/// That the daemon was away when these came due, if it was.
fn away(situation: &Situation<'_>, slots: &Slots) -> String {
    match situation.absence {
        Some((from, to)) if slots.last() > from && slots.first.at <= to => {
            format!("sexton was away for {}; ", duration::show(lateness(to, from)))
        }
        Some(_) | None => String::new(),
    }
}

/// How long after `slot` it is.
pub(super) fn lateness(now: Timestamp, slot: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(slot)).unwrap_or_default()
}
