//! Who is looked out for, and what is still to be done for them: sensors by their places in runs, which move with
//! grafts. It asks nobody.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::pipeline::graft::Graft;
use crate::pipeline::node::NodeId;
use crate::run::event::Sensed;
use crate::run::live::Live;
use crate::run::poke::LastPoke;
use crate::run::state::RunId;
use crate::sensor::question::WatchId;

use super::question::Asked;

/// Answers that say no more than "not yet" are written down with what is written anyway, and else this often.
pub(super) const WRITTEN: Duration = Duration::from_secs(5);
/// How long a first look after a start is waited for, where a time limit has been reached meanwhile.
pub(super) const LAST_LOOK: Duration = Duration::from_mins(1);

/// A sensor of a run.
pub(super) type Place = (RunId, NodeId);

/// All sensors that wait.
#[derive(Default)]
pub(super) struct Sensing {
    pub(super) last: u64,
    pub(super) waits: HashMap<WatchId, Wait>,
    pub(super) places: HashMap<Place, WatchId>,
    /// Those that wait for the clock.
    pub(super) instants: BTreeSet<(Timestamp, WatchId)>,
    /// Those that wait for other runs, by pipeline.
    pub(super) runs: HashMap<String, BTreeSet<WatchId>>,
    /// Commands that are to look, as soon as they may.
    pub(super) commands: VecDeque<WatchId>,
    /// Those whose runs are to be looked up.
    pub(super) lookups: VecDeque<WatchId>,
    /// Sensors that begin to wait, in order.
    pub(super) begin: VecDeque<Place>,
    /// What is known without asking anybody.
    pub(super) settled: Vec<(Place, Sensed)>,
    /// Answers that are not written down yet.
    pub(super) unwritten: BTreeMap<Place, (String, LastPoke)>,
    pub(super) written: Option<Timestamp>,
    /// Those that waited when the last daemon ended, and that nobody has looked for since.
    owed: BTreeSet<Place>,
    /// How long their looks are waited for; set when the first turn begins.
    patience: Option<Timestamp>,
}

/// A sensor that is looked out for.
pub(super) struct Wait {
    pub(super) place: Place,
    pub(super) asked: Asked,
    /// What its command has last come to.
    pub(super) poked: Option<String>,
}

impl Sensing {
    /// Taken up again: these wait.
    pub(super) fn resumed<'l>(runs: impl IntoIterator<Item = (&'l RunId, &'l Live)>) -> Self {
        let waiting = |(&run, live): (&RunId, &'l Live)| live.run.waiting().map(move |node| (run, node));
        let begin: VecDeque<Place> = runs.into_iter().flat_map(waiting).collect();
        Self { owed: begin.iter().copied().collect(), begin, ..Self::default() }
    }

    /// Until when a run's time limits wait, because what its sensors wait for may have come while no daemon was
    /// there: they are looked for once first.
    pub(super) fn held(&self, run: RunId) -> Option<Timestamp> {
        let own = (run, NodeId::ROOT)..=(run, NodeId(u32::MAX));
        self.owed.range(own).next().and(self.patience)
    }

    /// A turn begins.
    pub(super) fn at(&mut self, now: Timestamp) {
        if !self.owed.is_empty() && *self.patience.get_or_insert(now + LAST_LOOK) <= now {
            self.owed.clear();
        }
    }

    /// It was looked for, or nobody needs to.
    pub(super) fn looked(&mut self, place: Place) {
        self.owed.remove(&place);
    }

    /// Whether there is something to do at once.
    pub(super) fn is_urgent(&self) -> bool {
        !self.begin.is_empty() || !self.settled.is_empty() || !self.lookups.is_empty()
    }

    /// When there is something to do by the clock.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        let instant = self.instants.first().map(|(at, _)| *at);
        let written = self.written.unwrap_or(Timestamp::MIN);
        let write = written.saturating_add(WRITTEN).unwrap_or(Timestamp::MAX);
        [instant, (!self.unwritten.is_empty()).then_some(write)].into_iter().flatten().min()
    }

    /// The nodes of a run have other numbers now. Who was looked out for and is gone, is no more.
    pub(super) fn grafted(&mut self, run: RunId, graft: &Graft) -> Vec<WatchId> {
        let moved = |place: Place| match place {
            (of, node) if of == run => Some((of, graft.moved(node)?)),
            other => Some(other),
        };
        let own = self.waits.iter().filter(|(_, wait)| wait.place.0 == run);
        let gone = own.filter(|(_, wait)| moved(wait.place).is_none()).map(|(&watch, _)| watch);
        let gone: Vec<WatchId> = gone.collect();
        for &watch in &gone {
            self.forget(watch);
        }
        for wait in self.waits.values_mut() {
            wait.place = moved(wait.place).unwrap_or(wait.place);
        }
        self.places = self.waits.iter().map(|(&watch, wait)| (wait.place, watch)).collect();
        self.begin = self.begin.drain(..).filter_map(moved).collect();
        self.owed = std::mem::take(&mut self.owed).into_iter().filter_map(moved).collect();
        let settled = self.settled.drain(..);
        self.settled = settled.filter_map(|(place, sensed)| Some((moved(place)?, sensed))).collect();
        let unwritten = std::mem::take(&mut self.unwritten).into_iter();
        self.unwritten = unwritten.filter_map(|(place, poke)| Some((moved(place)?, poke))).collect();
        gone
    }

    /// Nobody looks out for it any more.
    pub(super) fn forget(&mut self, watch: WatchId) -> Option<Wait> {
        let wait = self.waits.remove(&watch)?;
        self.places.remove(&wait.place);
        match &wait.asked {
            Asked::Clock { at, .. } => drop(self.instants.remove(&(*at, watch))),
            Asked::Runs(other) => {
                if let Some(watches) = self.runs.get_mut(&other.pipeline) {
                    watches.remove(&watch);
                    if watches.is_empty() {
                        self.runs.remove(&other.pipeline);
                    }
                }
            }
            Asked::World(_) | Asked::Command => {}
        }
        Some(wait)
    }
}
