//! Looks at files, a file system at a time: those of one are looked at one after the other, on one thread. So a
//! file server that does not answer holds up nobody but those who wait for its own files. Pure.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::sensor::question::WatchId;

/// Threads that look at the same time, beside those that are stuck.
const MOST: usize = 4;
/// Looks of one batch: what comes in meanwhile waits for no more than these.
const BATCH: usize = 1_000;
/// A batch that takes longer than this is stuck; how often that is said.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who waits to be looked at, by file system.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<PathBuf, Lane>,
}

#[derive(Debug, Default)]
struct Lane {
    queue: Vec<WatchId>,
    busy: Option<Batch>,
}

#[derive(Debug)]
struct Batch {
    watches: Vec<WatchId>,
    since: Duration,
    /// When its being stuck was last said.
    told: Option<Duration>,
}

/// A batch that has not come back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stuck {
    pub(super) mount: PathBuf,
    pub(super) watches: Vec<WatchId>,
    pub(super) for_long: Duration,
    /// When this is said again.
    pub(super) again: Duration,
}

impl Lanes {
    pub(super) fn queue(&mut self, watch: WatchId, mount: PathBuf) {
        self.lanes.entry(mount).or_default().queue.push(watch);
    }

    /// A batch that may be looked at now.
    pub(super) fn start(&mut self, now: Duration) -> Option<(PathBuf, Vec<WatchId>)> {
        let going = |lane: &&Lane| lane.busy.as_ref().is_some_and(|batch| batch.told.is_none());
        if self.lanes.values().filter(going).count() >= MOST {
            return None;
        }
        let (mount, lane) =
            self.lanes.iter_mut().find(|(_, lane)| lane.busy.is_none() && !lane.queue.is_empty())?;
        let watches: Vec<WatchId> = lane.queue.drain(..lane.queue.len().min(BATCH)).collect();
        lane.busy = Some(Batch { watches: watches.clone(), since: now, told: None });
        Some((mount.clone(), watches))
    }

    /// A batch has come back.
    pub(super) fn finish(&mut self, mount: &Path) {
        if let Some(lane) = self.lanes.get_mut(mount) {
            lane.busy = None;
            if lane.queue.is_empty() {
                self.lanes.remove(mount);
            }
        }
    }

    /// Whether nobody looks.
    pub(super) fn is_idle(&self) -> bool {
        self.lanes.values().all(|lane| lane.busy.is_none())
    }

    /// One that is stuck and has not been said to be so for a while. Those who wait behind it are too.
    pub(super) fn stuck(&mut self, now: Duration) -> Option<Stuck> {
        self.lanes.iter_mut().find_map(|(mount, lane)| {
            let batch = lane.busy.as_mut().filter(|batch| batch.is_due() <= now)?;
            batch.told = Some(now);
            Some(Stuck {
                mount: mount.clone(),
                watches: batch.watches.iter().chain(&lane.queue).copied().collect(),
                for_long: now.saturating_sub(batch.since),
                again: PATIENCE,
            })
        })
    }

    /// When one is to be taken for stuck, or said to be so again.
    pub(super) fn next_stuck(&self) -> Option<Duration> {
        self.lanes.values().filter_map(|lane| lane.busy.as_ref()).map(Batch::is_due).min()
    }
}

impl Batch {
    fn is_due(&self) -> Duration {
        self.told.unwrap_or(self.since) + PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_file_system_has_one_batch_at_a_time() {
        let mut lanes = Lanes::default();
        for watch in 0..1_500 {
            lanes.queue(WatchId(watch), "/".into());
        }
        let (mount, watches) = lanes.start(s(0)).unwrap();
        assert_eq!((mount.as_path(), watches.len()), (Path::new("/"), BATCH));
        assert_eq!(lanes.start(s(0)), None);
        lanes.finish(&mount);
        assert_eq!(lanes.start(s(0)).unwrap().1.len(), 500);
        lanes.finish(&mount);
        assert!(lanes.is_idle() && lanes.lanes.is_empty());
    }

    #[test]
    fn a_server_that_does_not_answer_holds_up_nobody_elses() {
        let mut lanes = Lanes::default();
        for server in 0..=MOST as u64 {
            lanes.queue(WatchId(server), format!("/mnt/{server}").into());
        }
        for _ in 0..MOST {
            assert!(lanes.start(s(0)).is_some());
        }
        assert_eq!(lanes.start(s(0)), None);
        assert_eq!(lanes.stuck(s(9)), None);
        assert_eq!(lanes.next_stuck(), Some(s(10)));
        let stuck = lanes.stuck(s(10)).unwrap();
        assert_eq!((stuck.watches.len(), stuck.for_long), (1, s(10)));
        let (mount, _) = lanes.start(s(10)).unwrap();
        assert_ne!(mount, stuck.mount);
        lanes.queue(WatchId(100), stuck.mount.clone());
        while let Some(stuck) = lanes.stuck(s(12)) {
            assert_ne!(stuck.mount, mount);
        }
        let again: Vec<Stuck> = std::iter::from_fn(|| lanes.stuck(s(21))).collect();
        let same = again.iter().find(|again| again.mount == stuck.mount).unwrap();
        assert_eq!((same.for_long, same.watches.len()), (s(21), 2));
    }
}
