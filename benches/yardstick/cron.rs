//! The same lateness by Debian's cron, which knows minutes: `/usr/sbin/cron` with a crontab of one line, in a
//! mount namespace of its own, where it finds nothing of this machine's. It wants root.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::clock::{TICK, stamps};
use crate::table::Row;
use crate::{Yard, process};

const CRON: &str = "/usr/sbin/cron";
/// Its own spool, crontabs and pid file are put out of sight.
const ALONE: &str = "mount -t tmpfs none /var/spool/cron && mkdir /var/spool/cron/crontabs &&
    mount -t tmpfs none /etc/cron.d && mount -t tmpfs none /run &&
    cp \"$1\" /etc/cron.d/yardstick && mount --bind /dev/null /etc/crontab && exec \"$2\" -f";

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let minutes = if yard.quick { 2 } else { 5 };
    ensure!(Path::new(CRON).exists(), "{CRON} is not there");
    ensure!(rustix::process::geteuid().is_root(), "cron wants root");
    let file = yard.dir.path().join("cron-ticks");
    let crontab = yard.dir.path().join("crontab");
    let program = std::env::current_exe()?;
    // Which minute it is, the stamp itself will tell.
    let line = format!("* * * * * root {} {TICK} {} 0\n", program.display(), file.display());
    fs::write(&crontab, line)?;
    let mut cron = Command::new("unshare");
    cron.args(["--mount", "sh", "-c", ALONE, "sh"]).arg(&crontab).arg(CRON);
    let mut cron = cron.stdin(Stdio::null()).process_group(0).spawn().context("unshare")?;
    for _ in 0..=minutes {
        thread::sleep(Duration::from_mins(1));
    }
    let ended = cron.try_wait()?;
    let _ = kill_process_group(Pid::from_child(&cron), Signal::KILL);
    let _ = cron.wait();
    process::wait_for_orphans()?;
    ensure!(ended.is_none(), "cron has ended: {ended:?}");
    let late: Vec<f64> = stamps(&file)?.iter().map(|stamp| stamp.late % 60_000.0).collect();
    ensure!(late.len() >= minutes, "cron has started {} jobs in {minutes} minutes", late.len());
    Ok(vec![Row::alone("due every minute: the job's own start after that, cron".to_owned(), "ms", &late)])
}
