//! The words that daemon and keeper exchange, and how they are framed: a little-endian `u32` length, then
//! JSON. Pure: it never touches a socket, a file or a clock. `docs/keeper-protocol.md` is its contract.

use std::marker::PhantomData;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The protocol this build speaks.
pub const PROTOCOL: u32 = 1;
/// No frame's JSON may be longer.
pub const MAX_FRAME: usize = 16 << 20;
/// Tokens stay below this: the keeper packs them into event keys.
pub const MAX_TOKEN: u64 = 1 << 56;
const LENGTH: usize = 4;

/// A fencing token: the attempt's id in the daemon's database, from one ever-growing sequence, sent in
/// growing order. A token is launched at most once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub u64);

/// What the daemon tells the keeper. `hello` and `reexec` are frozen for ever: an old keeper must
/// understand a new daemon far enough to be replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToKeeper {
    /// The first message of a connection. FROZEN.
    Hello(Hello),
    /// Start an attempt; answered by `Spawned`, `Exited` (not started) or `Refused`.
    Launch(Box<Launch>),
    /// End an attempt's whole tree: SIGTERM, `kill_grace_ms`, SIGKILL. Idempotent.
    Kill(Kill),
    /// The daemon has committed this attempt's end; the keeper may forget it.
    Ack(Ack),
    /// Execute this program in place of the running keeper. FROZEN.
    Reexec(Reexec),
}

/// Who connects. FROZEN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The newest protocol the daemon speaks.
    pub protocol: u32,
    /// Grows with every start of the daemon; the newest controller wins.
    pub epoch: u64,
    /// The daemon's version, for people.
    pub version: String,
}

/// One attempt to start.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Its fencing token.
    pub token: Token,
    /// Program and arguments; a program without `/` is looked up in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The complete environment; the keeper adds `SEXTON_ATTEMPT` and `SEXTON_KEEPER`.
    pub env: Vec<(String, String)>,
    /// Working directory.
    pub cwd: PathBuf,
    /// Run as this user; needs a keeper that runs as root (or as that user).
    pub user: Option<String>,
    /// Where its output goes; made when something is printed.
    pub log: PathBuf,
    /// A file that its standard output goes to instead, as it is: not masked. Made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<PathBuf>,
    /// How many bytes of that are kept, from the beginning; without it, all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout_limit: Option<u64>,
    /// The attempt is ended when it has run this long.
    pub timeout_ms: Option<u64>,
    /// From SIGTERM to SIGKILL.
    pub kill_grace_ms: u64,
    /// Texts that never reach the log.
    pub mask: Vec<String>,
    /// How much of the output is kept.
    pub log_limit: LogLimit,
}

impl std::fmt::Debug for Launch {
    /// Leaves out what may hold a secret: environment, arguments and mask.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Launch").field("token", &self.token).field("log", &self.log).finish_non_exhaustive()
    }
}

/// How many bytes of a log file are kept: the first and the last; what is between becomes one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimit {
    /// From the beginning.
    pub head: u64,
    /// From the end.
    pub tail: u64,
}

impl Default for LogLimit {
    fn default() -> Self {
        Self { head: 32 << 20, tail: 32 << 20 }
    }
}

/// Which attempt to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// The attempt.
    pub token: Token,
}

/// Which end is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// The attempt.
    pub token: Token,
}

/// What to execute. FROZEN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reexec {
    /// An absolute path.
    pub program: PathBuf,
}

/// What the keeper tells the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromKeeper {
    /// The answer to `Hello`: everything the keeper knows.
    Welcome(Welcome),
    /// This connection is closed: another controller has, or had, a newer epoch.
    Superseded {
        /// The epoch that won.
        epoch: u64,
    },
    /// The attempt's process exists.
    Spawned(Spawned),
    /// The attempt has ended and nothing of it runs. Repeated with every `Welcome` until acknowledged.
    Exited(Box<Exited>),
    /// A launch or kill that was not done.
    Refused {
        /// Which.
        token: Token,
        /// The reason.
        why: Refusal,
    },
    /// `Reexec` did not happen; the old program goes on. (When it does, the connection just closes.)
    ReexecFailed {
        /// In words.
        error: String,
    },
}

/// The keeper's state as a controller finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol that both speak from here on.
    pub protocol: u32,
    /// The keeper's version.
    pub version: String,
    /// The keeper's process.
    pub pid: u32,
    /// The machine's boot.
    pub boot_id: String,
    /// Changes whenever the keeper began a new journal.
    pub journal_id: String,
    /// When it did, Unix milliseconds.
    pub journal_created_at: i64,
    /// The highest token the keeper has ever begun to launch.
    pub high_water: Token,
    /// What is alive or not yet acknowledged, by token.
    pub attempts: Vec<Attempt>,
}

/// One attempt of a [`Welcome`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Which.
    pub token: Token,
    /// How far it is.
    pub state: AttemptState,
}

/// How far an attempt is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Journaled; `Spawned` or `Exited` follows.
    Spawning,
    /// Its process exists (or has just ended and its remains are being ended); `Exited` follows.
    Running {
        /// Its leader.
        pid: u32,
        /// Since when, Unix milliseconds.
        at: i64,
    },
    /// A keeper that was killed left it; its remains are being ended. `Exited` with `Lost` follows.
    Clearing,
    /// It has ended, as its `Exited` said or would have said.
    Ended(Box<Exited>),
}

/// An attempt's process exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spawned {
    /// The attempt.
    pub token: Token,
    /// Its leader, also its session.
    pub pid: u32,
    /// Since when, Unix milliseconds.
    pub at: i64,
}

/// An attempt's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exited {
    /// The attempt.
    pub token: Token,
    /// How it ended.
    pub end: End,
    /// When its process came to be, Unix milliseconds; `None` where it never did or nobody knows.
    pub started_at: Option<i64>,
    /// When its leader was seen to have ended, Unix milliseconds.
    pub ended_at: i64,
    /// Who ended it.
    pub by: By,
    /// What leader and waited-for descendants used.
    pub usage: Usage,
    /// What became of the output.
    pub log: LogSummary,
    /// What became of standard output that has a file to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stdout: Option<StdoutSummary>,
    /// Processes that outlived the leader and were ended by the keeper.
    pub leftovers: u32,
    /// Processes that not even SIGKILL ended in time (stuck in the kernel, or another user's).
    pub unkillable: u32,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The leader exited.
    Code(i32),
    /// A signal ended the leader.
    Signal(i32),
    /// There was never a process: names the program, the directory or the user, and the reason.
    NotStarted(String),
    /// Its keeper was killed, so nobody knows; nothing of it runs any more. The evidence in words.
    Lost(String),
}

/// Who ended an attempt: whether the keeper had signalled it before its exit was seen, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Nobody: it ended by itself.
    Itself,
    /// A `Kill`.
    Kill,
    /// Its timeout.
    Timeout,
    /// The keeper's own end: SIGTERM to it, or, when it is bound, its controller's going away.
    Shutdown,
}

/// Resources used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU time in user code, milliseconds.
    pub user_ms: u64,
    /// CPU time in the kernel, milliseconds.
    pub system_ms: u64,
    /// Largest resident set, bytes.
    pub max_rss: u64,
}

/// What became of an attempt's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogSummary {
    /// The log file's size; 0 where no file was made.
    pub bytes: u64,
    /// Bytes that were not kept: over the limit, or the disk refused them.
    pub dropped: u64,
    /// Lines printed, whether kept or not.
    pub lines: u64,
}

/// What became of standard output that has a file to itself. The file is whole only if nothing is `over` or
/// `unwritten`; else it has the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdoutSummary {
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes that were printed over the limit; the others are as many as it allows.
    pub over: u64,
    /// What else is not in the file.
    pub unwritten: Option<Unwritten>,
}

/// What the disk refused, and all below the limit that came after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unwritten {
    /// Bytes.
    pub bytes: u64,
    /// The disk's reason.
    pub why: String,
}

/// Why a launch or a kill was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// A token at or below the high water mark that the keeper does not (or no longer) know.
    Superseded {
        /// The mark.
        high_water: Token,
    },
    /// The launch makes no sense: in words.
    Malformed(String),
    /// The journal could not be written, so nothing was started; the token is still good.
    Unjournaled(String),
    /// The keeper is ending and starts nothing; the token is still good.
    Ending,
    /// A kill for a token the keeper does not know.
    Unknown,
}

/// What can be wrong with the bytes of a connection.
#[derive(Debug, Error)]
pub enum Error {
    /// The length is over the limit; the peer is not one of ours.
    #[error("a frame of {0} bytes is longer than {MAX_FRAME}")]
    TooLong(usize),
    /// Not the JSON of any message.
    #[error("a frame is no message: {0}")]
    Json(#[from] serde_json::Error),
}

/// Appends `message` to `out` as one frame. Fails, leaving `out` as it was, if it is too long.
pub fn encode<T: Serialize>(message: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    let written = serde_json::to_writer(&mut *out, message).map_err(Error::from).and_then(|()| {
        let length = out.len() - start - LENGTH;
        if length > MAX_FRAME { Err(Error::TooLong(length)) } else { Ok(length) }
    });
    match written {
        Ok(length) => {
            out[start..start + LENGTH].copy_from_slice(&(length as u32).to_le_bytes());
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Turns bytes, as they arrive, into messages.
#[derive(Debug)]
pub struct Decoder<T> {
    bytes: Vec<u8>,
    read: usize,
    message: PhantomData<fn() -> T>,
}

impl<T> Default for Decoder<T> {
    fn default() -> Self {
        Self { bytes: Vec::new(), read: 0, message: PhantomData }
    }
}

impl<T: DeserializeOwned> Decoder<T> {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message, if there is one. After an error the connection is of no more use.
    #[expect(clippy::should_implement_trait, reason = "fallible, and more may come after None")]
    pub fn next(&mut self) -> Result<Option<T>, Error> {
        let rest = &self.bytes[self.read..];
        let Some((length, rest)) = rest.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_FRAME {
            return Err(Error::TooLong(length));
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let message = serde_json::from_slice(frame)?;
        self.read += LENGTH + length;
        Ok(Some(message))
    }
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
