//! Sensors that wait: each is asked for as long as it does, and what is found out becomes an event of its run.
//! The world is the watchman's to look at; the clock, commands and other pipelines' runs are asked here, the
//! last two at the watchman's pace.

use std::time::Duration;

use jiff::Timestamp;

use crate::pipeline::node::NodeId;
use crate::run::event::{Event, Sensed};
use crate::run::live::Live;
use crate::run::poke::LastPoke;
use crate::run::state::{RunId, State};
use crate::schedule::told::utc;
use crate::sensor::answer::{Again, Answer, Finding, Seen};
use crate::sensor::lookout::Report;
use crate::sensor::question::{Question, Subject, WatchId};

use super::others::{self, Verdict};
use super::question::{Asked, Other, asked};
use super::runner::Engine;
use super::turn::{Changes, Turn};
use super::watched::{Place, WRITTEN, Wait};

/// Sensors of others' runs that are answered in one turn.
const AT_ONCE: usize = 64;

impl Engine {
    /// What the watchman has to say.
    pub(super) fn sighted(&mut self, reports: Vec<Report>, turn: &mut Turn) {
        for report in reports {
            match report {
                Report::Answered(answer) => self.answered(answer, turn),
                Report::Due(watch) => match self.sensing.waits.get(&watch).map(|wait| &wait.asked) {
                    Some(Asked::Command) => self.sensing.commands.push_back(watch),
                    Some(Asked::Runs(_)) => self.sensing.lookups.push_back(watch),
                    Some(Asked::Clock { .. } | Asked::World(_)) | None => {}
                },
            }
        }
    }

    fn answered(&mut self, answer: Answer, turn: &mut Turn) {
        let Answer { watch, pokes, at, words, finding } = answer;
        let Some(wait) = self.sensing.waits.get(&watch) else { return };
        let place = wait.place;
        self.sensing.looked(place);
        let next = if let Finding::NotYet { next } = finding { Some(next) } else { None };
        self.poked(place, LastPoke { pokes, at, words: words.clone(), next }, turn);
        match finding {
            Finding::Met => self.sensed(place, Sensed::Met(words), turn),
            Finding::Broken => self.sensed(place, Sensed::Failed(words), turn),
            Finding::NotYet { .. } => self.refresh(watch),
        }
    }

    /// A question with secrets in it is asked with those of today.
    fn refresh(&mut self, watch: WatchId) {
        let Some(wait) = self.sensing.waits.get_mut(&watch) else { return };
        let Asked::World(Question { mask, .. }) = &wait.asked else { return };
        let Some(live) = self.runs.get(&wait.place.0).filter(|_| !mask.is_empty()) else { return };
        let (around, calendars) = (&self.parts.surroundings, &self.parts.calendars);
        // Where one cannot be had just now, the old one may still do.
        if let Ok(Asked::World(question)) = asked(live, wait.place.1, around, calendars)
            && wait.asked != Asked::World(question.clone())
        {
            wait.asked = Asked::World(question.clone());
            self.parts.lookout.watch(watch, question, interval(live, wait.place.1));
        }
    }

    /// Notes an answer, for people.
    fn poked(&mut self, place: Place, poke: LastPoke, turn: &mut Turn) {
        let Some(live) = self.runs.get(&place.0) else { return };
        let path = live.run.tree().path(place.1);
        self.sensing.unwritten.insert(place, (path, poke.clone()));
        turn.poked.push((place.0, place.1, poke));
    }

    fn sensed(&mut self, (run, node): Place, sensed: Sensed, turn: &mut Turn) {
        // It may have come to its end by another way in this very turn.
        let waits = |live: &Live| matches!(live.run.state(node), State::Waiting { .. });
        if self.runs.get(&run).is_some_and(waits)
            && let Err(error) = self.happen(run, Event::Sensed { node, sensed }, turn)
        {
            tracing::error!(%error, %run, "an answer did not fit the run");
        }
    }

    /// What needs nobody's answer: instants that have come, questions that cannot be asked.
    pub(super) fn settle_sensors(&mut self, turn: &mut Turn) {
        for (place, sensed) in std::mem::take(&mut self.sensing.settled) {
            self.sensed(place, sensed, turn);
        }
        while let Some(&(at, watch)) = self.sensing.instants.first().filter(|(at, _)| *at <= turn.now) {
            self.sensing.instants.pop_first();
            let Some(wait) = self.sensing.waits.get(&watch) else { continue };
            let Asked::Clock { what, .. } = &wait.asked else { continue };
            let words = format!("{what} has come, {}", utc(at));
            self.sensed(wait.place, Sensed::Met(words.into()), turn);
        }
    }

    /// Looks up the runs that somebody waits for, not all at once.
    pub(super) async fn look_up_runs(&mut self, turn: &mut Turn) {
        for _ in 0..AT_ONCE {
            let Some(watch) = self.sensing.lookups.pop_front() else { return };
            let Some(Wait { place, asked: Asked::Runs(other), .. }) = self.sensing.waits.get(&watch) else {
                continue;
            };
            let (place, other) = (*place, other.clone());
            let verdict = self.verdict(&other).await;
            match verdict {
                Verdict::NotYet(words) => {
                    self.sensing.looked(place);
                    self.parts.lookout.found(watch, Verdict::not_yet(&words));
                }
                Verdict::Met(words) => self.sensed(place, Sensed::Met(words.into()), turn),
                Verdict::Skipped(words) => self.sensed(place, Sensed::Skipped(words.into()), turn),
            }
        }
    }

    async fn verdict(&self, other: &Other) -> Verdict {
        match others::newest(self.parts.store.reader(), other).await {
            Ok(newest) => {
                let timetable = self.scheduler.timetable(&other.pipeline);
                others::judge(other, newest, || others::slot(timetable, other, self.now()))
            }
            Err(error) => {
                tracing::error!(%error, pipeline = other.pipeline, "its runs cannot be looked up");
                Verdict::NotYet(format!("the runs of `{}` cannot be looked up", other.pipeline))
            }
        }
    }

    /// Commands that are to look begin, as many at the same time as tasks may run; they take no task's place.
    pub(super) fn poke(&mut self, turn: &mut Turn) {
        if self.sensing.commands.is_empty() || !self.connected || self.stopping.is_some() {
            return;
        }
        let mut poking: usize = self.runs.values().map(|live| live.run.poking().count()).sum();
        while poking < self.parts.parallelism {
            let Some(watch) = self.sensing.commands.pop_front() else { return };
            let Some((run, node)) = self.sensing.waits.get(&watch).map(|wait| wait.place) else { continue };
            let waits = |live: &Live| matches!(live.run.state(node), State::Waiting { .. });
            if !self.runs.get(&run).is_some_and(waits) {
                continue;
            }
            let attempt = self.next_attempt();
            match self.happen(run, Event::Poke { node, attempt }, turn) {
                Ok(()) => poking += 1,
                Err(error) => tracing::error!(%error, %run, "a sensor's command did not look"),
            }
        }
    }

    /// A sensor's command has come to this; what follows is the law's to say.
    pub(super) fn poke_ended(&mut self, place: Place, words: String) {
        if let Some(watch) = self.sensing.places.get(&place)
            && let Some(wait) = self.sensing.waits.get_mut(watch)
        {
            wait.poked = Some(words);
        }
    }

    /// Once it is committed: whoever waits is looked out for, and who waits no more is not.
    pub(super) fn look_out(&mut self, turn: &mut Turn, changes: &Changes) {
        for (place, waits) in std::mem::take(&mut turn.sensing) {
            match (waits, self.sensing.places.get(&place).copied()) {
                (true, None) => self.sensing.begin.push_back(place),
                (true, Some(watch)) => {
                    self.sensing.looked(place);
                    let poked = self.sensing.waits.get_mut(&watch).and_then(|wait| wait.poked.take());
                    let words = poked.unwrap_or_else(|| "its command has looked in vain".to_owned());
                    self.parts.lookout.found(watch, Seen::NotYet(words, Again::Paced));
                }
                (false, watch) => {
                    self.sensing.looked(place);
                    self.sensing.begin.retain(|begins| *begins != place);
                    if let Some(watch) = watch {
                        self.sensing.forget(watch);
                        self.parts.lookout.forget(watch);
                    }
                }
            }
        }
        while let Some(place) = self.sensing.begin.pop_front() {
            self.begin_to_wait(place, turn);
        }
        self.hurry(turn, changes);
    }

    fn begin_to_wait(&mut self, place: Place, turn: &mut Turn) {
        let Some(live) = self.runs.get(&place.0) else { return };
        let State::Waiting { since } = *live.run.state(place.1) else {
            self.sensing.looked(place);
            return;
        };
        let timeout = live.run.tree().options(place.1).timeout.unwrap_or(Duration::MAX);
        let patience = since.saturating_add(timeout).unwrap_or(Timestamp::MAX);
        if turn.now < patience {
            self.sensing.looked(place);
        }
        let asked = match asked(live, place.1, &self.parts.surroundings, &self.parts.calendars) {
            Ok(asked) => asked,
            Err(why) => {
                self.sensing.looked(place);
                self.sensing.settled.push((place, Sensed::Failed(why.into())));
                return;
            }
        };
        let interval = interval(live, place.1);
        self.sensing.last += 1;
        let watch = WatchId(self.sensing.last);
        let own = || Question { subject: Subject::Own, mask: Vec::new() };
        match &asked {
            Asked::Clock { at, what } => {
                // What comes after its patience never comes, whenever somebody looks.
                if *at <= patience {
                    self.sensing.instants.insert((*at, watch));
                } else {
                    self.sensing.looked(place);
                }
                let words = format!("waits until {} ({what})", utc(*at)).into();
                self.poked(place, LastPoke { pokes: 0, at: since, words, next: Some(*at) }, turn);
            }
            Asked::World(question) => self.parts.lookout.watch(watch, question.clone(), interval),
            Asked::Command => self.parts.lookout.watch(watch, own(), interval),
            Asked::Runs(other) => {
                self.sensing.runs.entry(other.pipeline.clone()).or_default().insert(watch);
                self.parts.lookout.watch(watch, own(), interval);
            }
        }
        self.sensing.places.insert(place, watch);
        self.sensing.waits.insert(watch, Wait { place, asked, poked: None });
    }

    /// Runs that others wait for have ended, or the very task has.
    fn hurry(&mut self, turn: &Turn, changes: &Changes) {
        if self.sensing.runs.is_empty() {
            return;
        }
        for (run, changed) in changes {
            let Some(live) = self.runs.get(run) else { continue };
            let finished = turn.finished.contains(run);
            let tree = live.run.tree();
            let has_ended = |task: &str| {
                let node = tree.find(task).filter(|node| changed.binary_search(node).is_ok());
                node.is_some_and(|node| live.run.state(node).is_ended())
            };
            for &watch in self.sensing.runs.get(&*live.pipeline.name).into_iter().flatten() {
                if let Some(Wait { asked: Asked::Runs(other), .. }) = self.sensing.waits.get(&watch)
                    && other.date == live.scope.logical_date
                    && (finished || other.task.as_deref().is_some_and(has_ended))
                {
                    self.parts.lookout.hurry(watch);
                }
            }
        }
    }

    /// Other files are in force: other calendars, zones and schedules, perhaps. What was worked out by the old ones
    /// is worked out anew.
    pub(super) fn ask_anew(&mut self) {
        let timely = |wait: &Wait| match wait.asked {
            Asked::Clock { .. } | Asked::Runs(_) => true,
            Asked::World(_) | Asked::Command => false,
        };
        let timely: Vec<WatchId> =
            self.sensing.waits.iter().filter(|(_, wait)| timely(wait)).map(|(&watch, _)| watch).collect();
        for watch in timely {
            if let Some(wait) = self.sensing.forget(watch) {
                self.parts.lookout.forget(watch);
                self.sensing.begin.push_back(wait.place);
            }
        }
    }

    /// A run is let go of: nobody needs to look for its sensors.
    pub(super) fn forget_sensors(&mut self, run: RunId) {
        let own = |watch: &WatchId| self.sensing.waits.get(watch).is_some_and(|wait| wait.place.0 == run);
        for watch in self.sensing.waits.keys().copied().filter(own).collect::<Vec<_>>() {
            self.sensing.forget(watch);
            self.parts.lookout.forget(watch);
        }
        self.sensing.unwritten.retain(|place, _| place.0 != run);
        self.sensing.begin.retain(|place| place.0 != run);
    }

    /// Puts the answers that are not written down yet with what is, if it is time to.
    pub(super) fn write_pokes(&mut self, turn: &mut Turn, at_once: bool) {
        let now = turn.now;
        let since = |written: Timestamp| Duration::try_from(now.duration_since(written)).unwrap_or(WRITTEN);
        let is_time = at_once || self.sensing.written.is_none_or(|written| since(written) >= WRITTEN);
        if self.sensing.unwritten.is_empty() || (turn.batch.is_empty() && !is_time) {
            return;
        }
        self.sensing.written = Some(now);
        for ((run, _), (path, poke)) in std::mem::take(&mut self.sensing.unwritten) {
            turn.batch.poke(run, path, poke);
        }
    }
}

/// Between the first look of a sensor and the second.
fn interval(live: &Live, node: NodeId) -> Duration {
    live.run.tree().kind(node).sensor().map_or(Duration::ZERO, |sensor| sensor.poke_interval)
}
