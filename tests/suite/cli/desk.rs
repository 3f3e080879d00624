//! A desk: a configuration, a state directory and a home of its own, and the real binary asked things at it
//! in a clean environment. What a command has said is shown whole wherever an expectation fails.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sexton");
/// Generous: the machine may be busy with other things.
const DEADLINE: Duration = Duration::from_mins(1);

/// Where a user sits.
pub(super) struct Desk {
    dir: tempfile::TempDir,
}

impl Desk {
    pub(super) fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().expect("a temporary directory") };
        fs::create_dir_all(desk.path("config/pipelines")).expect("a configuration");
        desk
    }

    /// A pipeline of the configuration.
    pub(super) fn pipeline(self, name: &str, yaml: &str) -> Self {
        self.file(&format!("config/pipelines/{name}.yaml"), yaml)
    }

    /// A file, by its path at this desk.
    pub(super) fn file(self, path: &str, text: &str) -> Self {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
        self
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(super) fn read(&self, path: &str) -> String {
        let path = self.path(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Any words, with this desk's configuration and state.
    pub(super) fn ask(&self, words: &[&str]) -> Ask<'_> {
        let mut command = Command::new(PROGRAM);
        command.args(words).current_dir(self.dir.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").expect("PATH")).env("HOME", self.dir.path());
        command.env("SEXTON_CONFIG", self.path("config")).env("SEXTON_STATE_DIR", self.path("state"));
        Ask { desk: self, command, words: words.join(" ") }
    }

    pub(super) fn run(&self, pipeline: &str) -> Ask<'_> {
        self.ask(&["run", pipeline])
    }

    pub(super) fn check(&self, paths: &[&str]) -> Ask<'_> {
        self.ask(&[&["check"], paths].concat())
    }

    /// The keeper of the state directory, if one lives.
    pub(super) fn keeper(&self) -> Option<i32> {
        let pid = fs::read_to_string(self.path("state/keeper/keeper.lock")).ok()?.trim().parse().ok()?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let state = self.path("state").display().to_string();
        String::from_utf8_lossy(&line).contains(&state).then_some(pid).filter(|&pid| lives(pid))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(pid) = self.keeper() {
            signal(pid, "TERM");
        }
    }
}

/// A command that has not been given yet.
#[must_use]
pub(super) struct Ask<'d> {
    desk: &'d Desk,
    command: Command,
    words: String,
}

impl Ask<'_> {
    pub(super) fn arg(mut self, word: &str) -> Self {
        self.command.arg(word);
        self.words = format!("{} {word}", self.words);
        self
    }

    pub(super) fn date(self, date: &str) -> Self {
        self.arg("--date").arg(date)
    }

    pub(super) fn param(self, pair: &str) -> Self {
        self.arg("--param").arg(pair)
    }

    pub(super) fn json(self) -> Self {
        self.arg("--json")
    }

    pub(super) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(super) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Starts in a directory of the desk.
    pub(super) fn at(mut self, dir: &str) -> Self {
        self.command.current_dir(self.desk.path(dir));
        self
    }

    /// Gives the command, and does not wait for its end.
    pub(super) fn start(mut self) -> Going {
        // Files, not pipes: whatever still holds them does not keep the test waiting.
        let said = tempfile::tempdir().expect("a temporary directory");
        let open = |name: &str| File::create(said.path().join(name)).expect("a file");
        self.command.stdin(Stdio::null()).stdout(open("stdout")).stderr(open("stderr"));
        let child = self.command.spawn().expect("sexton");
        Going { child, said, words: self.words }
    }

    /// Gives the command where nobody reads what it says, and waits for its end.
    pub(super) fn unheard(mut self) -> Option<i32> {
        let nobody = || Stdio::from(std::io::pipe().expect("a pipe").1);
        self.command.stdin(Stdio::null()).stdout(nobody()).stderr(nobody());
        self.command.status().expect("sexton").code()
    }

    /// Gives the command and waits: it must end with this code.
    pub(super) fn exit(self, code: i32) -> Done {
        self.start().exit(code)
    }
}

/// A command under way.
pub(super) struct Going {
    child: Child,
    said: tempfile::TempDir,
    words: String,
}

impl Going {
    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a pid")
    }

    pub(super) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// What it has said so far.
    pub(super) fn so_far(&self) -> Done {
        let read = |name| fs::read(self.said.path().join(name)).unwrap_or_default();
        let text = |name| String::from_utf8_lossy(&read(name)).into_owned();
        Done { words: self.words.clone(), stdout: text("stdout"), stderr: text("stderr") }
    }

    /// Its end.
    pub(super) fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "it does not end: {}", self.so_far().all());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(super) fn exit(mut self, code: i32) -> Done {
        let status = self.end();
        let done = self.so_far();
        assert_eq!(status.code(), Some(code), "{status}: {}", done.all());
        done
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command has said.
pub(super) struct Done {
    words: String,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Done {
    pub(super) fn all(&self) -> String {
        let Self { words, stdout, stderr } = self;
        format!("sexton {words}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }

    pub(super) fn stdout_has(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout does not have {text:?}: {}", self.all());
        self
    }

    pub(super) fn stdout_lacks(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text), "stdout has {text:?}: {}", self.all());
        self
    }

    pub(super) fn stdout_is(self, text: &str) -> Self {
        assert_eq!(self.stdout, text, "{}", self.all());
        self
    }

    pub(super) fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr does not have {text:?}: {}", self.all());
        self
    }

    pub(super) fn stderr_is(self, text: &str) -> Self {
        assert_eq!(self.stderr, text, "{}", self.all());
        self
    }

    /// The lines of a listing in JSON.
    pub(super) fn json(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {}", self.all()));
        self.stdout.lines().map(read).collect()
    }

    /// `path state` of each line of a run in JSON.
    pub(super) fn story(&self) -> Vec<String> {
        let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        self.json().iter().map(|line| format!("{} {}", word(line, "path"), word(line, "state"))).collect()
    }
}

/// Waits till `condition` holds: for facts that nobody announces.
pub(super) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The numbers in a file that a task writes in one go, once they are there.
pub(super) fn pids(path: &Path) -> Vec<i32> {
    let mut text = String::new();
    until(&format!("{} is written", path.display()), || {
        text = fs::read_to_string(path).unwrap_or_default();
        text.ends_with('\n')
    });
    text.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect()
}

/// Whether a process lives; a zombie does not.
pub(super) fn lives(pid: i32) -> bool {
    let Ok(line) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = line.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

pub(super) fn signal(pid: i32, name: &str) {
    let signal: nix::sys::signal::Signal = format!("SIG{name}").parse().expect("a signal");
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}
