//! What a daemon would have left behind at a desk: slots and their runs, written through the store itself.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sexton::calendar::book::Book;
use sexton::config::kept;
use sexton::pipeline::definition::Defaults;
use sexton::pipeline::node::NodeId;
use sexton::run::event::{Event, Yield};
use sexton::run::live::RunKind;
use sexton::run::machine::Run;
use sexton::run::state::{AttemptId, Exit, RunId};
use sexton::schedule::progress::Progress;
use sexton::schedule::slot::{Decision, Entry, Key};
use sexton::store::batch::Batch;
use sexton::store::catalog::Definition;
use sexton::store::db::Store;
use sexton::store::in_force::{Enacted, EnactedSchedule, Pause, Standing};
use sexton::store::record::{AttemptEnd, Evidence, Interval, NewRun, Params};

use super::desk::Desk;

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A pipeline as it goes into force: name, text, and the names of its schedules, as its text has them.
pub(super) type Page<'a> = (&'a str, &'a str, &'a [&'a str]);

/// A daemon's database that is being written.
pub(super) struct Books {
    store: Store,
    standings: Vec<(String, Standing)>,
    yaml: Vec<(String, String)>,
    batch: Batch,
    next: i64,
}

impl Books {
    /// In the state directory of the desk, or in another.
    pub(super) async fn open(desk: &Desk, dir: &str, set: &[Page<'_>], now: &str) -> Self {
        let dir = desk.path(dir);
        let store = Store::open(Path::new(&dir), at(now), "a boot").await.unwrap();
        let mut books =
            Self { store, standings: Vec::new(), yaml: Vec::new(), batch: Batch::default(), next: 1 };
        books.enact(set, now).await;
        books
    }

    /// Puts another set into force.
    pub(super) async fn enact(&mut self, set: &[Page<'_>], now: &str) {
        let enacted: Vec<Enacted> = set
            .iter()
            .map(|(name, yaml, schedules)| Enacted {
                definition: Definition {
                    name: (*name).to_owned(),
                    hash: format!("of {yaml}"),
                    source: (*yaml).to_owned(),
                    defaults: kept::write(&Defaults::default()),
                },
                schedules: schedules.iter().map(|&name| schedule(name, yaml)).collect(),
            })
            .collect();
        let standings = self.store.enact(&"".into(), &enacted, at(now)).await.unwrap();
        let names = set.iter().map(|(name, ..)| (*name).to_owned());
        self.standings = names.zip(standings).collect();
        self.yaml = set.iter().map(|(name, yaml, _)| ((*name).to_owned(), (*yaml).to_owned())).collect();
    }

    fn standing(&self, pipeline: &str) -> &Standing {
        &self.standings.iter().find(|(name, _)| name == pipeline).unwrap().1
    }

    /// Slots that made no run: `first`, or `first to last`, and how many.
    pub(super) fn came_to(&mut self, slot: Slot<'_>, decision: Decision, reason: &str) -> &mut Self {
        let entry = slot.entry(decision, reason);
        let pipeline = self.standing(slot.pipeline).pipeline;
        self.batch.slot(pipeline, &entry, None, entry.last + Duration::from_secs(1));
        self
    }

    /// A slot that fired; its run, which has not begun.
    pub(super) fn fired(&mut self, slot: Slot<'_>, reason: &str) -> i64 {
        let entry = slot.entry(Decision::Fired, reason);
        let standing = self.standing(slot.pipeline).clone();
        let run = NewRun {
            id: RunId(self.next),
            version: standing.version,
            kind: RunKind::Scheduled,
            logical_date: entry.first.to_zoned(TimeZone::UTC).date(),
            calendar: None,
            scheduled_at: Some(entry.first),
            interval: Interval { start: entry.first, end: entry.first },
            params: Params::new(),
            evidence: Evidence::default(),
            created_at: entry.first + Duration::from_secs(1),
        };
        self.next += 1;
        self.batch.new_run(&run);
        self.batch.slot(standing.pipeline, &entry, Some(run.id), run.created_at);
        run.id.0
    }

    /// Begins a run and plays it, one task at a time; an attempt takes a minute, and ends with the next of the
    /// exit codes. Where there are no more of them, the run is left as it stands.
    pub(super) fn plays(&mut self, pipeline: &str, run: i64, begin: &str, codes: &[i32]) -> &mut Self {
        let (name, yaml) = self.yaml.iter().find(|(name, _)| name == pipeline).unwrap();
        let definition =
            kept::read(name, yaml, &kept::write(&Defaults::default()), &Book::embedded()).unwrap();
        let mut play = Play { run: Run::new(RunId(run), definition.tree), now: at(begin) };
        play.step(&mut self.batch, &Event::Begin);
        let mut codes = codes.iter();
        for attempt in (run.cast_unsigned() * 100..).map(AttemptId) {
            let Some(node) = play.admit(&mut self.batch, attempt) else { break };
            let Some(&code) = codes.next() else { break };
            play.exit(&mut self.batch, node, attempt, code);
        }
        self
    }

    /// The slot that made this run came to something else.
    pub(super) fn turned(&mut self, run: i64, decision: Decision, reason: &str) -> &mut Self {
        self.batch.slot_of_run(RunId(run), decision, reason);
        self
    }

    /// Everything of a schedule of sessions was considered up to here, and to this label.
    pub(super) fn considered_to(&mut self, pipeline: &str, upto: &str, label: &str) -> &mut Self {
        let considered = Some(Key::Session { label: label.parse().unwrap(), ordinal: 0 });
        let progress = Progress { considered, ..Progress::upto(at(upto)) };
        self.batch.progress(self.standing(pipeline).pipeline, "default", &progress);
        self
    }

    /// Everything of a schedule was considered up to here.
    pub(super) fn considered(&mut self, pipeline: &str, schedule: &str, upto: &str) -> &mut Self {
        let pipeline = self.standing(pipeline).pipeline;
        self.batch.progress(pipeline, schedule, &Progress::upto(at(upto)));
        self
    }

    pub(super) async fn pause(&mut self, pipeline: &str, by: &str, since: &str) {
        let pipeline = self.standing(pipeline).pipeline;
        let pause = Pause { by: by.into(), at: at(since) };
        self.store.pause(pipeline, Some(&pause)).await.unwrap();
    }

    /// Writes what was gathered.
    pub(super) async fn write(&mut self) {
        self.store.commit(&std::mem::take(&mut self.batch)).await.unwrap();
    }

    pub(super) async fn close(mut self) {
        self.write().await;
        self.store.close().await.unwrap();
    }
}

struct Play {
    run: Run,
    now: Timestamp,
}

impl Play {
    fn step(&mut self, batch: &mut Batch, event: &Event) {
        self.run.step(event, self.now, &mut Vec::new()).unwrap();
        batch.event(&self.run, self.now, event);
        if let Event::Start { node, attempt } = event {
            batch.attempt_started(&self.run, *node, *attempt, self.now);
        }
        let changed = self.run.take_changes();
        batch.changes(&self.run, &changed);
    }

    /// Opens containers till a task starts; `None` if none does.
    fn admit(&mut self, batch: &mut Batch, attempt: AttemptId) -> Option<NodeId> {
        while let Some(node) = self.run.admissible(1) {
            if self.run.tree().is_leaf(node) {
                self.step(batch, &Event::Start { node, attempt });
                return Some(node);
            }
            self.step(batch, &Event::Open { node });
        }
        None
    }

    fn exit(&mut self, batch: &mut Batch, node: NodeId, attempt: AttemptId, code: i32) {
        self.now += Duration::from_mins(1);
        let exit = Exit::Code(code);
        let end = AttemptEnd {
            attempt,
            started_at: None,
            ended_at: self.now,
            exit: exit.clone(),
            kill: None,
            pid: None,
            usage: None,
            log: None,
        };
        batch.attempt_ended(&self.run, &end);
        self.step(batch, &Event::Exited { node, attempt, exit, yields: Yield::Nothing });
        // A retry without delay is due at once.
        if self.run.next_wake().is_some_and(|due| due <= self.now) {
            self.step(batch, &Event::Wake);
        }
    }
}

/// A slot, or a stretch of them.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    pub(super) pipeline: &'a str,
    pub(super) schedule: &'a str,
    pub(super) first: &'a str,
    pub(super) last: &'a str,
    pub(super) count: u64,
    /// The label of its session, if it is one's.
    pub(super) session: Option<&'a str>,
}

/// A schedule of this pipeline, whose slots stay where they are.
fn schedule(name: &str, yaml: &str) -> EnactedSchedule {
    EnactedSchedule { name: name.into(), spelled: yaml.to_owned(), considered: None }
}

/// A single one of `default`.
pub(super) fn slot<'a>(pipeline: &'a str, first: &'a str) -> Slot<'a> {
    Slot { pipeline, schedule: "default", first, last: first, count: 1, session: None }
}

/// That of a session.
pub(super) fn session<'a>(pipeline: &'a str, label: &'a str, first: &'a str) -> Slot<'a> {
    Slot { session: Some(label), ..slot(pipeline, first) }
}

impl Slot<'_> {
    fn entry(&self, decision: Decision, reason: &str) -> Entry {
        let (first, last) = (at(self.first), at(self.last));
        let key = match decision {
            Decision::Rebased => Key::Clock(last),
            Decision::Fired | Decision::Missed | Decision::Expired | Decision::Skipped | Decision::Paused => {
                self.session.map_or(Key::Instant(first), |label| Key::Session {
                    label: label.parse().unwrap(),
                    ordinal: 0,
                })
            }
        };
        let (schedule, count, reason) = (self.schedule.into(), self.count, reason.into());
        let date = first.to_zoned(TimeZone::UTC).date();
        Entry { schedule, key, date, first, last, count, decision, reason }
    }
}
