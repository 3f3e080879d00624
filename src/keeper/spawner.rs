//! The thread that makes processes. A thread of its own for two reasons: a hanging directory or user
//! lookup must not stop the loop, and leaders must be *its* children: then every child of the main
//! thread is an orphan that the keeper, as subreaper, was given.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use jiff::Timestamp;
use nix::sys::signal::SigSet;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::{Mode, OFlags};

use super::command;
use super::protocol::{Launch, Token};
use super::spawn::Forge;
use super::tree;
use crate::clock::{Clock, System};
use crate::mask::Masker;

/// A process to make, with the ends of its pipes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) launch: Box<Launch>,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// A process that was made; the main thread may wait for it by pid.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    pub(super) start: u64,
    pub(super) at: Timestamp,
}

/// What became of a job.
#[derive(Debug)]
pub(super) struct Born {
    pub(super) token: Token,
    pub(super) outcome: Result<Leader, String>,
}

/// The handle to the thread.
#[derive(Debug)]
pub(super) struct Spawner {
    jobs: Sender<Job>,
    born: Receiver<Born>,
    pub(super) ready: Arc<OwnedFd>,
    pub(super) pending: usize,
}

impl Spawner {
    /// Starts the thread.
    pub(super) fn start(keeper_id: String, open_files: (u64, u64)) -> io::Result<Self> {
        let ready = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let (jobs, inbox) = channel::<Job>();
        let (outbox, born) = channel();
        let mut forge = Forge::new()?;
        let bell = Arc::clone(&ready);
        Builder::new().name("spawner".into()).stack_size(256 << 10).spawn(move || {
            // A signal must never run a handler in a child that shares this memory.
            let _ = SigSet::all().thread_block();
            for job in inbox {
                let outcome = make(&mut forge, &job, &keeper_id, open_files, &null);
                let outcome = outcome.map_err(|why| Masker::text(&job.launch.mask, &why));
                if outbox.send(Born { token: job.launch.token, outcome }).is_err() {
                    return;
                }
                let _ = rustix::io::write(&bell, &1_u64.to_ne_bytes());
            }
        })?;
        Ok(Self { jobs, born, ready, pending: 0 })
    }

    /// Hands over a job; its outcome comes as [`Born`], announced by `ready`.
    pub(super) fn submit(&mut self, job: Job) {
        if self.jobs.send(job).is_ok() {
            self.pending += 1;
        }
    }

    /// The next outcome, if there is one.
    pub(super) fn next(&mut self) -> Option<Born> {
        let born = self.born.try_recv().ok()?;
        self.pending -= 1;
        Some(born)
    }
}

fn make(
    forge: &mut Forge,
    job: &Job,
    keeper_id: &str,
    open_files: (u64, u64),
    null: &OwnedFd,
) -> Result<Leader, String> {
    let image = command::image(&job.launch, keeper_id, open_files)?;
    let at = System.now();
    let (pid, pidfd) = forge
        .spawn(&image, [null.as_fd(), job.stdout.as_fd(), job.stderr.as_fd()])
        .map_err(|failure| command::failure(&job.launch, &failure))?;
    // It is there, as a zombie at the least, until the main thread has been told of it.
    let start = tree::start_of(pid).unwrap_or_default();
    Ok(Leader { pid, pidfd, start, at })
}
