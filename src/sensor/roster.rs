//! Who is to be looked at when: each wait with its next look, or in the middle of one. Pure; times are of a
//! clock that nobody sets.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::answer::Again;
use super::pace;
use super::question::WatchId;

/// However much happens, nobody is looked at more often than this.
pub(super) const BREATH: Duration = Duration::from_millis(250);

/// All waits.
#[derive(Debug, Default)]
pub(super) struct Roster {
    waits: HashMap<WatchId, Wait>,
    due: BTreeSet<(Duration, WatchId)>,
}

#[derive(Debug)]
struct Wait {
    interval: Duration,
    /// Looks that have been taken.
    pokes: u32,
    /// Those of them that it was time for.
    paced: u32,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    Waiting {
        /// The next look.
        at: Duration,
        /// When the last one was over.
        since: Option<Duration>,
        /// Whether it is time then, and not only something that has happened.
        paced: bool,
    },
    Looking {
        /// Whether something has happened since, which this look may have missed.
        missed: bool,
        paced: bool,
    },
}

impl Roster {
    /// Takes on a wait, and looks at once.
    pub(super) fn add(&mut self, watch: WatchId, interval: Duration, now: Duration) {
        self.remove(watch);
        let phase = Phase::Waiting { at: now, since: None, paced: true };
        self.waits.insert(watch, Wait { interval, pokes: 0, paced: 0, phase });
        self.due.insert((now, watch));
    }

    pub(super) fn remove(&mut self, watch: WatchId) {
        if let Some(Wait { phase: Phase::Waiting { at, .. }, .. }) = self.waits.remove(&watch) {
            self.due.remove(&(at, watch));
        }
    }

    /// When the next look is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.due.first().map(|(at, _)| *at)
    }

    /// One that is due; it is being looked at from now on.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<WatchId> {
        let &(at, watch) = self.due.first().filter(|(at, _)| *at <= now)?;
        self.due.remove(&(at, watch));
        if let Some(wait) = self.waits.get_mut(&watch) {
            let paced = matches!(wait.phase, Phase::Waiting { paced: true, .. });
            wait.phase = Phase::Looking { missed: false, paced };
        }
        Some(watch)
    }

    /// A look is over and was in vain: how many there have been, and the pause till the next. `None` where
    /// nobody waits for it any more.
    pub(super) fn looked(&mut self, watch: WatchId, again: Again, now: Duration) -> Option<(u32, Duration)> {
        let wait = self.waits.get_mut(&watch)?;
        let Phase::Looking { missed, paced: was_paced } = wait.phase else { return None };
        wait.pokes = wait.pokes.saturating_add(1);
        wait.paced = wait.paced.saturating_add(u32::from(was_paced));
        let pace = pace::pause(wait.interval, wait.paced, watch.0);
        let (pause, paced) = match again {
            _ if missed => (BREATH, false),
            Again::Paced => (pace, true),
            Again::NoSooner(least) => (pace.max(least), true),
            Again::In(pause) => (pause.min(pace).max(BREATH), false),
        };
        let at = now.saturating_add(pause);
        wait.phase = Phase::Waiting { at, since: Some(now), paced };
        self.due.insert((at, watch));
        Some((wait.pokes, pause))
    }

    /// A look is over, and with it the wait: how many there have been.
    pub(super) fn done(&mut self, watch: WatchId) -> Option<u32> {
        let pokes = self.waits.get(&watch)?.pokes;
        self.remove(watch);
        Some(pokes.saturating_add(1))
    }

    /// Something has happened that may be what is waited for.
    pub(super) fn hurry(&mut self, watch: WatchId, now: Duration) {
        let Some(wait) = self.waits.get_mut(&watch) else { return };
        match &mut wait.phase {
            Phase::Looking { missed, .. } => *missed = true,
            Phase::Waiting { at, since, paced } => {
                let soonest = since.map_or(now, |since| now.max(since + BREATH));
                if soonest < *at {
                    self.due.remove(&(*at, watch));
                    self.due.insert((soonest, watch));
                    (*at, *paced) = (soonest, false);
                }
            }
        }
    }

    /// How often it has been looked at.
    pub(super) fn pokes(&self, watch: WatchId) -> Option<u32> {
        self.waits.get(&watch).map(|wait| wait.pokes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const A: WatchId = WatchId(1);
    const B: WatchId = WatchId(2);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[track_caller]
    fn between(found: Duration, least: f64) {
        assert!((least..=least * 1.1).contains(&found.as_secs_f64()), "{found:?} is not about {least}");
    }

    #[test]
    fn the_first_look_is_at_once_and_the_next_ever_later() {
        let mut roster = Roster::default();
        roster.add(A, INTERVAL, s(100));
        assert_eq!(roster.next(), Some(s(100)));
        assert_eq!(roster.take_due(s(99)), None);
        let mut now = s(100);
        for (pokes, least) in [(1, 30.0), (2, 45.0), (3, 67.5)] {
            assert_eq!(roster.take_due(now), Some(A));
            assert_eq!((roster.next(), roster.take_due(s(9_999))), (None, None), "it is being looked at");
            let (count, pause) = roster.looked(A, Again::Paced, now).unwrap();
            assert_eq!(count, pokes);
            between(pause, least);
            now += pause;
            assert_eq!(roster.next(), Some(now));
        }
        assert_eq!(roster.take_due(now), Some(A));
        assert_eq!((roster.done(A), roster.next()), (Some(4), None));
    }

    #[test]
    fn a_server_may_ask_for_more_time_and_not_for_less() {
        let mut roster = Roster::default();
        roster.add(A, INTERVAL, s(0));
        roster.take_due(s(0));
        let (_, pause) = roster.looked(A, Again::NoSooner(s(600)), s(0)).unwrap();
        assert_eq!(pause, s(600));
        roster.take_due(s(600));
        between(roster.looked(A, Again::NoSooner(s(1)), s(600)).unwrap().1, 45.0);
    }

    #[test]
    fn a_look_for_what_happened_leaves_the_pace_as_it_is() {
        let mut roster = Roster::default();
        roster.add(A, INTERVAL, s(0));
        roster.take_due(s(0));
        roster.looked(A, Again::Paced, s(0));
        roster.hurry(A, s(10));
        assert_eq!(roster.take_due(s(10)), Some(A));
        assert_eq!(roster.looked(A, Again::In(s(7)), s(10)), Some((2, s(7))));
        assert_eq!(roster.take_due(s(17)), Some(A));
        let (count, pause) = roster.looked(A, Again::Paced, s(17)).unwrap();
        assert_eq!(count, 3);
        between(pause, 30.0);
        assert_eq!(roster.take_due(s(17) + pause), Some(A));
        assert_eq!(
            roster.looked(A, Again::In(s(3_600)), s(60)).unwrap().1.as_secs() / 45,
            1,
            "nothing is looked at less often than its pace says"
        );
    }

    #[test]
    fn much_that_happens_is_one_look_after_a_breath() {
        let mut roster = Roster::default();
        roster.add(A, INTERVAL, s(0));
        roster.take_due(s(0));
        for _ in 0..1_000 {
            roster.hurry(A, s(0));
        }
        assert_eq!(roster.looked(A, Again::Paced, s(0)), Some((1, BREATH)), "the look may have missed it");
        for _ in 0..1_000 {
            roster.hurry(A, Duration::from_millis(100));
        }
        assert_eq!(roster.next(), Some(BREATH));
        assert_eq!((roster.take_due(BREATH), roster.take_due(BREATH)), (Some(A), None));
    }

    #[test]
    fn who_waits_no_more_is_not_looked_at() {
        let mut roster = Roster::default();
        roster.add(A, INTERVAL, s(0));
        roster.add(B, INTERVAL, s(0));
        roster.remove(A);
        assert_eq!((roster.take_due(s(0)), roster.take_due(s(0))), (Some(B), None));
        roster.remove(B);
        roster.hurry(B, s(1));
        assert_eq!((roster.looked(B, Again::Paced, s(1)), roster.done(B), roster.next()), (None, None, None));
    }
}
