//! Which processes belong to an attempt, and how they are stopped from multiplying while they are found:
//! by descent, by session, and by the marks in their environment. It signals by pidfd, never by number.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal};

use super::command::{ATTEMPT, KEEPER};
use super::protocol::Token;

/// A tree that still grows after so many looks is signalled as it is.
const FREEZE_ROUNDS: u32 = 60;
/// What a process gets to notice that it has been stopped.
const FREEZE_PAUSE: Duration = Duration::from_micros(300);

/// One line of the process table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// Its id.
    pub(super) pid: i32,
    /// Its parent.
    pub(super) ppid: i32,
    /// Its session.
    pub(super) session: i32,
    /// `R`, `S`, `T`, `Z`, … as in proc(5).
    pub(super) state: u8,
    /// Clock ticks since boot; with the pid, its identity.
    pub(super) start: u64,
}

impl Process {
    fn runs(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Stopped, or in the kernel where the stop meets it before it can fork.
    fn is_still(&self) -> bool {
        !matches!(self.state, b'R' | b'S')
    }
}

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Below the keeper: as subreaper it has all descendants of its attempts.
    Below,
    /// Everywhere: for what a killed keeper left.
    Everywhere,
}

/// Whose processes are wanted.
#[derive(Clone, Debug)]
pub(super) struct Quest<'a> {
    /// The attempt.
    pub(super) token: Token,
    /// The journal's id, the other half of the mark.
    pub(super) keeper_id: &'a str,
    /// Pid and start of its leader, dead or alive.
    pub(super) leader: Option<(i32, u64)>,
    /// Processes known to belong to it: pid and start.
    pub(super) known: &'a HashMap<i32, u64>,
    /// Where to look.
    pub(super) scope: Scope,
}

/// A process that was found, stopped, and can be signalled.
#[derive(Debug)]
pub(super) struct Found {
    /// It.
    pub(super) process: Process,
    /// Its descriptor.
    pub(super) pidfd: OwnedFd,
    /// Whether it could be stopped: another user's may not be.
    pub(super) stopped: bool,
}

/// All processes of the machine at one time.
#[derive(Debug)]
pub(super) struct Table {
    processes: HashMap<i32, Process>,
    children: HashMap<i32, Vec<i32>>,
    marks: RefCell<HashMap<i32, Option<Mark>>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    token: Token,
    keeper: String,
}

impl Table {
    /// Reads `/proc`.
    pub(super) fn read() -> Self {
        let mut processes = HashMap::new();
        let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
        for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if let Some(process) = process(pid) {
                children.entry(process.ppid).or_default().push(pid);
                processes.insert(pid, process);
            }
        }
        Self { processes, children, marks: RefCell::default() }
    }

    /// The running processes of the attempt; its leader among them.
    pub(super) fn members(&self, quest: &Quest<'_>) -> Vec<Process> {
        let own = own_pid();
        let leader =
            quest.leader.filter(|(pid, start)| self.processes.get(pid).is_none_or(|p| p.start == *start));
        let candidates = match quest.scope {
            Scope::Below => self.below([own]),
            Scope::Everywhere => self.processes.keys().copied().collect(),
        };
        // A session's id stays taken while anyone is in it: if the leader's pid is someone else's now
        // (`leader` is None), its session is empty.
        let seeds = candidates.iter().copied().filter(|pid| {
            let process = &self.processes[pid];
            leader.is_some_and(|(leader, _)| leader == *pid || process.session == leader)
                || quest.known.get(pid) == Some(&process.start)
                || (process.runs() && self.has_mark(*pid, quest))
        });
        let mut seeds: HashSet<i32> = seeds.collect();
        seeds.remove(&own);
        let mut members = self.below(seeds.iter().copied());
        members.extend(seeds);
        members.remove(&own);
        members.remove(&1);
        members.into_iter().map(|pid| self.processes[&pid]).filter(Process::runs).collect()
    }

    /// Everything that descends from these, without them.
    fn below(&self, roots: impl IntoIterator<Item = i32>) -> HashSet<i32> {
        let mut found = HashSet::new();
        let mut open: Vec<i32> = roots.into_iter().collect();
        while let Some(pid) = open.pop() {
            for &child in self.children.get(&pid).into_iter().flatten() {
                if found.insert(child) {
                    open.push(child);
                }
            }
        }
        found
    }

    fn has_mark(&self, pid: i32, quest: &Quest<'_>) -> bool {
        let mut marks = self.marks.borrow_mut();
        let mark =
            marks.entry(pid).or_insert_with(|| mark(&std::fs::read(format!("/proc/{pid}/environ")).ok()?));
        mark.as_ref().is_some_and(|mark| mark.token == quest.token && mark.keeper == quest.keeper_id)
    }
}

/// Finds and stops all of the attempt's processes: stops what is found and looks again, until everything
/// found has come to a halt and nothing new appears. What may not be signalled is returned too.
pub(super) fn freeze(quest: &Quest<'_>) -> Vec<Found> {
    let mut known = quest.known.clone();
    let mut found: HashMap<i32, Found> = HashMap::new();
    for _ in 0..FREEZE_ROUNDS {
        let members = Table::read().members(&Quest { known: &known, ..quest.clone() });
        let mut quiet = true;
        for process in members {
            if let Some(before) = found.get(&process.pid) {
                quiet &= process.is_still() || !before.stopped;
            } else if let Some(pidfd) = open(process.pid, process.start) {
                let stopped = pidfd_send_signal(&pidfd, Signal::STOP).is_ok();
                quiet &= !stopped;
                known.insert(process.pid, process.start);
                found.insert(process.pid, Found { process, pidfd, stopped });
            }
        }
        if quiet {
            break;
        }
        std::thread::sleep(FREEZE_PAUSE);
    }
    found.into_values().collect()
}

/// A descriptor of exactly this process; `None` if it is gone.
pub(super) fn open(pid: i32, start: u64) -> Option<OwnedFd> {
    let pidfd = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    // The number may have gone to another process before it was opened; not after.
    (start_of(pid) == Some(start)).then_some(pidfd)
}

/// When the process started, in clock ticks since boot.
pub(super) fn start_of(pid: i32) -> Option<u64> {
    process(pid).map(|process| process.start)
}

fn own_pid() -> i32 {
    getpid().as_raw_nonzero().get()
}

fn process(pid: i32) -> Option<Process> {
    parse(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(pid: i32, line: &[u8]) -> Option<Process> {
    // The name in parentheses may hold anything, parentheses too.
    let after = line.iter().rposition(|&byte| byte == b')')? + 2;
    let mut fields = std::str::from_utf8(line.get(after..)?).ok()?.split(' ');
    Some(Process {
        pid,
        state: *fields.next()?.as_bytes().first()?,
        ppid: fields.next()?.parse().ok()?,
        session: fields.nth(1)?.parse().ok()?,
        start: fields.nth(15)?.parse().ok()?,
    })
}

fn mark(environ: &[u8]) -> Option<Mark> {
    let value = |name: &str| {
        environ.split(|&byte| byte == 0).find_map(|variable| {
            let value = variable.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            std::str::from_utf8(value).ok()
        })
    };
    Some(Mark { token: Token(value(ATTEMPT)?.parse().ok()?), keeper: value(KEEPER)?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_name_is() {
        let line = b"42 (a) b (c)) S 7 40 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 12 13";
        let expected = Process { pid: 42, ppid: 7, session: 41, state: b'S', start: 987_654 };
        assert_eq!(parse(42, line), Some(expected));
        assert_eq!(parse(42, b"42 (torn"), None);
        assert_eq!(parse(42, b""), None);
    }

    #[test]
    fn a_mark_needs_both_halves() {
        let both = Mark { token: Token(7), keeper: "k".into() };
        assert_eq!(mark(b"A=1\0SEXTON_ATTEMPT=7\0SEXTON_KEEPER=k\0"), Some(both));
        assert_eq!(mark(b"SEXTON_ATTEMPT=7\0"), None);
        assert_eq!(mark(b"XSEXTON_ATTEMPT=7\0SEXTON_KEEPER=k\0"), None);
        assert_eq!(mark(b""), None);
    }

    #[test]
    fn this_process_is_in_the_table() {
        let table = Table::read();
        assert!(table.processes.contains_key(&own_pid()));
    }
}
