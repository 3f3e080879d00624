//! `sexton check`: are the files valid? A line a file, or all mistakes of all files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::config::load;
use crate::config::settings::Config;
use crate::pipeline::report::Report;

use super::args::CheckArgs;
use super::failure::Outcome;
use super::show::out;

/// Checks files.
pub fn check(args: &CheckArgs) -> anyhow::Result<Outcome> {
    let mut report = Report::default();
    let mut good = Vec::new();
    let mut unusable = Vec::new();
    let mut names: BTreeMap<Box<str>, PathBuf> = BTreeMap::new();
    let mut settings: BTreeMap<PathBuf, Config> = BTreeMap::new();
    for path in files(args, &args.config.dir())? {
        // As `run` reads it: with the settings around the file.
        let config_dir = args.config.around(&path);
        if !settings.contains_key(&config_dir) {
            let config = load::config(&config_dir, &mut report)?;
            let file = config_dir.join("sexton.yaml");
            good.extend((config.is_some() && file.exists()).then(|| format!("{}: valid", file.display())));
            settings.insert(config_dir.clone(), config.unwrap_or_default());
        }
        match one(&path, &settings[&config_dir], &mut report, &mut names) {
            Ok(line) => good.extend(line),
            Err(error) => unusable.push((path, error)),
        }
    }
    if args.json {
        for found in report.to_json().as_array().into_iter().flatten() {
            out::line(&found.to_string())?;
        }
        for (path, error) in &unusable {
            out::line(&json!({"file": path, "severity": "error", "message": error}).to_string())?;
        }
    } else {
        out::findings(&report);
        for (path, error) in &unusable {
            eprintln!("error: {}: {error}", path.display());
        }
        for line in good {
            out::line(&line)?;
        }
    }
    let failed = report.has_errors() || !unusable.is_empty() || (args.strict && !report.is_empty());
    Ok(if failed { Outcome::Bad } else { Outcome::Good })
}

fn one(
    path: &Path,
    settings: &Config,
    report: &mut Report,
    names: &mut BTreeMap<Box<str>, PathBuf>,
) -> Result<Option<String>, String> {
    let read = load::pipeline(path, &settings.for_pipelines(), report);
    let Some(pipeline) = read.map_err(|error| error.source.to_string())? else { return Ok(None) };
    if let Some(other) = names.insert(pipeline.name.clone(), path.to_owned()) {
        return Err(format!(
            "the name `{}` is taken by {}; give one of them another `name`",
            pipeline.name,
            other.display()
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
