//! Reading what a command has left that was to write a tree, off the loop: the tree, from its file to nodes, with
//! findings in the attempt's log; or, where it has failed, what it printed last. It decides nothing about the run.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::mask::{self, Masker};
use crate::pipeline::definition::Pipeline;
use crate::pipeline::generated::{self, Generated};
use crate::pipeline::packed::Packed;
use crate::pipeline::policy::Settings;
use crate::run::state::AttemptId;
use crate::size;
use crate::yaml::diagnostic::Severity;
use crate::yaml::report::{Report, SourceFile, line_and_column};

use super::log::Log;
use super::output::{Places, left_behind};

/// Characters of the output's line that are quoted.
const EXCERPT: usize = 60;

/// Of what a failure has printed, the log gets at most so many bytes and lines, the last ones.
const LAST_WORDS: (u64, usize) = (4 << 10, 20);

/// What the log says above them.
const LAST_WORDS_ARE: &str = "it has failed, and its standard output, which was to be the tree, ended so:";
/// What it says there where they are not the last that was printed.
const LAST_KEPT_ARE: &str =
    "it has failed; of its standard output, which was to be the tree, the beginning is kept, and ends so:";
/// What it says where they are one line that is longer.
const TOO_LONG: &str = "(in a line of more than 4KiB)";

/// What an attempt has left, which is to be read.
#[derive(Debug)]
pub struct Reading {
    /// Whose.
    pub attempt: AttemptId,
    /// What is wanted of it.
    pub wanted: Wanted,
    /// Why what was printed is not whole, if it is not.
    pub cut: Option<Cut>,
    /// Names and values of secrets, which are not kept.
    pub secrets: Vec<(String, String)>,
    /// The attempt's log, and how much of it there was when it ended.
    pub log: (PathBuf, u64),
    /// When it ended.
    pub at: Timestamp,
}

/// What is read.
#[derive(Debug)]
pub enum Wanted {
    /// The tree of a success.
    Tree {
        /// How its text is called to people.
        origin: String,
        /// The pipeline of the run.
        pipeline: Arc<Pipeline>,
        /// What the lazy node hands down.
        inherited: Box<Settings>,
        /// How many bytes it may have.
        limit: u64,
        /// The names of the secrets that sexton.yaml declares.
        declared: Vec<Box<str>>,
    },
    /// What a failure has printed last, for its log: there is no other place for it.
    LastWords,
}

/// Why what a command wrote is not, or may not be, all there: a part of a tree may look like a smaller tree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cut {
    /// It is over the limit.
    #[error(
        "it has {}, and `lazy_limit` of sexton.yaml allows {}",
        size::show(*.bytes),
        size::show(*.limit)
    )]
    TooMuch {
        /// Bytes that were written.
        bytes: u64,
        /// Bytes that are read.
        limit: u64,
    },
    /// The disk has refused some of it.
    #[error("{bytes} bytes of what was printed could not be written: {why}")]
    Unwritten {
        /// How many.
        bytes: u64,
        /// The disk's reason, in words.
        why: String,
    },
}

/// What has come of it.
#[derive(Debug)]
pub struct Read {
    /// Whose.
    pub attempt: AttemptId,
    /// The tree, or why there is none, in words; `None` where no tree was wanted.
    pub tree: Option<Result<Arc<Generated>, String>>,
    /// How much of the log there is now.
    pub log_bytes: u64,
}

impl Reading {
    /// Reads what the attempt has left in its files: a tree from the one named by `$SEXTON_TREE`, else from what it
    /// printed.
    pub fn from(self, places: &Places) -> Read {
        let (attempt, printed) = (self.attempt, places.printed(self.attempt));
        match &self.wanted {
            Wanted::Tree { limit, .. } => {
                let text = match file_text(&places.tree(attempt), *limit) {
                    Ok(None) => match &self.cut {
                        None => file_text(&printed, *limit),
                        Some(cut) => Err(cut.to_string()),
                    },
                    found => found,
                };
                self.of(text.map(Option::unwrap_or_default))
            }
            Wanted::LastWords => {
                let lines = self.last_lines(&printed);
                self.of(lines)
            }
        }
    }

    /// The same from the text that was written, or from why that cannot be had.
    pub fn of(self, text: Result<String, String>) -> Read {
        let (noted, tree) = match &self.wanted {
            Wanted::Tree { origin, pipeline, inherited, declared, .. } => {
                match text.and_then(|text| self.innocent(text)) {
                    Ok(text) => {
                        let file = SourceFile::new(&**origin, text);
                        let (noted, tree) = tree(&file, pipeline, inherited, declared);
                        (noted, Some(tree.map(Arc::new)))
                    }
                    Err(why) => (Vec::new(), Some(Err(why))),
                }
            }
            Wanted::LastWords => (self.last_words(&text.unwrap_or_else(|why| why)), None),
        };
        let log_bytes = if noted.is_empty() { self.log.1 } else { self.note(&noted) };
        Read { attempt: self.attempt, tree, log_bytes }
    }

    /// The text, if nothing of a secret is in it. To hide that would be to write another command.
    fn innocent(&self, text: String) -> Result<String, String> {
        let told = self.secrets.iter().find(|(_, value)| mask::reveals(&text, value));
        match told {
            None => Ok(text),
            Some((name, _)) => Err(format!(
                "it contains the value of the secret `{name}`: write `{{{{ secret(\"{name}\") }}}}` in its place"
            )),
        }
    }

    /// The last whole lines of what was printed, as far as it is kept.
    fn last_lines(&self, printed: &Path) -> Result<String, String> {
        let Some(file) = left_behind(printed)? else { return Ok(String::new()) };
        let end = Log::of(file).and_then(|mut log| log.end(LAST_WORDS.0));
        let (mut bytes, whole) = end.map_err(|error| error.to_string())?;
        // Half a line might be half a secret.
        if bytes.is_empty() && !whole {
            return Ok(TOO_LONG.to_owned());
        }
        if self.cut.is_some() {
            bytes.truncate(bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The last lines of what was printed, for the log.
    fn last_words(&self, printed: &str) -> Vec<String> {
        let secrets: Vec<String> = self.secrets.iter().map(|(_, value)| value.clone()).collect();
        let printed = Masker::text(&secrets, printed);
        let lines: Vec<&str> = printed.lines().collect();
        let last =
            lines[lines.len().saturating_sub(LAST_WORDS.1)..].iter().map(|line| format!("stdout F {line}"));
        let above = if self.cut.is_none() { LAST_WORDS_ARE } else { LAST_KEPT_ARE };
        let above = (!lines.is_empty()).then(|| format!("sexton F {above}"));
        above.into_iter().chain(last).collect()
    }

    /// Adds lines to the log, after what the attempt has printed; what an earlier reading has added is
    /// replaced. How much of the log there is then: a log that cannot be written fails nothing.
    fn note(&self, noted: &[String]) -> u64 {
        let (path, printed) = &self.log;
        let mut lines = Vec::new();
        for line in noted {
            // Writing to a Vec cannot fail.
            let _ = writeln!(lines, "{:.9} {line}", self.at);
        }
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            file.set_len(*printed)?;
            file.write_all(&lines)
        });
        match written {
            Ok(()) => printed + lines.len() as u64,
            Err(error) => {
                let attempt = self.attempt.0;
                tracing::warn!(%error, attempt, "what is to be said of a generated tree is not in the log");
                *printed
            }
        }
    }
}

/// All findings as the log shows them, if there are any; and the tree, or the first error in words.
fn tree(
    file: &SourceFile,
    pipeline: &Pipeline,
    inherited: &Settings,
    declared: &[Box<str>],
) -> (Vec<String>, Result<Generated, String>) {
    let (tree, found) = generated::parse_new(file, pipeline, inherited, declared);
    let mut report = Report::default();
    report.add(file, found);
    let findings = if report.is_empty() { String::new() } else { report.render(false) };
    let tree = match tree {
        Some(tree) => Ok(Generated { tree, packed: Packed::of(&file.text) }),
        None => Err(first_error(&report)),
    };
    (findings.lines().map(|line| format!("sexton F {line}")).collect(), tree)
}

/// The text of a file; `None` where there is no such file, or nothing in it.
fn file_text(path: &Path, limit: u64) -> Result<Option<String>, String> {
    let Some(file) = left_behind(path)? else { return Ok(None) };
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length > limit {
        return Err(Cut::TooMuch { bytes: length, limit }.to_string());
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("it is not UTF-8 text: byte {} is none", at + 1)
    })?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// The first error and its line, and how many more there are.
fn first_error(report: &Report) -> String {
    let mut errors = report.iter().filter(|(_, found)| found.severity == Severity::Error);
    let Some((file, first)) = errors.next() else { return "it cannot be read".to_owned() };
    let (number, _) = line_and_column(&file.text, first.primary.span.start as usize);
    let line = file.text.lines().nth(number - 1).unwrap_or_default().trim();
    let excerpt: String = line.chars().filter(|c| !c.is_control()).take(EXCERPT).collect();
    let place = if excerpt.is_empty() { String::new() } else { format!(" in line {number}: `{excerpt}`") };
    let label =
        if first.primary.text.is_empty() { String::new() } else { format!(", {}", first.primary.text) };
    match errors.count() {
        0 => format!("{}{place}{label}", first.message),
        more => format!("{}{place}{label}; and {more} more, see the log", first.message),
    }
}

#[cfg(test)]
#[path = "trees_tests.rs"]
mod tests;
