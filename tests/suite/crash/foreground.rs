//! `sexton run` that is killed: its keeper is bound to it and ends everything; the next one closes the run.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use sexton::run::state::{Exit, RunId};
use sexton::store::db::Reader;
use sexton::store::record::RunState;

use super::load::{Evidence, left, side};
use crate::suite::keeper::client::{PROGRAM, until};

const FIRST: &str =
    "serial: {done: 'exit 0', many: {parallel: {a: *wait, b: *wait, c: *wait}}, last: 'exit 0'}";

fn pipeline(dir: &Path, name: &str, tree: &str) -> std::path::PathBuf {
    let file = dir.join(format!("{name}.yaml"));
    let wait = r#"echo "start $SEXTON_ATTEMPT $SEXTON_RUN $SEXTON_ATTEMPT_NUMBER $SEXTON_PATH" >>"$SIDE"; sleep 1000 & sleep 1001; exit 0"#;
    let tree = tree.replace("*wait", &serde_json::to_string(wait).unwrap());
    let text = format!("env: {{SIDE: '{}'}}\nkill_grace: 5s\n{tree}\n", side(dir).display());
    std::fs::write(&file, text).unwrap();
    file
}

fn sexton_run(dir: &Path, file: &Path) -> Child {
    Command::new(PROGRAM)
        .arg("run")
        .arg(file)
        .arg("--state-dir")
        .arg(dir.join("state"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn a_killed_foreground_run_leaves_nothing_and_is_closed_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let first = pipeline(dir.path(), "first", FIRST);
    let mut killed = sexton_run(dir.path(), &first);
    until("it is under load", || Evidence::read(dir.path()).starts.len() == 3);
    assert!(left(dir.path()).len() >= 3);
    killed.kill().unwrap();
    killed.wait().unwrap();
    until("nothing of it is left", || left(dir.path()).is_empty());

    let second = pipeline(dir.path(), "second", "serial: {a: 'exit 0'}");
    let mut next = sexton_run(dir.path(), &second);
    assert!(next.wait().unwrap().success());
    let reader = Reader::open(&dir.path().join("state")).await.unwrap();
    let state = async |run| reader.run(RunId(run)).await.unwrap().unwrap().state;
    assert_eq!((state(1).await, state(2).await), (RunState::Cancelled, RunState::Succeeded));
    for path in ["many/a", "many/b", "many/c"] {
        let mut attempts = reader.attempts(RunId(1), path).await.unwrap();
        assert_eq!(attempts.len(), 1);
        let end = attempts.remove(0).end.unwrap();
        assert_eq!((end.exit, &*end.kill.unwrap().by), (Exit::Killed, "the next sexton run"), "{path}");
    }
    assert!(reader.attempts(RunId(1), "last").await.unwrap().is_empty());
    assert!(reader.unfinished_runs().await.unwrap().is_empty());
    assert_eq!(Evidence::read(dir.path()).starts.len(), 3, "nothing of it was started again");
    reader.close().await;
}
