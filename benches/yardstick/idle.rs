//! What an idle daemon and its keeper cost: memory, CPU and wake-ups, with many pipelines that are due at
//! night. All of it is read from outside; nothing is asked of the two processes meanwhile.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::Pid;

use crate::Yard;
use crate::check::twenty_nodes;
use crate::clock::now;
use crate::daemon::Site;
use crate::table::Row;

const MANY: usize = 1_000;
/// After a start there is something to put away; threads that nobody needs stay for ten seconds.
const SETTLE: Duration = Duration::from_secs(12);

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let (rounds, long) = if yard.quick { (1, Duration::from_secs(30)) } else { (3, Duration::from_secs(90)) };
    let mut measured = Measured::default();
    for _ in 0..rounds {
        round(yard, long, &mut measured)?;
    }
    let Measured { pss, daemon, keeper, wakes, cpu } = measured;
    let of = format!("idle, {MANY} pipelines of 20 nodes");
    Ok(vec![
        Row::alone(format!("{of}: PSS of daemon and keeper"), "MiB", &pss),
        Row::alone(format!("{of}: PSS of the daemon"), "MiB", &daemon),
        Row::alone(format!("{of}: PSS of the keeper"), "MiB", &keeper),
        Row::alone(format!("{of}: wake-ups in {} s", long.as_secs()), "1/s", &wakes),
        Row::alone(format!("{of}: CPU in {} s", long.as_secs()), "%", &cpu),
    ])
}

#[derive(Default)]
struct Measured {
    pss: Vec<f64>,
    daemon: Vec<f64>,
    keeper: Vec<f64>,
    wakes: Vec<f64>,
    cpu: Vec<f64>,
}

fn round(yard: &Yard, long: Duration, measured: &mut Measured) -> Result<()> {
    // Half a day away.
    let hour = (now() / 3_600 + 12) % 24;
    let mut pipelines = Vec::new();
    for number in 1..=MANY {
        let schedule = format!("schedule: \"{} {hour} * * *\"\n", number % 60);
        pipelines.push((format!("p{number:04}"), schedule + &twenty_nodes()?));
    }
    let site = Site::new(yard, "", &pipelines)?;
    let daemon = site.start()?;
    thread::sleep(SETTLE);
    let processes = daemon.processes()?;
    let start = Instant::now();
    let before = processes.map(Cost::of);
    thread::sleep(long);
    let after = processes.map(Cost::of);
    let seconds = start.elapsed().as_secs_f64();
    let (mut wakes, mut cpu) = (0.0, 0.0);
    for (before, after) in before.into_iter().zip(after) {
        let (before, after) = (before?, after?);
        ensure!(before.threads == after.threads, "a thread has begun or ended: not all of it is counted");
        wakes += after.wakes - before.wakes;
        cpu += after.cpu - before.cpu;
    }
    measured.wakes.push(wakes / seconds);
    measured.cpu.push(100.0 * cpu / seconds);
    let [own, keeper] = processes.map(pss);
    let (own, keeper) = (own?, keeper?);
    measured.daemon.push(own);
    measured.keeper.push(keeper);
    measured.pss.push(own + keeper);
    daemon.stop_all()
}

/// What a process has cost so far, over all its threads.
struct Cost {
    threads: usize,
    /// How often it has gone to sleep of its own accord: as often, something has woken it.
    wakes: f64,
    /// In seconds.
    cpu: f64,
}

impl Cost {
    fn of(process: Pid) -> Result<Self> {
        let mut cost = Self { threads: 0, wakes: 0.0, cpu: 0.0 };
        for thread in fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero()))? {
            let thread = thread?.path();
            let status = fs::read_to_string(thread.join("status"))?;
            cost.wakes += field(&status, "voluntary_ctxt_switches:")?;
            let times = fs::read_to_string(thread.join("schedstat"))?;
            let running = times.split_ascii_whitespace().next().context("an empty schedstat")?;
            cost.cpu += running.parse::<f64>()? / 1e9;
            cost.threads += 1;
        }
        Ok(cost)
    }
}

/// What a process holds of memory, its share of what it shares with others; in MiB.
fn pss(process: Pid) -> Result<f64> {
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.as_raw_nonzero()))?;
    Ok(field(&rollup, "Pss:")? / 1024.0)
}

fn field(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(value.with_context(|| format!("no {name}"))?.parse()?)
}
