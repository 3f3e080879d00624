//! A thousand pipelines that are due at one instant: when the first hundred of their jobs have started, and
//! when all have; against a loop that spawns the same job as often, as many at a time.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::Yard;
use crate::clock::{job, now, sleep_till, spawn, wait_for};
use crate::daemon::Site;
use crate::table::{Row, quantile};

const MANY: usize = 1_000;
const FIRST: usize = 100;
/// Jobs at the same time.
const AT_ONCE: usize = 100;
/// The instants are this many seconds apart; halfway between them it is the loop's turn.
const PERIOD: i64 = 20;

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let rounds = if yard.quick { 2 } else { 9 };
    let (own, bare) = (yard.dir.path().join("bursts"), yard.dir.path().join("bare-bursts"));
    let pipeline = format!("schedule: \"*/{PERIOD} * * * * *\"\nexec: {}\n", job(&own)?);
    let pipelines: Vec<(String, String)> =
        (1..=MANY).map(|number| (format!("p{number:04}"), pipeline.clone())).collect();
    let site = Site::new(yard, &format!("parallelism: {AT_ONCE}\n"), &pipelines)?;
    let daemon = site.start()?;

    let (mut ours, mut theirs) = (Started::default(), Started::default());
    // The first instant may have come while the files were read.
    let mut slot = (now() / PERIOD + 2) * PERIOD * 1_000;
    for _ in 0..rounds {
        sleep_till(slot)?;
        std::thread::sleep(Duration::from_secs(PERIOD as u64 / 2 - 1));
        ours.add(&own, slot)?;
        let due = slot + PERIOD * 500;
        burst(&bare, due)?;
        theirs.add(&bare, due)?;
        slot += PERIOD * 1_000;
    }
    daemon.stop_all()?;
    let name = |which: &str| format!("{MANY} due at once, {AT_ONCE} at a time: {which} have started");
    Ok(vec![
        Row::difference(name("the first"), "ms", &ours.one, &theirs.one),
        Row::difference(name(&format!("{FIRST}")), "ms", &ours.first, &theirs.first),
        Row::difference(name("all"), "ms", &ours.all, &theirs.all),
    ])
}

fn burst(file: &Path, due: i64) -> Result<()> {
    sleep_till(due)?;
    let mut jobs = VecDeque::new();
    for _ in 0..MANY {
        if jobs.len() == AT_ONCE
            && let Some(mut job) = jobs.pop_front()
        {
            wait(&mut job)?;
        }
        jobs.push_back(spawn(file, due)?);
    }
    jobs.iter_mut().try_for_each(wait)
}

fn wait(job: &mut std::process::Child) -> Result<()> {
    let job = job.wait()?;
    ensure!(job.success(), "a bare job has failed: {job}");
    Ok(())
}

/// After the instant, in ms; one of each a round.
#[derive(Default)]
struct Started {
    one: Vec<f64>,
    first: Vec<f64>,
    all: Vec<f64>,
}

impl Started {
    fn add(&mut self, file: &Path, due: i64) -> Result<()> {
        let late: Vec<f64> = wait_for(file, Some(due), MANY)?.iter().map(|stamp| stamp.late).collect();
        ensure!(late.len() == MANY, "{MANY} slots have started {} jobs", late.len());
        ensure!(late.iter().all(|late| *late >= 0.0), "a job was early");
        self.one.push(quantile(&late, 0.0));
        self.first.push(quantile(&late, FIRST as f64 / MANY as f64));
        self.all.push(quantile(&late, 1.0));
        Ok(())
    }
}
