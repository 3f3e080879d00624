//! What was heard while looks were under way, whose results were not back to say whom it concerns. Pure.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::hash::Hash;

use super::interests::Interest;

/// More names than this of one directory are as good as all.
const MOST_NAMES: usize = 1_000;

/// By directory. `D` is how a watched directory is known.
#[derive(Debug)]
pub(super) struct Early<D>(HashMap<D, Names>);

#[derive(Debug)]
enum Names {
    Some(HashSet<OsString>),
    All,
}

impl<D> Default for Early<D> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<D: Eq + Hash> Early<D> {
    /// Something happened to a name.
    pub(super) fn name(&mut self, directory: D, name: OsString) {
        let names = self.0.entry(directory).or_insert_with(|| Names::Some(HashSet::new()));
        match names {
            Names::Some(some) if some.len() < MOST_NAMES => drop(some.insert(name)),
            Names::Some(_) | Names::All => *names = Names::All,
        }
    }

    /// Something happened to a directory itself.
    pub(super) fn whole(&mut self, directory: D) {
        self.0.insert(directory, Names::All);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether any of it matters to who is interested in these.
    pub(super) fn concerns(&self, interests: &[(D, Interest)]) -> bool {
        interests.iter().any(|(directory, interest)| match self.0.get(directory) {
            None => false,
            Some(Names::All) => true,
            Some(Names::Some(names)) => names.iter().any(|name| interest.is_in(name)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_early_concerns_who_comes_back_for_it() {
        let mut early = Early::default();
        early.name(1, "a.zip".into());
        let concerns = |early: &Early<i32>, directory, name: &str| {
            early.concerns(&[(9, Interest::Any), (directory, Interest::Name(name.into()))])
        };
        assert!(
            concerns(&early, 1, "a.zip") && !concerns(&early, 1, "b.zip") && !concerns(&early, 2, "a.zip")
        );
        early.whole(2);
        assert!(concerns(&early, 2, "a.zip"));
        for number in 0..=MOST_NAMES {
            early.name(3, number.to_string().into());
        }
        assert!(concerns(&early, 3, "anything"));
        early.clear();
        assert!(!concerns(&early, 1, "a.zip"));
    }
}
