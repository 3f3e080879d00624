//! What was heard while looks were under way, whose results were not back to say whom it concerns. Pure.

use std::collections::HashMap;
use std::ffi::OsString;
use std::hash::Hash;

use super::interests::Interest;

/// More names than this of one directory are as good as all.
const MOST_NAMES: usize = 1_000;

/// By directory. `D` is how a watched directory is known.
#[derive(Debug)]
pub(super) struct Early<D> {
    directories: HashMap<D, Heard>,
    /// Looks that have begun.
    begun: Look,
}

/// Which look, in the order in which they began.
pub(super) type Look = u64;

/// What was heard of a directory, each with the last look that had begun by then.
#[derive(Debug, Default)]
struct Heard {
    names: HashMap<OsString, Look>,
    all: Option<Look>,
}

impl<D> Default for Early<D> {
    fn default() -> Self {
        Self { directories: HashMap::new(), begun: 0 }
    }
}

impl<D: Eq + Hash> Early<D> {
    /// A look begins.
    pub(super) fn begin(&mut self) -> Look {
        self.begun += 1;
        self.begun
    }

    /// Something happened to a name.
    pub(super) fn name(&mut self, directory: D, name: OsString) {
        let heard = self.directories.entry(directory).or_default();
        if heard.names.len() < MOST_NAMES || heard.names.contains_key(&name) {
            heard.names.insert(name, self.begun);
        } else {
            heard.all = Some(self.begun);
        }
    }

    /// Something happened to a directory itself.
    pub(super) fn whole(&mut self, directory: D) {
        self.directories.entry(directory).or_default().all = Some(self.begun);
    }

    /// Nobody is out who began before this look, if anybody is.
    pub(super) fn forget_before(&mut self, first: Option<Look>) {
        let Some(first) = first else { return self.directories.clear() };
        self.directories.retain(|_, heard| {
            heard.names.retain(|_, at| *at >= first);
            heard.all = heard.all.filter(|at| *at >= first);
            !heard.names.is_empty() || heard.all.is_some()
        });
    }

    /// Whether any of what was heard since a look began matters to who is interested in these.
    pub(super) fn concerns(&self, interests: &[(D, Interest)], since: Look) -> bool {
        interests.iter().any(|(directory, interest)| {
            let Some(Heard { names, all }) = self.directories.get(directory) else { return false };
            let mut names = names.iter().filter(|(_, at)| **at >= since);
            all.is_some_and(|at| at >= since) || names.any(|(name, _)| interest.is_in(name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn concerns(early: &Early<i32>, directory: i32, name: &str, since: Look) -> bool {
        early.concerns(&[(9, Interest::Any), (directory, Interest::Name(name.into()))], since)
    }

    #[test]
    fn what_was_early_concerns_who_comes_back_for_it() {
        let mut early = Early::default();
        let look = early.begin();
        early.name(1, "a.zip".into());
        assert!(concerns(&early, 1, "a.zip", look));
        assert!(!concerns(&early, 1, "b.zip", look) && !concerns(&early, 2, "a.zip", look));
        early.whole(2);
        assert!(concerns(&early, 2, "a.zip", look));
        for number in 0..=MOST_NAMES {
            early.name(3, number.to_string().into());
        }
        assert!(concerns(&early, 3, "anything", look));
        early.forget_before(None);
        assert!(!concerns(&early, 1, "a.zip", look));
    }

    #[test]
    fn what_was_heard_before_a_look_began_is_not_early_for_it() {
        let mut early = Early::default();
        let long = early.begin();
        early.name(1, "a.zip".into());
        early.whole(2);
        let next = early.begin();
        assert!(concerns(&early, 1, "a.zip", long) && !concerns(&early, 1, "a.zip", next));
        assert!(!concerns(&early, 2, "a.zip", next));
        early.name(1, "a.zip".into());
        assert!(concerns(&early, 1, "a.zip", next));
        early.forget_before(Some(next));
        assert!(concerns(&early, 1, "a.zip", next) && early.directories.len() == 1);
    }
}
