//! The daemon's side of starting a keeper: find the one that serves, or start one and wait until it does.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::address::{address, prepare};
use super::error::Error;
use super::lock::Lock;

/// How long a holder of the lock may take to serve or to die.
const PATIENCE: Duration = Duration::from_secs(10);
/// How soon a holder that is alive is asked again.
const LOOK_AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A connection to the keeper of `dir`, which is started as `program keeper --dir DIR [--bound]` if none
/// serves. The peer may still be on its way out (it was idle): if the connection closes before a
/// `Welcome`, call this again. Blocks for some milliseconds when it has to start one.
pub fn ensure(dir: &Path, program: &Path, bound: bool) -> Result<UnixStream, Error> {
    let dir = prepare(dir)?;
    if let Some(stream) = connect(&dir)? {
        return Ok(stream);
    }
    let _turn = Lock::wait_to_start(&dir)?;
    if let Some(stream) = connect_to_holder(&dir)? {
        return Ok(stream);
    }
    launch(&dir, program, bound)?;
    connect(&dir)?.ok_or_else(|| Error::NotStarted("it was ready, and is gone".into()))
}

/// A connection to the keeper of `dir`; `None` if none serves.
pub fn connect(dir: &Path) -> Result<Option<UnixStream>, Error> {
    let address = address(dir)?;
    match UnixStream::connect(address.path()) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(Error::file(address.path())(error)),
    }
}

/// Whoever holds the lock without taking connections is about to take them, or dying: its socket goes before
/// its lock does. `None` as soon as nobody holds it.
fn connect_to_holder(dir: &Path) -> Result<Option<UnixStream>, Error> {
    let patience = Instant::now() + PATIENCE;
    loop {
        if let Some(stream) = connect(dir)? {
            return Ok(Some(stream));
        }
        let Some(pid) = Lock::holder(dir)? else { return Ok(None) };
        if Instant::now() > patience {
            return Err(Error::Held { dir: dir.to_owned(), pid });
        }
        let holder = pid.parse().ok().and_then(Pid::from_raw);
        match holder.map(|holder| pidfd_open(holder, PidfdFlags::empty())) {
            // Returns at once when it has ended.
            Some(Ok(holder)) => drop(poll(&mut [PollFd::new(&holder, PollFlags::IN)], Some(&LOOK_AGAIN))),
            Some(Err(_)) | None => std::thread::yield_now(),
        }
    }
}

fn launch(dir: &Path, program: &Path, bound: bool) -> Result<(), Error> {
    let log = dir.join("keeper.log");
    let stderr =
        OpenOptions::new().create(true).append(true).mode(0o600).open(&log).map_err(Error::file(&log))?;
    let before = stderr.metadata().map_err(Error::file(&log))?.len();
    let mut command = Command::new(program);
    command.arg("keeper").arg("--dir").arg(dir);
    if bound {
        command.arg("--bound");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
    let mut child = command.spawn().map_err(Error::file(program))?;
    // It says `ready` and then gives its stdout up; without that word it has failed.
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut said).map_err(Error::system("read what the keeper says"))?;
    }
    if said.trim() == "ready" {
        // It is this process's child still: someone has to wait for it if it ends first.
        let waiter = std::thread::Builder::new().name("keeper-wait".into()).stack_size(64 << 10);
        waiter.spawn(move || child.wait()).map_err(Error::system("make a thread"))?;
        return Ok(());
    }
    let _ = child.wait();
    let text = std::fs::read(&log).unwrap_or_default();
    let new = String::from_utf8_lossy(text.get(before as usize..).unwrap_or_default()).trim().to_owned();
    Err(Error::NotStarted(if new.is_empty() { format!("see `{}`", log.display()) } else { new }))
}
