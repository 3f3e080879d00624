//! Whether files are still. Pure: what looks have found goes in, with the time of two clocks.
//!
//! A file is still when looks have found its size, time of change and identity the same for `stable_for`. A
//! file that says of itself that it was changed longer ago than that (after a restart, or moved here with its
//! times) need not be waited for as long: two looks a [`MOMENT`] apart that find it the same are enough. A time
//! of change in the future, from a machine whose clock is ahead, says nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

/// Between the two looks that a file needs whose own time says that it is still.
const MOMENT: Duration = Duration::from_secs(1);

/// By what a file is known to be the same as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: Timestamp,
}

/// What looks have found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Stillness {
    /// The last print of each file, and since when it has been this.
    files: BTreeMap<PathBuf, (Print, Duration)>,
}

/// The time, by the clock that nobody sets and by the wall.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) since_boot: Duration,
    pub(super) wall: Timestamp,
}

/// Whether all of them are still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Still,
    /// At least this one is not, and must be for so much longer.
    Restless {
        path: PathBuf,
        /// How long ago it changed, as far as can be told.
        changed: Duration,
        left: Duration,
    },
}

impl Stillness {
    /// Takes in what a look has found.
    pub(super) fn judge(
        &mut self,
        found: BTreeMap<PathBuf, Print>,
        stable_for: Duration,
        now: Now,
    ) -> Verdict {
        let before = std::mem::take(&mut self.files);
        let mut verdict = Verdict::Still;
        let mut longest = Duration::ZERO;
        for (path, print) in found {
            let same = before.get(&path).filter(|(was, _)| *was == print);
            let since = same.map_or(now.since_boot, |&(_, since)| since);
            let seen = now.since_boot.saturating_sub(since);
            let age = Duration::try_from(now.wall.duration_since(print.modified)).ok();
            let left = left(stable_for, seen, age);
            if left > longest {
                longest = left;
                let changed = age.unwrap_or(seen);
                verdict = Verdict::Restless { path: path.clone(), changed, left };
            }
            self.files.insert(path, (print, since));
        }
        verdict
    }

    /// The files that the last look found.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }
}

/// How much longer a file must be still that looks have found the same for `seen`, and that says of itself that
/// it is of `age`.
fn left(stable_for: Duration, seen: Duration, age: Option<Duration>) -> Duration {
    let by_looks = stable_for.saturating_sub(seen);
    let by_itself = age.map(|age| {
        let moment = MOMENT.min(stable_for).saturating_sub(seen);
        moment.max(stable_for.saturating_sub(age))
    });
    by_itself.map_or(by_looks, |left| left.min(by_looks))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn how_much_longer_a_file_must_be_still() {
        // Seen unchanged for, its own age, left.
        for (seen, age, expected) in [
            (0, Some(0), 10),
            (0, Some(3), 7),
            (0, Some(9), 1),
            (0, Some(10), 1),
            (0, Some(86_400), 1),
            (1, Some(86_400), 0),
            (2, Some(5), 5),
            (0, None, 10),
            (4, None, 6),
            (10, None, 0),
            (10, Some(1), 0),
        ] {
            assert_eq!(left(TEN, s(seen), age.map(s)), s(expected), "seen for {seen}s, of age {age:?}");
        }
        assert_eq!(left(Duration::ZERO, s(0), None), Duration::ZERO);
        let half = Duration::from_millis(500);
        assert_eq!(left(half, s(0), Some(s(60))), half, "a moment is no longer than what is asked for");
    }

    struct World {
        stillness: Stillness,
        now: u64,
    }

    impl World {
        /// Looks at `now`; files with their sizes and times of change, all in seconds.
        fn look(&mut self, now: u64, files: &[(&str, u64, u64)]) -> Verdict {
            self.now = now;
            let print = |&(path, size, modified): &(&str, u64, u64)| {
                let modified = Timestamp::from_second(i64::try_from(modified).unwrap()).unwrap();
                (PathBuf::from(path), Print { device: 1, inode: 1, size, modified })
            };
            let wall = Timestamp::from_second(i64::try_from(now).unwrap()).unwrap();
            let now = Now { since_boot: s(now), wall };
            self.stillness.judge(files.iter().map(print).collect(), TEN, now)
        }
    }

    fn restless(path: &str, changed: u64, left: u64) -> Verdict {
        Verdict::Restless { path: path.into(), changed: s(changed), left: s(left) }
    }

    #[test]
    fn a_file_that_grows_is_not_still_and_the_last_to_change_is_named() {
        let mut world = World { stillness: Stillness::default(), now: 0 };
        assert_eq!(world.look(100, &[("a", 1, 99), ("b", 1, 100)]), restless("b", 0, 10));
        assert_eq!(world.look(105, &[("a", 2, 105), ("b", 1, 100)]), restless("a", 0, 10));
        assert_eq!(world.look(111, &[("a", 2, 105), ("b", 1, 100)]), restless("a", 6, 4));
        assert_eq!(world.look(115, &[("a", 2, 105), ("b", 1, 100)]), Verdict::Still);
        assert_eq!(world.stillness.paths().count(), 2);
        assert_eq!(world.look(116, &[("a", 2, 105)]), Verdict::Still);
        assert_eq!(world.stillness.paths().count(), 1);
    }

    #[test]
    fn the_same_size_with_another_time_is_another_file() {
        let mut world = World { stillness: Stillness::default(), now: 0 };
        assert_eq!(world.look(1_000, &[("a", 1, 500)]), restless("a", 500, 1));
        assert_eq!(world.look(1_001, &[("a", 1, 400)]), restless("a", 601, 1), "replaced by an old one");
        assert_eq!(world.look(1_002, &[("a", 1, 400)]), Verdict::Still);
    }

    #[test]
    fn a_clock_that_is_ahead_elsewhere_says_nothing() {
        let mut world = World { stillness: Stillness::default(), now: 0 };
        assert_eq!(world.look(100, &[("a", 1, 9_000)]), restless("a", 0, 10));
        assert_eq!(world.look(106, &[("a", 1, 9_000)]), restless("a", 6, 4));
        assert_eq!(world.look(110, &[("a", 1, 9_000)]), Verdict::Still);
    }
}
