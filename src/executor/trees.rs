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
/// What it says where they are one line that is longer.
const TOO_LONG: &str = "(in a line of more than 4KiB)";

/// What an attempt has left, which is to be read.
#[derive(Debug)]
pub struct Reading {
    /// Whose.
    pub attempt: AttemptId,
    /// What is wanted of it.
    pub wanted: Wanted,
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
                    Ok(None) => file_text(&printed, *limit),
                    found => found,
                };
                self.of(text.map(Option::unwrap_or_default))
            }
            Wanted::LastWords => self.of(last_lines(&printed)),
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

    /// The last lines of what was printed, for the log.
    fn last_words(&self, printed: &str) -> Vec<String> {
        let secrets: Vec<String> = self.secrets.iter().map(|(_, value)| value.clone()).collect();
        let printed = Masker::text(&secrets, printed);
        let lines: Vec<&str> = printed.lines().collect();
        let last =
            lines[lines.len().saturating_sub(LAST_WORDS.1)..].iter().map(|line| format!("stdout F {line}"));
        let above = (!lines.is_empty()).then(|| format!("sexton F {LAST_WORDS_ARE}"));
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

/// The whole lines at the end of a file.
fn last_lines(path: &Path) -> Result<String, String> {
    let Some(file) = left_behind(path)? else { return Ok(String::new()) };
    let end = Log::of(file).and_then(|mut log| log.end(LAST_WORDS.0));
    Ok(match end.map_err(|error| error.to_string())? {
        // Half a line might be half a secret.
        (bytes, false) if bytes.is_empty() => TOO_LONG.to_owned(),
        (bytes, _) => String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// The text of a file; `None` where there is no such file, or nothing in it.
fn file_text(path: &Path, limit: u64) -> Result<Option<String>, String> {
    let Some(file) = left_behind(path)? else { return Ok(None) };
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length > limit {
        let (has, may) = (size::show(length), size::show(limit));
        return Err(format!("it has {has}, and `lazy_limit` of sexton.yaml allows {may}"));
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

    fn reading(dir: &Path, wanted: Wanted) -> Reading {
        let secrets = [("db", "hunter22"), ("key", "BEGIN\n  MIIEvQ\n}")];
        Reading {
            attempt: AttemptId(7),
            wanted,
            secrets: secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            log: (dir.join("logs/p/1/generate.1.log"), 0),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn wanted(limit: u64) -> Wanted {
        let pipeline =
            parse(&SourceFile::new("p.yaml", "lazy: ./plan"), &Defaults::default(), &Book::default())
                .0
                .unwrap();
        let origin = "output of generate".to_owned();
        let (pipeline, declared) = (Arc::new(pipeline), vec!["vendor".into()]);
        Wanted::Tree { origin, pipeline, inherited: Box::default(), limit, declared }
    }

    fn read(files: &[(&str, &[u8])], wanted: Wanted) -> (tempfile::TempDir, Read) {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        for (name, bytes) in files {
            let path = if *name == "tree" { places.tree(AttemptId(7)) } else { places.printed(AttemptId(7)) };
            std::fs::write(path, bytes).unwrap();
        }
        let read = reading(dir.path(), wanted).from(&places);
        (dir, read)
    }

    #[test]
    fn the_file_goes_before_what_was_printed() {
        let files: [(&str, &[u8]); 2] = [("tree", b"serial: {a: x}"), ("printed", b"planning ...\n")];
        let (_dir, both) = read(&files, wanted(100));
        assert_eq!(both.tree.unwrap().unwrap().tree.len(), 2);
        let (_dir, printed) = read(&[("tree", b""), ("printed", b"parallel: {a: x, b: y}")], wanted(100));
        assert_eq!((printed.tree.unwrap().unwrap().tree.len(), printed.log_bytes), (3, 0));
    }

    #[test]
    fn nothing_else_is_a_tree() {
        let error =
            |text: &[u8], limit| read(&[("printed", text)], wanted(limit)).1.tree.unwrap().unwrap_err();
        assert_eq!(read(&[], wanted(100)).1.tree.unwrap().unwrap_err(), "the output is empty");
        assert_eq!(error(b"", 100), "the output is empty");
        assert_eq!(error(b"exec: \xff", 100), "it is not UTF-8 text: byte 7 is none");
        assert_eq!(
            error(&[b'x'; 2049], 2048),
            "it has 2049 bytes, and `lazy_limit` of sexton.yaml allows 2KiB"
        );
        assert!(read(&[("printed", &[b'x'; 2048])], wanted(2048)).1.tree.unwrap().is_ok());
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        for pipe in [places.tree(AttemptId(7)), places.printed(AttemptId(7))] {
            rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RWXU).unwrap();
        }
        let pipe = reading(dir.path(), wanted(100)).from(&places);
        assert_eq!(pipe.tree.unwrap().unwrap_err(), "it is no regular file");
        assert!(reading(dir.path(), Wanted::LastWords).from(&places).tree.is_none());
    }

    #[test]
    fn a_secret_that_nobody_declares_is_a_warning_in_the_log() {
        let tree = |name: &str| format!("exec: x\nenv: {{K: '{{{{ secret(\"{name}\") }}}}'}}\n");
        let (dir, nope) = read(&[("printed", tree("vendr").as_bytes())], wanted(100));
        assert!(nope.tree.unwrap().is_ok());
        let log = std::fs::read_to_string(dir.path().join("logs/p/1/generate.1.log")).unwrap();
        assert!(log.contains("warning: sexton.yaml declares no secret `vendr`"), "{log}");
        assert!(log.contains("did you mean `vendor`?"), "{log}");
        let (_dir, known) = read(&[("printed", tree("vendor").as_bytes())], wanted(100));
        assert_eq!((known.tree.unwrap().is_ok(), known.log_bytes), (true, 0));
    }

    #[test]
    fn mistakes_are_told_in_short_and_in_the_log_as_they_are_drawn() {
        let text = b"parallel:\n  a: {exce: x}\n  b: {timeout: 5}\n";
        let (dir, first) = read(&[("printed", text)], wanted(100));
        assert_eq!(
            first.tree.unwrap().unwrap_err(),
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
        let again = reading(dir.path(), wanted(100)).of(Ok(String::from_utf8(text.to_vec()).unwrap()));
        assert_eq!((again.log_bytes, std::fs::read_to_string(&log).unwrap()), (first.log_bytes, lines));
    }

    #[test]
    fn a_tree_with_a_secret_in_it_is_none() {
        for (text, name) in [
            ("exec: login hunter22", "db"),
            // It would not even be read.
            ("parallel: {hunter22", "db"),
            ("exec: |\n  keep <<END\n  BEGIN\n    MIIEvQ\n  END", "key"),
        ] {
            let (dir, read) = read(&[("printed", text.as_bytes())], wanted(100));
            assert_eq!(
                read.tree.unwrap().unwrap_err(),
                format!(
                    "it contains the value of the secret `{name}`: write `{{{{ secret(\"{name}\") }}}}` in its place"
                )
            );
            assert_eq!((read.log_bytes, dir.path().join("logs").exists()), (0, false));
        }
        let (_dir, read) =
            read(&[("printed", b"exec: login hunter2 '}' '{{ secret(\"db\") }}'")], wanted(100));
        assert!(read.tree.unwrap().is_ok());
    }

    #[test]
    fn the_last_words_of_a_failure_are_in_its_log_once() {
        let printed: String = (1..=30).map(|n| format!("line {n}, hunter22\n")).collect();
        let (dir, first) = read(&[("printed", printed.as_bytes())], Wanted::LastWords);
        assert!(first.tree.is_none());
        let log = dir.path().join("logs/p/1/generate.1.log");
        let lines = std::fs::read_to_string(&log).unwrap();
        assert_eq!(first.log_bytes, lines.len() as u64);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines.len(), 21);
        assert_eq!(lines[0], format!("1970-01-01T00:00:00.000000000Z sexton F {LAST_WORDS_ARE}"));
        assert_eq!(lines[1], "1970-01-01T00:00:00.000000000Z stdout F line 11, ***");
        assert_eq!(lines[20], "1970-01-01T00:00:00.000000000Z stdout F line 30, ***");
        let again = reading(dir.path(), Wanted::LastWords).of(Ok(printed));
        assert_eq!(std::fs::read_to_string(&log).unwrap().len() as u64, again.log_bytes);
        assert_eq!(again.log_bytes, first.log_bytes);
    }

    #[test]
    fn last_words_are_whole_lines_and_not_many() {
        let said = |printed: &str| {
            let (dir, read) = read(&[("printed", printed.as_bytes())], Wanted::LastWords);
            let log = std::fs::read_to_string(dir.path().join("logs/p/1/generate.1.log")).unwrap_or_default();
            assert_eq!(read.log_bytes, log.len() as u64);
            log.lines().skip(1).map(|line| line[31..].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(said(""), Vec::<String>::new());
        assert_eq!(said(&format!("{}hunter22\nend", "x".repeat(4096 - 8))), ["stdout F end"]);
        assert_eq!(said(&"x".repeat(4097)), [format!("stdout F {TOO_LONG}")]);
        assert_eq!(said(&format!("{}\n", "x".repeat(4095))), [format!("stdout F {}", "x".repeat(4095))]);
    }
}
