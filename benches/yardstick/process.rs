//! A command from its start to the end of everything that it left running, and what all of that cost.
//!
//! CPU is counted by the kernel. This process is the reaper of its descendants' orphans, so whatever a
//! command starts (the keeper lives in a session of its own and ends after its starter) is waited for here
//! at last, and a process that is waited for adds its time, with that of all it waited for itself, to ours.
//! What such a tree cost is the growth of our own children's time, without sampling and without groups.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process};

/// One command's cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// From its start to its own end, in seconds.
    pub(crate) wall: f64,
    /// Of it and all its descendants, in ms.
    pub(crate) cpu: f64,
    /// Of the command alone, in ms.
    pub(crate) own: f64,
}

/// Times in `/proc` are in hundredths of a second, on every architecture that we build for. They are rounded
/// when they are shown, not when they are added up: an error of 10 ms in a whole run, not in each process.
const TICK_MS: f64 = 10.0;
/// Nothing here takes that long.
const LIMIT: Duration = Duration::from_mins(10);
/// The keeper ends with the run it served; then it writes what it has to.
const ORPHANS_LIMIT: Duration = Duration::from_secs(30);

/// From now on, whose parent has ended becomes a child of this process.
pub(crate) fn adopt_orphans() -> Result<()> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).context("adopting orphans")
}

/// Runs it, with its output put aside, and waits until nothing of it is left. An error if it fails.
pub(crate) fn run(command: &mut Command, dir: &Path) -> Result<Sample> {
    let log = dir.join("output");
    let output = File::create(&log)?;
    command.stdout(output.try_clone()?).stderr(output);
    let described = describe(command);
    let before = Times::of("self")?;
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("`{described}` does not start"))?;
    let pid = Pid::from_child(&child);
    let (over, watch) = mpsc::channel::<()>();
    let dog = thread::spawn(move || {
        if watch.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    // Ended but not yet reaped: its time is complete and can still be read apart from its children's.
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), ended))?;
    let wall = start.elapsed();
    drop(over);
    let own = Times::of(&pid.as_raw_nonzero().to_string())?.own;
    let status = child.wait()?;
    let _ = dog.join();
    wait_for_orphans().with_context(|| format!("after `{described}`"))?;
    if !status.success() {
        bail!("`{described}` failed: {}", failure(status, wall, &log));
    }
    let after = Times::of("self")?;
    Ok(Sample { wall: wall.as_secs_f64(), cpu: after.children - before.children, own })
}

fn describe(command: &Command) -> String {
    let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn failure(status: ExitStatus, wall: Duration, log: &Path) -> String {
    let late = if wall >= LIMIT { format!(", killed after {LIMIT:?}") } else { String::new() };
    format!("{status}{late}; {}", last_lines(log))
}

/// What a process said last.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    format!("its last lines:\n  {}", lines[lines.len().saturating_sub(15)..].join("\n  "))
}

/// Waits until nothing is left of what this process has started and adopted.
pub(crate) fn wait_for_orphans() -> Result<()> {
    let start = Instant::now();
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) if start.elapsed() < ORPHANS_LIMIT => thread::sleep(Duration::from_millis(2)),
            Ok(None) => break,
            Err(Errno::CHILD) => return Ok(()),
            Err(error) => return Err(error).context("waiting for what it left running"),
        }
    }
    let left = children_of(rustix::process::getpid())?;
    let names: Vec<&str> = left.iter().map(|(_, name)| name.as_str()).collect();
    for (pid, _) in &left {
        let _ = kill_process(*pid, Signal::KILL);
    }
    bail!("it left running for more than {ORPHANS_LIMIT:?}, and this was killed: {}", names.join(", "))
}

/// The children of a process that it has not waited for, and what they are called.
pub(crate) fn children_of(parent: Pid) -> Result<Vec<(Pid, String)>> {
    let parent = parent.as_raw_nonzero().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some(pid) = name.parse().ok().and_then(Pid::from_raw) else { continue };
        // One that ends meanwhile is not there to be read.
        let Ok(stat) = fs::read_to_string(format!("/proc/{name}/stat")) else { continue };
        if fields(&stat).nth(1) == Some(&parent) {
            let command = fs::read_to_string(format!("/proc/{name}/cmdline")).unwrap_or_default();
            found.push((pid, format!("{} ({name})", command.replace('\0', " ").trim())));
        }
    }
    Ok(found)
}

/// What follows a process's name in its `stat`: the state first. The name may hold anything.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace()
}

/// CPU times, in ms.
struct Times {
    own: f64,
    /// Of the descendants that were waited for.
    children: f64,
}

impl Times {
    fn of(process: &str) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let times: Vec<f64> = fields(&stat).skip(11).take(4).map(str::parse).collect::<Result<_, _>>()?;
        let [user, system, children_user, children_system] = times[..] else { bail!("/proc/{process}/stat") };
        Ok(Self { own: (user + system) * TICK_MS, children: (children_user + children_system) * TICK_MS })
    }
}
