//! A directory in which victims run one after another, and what can be found out about them from outside.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use sexton::executor::output::Places;
use sexton::run::state::{Exit, RunId};
use sexton::store::db::Reader;
use tempfile::TempDir;

use super::load::{Evidence, LINES, Work};
use super::victim::{ORDERS, ROLE, TEST, ordered};
use crate::suite::keeper::client::{command_line, runs, signal, until};

/// What makes a pipeline's work in a directory.
type Make = fn(&Path) -> Work;

pub(super) struct Place {
    dir: TempDir,
    works: BTreeMap<&'static str, Work>,
    pub(super) runs: BTreeMap<RunId, &'static str>,
    victim: Option<Child>,
    /// What victims have said.
    said: Arc<Mutex<Vec<String>>>,
}

impl Place {
    /// Victims will make so many runs of each.
    pub(super) fn new(works: &[(Make, usize)]) -> Self {
        let dir = TempDir::new().unwrap();
        let mut counts = Vec::new();
        let mut known = BTreeMap::new();
        for (work, count) in works {
            let work = work(dir.path());
            std::fs::write(dir.path().join(format!("{}.yaml", work.name)), &work.source).unwrap();
            counts.push((work.name, *count));
            known.insert(work.name, work);
        }
        let orders: String = counts.iter().map(|(name, count)| format!("{name} {count}\n")).collect();
        std::fs::write(dir.path().join(ORDERS), orders).unwrap();
        Self { dir, works: known, runs: ordered(&counts), victim: None, said: Arc::default() }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Attempts there are when nothing is lost.
    pub(super) fn attempts(&self) -> usize {
        let of = |work: &Work| work.tasks.iter().map(|(_, codes)| codes.len()).sum::<usize>();
        self.runs.values().map(|name| of(&self.works[name])).sum()
    }

    pub(super) fn evidence(&self) -> Evidence {
        Evidence::read(self.path())
    }

    pub(super) fn start(&mut self) {
        assert!(self.victim.is_none());
        let mut victim = Command::new(std::env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture"])
            .env(ROLE, self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (said, stderr) = (self.said.clone(), victim.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said.lock().unwrap().push(line);
            }
        });
        self.victim = Some(victim);
    }

    pub(super) fn victim(&self) -> i32 {
        self.victim.as_ref().expect("a victim").id().cast_signed()
    }

    /// `kill -9`, unless it has just come to its end.
    pub(super) fn kill(&mut self) {
        let mut victim = self.victim.take().expect("a victim");
        victim.kill().unwrap();
        victim.wait().unwrap();
    }

    /// Whether the victim has come to its end; it must be a good one.
    pub(super) fn is_done(&mut self) -> bool {
        let Some(status) = self.victim.as_mut().expect("a victim").try_wait().unwrap() else { return false };
        assert!(status.success(), "a victim failed:\n{}", self.story());
        self.victim = None;
        true
    }

    pub(super) fn wait_till_done(&mut self) {
        until("all runs have ended", || self.is_done());
    }

    /// How many lines of the victims' contain these words.
    pub(super) fn said(&self, words: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|line| line.contains(words)).count()
    }

    fn story(&self) -> String {
        self.said.lock().unwrap().join("\n")
    }

    pub(super) fn keeper(&self) -> Option<i32> {
        let lock = self.state().join("keeper/keeper.lock");
        let pid = std::fs::read_to_string(lock).ok()?.trim().parse().ok()?;
        let ours = command_line(pid).contains(&*self.path().to_string_lossy());
        (ours && runs(pid)).then_some(pid)
    }

    /// Everything that can be known of what the victims did: against what the tasks themselves say.
    pub(super) async fn check(&self, losses: bool) {
        let evidence = self.evidence();
        assert_eq!(evidence.doubled, Vec::<String>::new(), "\n{}", self.story());
        assert_eq!(evidence.met, Vec::<String>::new(), "\n{}", self.story());
        let reader = Reader::open(&self.state()).await.unwrap();
        let places = Places::new(&self.state());
        let (mut rows, mut lost) = (0, 0);
        for (&run, name) in &self.runs {
            let work = &self.works[name];
            let record = reader.run(run).await.unwrap().unwrap();
            assert_eq!(record.state, work.ends, "run {run} of {name}\n{}", self.story());
            for (path, codes) in &work.tasks {
                let attempts = reader.attempts(run, path).await.unwrap();
                let mut codes = codes.iter();
                for attempt in attempts {
                    let end = attempt.end.expect("an end");
                    let token = attempt.id.0;
                    rows += usize::from(evidence.starts.contains_key(&token));
                    if losses && let Exit::Lost(evidence) = &end.exit {
                        assert!(evidence.contains("keeper"), "{evidence}");
                        lost += 1;
                        continue;
                    }
                    let code = codes.next().expect("no more attempts");
                    assert_eq!(end.exit, Exit::Code(*code), "{path}.{}\n{}", attempt.number, self.story());
                    let start = &evidence.starts[&token];
                    assert_eq!(start, &(run.0, attempt.number, path.clone()));
                    assert_eq!(evidence.ends[&token], end.exit);
                    let log = places.absolute(&places.log(name, run, path, attempt.number));
                    let text = std::fs::read_to_string(&log).unwrap();
                    let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
                    let expected = (0..LINES).map(|line| format!("stdout F line {line} of attempt {token}"));
                    assert_eq!(lines, expected.collect::<Vec<_>>(), "{}", log.display());
                    assert_eq!(end.log.expect("a log").bytes, text.len() as u64);
                    assert!(end.usage.is_some() && end.started_at.is_some());
                }
                assert_eq!(codes.next(), None, "an attempt of {path} in run {run} is missing");
            }
        }
        assert_eq!(rows, evidence.starts.len(), "something ran of which there is no row");
        assert!(losses || lost == 0);
        assert!(reader.unfinished_runs().await.unwrap().is_empty());
        reader.close().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut victim) = self.victim.take() {
            let _ = victim.kill();
            let _ = victim.wait();
        }
        if let Some(keeper) = self.keeper() {
            signal(keeper, "TERM");
        }
        if std::thread::panicking() {
            eprintln!("{}", self.story());
        }
    }
}
