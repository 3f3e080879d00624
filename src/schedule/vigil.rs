//! Whether the wall clock can be trusted. A clock that jumps by hours against the time since boot, or that
//! stands hours before what has been done already, is more likely wrong than right: nothing fires until it
//! has held still for a while.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A jump of at most this is an adjustment, and schedules take it as it comes.
const ADJUSTMENT: SignedDuration = SignedDuration::from_hours(3);
/// How long a clock that has jumped must hold still.
pub const HOLD: Duration = Duration::from_secs(30);

/// Watches the wall clock by the clock that counts from boot, sleep included.
#[derive(Clone, Debug)]
pub struct Vigil {
    /// What the wall clock said when the other one stood at zero, as far as it is trusted; at a start in the
    /// past, what it would have said.
    trusted: Timestamp,
    /// At a start before the latest instant of which anything is known: that instant. Any time after it is
    /// trusted, however much later.
    newest: Option<Timestamp>,
    /// What a clock that has jumped said at zero, and since when, by the other clock.
    doubted: Option<(Timestamp, Duration)>,
}

/// What to make of the wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It can be gone by.
    Steady,
    /// It has jumped; look again after this long.
    Held(Duration),
    /// It was set, and has held still since. By the old time it would now be `was`.
    Set {
        /// The time by the clock as it was before.
        was: Timestamp,
    },
}

impl Vigil {
    /// Begins at a start of the daemon. `newest` is the latest instant of which anything is known: no clock that
    /// is right can stand hours before it.
    pub fn begin(wall: Timestamp, since_boot: Duration, newest: Option<Timestamp>) -> Self {
        let newest = newest.filter(|newest| wall.duration_since(*newest) < -ADJUSTMENT);
        Self { trusted: zero(newest.unwrap_or(wall), since_boot), newest, doubted: None }
    }

    /// What time it is: what the wall clock says where it can be trusted, else what it would say if nobody had
    /// set it; at a start in the past, at least the latest instant that there was.
    pub fn time(&self, wall: Timestamp, since_boot: Duration) -> Timestamp {
        let unset = || self.trusted.checked_add(since_boot).unwrap_or(wall);
        if self.is_steady(wall, since_boot) { wall } else { unset() }
    }

    fn is_steady(&self, wall: Timestamp, since_boot: Duration) -> bool {
        match self.newest {
            Some(newest) => wall.duration_since(newest) >= -ADJUSTMENT,
            None => near(zero(wall, since_boot), self.trusted),
        }
    }

    /// What both clocks say now.
    pub fn look(&mut self, wall: Timestamp, since_boot: Duration) -> Trust {
        let seen = zero(wall, since_boot);
        if self.is_steady(wall, since_boot) {
            *self = Self { trusted: seen, newest: None, doubted: None };
            return Trust::Steady;
        }
        let (doubted, since) =
            self.doubted.filter(|(doubted, _)| near(seen, *doubted)).unwrap_or((seen, since_boot));
        let held = since_boot.saturating_sub(since);
        if held < HOLD {
            self.doubted = Some((doubted, since));
            return Trust::Held(HOLD.saturating_sub(held));
        }
        let was = self.time(wall, since_boot);
        *self = Self { trusted: seen, newest: None, doubted: None };
        Trust::Set { was }
    }
}

fn zero(wall: Timestamp, since_boot: Duration) -> Timestamp {
    wall.checked_sub(since_boot).unwrap_or(Timestamp::MIN)
}

fn near(a: Timestamp, b: Timestamp) -> bool {
    a.duration_since(b).abs() <= ADJUSTMENT
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: Duration = Duration::from_secs(1_000);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn secs(secs: u64) -> Duration {
        BOOT + Duration::from_secs(secs)
    }

    #[test]
    fn time_that_passes_is_trusted_asleep_or_awake() {
        let mut vigil = Vigil::begin(at("2026-11-21T10:00:00Z"), BOOT, None);
        assert_eq!(vigil.look(at("2026-11-21T10:00:30Z"), secs(30)), Trust::Steady);
        // A night's sleep counts by both clocks.
        assert_eq!(vigil.look(at("2026-11-21T20:00:30Z"), secs(36_030)), Trust::Steady);
    }

    #[test]
    fn adjustments_are_taken_as_they_come() {
        let mut vigil = Vigil::begin(at("2026-11-21T10:00:00Z"), BOOT, None);
        assert_eq!(vigil.look(at("2026-11-21T12:59:00Z"), secs(30)), Trust::Steady);
        assert_eq!(vigil.look(at("2026-11-21T10:00:00Z"), secs(60)), Trust::Steady);
    }

    #[test]
    fn a_jump_is_held_then_believed() {
        let mut vigil = Vigil::begin(at("2026-11-21T10:00:00Z"), BOOT, None);
        assert_eq!(vigil.look(at("2026-11-21T15:00:00Z"), secs(10)), Trust::Held(HOLD));
        let left = Duration::from_secs(20);
        assert_eq!(vigil.look(at("2026-11-21T15:00:10Z"), secs(20)), Trust::Held(left));
        assert_eq!(vigil.time(at("2026-11-21T15:00:20Z"), secs(30)), at("2026-11-21T10:00:30Z"));
        let was = at("2026-11-21T10:00:40Z");
        assert_eq!(vigil.look(at("2026-11-21T15:00:30Z"), secs(40)), Trust::Set { was });
        assert_eq!(vigil.look(at("2026-11-21T15:00:40Z"), secs(50)), Trust::Steady);
    }

    #[test]
    fn a_jump_that_is_taken_back_was_none() {
        let mut vigil = Vigil::begin(at("2026-11-21T10:00:00Z"), BOOT, None);
        assert_eq!(vigil.look(at("2036-11-21T10:00:00Z"), secs(10)), Trust::Held(HOLD));
        assert_eq!(vigil.look(at("2026-11-21T10:00:20Z"), secs(20)), Trust::Steady);
        assert_eq!(vigil.look(at("2026-11-21T10:10:00Z"), secs(600)), Trust::Steady);
    }

    #[test]
    fn a_clock_that_jumps_on_is_held_anew() {
        let mut vigil = Vigil::begin(at("2026-11-21T10:00:00Z"), BOOT, None);
        assert_eq!(vigil.look(at("2026-11-21T15:00:00Z"), secs(10)), Trust::Held(HOLD));
        assert_eq!(vigil.look(at("2026-11-21T23:00:00Z"), secs(30)), Trust::Held(HOLD));
        let was = at("2026-11-21T10:01:00Z");
        assert_eq!(vigil.look(at("2026-11-21T23:00:30Z"), secs(60)), Trust::Set { was });
    }

    #[test]
    fn a_start_long_before_what_was_done_is_held() {
        let newest = at("2026-11-21T10:00:00Z");
        let mut vigil = Vigil::begin(at("1970-01-01T00:00:10Z"), BOOT, Some(newest));
        assert_eq!(vigil.look(at("1970-01-01T00:00:10Z"), secs(0)), Trust::Held(HOLD));
        // The time server was reached; the machine was off for a week.
        assert_eq!(vigil.look(at("2026-11-28T12:30:00Z"), secs(20)), Trust::Steady);
        assert_eq!(vigil.look(at("2026-11-28T12:30:10Z"), secs(30)), Trust::Steady);
        let mut vigil = Vigil::begin(at("2026-11-21T01:00:00Z"), BOOT, Some(newest));
        assert_eq!(vigil.look(at("2026-11-21T01:00:00Z"), secs(0)), Trust::Held(HOLD));
        // Time goes on from where it was, even where it is not known how long the machine was off.
        assert_eq!(vigil.time(at("2026-11-21T01:00:10Z"), secs(10)), at("2026-11-21T10:00:10Z"));
        let was = at("2026-11-21T10:00:30Z");
        assert_eq!(vigil.look(at("2026-11-21T01:00:30Z"), secs(30)), Trust::Set { was });
        let mut vigil = Vigil::begin(at("2026-11-21T09:00:00Z"), BOOT, Some(newest));
        assert_eq!(vigil.look(at("2026-11-21T09:00:00Z"), secs(0)), Trust::Steady);
    }
}
