//! Reading the configuration directory: sexton.yaml, and the calendars and pipelines beside it. All mistakes of
//! all files are reported in one go.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::calendar::book::Book;
use crate::pipeline::definition::{Defaults, Pipeline, parse};
use crate::pipeline::strayed::pipeline_among_calendars;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::yaml::report::{Report, SourceFile};

use super::settings::{self, Config};

/// Larger files are not read at all.
pub const LARGEST: u64 = 64 << 20;

/// A file or a directory that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct Error {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

/// Everything in a configuration directory. It can be gone by where the report has no errors.
#[derive(Clone, Debug, Default)]
pub struct Everything {
    /// The settings.
    pub config: Config,
    /// The text of sexton.yaml; empty where there is none.
    pub settings: String,
    /// All calendars: those that come with the program, and those of `calendars/`.
    pub calendars: Book,
    /// The pipelines, by file name.
    pub pipelines: Vec<Pipeline>,
    /// What was found in all the files.
    pub report: Report,
}

/// Reads everything in a configuration directory; a file that cannot be read is among the findings.
pub fn everything(dir: &Path) -> Result<Everything, Error> {
    let mut all = Everything::default();
    // Why it cannot be read, if it cannot.
    std::fs::read_dir(dir).map_err(|source| Error { path: dir.to_owned(), source })?;
    let (path, pipelines) = (dir.join("sexton.yaml"), dir.join("pipelines"));
    if !path.exists() && !pipelines.exists() {
        // A disk that is not mounted is an empty directory too, and no wish to have nothing in force.
        let what = io::Error::new(io::ErrorKind::NotFound, "neither sexton.yaml nor pipelines/ is in it");
        return Err(Error { path: dir.to_owned(), source: what });
    }
    if path.exists() {
        match source(&path) {
            Ok(file) => {
                let (config, found) = settings::parse(&file);
                all.report.add(&file, found);
                all.settings = file.text.to_string();
                all.config = config.unwrap_or_default();
            }
            Err(error) => all.report.add_unreadable(&path, &error.source),
        }
    }
    all.calendars = calendars(dir, &mut all.report)?;
    let files = if pipelines.is_dir() { yaml_files(&pipelines)? } else { Vec::new() };
    let defaults = all.config.for_pipelines();
    let mut names = Names::default();
    for path in files {
        match pipeline(&path, &defaults, &all.calendars, &mut all.report) {
            Ok(Some(pipeline)) => {
                names.take(&path, &pipeline, &mut all.report);
                all.pipelines.push(pipeline);
            }
            Ok(None) => {}
            Err(error) => all.report.add_unreadable(&path, &error.source),
        }
    }
    Ok(all)
}

/// Which file has given which pipeline its name.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<Box<str>, PathBuf>);

impl Names {
    /// Takes a pipeline's name for its file, and says whether it was free; where not, that is a finding.
    pub fn take(&mut self, path: &Path, pipeline: &Pipeline, report: &mut Report) -> bool {
        let Some(other) = self.0.insert(pipeline.name.clone(), path.to_owned()) else { return true };
        let message = format!("the name `{}` is taken by {}", pipeline.name, other.display());
        let mut found = Diagnostics::default();
        found.push(Diagnostic::error(Span::default(), message).help("give one of them another `name`"));
        report.add(&SourceFile::new(path.display().to_string(), pipeline.source.clone()), found);
        false
    }
}

/// The settings of a configuration directory; the defaults where it has no sexton.yaml, and `None` where
/// that is not valid.
pub fn config(dir: &Path, report: &mut Report) -> Result<Option<Config>, Error> {
    let path = dir.join("sexton.yaml");
    if !path.exists() {
        return Ok(Some(Config::default()));
    }
    let file = source(&path)?;
    let (config, found) = settings::parse(&file);
    report.add(&file, found);
    Ok(config)
}

/// The calendars that come with the program, with those of a configuration directory's `calendars/` and what these
/// change. Where the report has errors then, it is for finding more of them only.
pub fn calendars(dir: &Path, report: &mut Report) -> Result<Book, Error> {
    let dir = dir.join("calendars");
    if !dir.is_dir() {
        return Ok(Book::embedded());
    }
    let mut files = Vec::new();
    for path in yaml_files(&dir)? {
        match source(&path) {
            Ok(file) => match pipeline_among_calendars(&file) {
                Some(found) => report.add(&file, found),
                None => files.push(file),
            },
            Err(error) => report.add_unreadable(&path, &error.source),
        }
    }
    let (book, found) = Book::with(&files);
    for (file, found) in files.iter().zip(found) {
        report.add(file, found);
    }
    Ok(book)
}

/// The pipeline of one file, if that is valid.
pub fn pipeline(
    path: &Path,
    defaults: &Defaults,
    calendars: &Book,
    report: &mut Report,
) -> Result<Option<Pipeline>, Error> {
    let file = source(path)?;
    let (pipeline, found) = parse(&file, defaults, calendars);
    report.add(&file, found);
    Ok(pipeline)
}

/// The files of a directory that pipelines or calendars are in, by name.
pub fn yaml_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(visible_files(dir)?.into_iter().filter(|path| is_yaml(path)).collect())
}

/// The files beside them that nobody reads, by name; hidden ones are meant to be left alone.
pub fn other_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    Ok(visible_files(dir)?.into_iter().filter(|path| !is_yaml(path)).collect())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

fn visible_files(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The file of the pipeline with this name in a configuration directory.
pub fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let candidates = ["yaml", "yml"].map(|ending| dir.join("pipelines").join(format!("{name}.{ending}")));
    candidates.into_iter().find(|path| path.is_file())
}

/// The file that gives a pipeline this name with its `name` key.
pub fn find_named(dir: &Path, name: &str) -> Option<PathBuf> {
    let files = yaml_files(&dir.join("pipelines")).ok()?;
    let calendars = calendars(dir, &mut Report::default()).ok()?;
    let named = |path: &PathBuf| {
        let found = pipeline(path, &Defaults::default(), &calendars, &mut Report::default());
        found.is_ok_and(|found| found.is_some_and(|pipeline| &*pipeline.name == name))
    };
    files.into_iter().find(named)
}

fn source(path: &Path) -> Result<SourceFile, Error> {
    let failed = |source| Error { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        let limit = LARGEST >> 20;
        let message = format!("the file is larger than {limit} MiB; split the pipeline, or generate it");
        return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, message)));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|&byte| byte == b'\n').count();
        failed(io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8 text")))
    })?;
    Ok(SourceFile::new(path.display().to_string(), text))
}
