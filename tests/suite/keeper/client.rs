//! A keeper in a directory of its own, and a controller that waits for what it says, never for time.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sexton::keeper::protocol::{
    Ack, Decoder, Exited, FromKeeper, Hello, Kill, Launch, LogLimit, PROTOCOL, Reexec, Spawned, ToKeeper,
    Token, Welcome, encode,
};
use sexton::keeper::start;

/// Generous: the machine may be busy with other things.
pub(in crate::suite) const DEADLINE: Duration = Duration::from_secs(30);

pub(in crate::suite) const PROGRAM: &str = env!("CARGO_BIN_EXE_sexton");

/// A place for keepers. What still runs there is ended with it.
pub(super) struct Place {
    pub(super) dir: tempfile::TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("keeper")
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Finds or starts the keeper, and says hello.
    pub(super) fn connect(&self) -> Client {
        self.connect_as(1)
    }

    pub(super) fn connect_as(&self, epoch: u64) -> Client {
        self.greet(epoch, false)
    }

    pub(super) fn connect_bound(&self) -> Client {
        self.greet(1, true)
    }

    /// As a daemon does it: a keeper on its way out may still take the connection, and drop it.
    fn greet(&self, epoch: u64, bound: bool) -> Client {
        let start = Instant::now();
        loop {
            let stream = start::ensure(&self.path(), Path::new(PROGRAM), bound).expect("a keeper");
            let mut client = Client::new(stream, self.dir.path().to_owned());
            let hello = Hello { protocol: PROTOCOL, epoch, version: "test".into() };
            if client.try_send(&ToKeeper::Hello(hello))
                && let Some(first) = client.try_receive()
            {
                let FromKeeper::Welcome(welcome) = first else { panic!("no welcome but {first:?}") };
                client.welcome = Some(welcome);
                return client;
            }
            assert!(start.elapsed() < DEADLINE, "no keeper stays");
        }
    }

    /// A keeper that dies at a crash point.
    pub(super) fn start_with_crash(&self, point: &str) -> Client {
        use std::process::{Command, Stdio};

        let mut child = Command::new(PROGRAM)
            .args(["keeper", "--dir"])
            .arg(self.path())
            .env("SEXTON_KEEPER_CRASH", point)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the keeper");
        let mut said = String::new();
        child.stdout.take().expect("its stdout").read_to_string(&mut said).expect("its word");
        assert_eq!(said, "ready\n");
        std::thread::spawn(move || child.wait());
        self.connect()
    }

    pub(super) fn pid(&self) -> Option<i32> {
        std::fs::read_to_string(self.path().join("keeper.lock")).ok()?.trim().parse().ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pid) = self.pid()
            && command_line(pid).contains(&*self.path().to_string_lossy())
        {
            signal(pid, "TERM");
        }
    }
}

/// A controller.
pub(super) struct Client {
    stream: UnixStream,
    decoder: Decoder<FromKeeper>,
    pending: VecDeque<FromKeeper>,
    home: PathBuf,
    welcome: Option<Welcome>,
}

impl Client {
    pub(super) fn new(stream: UnixStream, home: PathBuf) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).expect("a timeout");
        Self { stream, decoder: Decoder::default(), pending: VecDeque::new(), home, welcome: None }
    }

    pub(super) fn welcome(&self) -> &Welcome {
        self.welcome.as_ref().expect("a welcome")
    }

    pub(super) fn send(&mut self, message: &ToKeeper) {
        assert!(self.try_send(message), "a keeper that listens");
    }

    fn try_send(&mut self, message: &ToKeeper) -> bool {
        let mut bytes = Vec::new();
        encode(message, &mut bytes).expect("a frame");
        self.stream.write_all(&bytes).is_ok()
    }

    /// The next message; `None` when the connection has ended.
    pub(super) fn try_receive(&mut self) -> Option<FromKeeper> {
        if let Some(message) = self.pending.pop_front() {
            return Some(message);
        }
        loop {
            if let Some(message) = self.decoder.next().expect("a message") {
                return Some(message);
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(read) => self.decoder.push(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                // The end of another keeper, a child of this process, may come in between.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("nothing came from the keeper: {error}"),
            }
        }
    }

    pub(super) fn receive(&mut self) -> FromKeeper {
        self.try_receive().expect("a message, not the end of the connection")
    }

    /// The first message that `pick` takes; the others wait for later calls.
    pub(super) fn wait<T>(&mut self, mut pick: impl FnMut(&FromKeeper) -> Option<T>) -> T {
        let mut skipped = VecDeque::new();
        loop {
            let message = self.receive();
            if let Some(found) = pick(&message) {
                skipped.append(&mut self.pending);
                self.pending = skipped;
                return found;
            }
            skipped.push_back(message);
        }
    }

    /// Waits for the keeper to close the connection.
    pub(super) fn wait_for_end(mut self) {
        while self.try_receive().is_some() {}
    }

    pub(super) fn launch(&mut self, launch: Launch) -> Token {
        let token = launch.token;
        self.send(&ToKeeper::Launch(Box::new(launch)));
        token
    }

    pub(super) fn kill(&mut self, token: Token) {
        self.send(&ToKeeper::Kill(Kill { token }));
    }

    pub(super) fn ack(&mut self, token: Token) {
        self.send(&ToKeeper::Ack(Ack { token }));
    }

    pub(super) fn reexec(&mut self, program: &str) {
        self.send(&ToKeeper::Reexec(Reexec { program: program.into() }));
    }

    pub(super) fn spawned(&mut self, token: Token) -> Spawned {
        self.wait(|message| {
            if let FromKeeper::Spawned(spawned) = message
                && spawned.token == token
            {
                Some(*spawned)
            } else {
                None
            }
        })
    }

    pub(super) fn exited(&mut self, token: Token) -> Exited {
        self.wait(|message| {
            if let FromKeeper::Exited(exited) = message
                && exited.token == token
            {
                Some((**exited).clone())
            } else {
                None
            }
        })
    }

    /// Launches, waits for the end, acknowledges it.
    pub(super) fn run(&mut self, launch: Launch) -> Exited {
        let token = self.launch(launch);
        let exited = self.exited(token);
        self.ack(token);
        exited
    }

    /// A launch of a shell script, in this place.
    pub(super) fn sh(&self, token: u64, script: &str) -> Launch {
        Launch {
            token: Token(token),
            argv: ["/bin/sh", "-c", script].map(str::to_owned).to_vec(),
            env: vec![
                ("PATH".into(), std::env::var("PATH").expect("PATH")),
                ("HERE".into(), self.home.to_string_lossy().into_owned()),
            ],
            cwd: self.home.clone(),
            user: None,
            log: self.log(token),
            timeout_ms: None,
            kill_grace_ms: 10_000,
            stdout: None,
            stdout_limit: None,
            mask: Vec::new(),
            log_limit: LogLimit::default(),
        }
    }

    pub(super) fn log(&self, token: u64) -> PathBuf {
        self.home.join(format!("logs/deep/{token}.log"))
    }

    /// The lines of an attempt's log without their times: `stdout F text`.
    pub(super) fn lines(&self, token: u64) -> Vec<String> {
        let text = std::fs::read(self.log(token)).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        text.lines().map(|line| line.split_once(' ').expect("a time").1.to_owned()).collect()
    }
}

/// Waits till `condition` holds: for facts that nobody announces.
pub(in crate::suite) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < DEADLINE, "still not: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a file that a task writes in one go, and reads it.
pub(in crate::suite) fn read_when_there(path: &Path) -> String {
    let mut text = String::new();
    until(&format!("{} is written", path.display()), || {
        text = std::fs::read_to_string(path).unwrap_or_default();
        text.ends_with('\n')
    });
    text
}

/// Whether a process runs; a zombie does not.
pub(in crate::suite) fn runs(pid: i32) -> bool {
    let Ok(line) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = line.rsplit(") ").next().and_then(|rest| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

pub(in crate::suite) fn signal(pid: i32, name: &str) {
    let signal: nix::sys::signal::Signal = format!("SIG{name}").parse().expect("a signal");
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
}

/// Kills a keeper as `kill -9` does, and waits till it is gone.
pub(super) fn kill_keeper(place: &Place) -> i32 {
    let pid = place.pid().expect("a keeper");
    signal(pid, "KILL");
    until("the keeper is dead", || !runs(pid));
    pid
}

pub(in crate::suite) fn command_line(pid: i32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}
