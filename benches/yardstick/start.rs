//! How long the daemon takes from its start until it is ready: with nothing, and with many pipelines; the
//! first time, later, and while its keeper is still there, as in a restart.

use anyhow::Result;

use crate::check::twenty_nodes;
use crate::daemon::Site;
use crate::table::Row;
use crate::{Yard, process};

const MANY: usize = 1_000;

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let rounds = if yard.quick { 3 } else { 9 };
    let mut many = Vec::new();
    for number in 1..=MANY {
        many.push((format!("p{number:04}"), twenty_nodes()?));
    }
    let mut empty = Starts::default();
    let mut full = Starts::default();
    for _ in 0..rounds {
        empty.add(yard, &[])?;
        full.add(yard, &many)?;
    }
    let mut rows = empty.rows("no pipelines");
    rows.extend(full.rows(&format!("{MANY} pipelines of 20 nodes")));
    Ok(rows)
}

/// In ms.
#[derive(Default)]
struct Starts {
    first: Vec<f64>,
    later: Vec<f64>,
    again: Vec<f64>,
}

impl Starts {
    fn add(&mut self, yard: &Yard, pipelines: &[(String, String)]) -> Result<()> {
        let site = Site::new(yard, "", pipelines)?;
        let start = |list: &mut Vec<f64>| {
            let daemon = site.start()?;
            list.push(daemon.ready.as_secs_f64() * 1e3);
            daemon.stop()
        };
        start(&mut self.first)?;
        process::wait_for_orphans()?;
        start(&mut self.later)?;
        start(&mut self.again)?;
        process::wait_for_orphans()
    }

    fn rows(self, what: &str) -> Vec<Row> {
        let row =
            |which: &str, list: &[f64]| Row::alone(format!("start to ready, {what}, {which}"), "ms", list);
        vec![
            row("the first time", &self.first),
            row("later", &self.later),
            row("its keeper there", &self.again),
        ]
    }
}
