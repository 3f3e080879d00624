//! The seam between the engine and whatever runs attempts: what it is given and what it reports.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::run::state::{AttemptId, Exit};

use super::trees::{Cut, Read, Reading};

/// One attempt to start: everything is resolved, no template is left.
#[derive(Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number and fencing token.
    pub attempt: AttemptId,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The complete environment.
    pub env: Vec<(String, String)>,
    /// Where it starts.
    pub working_dir: PathBuf,
    /// Whom it runs as; `None` is whoever runs the executor.
    pub user: Option<String>,
    /// It is ended when it has run this long.
    pub timeout: Option<Duration>,
    /// From SIGTERM to SIGKILL.
    pub kill_grace: Duration,
    /// Where its output goes; the file is made when something is printed.
    pub log: PathBuf,
    /// A file that its standard output goes to instead, as it is, and how many bytes of it are kept.
    pub stdout: Option<(PathBuf, u64)>,
    /// Texts that never reach the log.
    pub mask: Vec<String>,
}

impl std::fmt::Debug for Job {
    /// Leaves out what may hold a secret: arguments, environment and mask.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("attempt", &self.attempt).field("log", &self.log).finish_non_exhaustive()
    }
}

/// What an executor has to say.
#[derive(Debug)]
pub enum Report {
    /// It is there, again or for the first time: time to compare what it has with what is believed. The ends
    /// that it knows are reported after this.
    Connected(Box<dyn Inventory>),
    /// An attempt's process exists.
    Spawned {
        /// The attempt.
        attempt: AttemptId,
        /// Its process.
        pid: u32,
        /// Since when.
        at: Timestamp,
    },
    /// An attempt has ended and nothing of it runs. Repeated until it is acknowledged.
    Ended(Box<Ended>),
    /// What an attempt has left was read.
    Read(Box<Read>),
    /// It is not there and cannot be had, for now.
    Unavailable {
        /// Why, in words.
        error: String,
    },
}

/// What an executor has, at the moment it connected.
pub trait Inventory: std::fmt::Debug + Send {
    /// Which connection it is of, for [`Executor::resume`].
    fn connection(&self) -> u64;
    /// What may be concluded about an attempt that is believed to be live.
    fn verdict(&self, expected: Expected<'_>) -> Verdict;
    /// Everything it has.
    fn attempts(&self) -> Vec<AttemptId>;
}

/// An attempt whose end is not known.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Which.
    pub attempt: AttemptId,
    /// When it was committed.
    pub created_at: Timestamp,
    /// The machine's boot at that time.
    pub boot_id: &'a str,
}

/// What became of an attempt as far as an inventory tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in hand; its end will be, or has been, reported.
    Known,
    /// It never started: it may be launched, under the same token.
    NeverStarted,
    /// Nobody knows: the evidence in words.
    Lost(String),
}

/// An attempt's end.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Which.
    pub attempt: AttemptId,
    /// How.
    pub exit: Exit,
    /// When its process came to be, if it did.
    pub started_at: Option<Timestamp>,
    /// When it was seen to have ended; `None` where there was nothing to see: then it is when this is heard.
    pub ended_at: Option<Timestamp>,
    /// CPU time in user code and in the kernel.
    pub cpu: (Duration, Duration),
    /// Largest resident set, bytes.
    pub max_rss: u64,
    /// Size of the log file, and bytes that were not kept.
    pub log_bytes: (u64, u64),
    /// Why what it printed is not whole, where it has gone to a file of its own and is not.
    pub cut: Option<Cut>,
    /// What it wrote to `$SEXTON_OUTPUT`.
    pub outputs: BTreeMap<String, String>,
}

impl Ended {
    /// The end of an attempt that no process is known to have belonged to.
    pub fn unstarted(attempt: AttemptId, exit: Exit) -> Self {
        Self {
            attempt,
            exit,
            started_at: None,
            ended_at: None,
            cpu: (Duration::ZERO, Duration::ZERO),
            max_rss: 0,
            log_bytes: (0, 0),
            cut: None,
            outputs: BTreeMap::new(),
        }
    }
}

/// Something that runs attempts. Calls return at once; what becomes of them is reported.
///
/// An order may get lost with a connection. So what is ordered counts only after `resume`: an order from
/// before, that came late, could overtake one that was lost, and its token would fence the lost one off.
pub trait Executor: Send {
    /// The inventory of this connection is settled: from here on orders count.
    fn resume(&mut self, connection: u64);
    /// Starts an attempt, at most once, however often it is asked.
    fn launch(&mut self, job: Job);
    /// Ends an attempt with everything it started. May be repeated.
    fn kill(&mut self, attempt: AttemptId);
    /// Reads what an attempt has left, which has ended and is not acknowledged.
    fn read(&mut self, reading: Reading);
    /// The attempt's end is committed: it may be forgotten.
    fn acknowledge(&mut self, attempt: AttemptId);
}
