//! Upgrade by re-exec in place: the keeper's state goes through a memory file into another program that
//! runs in the same process, with the same children, pipes, lock and socket. The controller reconnects.
//! `format` of [`State`] is a contract between releases: fields are added with defaults, never changed.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Ending, Exit, GIVE_UP, Member, Phase, Stage};
use super::error::Error;
use super::key::Key;
use super::lock::Lock;
use super::output::{Output, Packed, Stream};
use super::printed::{self, Printed};
use super::protocol::{By, FromKeeper, Token};
use super::serve::Keeper;
use super::spawn;
use super::spawner::Leader;
use super::tree::{self, Scope};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct State {
    format: u32,
    dir: PathBuf,
    bound: bool,
    closing: bool,
    open_files: (u64, u64),
    listener: RawFd,
    lock: RawFd,
    attempts: Vec<PackedAttempt>,
}

#[derive(Serialize, Deserialize)]
struct PackedAttempt {
    token: Token,
    kill_grace_ms: u64,
    leader: Option<(i32, u64)>,
    phase: PackedPhase,
    ending: Option<PackedEnding>,
    output: Option<Packed>,
    ring: Option<RawFd>,
    #[serde(default)]
    printed: Option<printed::Packed>,
    stdout: Option<RawFd>,
    stderr: Option<RawFd>,
    leftovers: u32,
    everywhere: bool,
}

#[derive(Serialize, Deserialize)]
enum PackedPhase {
    Running { pid: i32, start: u64, at: Timestamp, timeout_left_ms: Option<u64> },
    Draining { exit: Exit, left_ms: u64 },
    Clearing { exit: Exit },
}

#[derive(Serialize, Deserialize)]
struct PackedEnding {
    by: By,
    /// Until SIGKILL; `None` once that was sent.
    grace_left_ms: Option<u64>,
    members: Vec<(i32, u64)>,
}

impl Keeper {
    /// Executes the program that was asked for, once no birth is under way. Returns only if that failed;
    /// then everything goes on as it was.
    pub(super) fn try_reexec(&mut self) {
        if self.spawner.pending > 0 || !self.launches.is_empty() {
            return;
        }
        let Some(program) = self.reexec.take() else { return };
        let error = if self.journal.is_written() {
            match self.execute(&program) {
                Ok(never) => match never {},
                Err(error) => error,
            }
        } else {
            std::io::Error::other("the journal cannot be written")
        };
        let error = format!("cannot execute `{}`: {error}", program.display());
        self.tell(&FromKeeper::ReexecFailed { error });
        for launch in std::mem::take(&mut self.held) {
            self.on_launch(Box::new(launch));
        }
        self.settle();
        self.commit();
    }

    fn execute(&mut self, program: &Path) -> std::io::Result<std::convert::Infallible> {
        let state = self.pack()?;
        let mut file = File::from(memfd_create("sexton-keeper", MemfdFlags::CLOEXEC)?);
        serde_json::to_writer(&mut file, &state)?;
        file.flush()?;
        file.rewind()?;
        let mut arguments =
            vec![program.as_os_str().as_bytes().to_vec(), b"keeper".to_vec(), b"--dir".to_vec()];
        arguments.push(self.dir.as_os_str().as_bytes().to_vec());
        if self.bound {
            arguments.push(b"--bound".to_vec());
        }
        arguments.extend([b"--resume".to_vec(), file.as_raw_fd().to_string().into_bytes()]);
        let arguments = arguments.into_iter().map(CString::new).collect::<Result<Vec<_>, _>>()?;
        let variables = std::env::vars_os().map(|(name, value)| {
            let mut variable = name.into_vec();
            variable.push(b'=');
            variable.extend(value.into_vec());
            CString::new(variable)
        });
        let variables = variables.collect::<Result<Vec<_>, _>>()?;
        self.keep_across_exec(&file, true)?;
        super::crash::point("before-reexec");
        let result =
            nix::unistd::execve(&CString::new(program.as_os_str().as_bytes())?, &arguments, &variables);
        self.keep_across_exec(&file, false)?;
        result.map_err(Into::into)
    }

    fn pack(&mut self) -> std::io::Result<State> {
        let now = Instant::now();
        let attempts: std::io::Result<Vec<_>> =
            self.attempts.values_mut().map(|attempt| pack_attempt(attempt, now)).collect();
        Ok(State {
            format: FORMAT,
            dir: self.dir.clone(),
            bound: self.bound,
            closing: self.closing,
            open_files: self.open_files,
            listener: self.listener.as_raw_fd(),
            lock: self.lock.file().as_raw_fd(),
            attempts: attempts?,
        })
    }

    fn keep_across_exec(&mut self, state: &File, keep: bool) -> std::io::Result<()> {
        let flags = if keep { FdFlags::empty() } else { FdFlags::CLOEXEC };
        let set = |fd: BorrowedFd<'_>| rustix::io::fcntl_setfd(fd, flags);
        set(state.as_fd())?;
        set(self.listener.as_fd())?;
        set(self.lock.file().as_fd())?;
        for attempt in self.attempts.values_mut() {
            for pipe in attempt.stdout.iter().chain(&attempt.stderr) {
                set(pipe.as_fd())?;
            }
            if let Some(output) = &mut attempt.output
                && let (_, Some(ring)) = output.pack()
            {
                set(ring.as_fd())?;
            }
            if let Some(printed) = &attempt.printed {
                set(printed.file.as_fd())?;
            }
        }
        Ok(())
    }
}

fn millis(left: Duration) -> u64 {
    left.as_millis() as u64
}

fn pack_attempt(attempt: &mut Attempt, now: Instant) -> std::io::Result<PackedAttempt> {
    let left = |at: Instant| millis(at.saturating_duration_since(now));
    let phase = match &attempt.phase {
        Phase::Spawning { .. } => return Err(std::io::Error::other("an attempt is being started")),
        Phase::Running { leader, timeout_at } => PackedPhase::Running {
            pid: leader.pid,
            start: leader.start,
            at: leader.at,
            timeout_left_ms: timeout_at.map(left),
        },
        Phase::Draining { exit, until } => {
            PackedPhase::Draining { exit: exit.clone(), left_ms: left(*until) }
        }
        Phase::Clearing { exit } => PackedPhase::Clearing { exit: exit.clone() },
    };
    let ending = attempt.ending.as_ref().map(|ending| PackedEnding {
        by: ending.by,
        grace_left_ms: match ending.stage {
            Stage::Asked { kill_at } => Some(left(kill_at)),
            Stage::Killed { .. } => None,
        },
        members: ending.members.iter().map(|(pid, member)| (*pid, member.start)).collect(),
    });
    let (output, ring) = match &mut attempt.output {
        Some(output) => {
            let (packed, ring) = output.pack();
            (Some(packed), ring.map(AsRawFd::as_raw_fd))
        }
        None => (None, None),
    };
    Ok(PackedAttempt {
        token: attempt.token,
        kill_grace_ms: millis(attempt.kill_grace),
        leader: attempt.leader,
        phase,
        ending,
        output,
        ring,
        printed: attempt.printed.as_ref().map(Printed::pack),
        stdout: attempt.stdout.as_ref().map(AsRawFd::as_raw_fd),
        stderr: attempt.stderr.as_ref().map(AsRawFd::as_raw_fd),
        leftovers: attempt.leftovers,
        everywhere: attempt.scope == Scope::Everywhere,
    })
}

/// The keeper that the program before this one has left in `state`.
pub(super) fn resume(state: RawFd) -> Result<Keeper, Error> {
    let adopt = |fd| spawn::adopt(fd).map_err(|error| Error::Handoff(error.to_string()));
    let mut text = Vec::new();
    File::from(adopt(state)?).read_to_end(&mut text).map_err(|error| Error::Handoff(error.to_string()))?;
    let state: State = serde_json::from_slice(&text).map_err(|error| Error::Handoff(error.to_string()))?;
    if state.format != FORMAT {
        return Err(Error::Handoff(format!("its format is {}", state.format)));
    }
    let lock = Lock::inherited(adopt(state.lock)?);
    let listener = adopt(state.listener)?.into();
    let mut keeper = Keeper::assemble(state.dir, state.bound, lock, listener, state.open_files)?;
    for packed in state.attempts {
        resume_attempt(&mut keeper, packed)?;
    }
    if state.closing {
        keeper.close();
    }
    Ok(keeper)
}

fn resume_attempt(keeper: &mut Keeper, packed: PackedAttempt) -> Result<(), Error> {
    let now = Instant::now();
    let token = packed.token;
    let adopt = |fd: Option<RawFd>| -> Result<Option<OwnedFd>, Error> {
        fd.map(spawn::adopt).transpose().map_err(|error| Error::Handoff(error.to_string()))
    };
    let (stdout, stderr, ring) = (adopt(packed.stdout)?, adopt(packed.stderr)?, adopt(packed.ring)?);
    let file = adopt(packed.printed.as_ref().map(|printed| printed.file))?;
    let phase = match packed.phase {
        PackedPhase::Running { pid, start, at, timeout_left_ms } => {
            // Nobody has reaped it, so the number is still its own.
            let opened = Pid::from_raw(pid).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
            let Some(Ok(pidfd)) = opened else {
                return Err(Error::Handoff(format!("there is no process {pid}")));
            };
            keeper.watch(&pidfd, Key::Leader(token)).map_err(Error::system("watch a process"))?;
            keeper.inherited.insert(pid, token);
            let timeout_at = timeout_left_ms.and_then(|left| now.checked_add(Duration::from_millis(left)));
            Phase::Running { leader: Leader { pid, pidfd, start, at }, timeout_at }
        }
        PackedPhase::Draining { exit, left_ms } => {
            Phase::Draining { exit, until: now + Duration::from_millis(left_ms) }
        }
        PackedPhase::Clearing { exit } => {
            keeper.unsettled.insert(token);
            Phase::Clearing { exit }
        }
    };
    for (pipe, stream) in [(&stdout, Stream::Stdout), (&stderr, Stream::Stderr)] {
        if let Some(pipe) = pipe {
            keeper.watch(pipe, Key::Pipe(token, stream)).map_err(Error::system("watch a pipe"))?;
        }
    }
    let mut members = Vec::new();
    let ending = packed.ending.map(|ending| {
        members = ending.members;
        let stage = match ending.grace_left_ms {
            Some(left) => Stage::Asked { kill_at: now + Duration::from_millis(left) },
            None => Stage::Killed { give_up_at: now + GIVE_UP },
        };
        Ending { by: ending.by, stage, members: HashMap::new() }
    });
    let attempt = Attempt {
        token,
        kill_grace: Duration::from_millis(packed.kill_grace_ms),
        timeout: None,
        output: packed.output.map(|output| Output::unpack(output, ring)),
        printed: packed.printed.zip(file).map(|(printed, file)| Printed::unpack(printed, file)),
        stdout,
        stderr,
        phase,
        leader: packed.leader,
        ending,
        armed: None,
        leftovers: packed.leftovers,
        scope: if packed.everywhere { Scope::Everywhere } else { Scope::Below },
    };
    keeper.attempts.insert(token, attempt);
    for (pid, start) in members {
        if let Some(pidfd) = tree::open(pid, start) {
            keeper.watch_member(token, pid, Member { start, pidfd });
        }
    }
    keeper.arm(token);
    Ok(())
}
