//! What the daemon says of itself, in each of its forms.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::annals::Annals;
use super::tower::{READY, Tower};
use crate::suite::keeper::client::{signal, until};

/// Fails, and retries once before.
const FAILS: &str = "
schedule: '@reboot'
retry: {limit: 1, delay: 1s}
serial:
  load: exit 3
";

fn fields<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let has = |line: &&Value| line["message"].as_str().is_some_and(|said| said.contains(message));
    lines.iter().find(has).unwrap_or_else(|| panic!("{message:?} is not in {lines:#?}"))
}

#[tokio::test]
async fn json_lines_have_the_facts_as_fields() {
    let mut tower = Tower::new();
    tower.pipeline("night", FAILS);
    tower.start_as(tower.command(&["--log", "json"]));
    tower.wait_for("night [");
    let annals = Annals::of(&tower).await;
    annals.wait_for_end(1).await;
    tower.wait_for("Run 1");
    // A reload that fails has findings of many lines: they are one.
    tower.pipeline("night", "exec: 'true'\ntimeuot: 3m\n");
    tower.reload("not reloaded");
    tower.stop();
    let read = |line: &String| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    let lines: Vec<Value> = tower.said().iter().map(read).collect();
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string());
    }
    assert_eq!(fields(&lines, " is ready: ")["schedules"], 1);
    for (message, level) in [("has begun", "INFO"), ("has failed: ", "WARN"), ("has failed! ", "WARN")] {
        let line = fields(&lines, message);
        assert_eq!((&line["run"], &line["pipeline"]), (&1.into(), &"night".into()), "{line}");
        assert_eq!(line["level"], level, "{line}");
    }
    let last = fields(&lines, "has failed! Run 1");
    let hint = format!("See `sexton why 1 --state-dir {}`", tower.state().display());
    assert!(last["message"].as_str().unwrap().ends_with(&hint), "{last}");
    assert_eq!(
        (&last["run"], &last["pipeline"], &last["level"]),
        (&1.into(), &"night".into(), &"ERROR".into())
    );
    let slot = fields(&lines, "the machine has booted");
    assert_eq!((&slot["pipeline"], &slot["schedule"]), (&"night".into(), &"default".into()));
    assert_eq!(slot["decision"], "fired");
    assert!(fields(&lines, "not reloaded")["message"].as_str().unwrap().contains("timeuot"));
}

#[test]
fn sentences_have_no_colours_where_nobody_looks() {
    let mut tower = Tower::new();
    tower.pipeline("night", FAILS);
    tower.start_as(tower.command(&["--log", "human"]));
    tower.wait_for("Run 1");
    tower.pipeline("night", "exec: 'true'\ntimeuot: 3m\n");
    tower.reload("not reloaded");
    tower.stop();
    tower.has_said("did you mean `timeout`?");
    let coloured: Vec<_> = tower.said().into_iter().filter(|line| line.contains('\u{1b}')).collect();
    assert_eq!(coloured, Vec::<String>::new());
}

#[test]
fn the_form_may_stand_in_the_environment() {
    let mut tower = Tower::new();
    let mut command = tower.command(&[]);
    command.env("SEXTON_LOG", "json");
    tower.start_as(command);
    let lines = tower.said();
    assert!(lines.iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{lines:?}");
}

#[test]
fn a_journal_that_is_somebody_elses_is_not_written_to() {
    let mut tower = Tower::new();
    // Of the shell that it was started from; here standard error is a pipe.
    for stream in ["8:12345", "", "nonsense"] {
        let mut command = tower.command(&[]);
        command.env("JOURNAL_STREAM", stream);
        tower.start_as(command);
        tower.stop();
    }
}

#[test]
fn a_journal_that_is_not_there_leaves_sentences() {
    if std::path::Path::new("/run/systemd/journal/socket").exists() {
        return;
    }
    let tower = Tower::new();
    let path = tower.path("stderr");
    let stderr = File::create(&path).unwrap();
    let file = stderr.metadata().unwrap();
    let mut command = tower.command(&[]);
    command.env("JOURNAL_STREAM", format!("{}:{}", file.dev(), file.ino())).stderr(stderr);
    let mut daemon = Daemon(command.spawn().unwrap());
    let mut said = String::new();
    until("it is ready", || {
        said = std::fs::read_to_string(&path).unwrap();
        said.contains(READY) || daemon.0.try_wait().unwrap().is_some()
    });
    assert!(said.contains(READY), "{said}");
}

#[tokio::test]
async fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let tower = Tower::new();
    tower.pipeline("bell", "schedule: '* * * * * *'\nexec: 'true'\n");
    let mut command = tower.command(&[]);
    let mut daemon = Daemon(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(daemon.0.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains(READY)));
    drop(log);
    let annals = Annals::of(&tower).await;
    annals.wait_for_fires("bell", 3).await;
    signal(daemon.0.id().cast_signed(), "TERM");
    assert_eq!(daemon.0.wait().unwrap().code(), Some(0));
}

/// A daemon with a log of its own.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
