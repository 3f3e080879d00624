//! `sexton check`: are the files valid? A line a file, or all mistakes of all files.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use crate::config::load;
use crate::config::settings::Config;
use crate::pipeline::report::Report;

use super::args::CheckArgs;
use super::failure::Outcome;

/// Checks files.
pub fn check(args: &CheckArgs) -> anyhow::Result<Outcome> {
    let mut report = Report::default();
    let mut good = Vec::new();
    let config_dir = &args.config.dir();
    let config = load::config(config_dir, &mut report)?;
    let settings = config.clone().unwrap_or_default();
    if config.is_some() && args.paths.is_empty() && config_dir.join("sexton.yaml").exists() {
        good.push(format!("{}: valid", config_dir.join("sexton.yaml").display()));
    }
    let mut unreadable = Vec::new();
    let mut names: BTreeMap<Box<str>, PathBuf> = BTreeMap::new();
    for path in files(args, config_dir)? {
        match one(&path, &settings, &mut report, &mut names) {
            Ok(line) => good.extend(line),
            Err(error) => unreadable.push(error),
        }
    }
    if args.json {
        println!("{}", report.to_json());
    } else {
        eprint!("{}", report.render(std::io::stderr().is_terminal()));
        for line in good {
            println!("{line}");
        }
    }
    for error in &unreadable {
        eprintln!("error: {error}");
    }
    let failed = report.has_errors() || !unreadable.is_empty() || (args.strict && !report.is_empty());
    Ok(if failed { Outcome::Bad } else { Outcome::Good })
}

fn one(
    path: &Path,
    settings: &Config,
    report: &mut Report,
    names: &mut BTreeMap<Box<str>, PathBuf>,
) -> Result<Option<String>, String> {
    let loaded =
        load::pipeline(path, &settings.for_pipelines(), report).map_err(|error| error.to_string())?;
    let Some(pipeline) = loaded.pipeline else { return Ok(None) };
    if let Some(other) = names.insert(pipeline.name.clone(), path.to_owned()) {
        let (path, other) = (path.display(), other.display());
        return Err(format!(
            "{path}: the name `{}` is taken by {other}; give one another `name`",
            pipeline.name
        ));
    }
    let nodes = pipeline.tree.len();
    let plural = if nodes == 1 { "node" } else { "nodes" };
    Ok(Some(format!("{}: valid, {nodes} {plural}", path.display())))
}

/// The files that are meant: those named, those in named directories, or the configuration's.
fn files(args: &CheckArgs, config_dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if args.paths.is_empty() {
        let dir = config_dir.join("pipelines");
        anyhow::ensure!(dir.is_dir(), "{}: no such directory; name files, or a --config", dir.display());
        return Ok(load::pipeline_files(&dir)?);
    }
    let mut files = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            let inner = path.join("pipelines");
            let found = load::pipeline_files(if inner.is_dir() { &inner } else { path })?;
            anyhow::ensure!(!found.is_empty(), "{}: no pipeline files (*.yaml) in it", path.display());
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}
