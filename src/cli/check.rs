//! `sexton check`: are the files valid? A line a file, or all mistakes of all files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::calendar::book::Book;
use crate::config::load::{self, Names};
use crate::config::settings::Config;
use crate::pipeline::clock_changes;
use crate::pipeline::definition::Pipeline;
use crate::pipeline::neighbours;
use crate::pipeline::sessions_ahead;
use crate::pipeline::text::secret;
use crate::schedule::definition::Schedule;
use crate::schedule::plan::next_to_fire;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::yaml::report::{Report, SourceFile};

use super::dirs::ConfigDir;
use super::failure::Outcome;
use super::show::out;

/// `sexton check`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all valid, 1 mistakes found (with --strict: or warnings), 2 wrong use."
)]
pub struct CheckArgs {
    /// Files of pipelines and calendars, or directories of them [default: the configuration directory]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Warnings fail too
    #[arg(long)]
    pub strict: bool,
    /// One JSON object a line instead of text
    #[arg(long)]
    pub json: bool,
    /// Where the configuration is.
    #[command(flatten)]
    pub config: ConfigDir,
}

/// Checks files.
pub fn check(args: &CheckArgs, now: Timestamp) -> anyhow::Result<Outcome> {
    let mut report = Report::default();
    let mut good = Vec::new();
    let mut unusable = Vec::new();
    let mut around: BTreeMap<PathBuf, Around> = BTreeMap::new();
    let own = args.config.dir();
    let files = files(args, &own, &mut report)?;
    if args.paths.is_empty() {
        // Its settings may have mistakes where there is no pipeline yet.
        around.insert(own.clone(), Around::read(&own, true, &mut good, &mut report)?);
    }
    for path in files {
        // As `run` reads it: with the settings around the file.
        let calendar = calendar_of(&path);
        let config_dir = calendar.map_or_else(|| args.config.around(&path), Path::to_owned);
        if !around.contains_key(&config_dir) {
            let read = Around::read(&config_dir, whole(args, &config_dir), &mut good, &mut report)?;
            around.insert(config_dir.clone(), read);
        }
        if calendar.is_some() {
            unusable.extend(std::fs::metadata(&path).err().map(|error| (path, error.to_string())));
            continue;
        }
        let Some(around) = around.get_mut(&config_dir) else { continue };
        match one(&path, around, now, &mut report) {
            Ok(line) => good.extend(line),
            Err(error) => unusable.push((path, error)),
        }
    }
    for (dir, around) in around.iter().filter(|(_, around)| around.whole) {
        around.beside_each_other(&mut report);
        good.extend(around.counted(dir));
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
            out::note(&format!("error: {}: {error}", path.display()));
        }
        for line in good {
            out::line(&line)?;
        }
    }
    let failed = report.has_errors() || !unusable.is_empty() || (args.strict && !report.is_empty());
    Ok(if failed { Outcome::Bad } else { Outcome::Good })
}

/// Whether all files of this configuration directory are looked at.
fn whole(args: &CheckArgs, config_dir: &Path) -> bool {
    let all = |path: &PathBuf| *path == config_dir || *path == config_dir.join("pipelines");
    args.paths.is_empty() || args.paths.iter().any(all)
}

/// The configuration directory of a calendar file; `None` for a pipeline's.
fn calendar_of(path: &Path) -> Option<&Path> {
    let dir = path.parent().filter(|dir| dir.file_name().is_some_and(|name| name == "calendars"))?;
    // Of `calendars/x.yaml` it is the directory one is in.
    Some(dir.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Checks the calendars of a configuration directory. They are read together, as they lie on top of each other; the
/// lines are those of the valid ones.
fn calendars(dir: &Path, report: &mut Report) -> anyhow::Result<(Book, Vec<String>)> {
    let mut found = Report::default();
    let book = load::calendars(dir, &mut found)?;
    let of = |code: &str| {
        let line = |path: &str| {
            let own = book.get(code).is_ok_and(|calendar| calendar.defined_by().text() == path);
            let does = if own { "defines" } else { "changes" };
            (path.to_owned(), format!("{path}: valid, {does} {code}"))
        };
        book.files(code).into_iter().map(line).collect::<Vec<_>>()
    };
    let mut lines: BTreeMap<String, String> = book.codes().flat_map(of).collect();
    for (file, _) in found.iter().filter(|(_, found)| found.severity == Severity::Error) {
        lines.remove(&file.path);
    }
    report.extend(found);
    Ok((book, lines.into_values().collect()))
}

/// The configuration that a file belongs to.
struct Around {
    config: Config,
    calendars: Book,
    /// Whether all secrets there are stand in it.
    secrets_known: bool,
    names: Names,
    /// Whether all of its pipelines are looked at.
    whole: bool,
    /// Those that are valid.
    pipelines: Vec<(SourceFile, Pipeline)>,
    /// The names that the others have as far as their files' names say.
    others: Vec<String>,
}

impl Around {
    fn read(dir: &Path, whole: bool, good: &mut Vec<String>, report: &mut Report) -> anyhow::Result<Self> {
        let config = load::config(dir, report)?;
        let file = dir.join("sexton.yaml");
        let there = config.is_some() && file.exists();
        good.extend(there.then(|| format!("{}: valid", file.display())));
        let (calendars, lines) = calendars(dir, report)?;
        good.extend(lines);
        Ok(Self {
            secrets_known: there || (config.is_some() && whole),
            config: config.unwrap_or_default(),
            calendars,
            names: Names::default(),
            whole,
            pipelines: Vec::new(),
            others: Vec::new(),
        })
    }

    /// Looks at what the pipelines say of each other.
    fn beside_each_other(&self, report: &mut Report) {
        let others = self.others.iter().map(|name| (&**name, None));
        let valid = self.pipelines.iter().map(|(_, pipeline)| (&*pipeline.name, Some(&*pipeline.tree)));
        let all: BTreeMap<_, _> = others.chain(valid).collect();
        for (file, pipeline) in &self.pipelines {
            report.add(file, neighbours::warnings(pipeline, &all));
        }
    }

    /// How many pipelines there are, if all of them are valid: of others there is more to say.
    fn counted(&self, dir: &Path) -> Option<String> {
        let dir = dir.join("pipelines");
        self.others.is_empty().then(|| match self.pipelines.len() {
            0 => format!("no pipelines: there is no file *.yaml in {}", dir.display()),
            1 => "1 pipeline".to_owned(),
            count => format!("{count} pipelines"),
        })
    }
}

fn one(
    path: &Path,
    around: &mut Around,
    now: Timestamp,
    report: &mut Report,
) -> Result<Option<String>, String> {
    let read = load::pipeline(path, &around.config.for_pipelines(), &around.calendars, report);
    let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let pipeline = match read {
        Ok(Some(pipeline)) => pipeline,
        Ok(None) => {
            around.others.push(stem());
            return Ok(None);
        }
        Err(error) => {
            around.others.push(stem());
            return Err(error.source.to_string());
        }
    };
    let file = SourceFile::new(path.display().to_string(), pipeline.source.clone());
    let mut found = Report::default();
    found.add(&file, clock_changes::warnings(&pipeline, now));
    found.add(&file, sessions_ahead::findings(&pipeline, now));
    if around.secrets_known {
        found.add(&file, secret::undeclared(&pipeline.secrets, &around.config.secrets.keys()));
    }
    let is_unique = around.names.take(path, &pipeline, &mut found);
    let is_valid = is_unique && !found.has_errors();
    report.extend(found);
    if !is_valid {
        around.others.push(stem());
        return Ok(None);
    }
    let nodes = pipeline.tree.len();
    let plural = if nodes == 1 { "node" } else { "nodes" };
    let line = format!("{}: valid, {nodes} {plural}{}", path.display(), next(&pipeline, now));
    around.pipelines.push((file, pipeline));
    Ok(Some(line))
}

/// The end of a scheduled pipeline's line: when it will run by itself.
fn next(pipeline: &Pipeline, now: Timestamp) -> String {
    let timetable = &pipeline.timetable;
    let last = timetable.policy.end_date;
    let next = |schedule: &Schedule| next_to_fire(schedule, &timetable.policy, now);
    let all = timetable.schedules.iter().filter_map(|schedule| Some((next(schedule)?.at, schedule)));
    match all.min_by_key(|(at, _)| *at) {
        Some((at, schedule)) => {
            let at = at.to_zoned(schedule.zone()).strftime("%Y-%m-%dT%H:%M:%S%:z");
            let named = timetable.schedules.len() > 1;
            let name = if named { format!(" ({})", schedule.name) } else { String::new() };
            format!(", next {at}{name}")
        }
        None if timetable.schedules.iter().any(Schedule::is_reboot) => ", next at a boot".to_owned(),
        None if timetable.schedules.is_empty() => String::new(),
        None => last.map_or_else(String::new, |last| format!(", no slot left before its end_date {last}")),
    }
}

/// The files that are meant: those named, those in named directories, or the configuration's. Warns of files beside
/// them that nobody reads.
fn files(args: &CheckArgs, config_dir: &Path, report: &mut Report) -> anyhow::Result<Vec<PathBuf>> {
    if args.paths.is_empty() {
        let dirs = ["calendars", "pipelines"].map(|dir| config_dir.join(dir));
        let [_, pipelines] = &dirs;
        let there = dirs.iter().any(|dir| dir.is_dir()) || config_dir.join("sexton.yaml").exists();
        anyhow::ensure!(there, "{}: no such directory; name files, or a --config", pipelines.display());
        let mut files = Vec::new();
        for dir in dirs.iter().filter(|dir| dir.is_dir()) {
            files.extend(load::yaml_files(dir)?);
            unread(dir, report)?;
        }
        return Ok(files);
    }
    let mut files = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            let inner = path.join("pipelines");
            let dir = if inner.is_dir() { &inner } else { path };
            let found = load::yaml_files(dir)?;
            anyhow::ensure!(!found.is_empty(), "{}: no pipeline files (*.yaml) in it", path.display());
            files.extend(found);
            if dir.file_name().is_some_and(|name| name == "pipelines" || name == "calendars") {
                unread(dir, report)?;
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Warns of the files of a directory that nobody reads.
fn unread(dir: &Path, report: &mut Report) -> anyhow::Result<()> {
    for path in load::other_files(dir)? {
        let message = "the file is not read: its name does not end in `.yaml` or `.yml`";
        let mut found = Diagnostics::default();
        found.push(Diagnostic::warning(Span::default(), message).help("rename it, or keep it elsewhere"));
        report.add(&SourceFile::new(path.display().to_string(), ""), found);
    }
    Ok(())
}
