//! A watchman at its post, and what it reports.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sexton::clock::{Clock, Sleep, System};
use sexton::sensor::answer::{Answer, Finding};
use sexton::sensor::lookout::{Lookout, Report};
use sexton::sensor::question::{Files, Question, Subject, WatchId};
use sexton::sensor::watchman::Watchman;
use tokio::sync::mpsc;

/// What does not come within this does not come at all.
const NEVER: Duration = Duration::from_secs(30);
/// An interval between looks that no test lives to see the end of.
pub(super) const HOUR: Duration = Duration::from_hours(1);

pub(super) struct Post {
    watchman: Watchman,
    reports: mpsc::Receiver<Vec<Report>>,
    heard: VecDeque<Report>,
    next: u64,
}

/// Runs a test on a runtime like the daemon's.
pub(super) fn on_watch(test: impl AsyncFnOnce(&mut Post)) {
    on_watch_by(Arc::new(System), test);
}

pub(super) fn on_watch_by(clock: Arc<dyn Clock>, test: impl AsyncFnOnce(&mut Post)) {
    // Refused where another test has chosen it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (reports, inbox) = mpsc::channel(1);
        let (watchman, _task) = Watchman::start(clock, reports);
        let mut post = Post { watchman, reports: inbox, heard: VecDeque::new(), next: 1 };
        test(&mut post).await;
    });
    runtime.shutdown_background();
}

impl Post {
    pub(super) fn watch(&mut self, subject: Subject, interval: Duration) -> WatchId {
        self.watch_with(subject, &[], interval)
    }

    /// With secrets in it.
    pub(super) fn watch_with(&mut self, subject: Subject, mask: &[&str], interval: Duration) -> WatchId {
        let watch = WatchId(self.next);
        self.next += 1;
        let mask = mask.iter().map(|&secret| secret.to_owned()).collect();
        self.watchman.watch(watch, Question { subject, mask }, interval);
        watch
    }

    pub(super) fn hands(&mut self) -> &mut Watchman {
        &mut self.watchman
    }

    /// The next that is reported.
    pub(super) async fn report(&mut self) -> Report {
        if self.heard.is_empty() {
            let heard = tokio::time::timeout(NEVER, self.reports.recv()).await;
            self.heard.extend(heard.expect("a report in time").expect("a watchman"));
        }
        self.heard.pop_front().unwrap()
    }

    /// The next answer to any question.
    pub(super) async fn any_answer(&mut self) -> Answer {
        loop {
            if let Report::Answered(answer) = self.report().await {
                return answer;
            }
        }
    }

    /// The next answer to this question.
    pub(super) async fn answer(&mut self, watch: WatchId) -> Answer {
        loop {
            let answer = self.any_answer().await;
            if answer.watch == watch {
                return answer;
            }
        }
    }

    /// The words of the next answer, which is not the last.
    pub(super) async fn not_yet(&mut self, watch: WatchId) -> String {
        let answer = self.answer(watch).await;
        assert!(matches!(answer.finding, Finding::NotYet { .. }), "{answer:?}");
        answer.words.into()
    }

    /// The words of the answer that ends the wait.
    pub(super) async fn end(&mut self, watch: WatchId, finding: Finding) -> String {
        loop {
            let answer = self.answer(watch).await;
            if !matches!(answer.finding, Finding::NotYet { .. }) {
                assert_eq!(answer.finding, finding, "{answer:?}");
                return answer.words.into();
            }
        }
    }

    pub(super) async fn met(&mut self, watch: WatchId) -> String {
        self.end(watch, Finding::Met).await
    }

    pub(super) async fn broken(&mut self, watch: WatchId) -> String {
        self.end(watch, Finding::Broken).await
    }
}

pub(super) fn files(pattern: impl Into<String>, stable_for: Duration) -> Subject {
    Subject::File(Files { pattern: pattern.into(), stable_for })
}

/// A clock that goes so many times as fast, for pauses of minutes between real looks.
pub(super) struct Fast {
    began: Instant,
    at: Timestamp,
    times: u32,
}

impl Fast {
    pub(super) fn by(times: u32) -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), at: System.now(), times })
    }
}

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        self.at + self.since_boot()
    }

    fn since_boot(&self) -> Duration {
        self.began.elapsed() * self.times
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // A timer's tick is a millisecond.
        System.sleep((duration / self.times).max(Duration::from_millis(1)))
    }
}
