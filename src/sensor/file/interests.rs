//! Whom a change in a directory concerns: watched directories, and the names in them that somebody waits for.
//! Pure.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::Hash;

use crate::sensor::question::WatchId;

use super::pattern::is_like;

/// Of a directory's names, those that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    Name(OsString),
    Like(glob::Pattern),
    Any,
}

impl Interest {
    /// Whether it is in this name.
    pub(super) fn is_in(&self, name: &OsStr) -> bool {
        match self {
            Self::Name(other) => other == name,
            Self::Like(like) => is_like(like, name),
            Self::Any => true,
        }
    }
}

/// By directory and by who waits. `D` is how a watched directory is known.
#[derive(Debug)]
pub(super) struct Interests<D> {
    directories: HashMap<D, Directory>,
    watches: HashMap<WatchId, Vec<(D, Interest)>>,
    /// Directories that have lost somebody since it was last asked which matter to nobody.
    left: Vec<D>,
}

#[derive(Debug, Default)]
struct Directory {
    /// Thousands may wait for names of their own in one directory.
    names: HashMap<OsString, HashSet<WatchId>>,
    others: Vec<(WatchId, Interest)>,
}

impl<D> Default for Interests<D> {
    fn default() -> Self {
        Self { directories: HashMap::new(), watches: HashMap::new(), left: Vec::new() }
    }
}

impl<D: Clone + Eq + Hash> Interests<D> {
    /// These are the directories that matter to a wait, and no others any more.
    pub(super) fn set(&mut self, watch: WatchId, interests: Vec<(D, Interest)>) {
        if self.watches.get(&watch) == Some(&interests) {
            return;
        }
        self.forget(watch);
        for (directory, interest) in &interests {
            let directory = self.directories.entry(directory.clone()).or_default();
            match interest {
                Interest::Name(name) => {
                    directory.names.entry(name.clone()).or_default().insert(watch);
                }
                Interest::Like(_) | Interest::Any => directory.others.push((watch, interest.clone())),
            }
        }
        if !interests.is_empty() {
            self.watches.insert(watch, interests);
        }
    }

    pub(super) fn forget(&mut self, watch: WatchId) {
        for (left, interest) in self.watches.remove(&watch).unwrap_or_default() {
            let Some(directory) = self.directories.get_mut(&left) else { continue };
            match interest {
                Interest::Name(name) => {
                    if let Some(watches) = directory.names.get_mut(&name) {
                        watches.remove(&watch);
                        if watches.is_empty() {
                            directory.names.remove(&name);
                        }
                    }
                }
                Interest::Like(_) | Interest::Any => directory.others.retain(|(other, _)| *other != watch),
            }
            self.left.push(left);
        }
    }

    /// Who waits for this name there.
    pub(super) fn concerned(&self, directory: &D, name: &OsStr) -> Vec<WatchId> {
        let Some(directory) = self.directories.get(directory) else { return Vec::new() };
        let others = directory.others.iter().filter(|(_, interest)| interest.is_in(name));
        let named = directory.names.get(name).into_iter().flatten();
        named.chain(others.map(|(watch, _)| watch)).copied().collect()
    }

    /// Everybody a directory matters to: it is no more what it was watched for, unless it is found to be again.
    pub(super) fn lose(&mut self, lost: &D) -> Vec<WatchId> {
        let Some(directory) = self.directories.get_mut(lost).map(std::mem::take) else { return Vec::new() };
        self.left.push(lost.clone());
        let named = directory.names.into_values().flatten();
        let watches: HashSet<WatchId> =
            named.chain(directory.others.into_iter().map(|(watch, _)| watch)).collect();
        for watch in &watches {
            if let Some(interests) = self.watches.get_mut(watch) {
                interests.retain(|(other, _)| other != lost);
            }
        }
        watches.into_iter().collect()
    }

    /// Takes out a directory that matters to nobody any more.
    pub(super) fn take_unused(&mut self) -> Option<D> {
        let unused = |directory: &Directory| directory.names.is_empty() && directory.others.is_empty();
        while let Some(left) = self.left.pop() {
            if self.directories.get(&left).is_some_and(unused) {
                self.directories.remove(&left);
                return Some(left);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Interest {
        Interest::Name(name.into())
    }

    fn concerned(interests: &Interests<i32>, directory: i32, name: &str) -> Vec<u64> {
        let mut found: Vec<u64> =
            interests.concerned(&directory, OsStr::new(name)).iter().map(|watch| watch.0).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn a_change_concerns_who_waits_for_that_name() {
        let mut interests = Interests::default();
        interests.set(WatchId(1), vec![(7, name("a.zip"))]);
        interests.set(WatchId(2), vec![(7, name("b.zip"))]);
        interests.set(WatchId(3), vec![(7, Interest::Like(glob::Pattern::new("*.zip").unwrap()))]);
        interests.set(WatchId(4), vec![(8, Interest::Any), (7, name("a.zip"))]);
        assert_eq!(concerned(&interests, 7, "a.zip"), [1, 3, 4]);
        assert_eq!(concerned(&interests, 7, "c.csv"), [0; 0]);
        assert_eq!(concerned(&interests, 8, "c.csv"), [4]);
        assert_eq!(concerned(&interests, 9, "a.zip"), [0; 0]);
    }

    #[test]
    fn what_matters_to_nobody_is_not_watched() {
        let mut interests = Interests::default();
        interests.set(WatchId(1), vec![(7, name("a")), (8, Interest::Any)]);
        interests.set(WatchId(2), vec![(8, Interest::Any)]);
        assert_eq!(interests.take_unused(), None);
        interests.set(WatchId(1), vec![(9, name("a"))]);
        assert_eq!((interests.take_unused(), interests.take_unused()), (Some(7), None));
        interests.forget(WatchId(2));
        interests.forget(WatchId(2));
        assert_eq!((interests.take_unused(), interests.take_unused()), (Some(8), None));
        assert_eq!(interests.lose(&9), [WatchId(1)]);
        assert_eq!(interests.lose(&9), []);
        assert_eq!((interests.take_unused(), interests.take_unused()), (Some(9), None), "it was moved away");
        interests.set(WatchId(3), vec![(10, Interest::Any)]);
        assert_eq!(interests.lose(&10), [WatchId(3)]);
        interests.set(WatchId(3), vec![(10, name("a"))]);
        assert_eq!(interests.take_unused(), None, "it was moved back");
    }
}
