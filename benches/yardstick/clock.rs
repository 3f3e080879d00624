//! How late a slot is by the clock of the job it starts, against a bare timer: a loop that sleeps till the
//! instant and spawns. Both tick in the same seconds, half a second apart, and start the same job: this
//! program, whose first act is to look at the clock.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::Yard;
use crate::daemon::Site;
use crate::table::{Row, quantile};

/// `--tick FILE DUE`: be a job that was due at this instant, in ms since 1970.
pub(crate) const TICK: &str = "--tick";
/// The slot's instant, as a template.
const SLOT: &str = "{{ scheduled_at.timestamp }}000";
/// A job that has not left its stamp by then never will.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn tick(file: &str, due: &str) -> Result<()> {
    let now = clock_gettime(ClockId::Realtime);
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    let stamp = format!("{due} {}.{:09}\n", now.tv_sec, now.tv_nsec);
    Ok(file.write_all(stamp.as_bytes())?)
}

/// A job's stamp.
pub(crate) struct Stamp {
    /// In ms since 1970.
    pub(crate) due: i64,
    /// How much later the job looked at the clock, in ms.
    pub(crate) late: f64,
}

/// All stamps there are; none where there is no such file yet.
pub(crate) fn stamps(file: &Path) -> Result<Vec<Stamp>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let stamp = |line: &str| {
        let (due, at) = line.split_once(' ').context("a torn stamp")?;
        let (seconds, nanoseconds) = at.split_once('.').context("a torn stamp")?;
        let due: i64 = due.parse()?;
        let late = (seconds.parse::<i64>()? * 1_000 - due) as f64 + nanoseconds.parse::<f64>()? / 1e6;
        Ok(Stamp { due, late })
    };
    text.lines().map(stamp).collect()
}

/// Waits until there are that many stamps of one instant, or of all.
pub(crate) fn wait_for(file: &Path, due: Option<i64>, count: usize) -> Result<Vec<Stamp>> {
    let start = Instant::now();
    loop {
        let mut found = stamps(file)?;
        found.retain(|stamp| due.is_none_or(|due| stamp.due == due));
        if found.len() >= count {
            return Ok(found);
        }
        ensure!(start.elapsed() < PATIENCE, "{} of {count} jobs have left a stamp", found.len());
        thread::sleep(Duration::from_millis(50));
    }
}

/// The job as a list of words, for a pipeline file.
pub(crate) fn job(file: &Path) -> Result<String> {
    let program = std::env::current_exe()?;
    Ok(serde_json::to_string(&[&*program.to_string_lossy(), TICK, &*file.to_string_lossy(), SLOT])?)
}

/// The same job, bare.
pub(crate) fn spawn(file: &Path, due: i64) -> Result<Child> {
    let mut job = Command::new(std::env::current_exe()?);
    job.arg(TICK).arg(file).arg(due.to_string()).stdin(Stdio::null());
    Ok(job.spawn()?)
}

/// Sleeps till an instant, in ms since 1970.
pub(crate) fn sleep_till(due: i64) -> Result<()> {
    let till = Timespec { tv_sec: due / 1_000, tv_nsec: due % 1_000 * 1_000_000 };
    Ok(clock_nanosleep_absolute(ClockId::Realtime, &till)?)
}

/// The present, in whole seconds since 1970.
pub(crate) fn now() -> i64 {
    clock_gettime(ClockId::Realtime).tv_sec
}

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let (rounds, seconds) = if yard.quick { (2, 10) } else { (5, 60) };
    let (own, bare) = (yard.dir.path().join("ticks"), yard.dir.path().join("bare-ticks"));
    let pipeline = format!("schedule: \"* * * * * *\"\nmax_active_runs: 4\nexec: {}\n", job(&own)?);
    let site = Site::new(yard, "", &[("tick".to_owned(), pipeline)])?;
    let daemon = site.start()?;
    wait_for(&own, None, 2)?;

    let (mut ours, mut theirs) = (Lateness::default(), Lateness::default());
    for _ in 0..rounds {
        let first = now() + 1;
        let slots: Vec<i64> = (first..first + seconds).map(|second| second * 1_000).collect();
        for slot in &slots {
            let due = slot + 500;
            sleep_till(due)?;
            let job = spawn(&bare, due)?.wait()?;
            ensure!(job.success(), "a bare job has failed: {job}");
        }
        let mut late = Vec::new();
        for slot in slots {
            let stamps = wait_for(&own, Some(slot), 1)?;
            ensure!(stamps.len() == 1, "one slot has started {} jobs", stamps.len());
            late.push(stamps[0].late);
        }
        ours.add(&late);
        theirs.add(&stamps(&bare)?.iter().map(|stamp| stamp.late).collect::<Vec<_>>());
        fs::remove_file(&bare)?;
    }
    daemon.stop_all()?;
    let name = |which: &str| format!("due every second: the job's own start after that, {which}");
    Ok(vec![
        Row::difference(name("soonest"), "ms", &ours.soonest, &theirs.soonest),
        Row::difference(name("p50"), "ms", &ours.p50, &theirs.p50),
        Row::difference(name("p99"), "ms", &ours.p99, &theirs.p99),
        Row::difference(name("latest"), "ms", &ours.latest, &theirs.latest),
    ])
}

/// One of each a round, in ms.
#[derive(Default)]
struct Lateness {
    /// A job that was early would show here.
    soonest: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    latest: Vec<f64>,
}

impl Lateness {
    fn add(&mut self, late: &[f64]) {
        self.soonest.push(quantile(late, 0.0));
        self.p50.push(quantile(late, 0.5));
        self.p99.push(quantile(late, 0.99));
        self.latest.push(quantile(late, 1.0));
    }
}
