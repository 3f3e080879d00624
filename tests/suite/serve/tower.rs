//! A tower: a configuration and a state directory of its own, and the real daemon that serves there. It is
//! started, signalled and killed at will, and what it says is kept. What it left behind is in `books`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use tempfile::TempDir;

use crate::suite::keeper::client::{DEADLINE, PROGRAM, command_line, runs, signal, until};

/// What a daemon says when all is set up.
pub(super) const READY: &str = " is ready: ";

pub(super) struct Tower {
    dir: TempDir,
    daemon: Option<Daemon>,
    said: Arc<Mutex<Vec<String>>>,
    /// The lines that were said before the last start.
    before: usize,
}

struct Daemon {
    child: Child,
    listener: JoinHandle<()>,
}

impl Tower {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir_all(dir.path().join("config/pipelines")).unwrap();
        Self { dir, daemon: None, said: Arc::default(), before: 0 }
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Writes a file of this tower whole, as an editor does: nobody reads half of it.
    pub(super) fn write(&self, path: &str, text: &str) {
        let new = self.path("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path(path)).unwrap();
    }

    /// Makes a pipeline, or another of it.
    pub(super) fn pipeline(&self, name: &str, yaml: &str) {
        self.write(&format!("config/pipelines/{name}.yaml"), yaml);
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(&format!("config/pipelines/{name}.yaml"))).unwrap();
    }

    /// What tasks have written to a file of this tower, as lines.
    pub(super) fn lines(&self, path: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(path)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// `sexton serve` with words of one's own, in a clean environment.
    pub(super) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("serve").args(words);
        self.surround(&mut command);
        command
    }

    /// Gives a command this tower's surroundings.
    pub(super) fn surround(&self, command: &mut Command) {
        command.current_dir(self.dir.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path());
        command.env("SEXTON_CONFIG", self.path("config")).env("SEXTON_STATE_DIR", self.path("state"));
    }

    /// Starts a daemon, and waits till it is ready.
    pub(super) fn start(&mut self) {
        self.start_as(self.command(&[]));
    }

    /// The same with another command.
    pub(super) fn start_as(&mut self, command: Command) {
        self.launch(command);
        self.wait_for(READY);
    }

    /// Starts a daemon, and waits for nothing.
    pub(super) fn launch(&mut self, mut command: Command) {
        assert!(self.daemon.is_none(), "one daemon at a time");
        self.before = self.said.lock().unwrap().len();
        // A pipe: a daemon that may not write files can still say so.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (said, stderr) = (self.said.clone(), child.stderr.take().unwrap());
        let listener = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                said.lock().unwrap().push(line);
            }
        });
        self.daemon = Some(Daemon { child, listener });
    }

    pub(super) fn pid(&self) -> i32 {
        self.daemon.as_ref().expect("a daemon").child.id().cast_signed()
    }

    pub(super) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.signal("KILL");
        self.end();
    }

    /// Waits for the daemon's end, and for its last word.
    pub(super) fn end(&mut self) -> ExitStatus {
        let Daemon { mut child, listener } = self.daemon.take().expect("a daemon");
        let start = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > DEADLINE {
                let _ = child.kill();
                let _ = child.wait();
                panic!("it does not end");
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        };
        listener.join().unwrap();
        // Whatever a test does: the database never has a reason to refuse what happened.
        for words in ["panicked at", "refused", "is halted"] {
            self.has_not_said(words);
        }
        status
    }

    /// Ends the daemon as a supervisor does.
    pub(super) fn stop(&mut self) {
        self.signal("TERM");
        assert_eq!(self.end().code(), Some(0));
    }

    /// Goes by the files as they are now, and waits till that is said.
    pub(super) fn reload(&self, outcome: &str) {
        let before = self.count(outcome);
        self.signal("HUP");
        until(&format!("{outcome:?} is said"), || self.count(outcome) > before);
    }

    /// What the daemon has said since its start.
    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap()[self.before..].to_vec()
    }

    /// How many of these lines have these words.
    pub(super) fn count(&self, words: &str) -> usize {
        self.said().iter().filter(|line| line.contains(words)).count()
    }

    /// Waits for a line with these words since the daemon's start.
    pub(super) fn wait_for(&self, words: &str) {
        until(&format!("{words:?} is said"), || {
            let all_said = self.daemon.as_ref().is_none_or(|daemon| daemon.listener.is_finished());
            let found = self.count(words) > 0;
            assert!(found || !all_said, "it has ended without having said {words:?}");
            found
        });
    }

    #[track_caller]
    pub(super) fn has_said(&self, words: &str) {
        assert!(self.count(words) > 0, "nobody said {words:?}");
    }

    #[track_caller]
    pub(super) fn has_not_said(&self, words: &str) {
        assert_eq!(self.count(words), 0, "somebody said {words:?}");
    }

    /// The keeper, if one lives.
    pub(super) fn keeper(&self) -> Option<i32> {
        let pid = fs::read_to_string(self.path("state/keeper/keeper.lock")).ok()?.trim().parse().ok()?;
        let ours = command_line(pid).contains(&*self.dir.path().to_string_lossy());
        (ours && runs(pid)).then_some(pid)
    }

    pub(super) fn state(&self) -> PathBuf {
        self.path("state")
    }
}

impl Drop for Tower {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.child.kill();
            let _ = daemon.child.wait();
        }
        if let Some(keeper) = self.keeper() {
            // It may have been stopped; told to end, it ends what it runs.
            signal(keeper, "TERM");
            signal(keeper, "CONT");
        }
        if std::thread::panicking() {
            eprintln!("{}", self.said.lock().unwrap().join("\n"));
        }
    }
}
