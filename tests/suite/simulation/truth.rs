//! What is held against what: the database, what onlookers and people were told, the journal replayed, and what
//! really happened in the world.

use jiff::Timestamp;
use sexton::control::Refused;
use sexton::pipeline::definition::Pipeline;
use sexton::run::event::Event;
use sexton::run::live::Live;
use sexton::run::machine::Run;
use sexton::run::state::{Entry, Exit, RunId, State};
use sexton::store::db::Reader;
use sexton::store::tasks::Outputs;

use super::desk::Desk;

/// What is known of a run: its records by path, and what its tasks wrote.
pub(super) type Known = (Vec<(String, Entry)>, Outputs);

impl Desk {
    /// What the database holds is what was told; it replays to the same; and what people were told was
    /// done was done once.
    pub(super) async fn check(&self) {
        let reader = self.reader();
        for (&run, pipeline) in &self.pipelines {
            let found = stored(&reader, run, pipeline).await;
            let told = self.told(run);
            assert_eq!(found, told, "run {run}");
            let journal = reader.journal(run, pipeline).await.unwrap();
            let mut twin = Run::new(run, pipeline.tree.clone());
            for (at, event) in &journal {
                twin.step(event, *at, &mut Vec::new()).unwrap_or_else(|error| panic!("{event:?}: {error}"));
            }
            assert_eq!(entries(&twin), found.0, "run {run} replayed:\n{}", told_by(&journal));
            let restored = reader.restored(run, pipeline).await.unwrap();
            assert!(twin.former().eq(restored.former()), "run {run}:\n{}", told_by(&journal));
            self.check_answers(run, &journal);
        }
        for live in self.live() {
            let told = self.told(live.run.id());
            assert_eq!(known(live), told, "what the engine holds of run {}", live.run.id());
        }
    }

    /// What was told of a run; of one that has not begun there is nothing to tell.
    pub(super) fn told(&self, run: RunId) -> Known {
        let fresh = || (entries(&Run::new(run, self.pipelines[&run].tree.clone())), Outputs::default());
        self.told.lock().unwrap().get(&run).cloned().unwrap_or_else(fresh)
    }

    fn check_answers(&self, run: RunId, journal: &[(Timestamp, Event)]) {
        for (by, (of, answer)) in self.answers.iter().filter(|(_, (of, _))| *of == run) {
            let times = journal.iter().filter(|(_, event)| author(event) == Some(by)).count();
            match answer {
                Ok(()) => assert_eq!(times, 1, "{by} was told that it is done, in run {of}"),
                // It died before it could tell.
                Err(Refused::Ended) => assert!(times <= 1, "{by}: {times} times"),
                Err(refused) => assert_eq!(times, 0, "{by} was refused: {refused}"),
            }
        }
    }

    /// Everything has ended, everything is acknowledged, and every attempt ended as it really did.
    pub(super) async fn check_end(&self) {
        self.check().await;
        let (reader, starts, ends) = (self.reader(), self.world.starts(), self.world.ends());
        assert_eq!(self.world.held(), Vec::<u64>::new(), "runs, or is not acknowledged");
        let mut recorded = 0;
        for (&run, pipeline) in &self.pipelines {
            let record = reader.run(run).await.unwrap().unwrap();
            assert!(record.ended_at.is_some(), "run {run} has not ended");
            assert!(reader.live_attempts(run).await.unwrap().is_empty());
            let restored = reader.restored(run, pipeline).await.unwrap();
            let tree = restored.tree();
            let leaves = tree.ids().filter(|&node| tree.is_leaf(node)).map(|node| tree.path(node));
            // What was generated once and is gone has left its attempts.
            for path in leaves.chain(restored.former().map(|(path, _)| path.to_owned())) {
                let attempts = reader.attempts(run, &path).await.unwrap();
                for (number, attempt) in (1..).zip(attempts) {
                    assert_eq!(attempt.number, number, "{path}");
                    let told = attempt.end.expect("its end").exit;
                    let token = attempt.id.0;
                    let started = starts.get(&token).copied().unwrap_or_default();
                    assert!(started <= 1, "attempt {token} of {path} was started {started} times");
                    recorded += started as usize;
                    match ends.get(&token) {
                        Some(truth) if matches!(told, Exit::BadChoice(_)) => {
                            let chooses = path.ends_with("choose");
                            assert!(chooses && *truth == Exit::Code(0), "attempt {token} of {path}");
                        }
                        Some(truth) if matches!(told, Exit::BadTree(_)) => {
                            let generates = path.ends_with("generate");
                            assert!(generates && *truth == Exit::Code(0), "attempt {token} of {path}");
                        }
                        Some(truth) => assert_eq!(&told, truth, "attempt {token} of {path}"),
                        None => assert!(
                            matches!(told, Exit::Killed | Exit::Lost(_) | Exit::NotStarted(_)),
                            "attempt {token} of {path} never started, and is {told:?}"
                        ),
                    }
                }
            }
        }
        assert_eq!(recorded, starts.len(), "an attempt was started of which there is no row");
    }
}

fn told_by(journal: &[(Timestamp, Event)]) -> String {
    journal.iter().map(|(at, event)| format!("{at} {event:?}\n")).collect()
}

/// By whom something was done.
fn author(event: &Event) -> Option<&str> {
    match event {
        Event::Cancel { by, .. } | Event::Mark { by, .. } | Event::Clear { by, .. } => Some(by),
        Event::Begin
        | Event::Condition { .. }
        | Event::Open { .. }
        | Event::Start { .. }
        | Event::Exited { .. }
        | Event::Sensed { .. }
        | Event::Poke { .. }
        | Event::Wake => None,
    }
}

pub(super) async fn stored(reader: &Reader, run: RunId, pipeline: &Pipeline) -> Known {
    let restored = reader.restored(run, pipeline).await.unwrap();
    (entries(&restored), reader.outputs(run).await.unwrap())
}

pub(super) fn known(live: &Live) -> Known {
    (entries(&live.run), (*live.scope.outputs).clone())
}

/// A condition that is being evaluated is none yet.
pub(super) fn entries(run: &Run) -> Vec<(String, Entry)> {
    let stored = |mut entry: Entry| {
        if entry.state == State::Deciding {
            entry.state = State::Pending;
        }
        entry
    };
    run.tree().ids().map(|node| (run.tree().path(node), stored(run.entry(node).clone()))).collect()
}
