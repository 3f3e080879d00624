//! A daemon under measurement: `sexton serve` on files and in a state directory of its own, started, told to
//! end, and waited for with its keeper.

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::{Yard, process};

/// Nothing here takes that long.
const LIMIT: Duration = Duration::from_mins(1);

/// The files and the state of one daemon.
pub(crate) struct Site {
    dir: tempfile::TempDir,
    /// Of its own: a socket's path must be short.
    notify: tempfile::TempDir,
    program: PathBuf,
}

impl Site {
    /// A configuration of these pipelines, name and text.
    pub(crate) fn new(yard: &Yard, settings: &str, pipelines: &[(String, String)]) -> Result<Self> {
        let dir = tempfile::tempdir_in(&yard.dir)?;
        let files = dir.path().join("config/pipelines");
        fs::create_dir_all(&files)?;
        fs::write(dir.path().join("config/sexton.yaml"), settings)?;
        for (name, text) in pipelines {
            fs::write(files.join(format!("{name}.yaml")), text)?;
        }
        Ok(Self { dir, notify: tempfile::tempdir()?, program: yard.program.clone() })
    }

    /// Starts the daemon and waits until it is ready.
    pub(crate) fn start(&self) -> Result<Daemon> {
        let socket = self.notify.path().join("notify");
        let _ = fs::remove_file(&socket);
        let ready = UnixDatagram::bind(&socket)?;
        ready.set_read_timeout(Some(LIMIT))?;
        let log = self.dir.path().join("log");
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(&self.program);
        command.args(["serve", "--drain", "--log", "human", "--config"]).arg(self.dir.path().join("config"));
        command.arg("--state-dir").arg(self.dir.path().join("state")).env("NOTIFY_SOCKET", &socket);
        command.stdout(output.try_clone()?).stderr(output);
        let start = Instant::now();
        let child =
            command.spawn().with_context(|| format!("`{}` does not start", self.program.display()))?;
        let mut daemon = Daemon { child, log, ready: Duration::ZERO, stopped: false };
        let mut said = [0; 4096];
        loop {
            match ready.recv(&mut said) {
                Ok(length) if said[..length].windows(7).any(|word| word == b"READY=1") => break,
                Ok(_) => {}
                Err(error) => bail!("the daemon is not ready: {error}; {}", daemon.last_lines()),
            }
        }
        daemon.ready = start.elapsed();
        Ok(daemon)
    }
}

/// A daemon that runs; killed, with its keeper, where nobody has ended it.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    /// From its start until it said that it was ready.
    pub(crate) ready: Duration,
    stopped: bool,
}

impl Daemon {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The daemon itself and its keeper.
    pub(crate) fn processes(&self) -> Result<[Pid; 2]> {
        let children = process::children_of(self.pid())?;
        let [(keeper, _)] = &children[..] else {
            bail!("the daemon has {} children, not its keeper alone", children.len())
        };
        Ok([self.pid(), *keeper])
    }

    /// Ends the daemon once nothing runs. Its keeper stays for two seconds.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(self.pid(), Signal::TERM)?;
        let start = Instant::now();
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if start.elapsed() < LIMIT => thread::sleep(Duration::from_millis(2)),
                None => bail!("the daemon does not end; {}", self.last_lines()),
            }
        };
        self.stopped = true;
        ensure!(status.success(), "the daemon has failed: {status}; {}", self.last_lines());
        Ok(())
    }

    /// The same, and waits for its keeper too.
    pub(crate) fn stop_all(self) -> Result<()> {
        self.stop()?;
        process::wait_for_orphans().context("after a daemon")
    }

    fn last_lines(&self) -> String {
        process::last_lines(&self.log)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.stopped {
            return;
        }
        let family = self.processes();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Ok([_, keeper]) = family {
            let _ = kill_process(keeper, Signal::KILL);
        }
        let _ = process::wait_for_orphans();
    }
}
