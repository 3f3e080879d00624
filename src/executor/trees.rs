//! Reading the tree that a command has written, off the loop: from its file to nodes, with secrets hidden and
//! findings left in the attempt's log. It decides nothing about the run.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::mask::Masker;
use crate::pipeline::definition::Pipeline;
use crate::pipeline::generated::{self, Generated};
use crate::pipeline::packed::Packed;
use crate::pipeline::policy::Settings;
use crate::run::state::AttemptId;
use crate::size;
use crate::yaml::diagnostic::Severity;
use crate::yaml::report::{Report, SourceFile, line_and_column};

use super::output::{Places, left_behind};

/// Characters of the output's line that are quoted.
const EXCERPT: usize = 60;

/// A tree that is to be read.
#[derive(Debug)]
pub struct Reading {
    /// Whose.
    pub attempt: AttemptId,
    /// How the text is called to people.
    pub origin: String,
    /// The pipeline of the run.
    pub pipeline: Arc<Pipeline>,
    /// What the lazy node hands down.
    pub inherited: Settings,
    /// How many bytes it may have.
    pub limit: u64,
    /// Why what was printed is not whole, if it is not.
    pub cut: Option<Cut>,
    /// Texts that are not kept.
    pub mask: Vec<String>,
    /// The attempt's log, and how much of it there was when it ended.
    pub log: (PathBuf, u64),
    /// When it ended.
    pub at: Timestamp,
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
    /// The tree, or why there is none, in words.
    pub tree: Result<Arc<Generated>, String>,
    /// How much of the log there is now.
    pub log_bytes: u64,
}

impl Reading {
    /// Reads the attempt's tree: from the file named by `$SEXTON_TREE`, else what it printed.
    pub fn from(self, places: &Places) -> Read {
        let text = file_text(&places.tree(self.attempt), self.limit);
        let text = match text {
            Ok(None) => match &self.cut {
                None => file_text(&places.printed(self.attempt), self.limit),
                Some(cut) => Err(cut.to_string()),
            },
            found => found,
        };
        self.of(text.map(Option::unwrap_or_default))
    }

    /// Reads a tree from the text that was written, or from why that cannot be had.
    pub fn of(self, text: Result<String, String>) -> Read {
        let (attempt, mut log_bytes) = (self.attempt, self.log.1);
        let tree = text.and_then(|text| {
            let (tree, findings) = self.tree(Masker::text(&self.mask, &text));
            if let Some(findings) = findings {
                log_bytes = self.note(&findings);
            }
            tree
        });
        Read { attempt, tree: tree.map(Arc::new), log_bytes }
    }

    /// The tree, or the first error in words; and all findings as people see them, if there are any.
    fn tree(&self, text: String) -> (Result<Generated, String>, Option<String>) {
        let file = SourceFile::new(&*self.origin, text);
        let (tree, found) = generated::parse(&file, &self.pipeline, &self.inherited);
        let mut report = Report::default();
        report.add(&file, found);
        let findings = (!report.is_empty()).then(|| report.render(false));
        let tree = match tree {
            Some(tree) => Ok(Generated { tree, packed: Packed::of(&file.text) }),
            None => Err(first_error(&report)),
        };
        (tree, findings)
    }

    /// Adds lines to the log, after what the attempt has printed; what an earlier reading has added is
    /// replaced. How much of the log there is then: a log that cannot be written fails nothing.
    fn note(&self, findings: &str) -> u64 {
        let (path, printed) = &self.log;
        let mut lines = Vec::new();
        for line in findings.lines() {
            // Writing to a Vec cannot fail.
            let _ = writeln!(lines, "{:.9} sexton F {line}", self.at);
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
                tracing::warn!(%error, attempt, "what is wrong with a generated tree is not in the log");
                *printed
            }
        }
    }
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
mod tests {
    use crate::calendar::book::Book;
    use crate::pipeline::definition::{Defaults, parse};

    use super::*;

    fn reading(dir: &Path, limit: u64) -> Reading {
        let pipeline =
            parse(&SourceFile::new("p.yaml", "lazy: ./plan"), &Defaults::default(), &Book::default())
                .0
                .unwrap();
        Reading {
            attempt: AttemptId(7),
            origin: "output of generate".to_owned(),
            pipeline: Arc::new(pipeline),
            inherited: Settings::default(),
            limit,
            cut: None,
            mask: vec!["hunter2".to_owned(), "hunter22".to_owned(), String::new()],
            log: (dir.join("logs/p/1/generate.1.log"), 0),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn read(files: &[(&str, &[u8])], limit: u64) -> (tempfile::TempDir, Read) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        for (name, bytes) in files {
            let path = if *name == "tree" { places.tree(AttemptId(7)) } else { places.printed(AttemptId(7)) };
            std::fs::write(path, bytes).unwrap();
        }
        let read = reading(dir.path(), limit).from(&places);
        (dir, read)
    }

    #[test]
    fn the_file_goes_before_what_was_printed() {
        let (_dir, both) = read(&[("tree", b"serial: {a: x}"), ("printed", b"planning ...\n")], 100);
        assert_eq!(both.tree.unwrap().tree.len(), 2);
        let (_dir, printed) = read(&[("tree", b""), ("printed", b"parallel: {a: x, b: y}")], 100);
        assert_eq!((printed.tree.unwrap().tree.len(), printed.log_bytes), (3, 0));
    }

    #[test]
    fn nothing_else_is_a_tree() {
        let error = |text: &[u8], limit| read(&[("printed", text)], limit).1.tree.unwrap_err();
        assert_eq!(read(&[], 100).1.tree.unwrap_err(), "the output is empty");
        assert_eq!(error(b"", 100), "the output is empty");
        assert_eq!(error(b"exec: \xff", 100), "it is not UTF-8 text: byte 7 is none");
        assert_eq!(
            error(&[b'x'; 2049], 2048),
            "it has 2049 bytes, and `lazy_limit` of sexton.yaml allows 2KiB"
        );
        assert!(read(&[("printed", &[b'x'; 2048])], 2048).1.tree.is_ok());
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, places.tree(AttemptId(7)), rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(reading(dir.path(), 100).from(&places).tree.unwrap_err(), "it is no regular file");
    }

    #[test]
    fn a_part_of_what_was_printed_is_no_tree() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        std::fs::write(places.printed(AttemptId(7)), "parallel: {a: x}\n").unwrap();
        let cut = |cut| Reading { cut: Some(cut), ..reading(dir.path(), 100) }.from(&places).tree;
        // The limit has grown since.
        let too_much = Cut::TooMuch { bytes: 18, limit: 17 };
        assert_eq!(
            cut(too_much.clone()).unwrap_err(),
            "it has 18 bytes, and `lazy_limit` of sexton.yaml allows 17 bytes"
        );
        let unwritten = Cut::Unwritten { bytes: 12, why: "No space left on device (os error 28)".to_owned() };
        assert_eq!(
            cut(unwritten).unwrap_err(),
            "12 bytes of what was printed could not be written: No space left on device (os error 28)"
        );
        std::fs::write(places.tree(AttemptId(7)), "exec: x").unwrap();
        assert!(cut(too_much).is_ok(), "what was printed is not asked for");
    }

    #[test]
    fn mistakes_are_told_in_short_and_in_the_log_as_they_are_drawn() {
        let text = b"parallel:\n  a: {exce: x}\n  b: {timeout: 5}\n";
        let (dir, first) = read(&[("printed", text)], 100);
        assert_eq!(
            first.tree.unwrap_err(),
            "unknown key `exce` in line 2: `a: {exce: x}`, did you mean `exec`?; and 2 more, see the log"
        );
        let log = dir.path().join("logs/p/1/generate.1.log");
        let lines = std::fs::read_to_string(&log).unwrap();
        assert_eq!(first.log_bytes, lines.len() as u64);
        assert!(
            lines.starts_with("1970-01-01T00:00:00.000000000Z sexton F error: unknown key `exce`\n"),
            "{lines}"
        );
        assert!(lines.contains("sexton F  --> output of generate:2:7\n"), "{lines}");
        // Who comes after a sudden end reads again, and says it once.
        let again = reading(dir.path(), 100).of(Ok(String::from_utf8(text.to_vec()).unwrap()));
        assert_eq!((again.log_bytes, std::fs::read_to_string(&log).unwrap()), (first.log_bytes, lines));
    }

    #[test]
    fn secrets_are_not_kept() {
        let (_dir, read) = read(&[("printed", b"exec: login hunter22 hunter2 hunter")], 100);
        assert_eq!(read.tree.unwrap().packed.text().unwrap(), "exec: login *** *** hunter");
    }
}
