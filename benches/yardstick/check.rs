//! How long it takes to check a large configuration.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::Yard;
use crate::table::Row;

const FILES: usize = 1_000;

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let rounds = if yard.quick { 3 } else { 7 };
    let dir = yard.dir.path().join("pipelines");
    fs::create_dir(&dir)?;
    for number in 1..=FILES {
        fs::write(dir.join(format!("p{number:04}.yaml")), twenty_nodes()?)?;
    }
    let check = |what: &Path| {
        yard.sexton(|command| {
            command.arg("check").arg(what);
        })
    };
    let first = dir.join("p0001.yaml");
    check(&dir)?;
    let (mut all, mut one) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        all.push(check(&dir)?.wall * 1e3);
        one.push(check(&first)?.wall * 1e3);
    }
    // A program that read nothing would win.
    fs::write(dir.join("broken.yaml"), "seriall: {a: \"true\"}\n")?;
    ensure!(check(&dir).is_err(), "`check` does not see a misspelt key");
    Ok(vec![
        Row::alone(format!("`check` of {FILES} files of 20 nodes"), "ms", &all),
        Row::alone("`check` of one of them".to_owned(), "ms", &one),
    ])
}

/// A pipeline of twenty nodes: the root, three containers of five, and a report.
pub(crate) fn twenty_nodes() -> Result<String> {
    let mut text = String::from("description: Three vendors, one after another, and a report.\nserial:\n");
    for vendor in ["prices", "bars", "fundamentals"] {
        writeln!(text, "  {vendor}:\n    parallel:")?;
        for part in 1..=5 {
            writeln!(text, "      part_{part}: ingest {vendor} --part {part} --date {{{{ ds }}}}")?;
        }
    }
    text.push_str("  report: {exec: \"report --date {{ ds }}\", retry: {limit: 1, delay: 5m}}\n");
    Ok(text)
}
