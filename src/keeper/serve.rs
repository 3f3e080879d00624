//! The keeper's loop: waits for descriptors and timers, lets things happen, then commits: the journal first,
//! then what it allows (forks, answers). It decides nothing about attempts itself.

use std::collections::{BTreeSet, HashMap};
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fs::{Mode, OFlags};

use super::address::{address, prepare};
use super::attempt::Attempt;
use super::command::raise_open_files;
use super::connection::Connection;
use super::error::Error;
use super::journal::{Entry, Journal};
use super::key::Key;
use super::lock::Lock;
use super::protocol::{By, FromKeeper, Launch, Token};
use super::spawner::{Job, Spawner};
use super::{crash, handoff, spawn};
use crate::clock::{Clock, System};

/// An idle keeper stays this long, for a controller that is just coming back.
const LINGER: Duration = Duration::from_secs(2);
/// One that has had no controller yet waits longer for the first.
const LINGER_FIRST: Duration = Duration::from_secs(15);

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The keeper's own directory: socket, lock, journal and log are in it. Made if missing; 0700.
    pub dir: PathBuf,
    /// End all attempts and oneself when the controller goes away.
    pub bound: bool,
    /// The descriptor of the state that the program before this one has left, after a re-exec.
    pub resume: Option<RawFd>,
}

/// Serves until there is nothing left to do. Changes the whole process (signals, session, descriptors,
/// directory) and so must have it for itself.
pub fn serve(options: &Options) -> Result<(), Error> {
    spawn::clean_process();
    // Refused if it leads a group already; then a shell has put it in the foreground, as was wanted.
    let _ = rustix::process::setsid();
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(Error::system("be a subreaper"))?;
    let mut keeper = match options.resume {
        Some(fd) => handoff::resume(fd)?,
        None => Keeper::fresh(options)?,
    };
    // What it does not pin can be unmounted.
    let _ = std::env::set_current_dir("/");
    if options.resume.is_none() {
        say_ready();
        keeper.recover();
    }
    keeper.run()
}

/// Everything the process holds.
#[derive(Debug)]
pub(super) struct Keeper {
    clock: System,
    pub(super) dir: PathBuf,
    pub(super) bound: bool,
    pub(super) lock: Lock,
    pub(super) journal: Journal,
    pub(super) open_files: (u64, u64),
    pub(super) listener: UnixListener,
    pub(super) signals: SignalFd,
    pub(super) spawner: Spawner,
    pub(super) attempts: HashMap<Token, Attempt>,
    /// Deadlines of attempts, the next one first.
    pub(super) timers: BTreeSet<(Instant, Token)>,
    /// Whose leftover a watched process is.
    pub(super) watched: HashMap<i32, Token>,
    /// Leaders that are the main thread's children, since a re-exec: not orphans.
    pub(super) inherited: HashMap<i32, Token>,
    /// Attempts that are to be looked at for leftovers.
    pub(super) unsettled: BTreeSet<Token>,
    /// Launches that wait for the journal.
    pub(super) launches: Vec<Job>,
    /// Launches that wait for the end of a re-exec that may fail.
    pub(super) held: Vec<Launch>,
    pub(super) connections: HashMap<u64, Connection>,
    pub(super) next_connection: u64,
    pub(super) controller: Option<u64>,
    pub(super) had_controller: bool,
    /// It starts nothing more and ends when nothing runs.
    pub(super) closing: bool,
    pub(super) reexec: Option<PathBuf>,
    pub(super) idle_since: Option<Instant>,
    /// Crash points that are passed once the journal is written, and once the answers are sent.
    pub(super) written: Vec<&'static str>,
    pub(super) sent: Vec<&'static str>,
    pub(super) buffer: Vec<u8>,
    pub(super) epoll: std::os::fd::OwnedFd,
}

impl Keeper {
    fn fresh(options: &Options) -> Result<Self, Error> {
        let dir = prepare(&options.dir)?;
        let lock = Lock::take(&dir)?;
        let listener = listen(&dir)?;
        Self::assemble(dir, options.bound, lock, listener, raise_open_files())
    }

    /// A keeper without attempts around what it must own.
    pub(super) fn assemble(
        dir: PathBuf,
        bound: bool,
        lock: Lock,
        listener: UnixListener,
        open_files: (u64, u64),
    ) -> Result<Self, Error> {
        let now = System.now().as_millisecond();
        let mut journal = Journal::open(&dir.join("journal"), &boot_id()?, now)?;
        journal.note(Entry::Keeper { pid: std::process::id(), at: now });
        let heard = [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGXFSZ];
        let mask: SigSet = heard.into_iter().collect();
        mask.thread_block().map_err(Error::system("block signals"))?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let signals = SignalFd::with_flags(&mask, flags).map_err(Error::system("make a signalfd"))?;
        let keeper_id = journal.header().id.clone();
        let spawner = Spawner::start(keeper_id, open_files).map_err(Error::system("start the spawner"))?;
        let keeper = Self {
            clock: System,
            dir,
            bound,
            lock,
            journal,
            open_files,
            listener,
            signals,
            spawner,
            attempts: HashMap::new(),
            timers: BTreeSet::new(),
            watched: HashMap::new(),
            inherited: HashMap::new(),
            unsettled: BTreeSet::new(),
            launches: Vec::new(),
            held: Vec::new(),
            connections: HashMap::new(),
            next_connection: 0,
            controller: None,
            had_controller: false,
            closing: false,
            reexec: None,
            idle_since: None,
            written: Vec::new(),
            sent: Vec::new(),
            buffer: vec![0; 64 << 10],
            epoll: epoll::create(CreateFlags::CLOEXEC).map_err(Error::system("make an epoll"))?,
        };
        keeper.watch(&keeper.listener, Key::Listener).map_err(Error::system("watch the socket"))?;
        keeper.watch(&keeper.signals, Key::Signals).map_err(Error::system("watch signals"))?;
        keeper.watch(&*keeper.spawner.ready, Key::Born).map_err(Error::system("watch the spawner"))?;
        Ok(keeper)
    }

    fn run(&mut self) -> Result<(), Error> {
        let mut events = Vec::with_capacity(64);
        loop {
            self.settle();
            self.commit();
            self.try_reexec();
            if self.is_done() {
                return Ok(());
            }
            let timeout = self.next_wake().map(|at| at.saturating_duration_since(Instant::now()));
            let timeout = timeout.map(|left| rustix::event::Timespec {
                tv_sec: left.as_secs().min(1 << 20).cast_signed(),
                tv_nsec: left.subsec_nanos().into(),
            });
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Error::system("wait for events")(error)),
            }
            for event in &events {
                let (flags, data) = (event.flags, event.data);
                self.on_event(Key::unpack(data.u64()), flags);
            }
            self.on_timers();
        }
    }

    fn on_event(&mut self, key: Key, flags: EventFlags) {
        match key {
            Key::Listener => self.accept(),
            Key::Signals => self.on_signals(),
            Key::Born => self.on_born(),
            Key::Connection(id) => self.on_connection(id, flags),
            Key::Leader(token) => {
                self.reap_leader(token);
            }
            Key::Pipe(token, stream) => self.on_pipe(token, stream),
            Key::Leftover(pid) => self.on_leftover(pid),
        }
    }

    fn on_timers(&mut self) {
        let now = Instant::now();
        while let Some(&(at, token)) = self.timers.first()
            && at <= now
        {
            self.on_deadline(token, now);
            self.arm(token);
        }
    }

    fn on_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            // SIGCHLD: orphans are reaped below. SIGHUP: a terminal's end is not ours. SIGXFSZ: a file may not
            // grow, as the write has said, too.
            if let Ok(Signal::SIGTERM | Signal::SIGINT) = Signal::try_from(info.ssi_signo.cast_signed()) {
                self.close();
            }
        }
        self.reap_orphans();
    }

    /// Writes down, then acts.
    pub(super) fn commit(&mut self) {
        let refused = match self.journal.write() {
            Ok(()) => {
                self.written.drain(..).for_each(crash::point);
                Vec::new()
            }
            Err((tokens, error)) => {
                eprintln!("the journal cannot be written: {error}");
                tokens.into_iter().map(|token| (token, error.to_string())).collect()
            }
        };
        for (token, why) in refused {
            self.forget_launch(token, why);
        }
        for job in self.launches.drain(..) {
            self.spawner.submit(job);
        }
        let ids: Vec<u64> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.is_full())
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            self.flush(id);
        }
        self.sent.drain(..).for_each(crash::point);
    }

    fn next_wake(&self) -> Option<Instant> {
        let linger = if self.had_controller { LINGER } else { LINGER_FIRST };
        let timer = self.timers.first().map(|(at, _)| *at);
        timer.into_iter().chain(self.idle_since.map(|since| since + linger)).min()
    }

    /// Whether the end has come; starts and stops the clock of an idle keeper.
    fn is_done(&mut self) -> bool {
        if self.closing {
            return self.attempts.is_empty();
        }
        let now = Instant::now();
        let linger = if self.had_controller { LINGER } else { LINGER_FIRST };
        // After a re-exec nobody may come back to a bound keeper.
        let forsaken = self.bound && self.connections.is_empty();
        if !self.attempts.is_empty() && !forsaken {
            self.idle_since = None;
            return false;
        }
        let told = self.bound || self.journal.memory().known.is_empty();
        if !self.connections.is_empty() || !told {
            self.idle_since = None;
            return false;
        }
        let since = *self.idle_since.get_or_insert(now);
        if now < since + linger {
            return false;
        }
        // Somebody may have connected this very moment.
        self.accept();
        if !self.connections.is_empty() {
            return false;
        }
        self.close();
        self.attempts.is_empty()
    }

    /// Ends everything, then itself.
    pub(super) fn close(&mut self) {
        self.closing = true;
        let tokens: Vec<Token> = self.attempts.keys().copied().collect();
        for token in tokens {
            self.begin_ending(token, By::Shutdown);
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn watch(&self, fd: impl AsFd, key: Key) -> rustix::io::Result<()> {
        epoll::add(&self.epoll, fd, EventData::new_u64(key.pack()), EventFlags::IN)
    }

    pub(super) fn watch_room(&self, id: u64, wanted: bool) {
        if let Some(connection) = self.connections.get(&id) {
            let flags = if wanted { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
            let data = EventData::new_u64(Key::Connection(id).pack());
            let _ = epoll::modify(&self.epoll, &connection.stream, data, flags);
        }
    }

    /// To be called before a watched descriptor is closed: a child that has not executed yet may have a
    /// copy of it, which would keep the events coming.
    pub(super) fn unwatch(&self, fd: impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Queues a message for the controller, if there is one.
    pub(super) fn tell(&mut self, message: &FromKeeper) {
        if let Some(connection) = self.controller.and_then(|id| self.connections.get_mut(&id)) {
            connection.queue(message);
        }
    }

    /// Puts the attempt's deadline into the table of timers.
    pub(super) fn arm(&mut self, token: Token) {
        let Some(attempt) = self.attempts.get_mut(&token) else { return };
        let deadline = attempt.deadline();
        if deadline == attempt.armed {
            return;
        }
        if let Some(old) = std::mem::replace(&mut attempt.armed, deadline) {
            self.timers.remove(&(old, token));
        }
        if let Some(new) = deadline {
            self.timers.insert((new, token));
        }
    }
}

fn listen(dir: &Path) -> Result<UnixListener, Error> {
    let address = address(dir)?;
    let failed = || Error::file(dir.join(super::address::SOCKET));
    match std::fs::remove_file(address.path()) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed()(error)),
        Ok(()) | Err(_) => {}
    }
    // Until its mode is set, the directory's keeps others out.
    let listener = UnixListener::bind(address.path()).map_err(failed())?;
    std::fs::set_permissions(address.path(), PermissionsExt::from_mode(0o600)).map_err(failed())?;
    listener.set_nonblocking(true).map_err(failed())?;
    Ok(listener)
}

/// Tells the starter, and gives up the pipe to it: its end is what the starter waits for.
fn say_ready() {
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(b"ready\n").and_then(|()| stdout.flush());
    if let Ok(null) = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
        let _ = rustix::stdio::dup2_stdout(null);
    }
}

fn boot_id() -> Result<String, Error> {
    let path = "/proc/sys/kernel/random/boot_id";
    Ok(std::fs::read_to_string(path).map_err(Error::file(path))?.trim().to_owned())
}
