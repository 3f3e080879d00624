//! A chain: what passes between the end of one step and the start of the next, against a loop that spawns
//! and waits. Each step is this program, which notes when it began and when it was about to end.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

use crate::Yard;
use crate::table::{Row, quantile};

/// `--stamp FILE`: be a step.
pub(crate) const STAMP: &str = "--stamp";

const STEPS: usize = 300;

/// Nanoseconds of the one clock that all processes share and nobody sets.
fn now() -> i128 {
    let now = clock_gettime(ClockId::Monotonic);
    i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
}

pub(crate) fn stamp(file: &str) -> Result<()> {
    let start = now();
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    let line = format!("{start} {}\n", now());
    Ok(file.write_all(line.as_bytes())?)
}

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let rounds = if yard.quick { 3 } else { 7 };
    let step = std::env::current_exe()?;
    let stamps = yard.dir.path().join("stamps");
    let command = [step.to_string_lossy(), STAMP.into(), stamps.to_string_lossy()];
    let command = serde_json::to_string(&command)?;
    let mut tree = String::from("serial:\n");
    for number in 1..=STEPS {
        writeln!(tree, "  s{number:03}: {{exec: {command}}}")?;
    }

    let (mut ours, mut bare) = (Quantiles::default(), Quantiles::default());
    for _ in 0..rounds {
        yard.run("chain.yaml", &tree)?;
        ours.add(&gaps(&stamps)?);
        for _ in 0..STEPS {
            let step = Command::new(&step).arg(STAMP).arg(&stamps).stdin(Stdio::null()).status()?;
            ensure!(step.success(), "a step of the bare chain failed: {step}");
        }
        bare.add(&gaps(&stamps)?);
    }
    let name = |which: &str| format!("chain of {STEPS}: end to next start, {which}");
    Ok(vec![
        Row::difference(name("p50"), "ms", &ours.p50, &bare.p50),
        Row::difference(name("p99"), "ms", &ours.p99, &bare.p99),
    ])
}

/// One of each a round.
#[derive(Default)]
struct Quantiles {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Quantiles {
    fn add(&mut self, gaps: &[f64]) {
        self.p50.push(quantile(gaps, 0.5));
        self.p99.push(quantile(gaps, 0.99));
    }
}

/// The gaps between the steps in ms; the stamps are taken away.
fn gaps(stamps: &Path) -> Result<Vec<f64>> {
    let text = fs::read_to_string(stamps).context("no step of the chain has left a stamp")?;
    fs::remove_file(stamps)?;
    let mut steps = Vec::new();
    for line in text.lines() {
        let (start, end) = line.split_once(' ').context("a torn stamp")?;
        steps.push((start.parse::<i128>()?, end.parse::<i128>()?));
    }
    ensure!(steps.len() == STEPS, "{} of {STEPS} steps have left a stamp", steps.len());
    let gaps: Vec<i128> = steps.windows(2).map(|pair| pair[1].0 - pair[0].1).collect();
    ensure!(gaps.iter().all(|gap| *gap > 0), "a step began before the one in front of it had ended");
    Ok(gaps.iter().map(|gap| *gap as f64 / 1e6).collect())
}
