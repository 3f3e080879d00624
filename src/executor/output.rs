//! The files of a task: where its log and its outputs go, and how outputs are read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::libc::O_NONBLOCK;
use sha2::{Digest, Sha256};

use crate::run::state::{AttemptId, RunId};

/// More than this in `$SEXTON_OUTPUT` is an error: it is for figures and file names, not for data.
const LARGEST_OUTPUT: u64 = 1 << 20;
/// A file name has 255 bytes at most; the attempt's number and `.log` need some of them.
const LONGEST_STEM: usize = 200;

/// The directories below a state directory that attempts use.
#[derive(Clone, Debug)]
pub struct Places {
    state: PathBuf,
}

impl Places {
    /// Below this state directory.
    pub fn new(state: &Path) -> Self {
        Self { state: state.to_owned() }
    }

    /// `logs/<pipeline>/<run>/<task>.<attempt>.log`, relative to the state directory. The `/` of a task's
    /// path becomes `+`, which no name may hold; a very long path is cut and ends in its hash.
    pub fn log(&self, pipeline: &str, run: RunId, path: &str, attempt: u32) -> PathBuf {
        let flat = path.trim_start_matches('/').replace('/', "+");
        let flat = if flat.is_empty() { pipeline.to_owned() } else { flat };
        let stem = if flat.len() > LONGEST_STEM {
            let hash = Sha256::digest(flat.as_bytes());
            let cut = flat.floor_char_boundary(LONGEST_STEM - 17);
            let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("{}~{hash}", &flat[..cut])
        } else {
            flat
        };
        self.logs(pipeline, run).join(format!("{stem}.{attempt}.log"))
    }

    /// `logs/<pipeline>/<run>`, relative to the state directory.
    pub fn logs(&self, pipeline: &str, run: RunId) -> PathBuf {
        Path::new("logs").join(pipeline).join(run.to_string())
    }

    /// A path that is kept relative to the state directory, from the root.
    pub fn absolute(&self, relative: &Path) -> PathBuf {
        self.state.join(relative)
    }

    /// The directory that all tasks of a run share: `$SEXTON_RUN_DIR`.
    pub fn run_dir(&self, run: RunId) -> PathBuf {
        self.state.join("work").join(run.to_string())
    }

    /// The file behind an attempt's `$SEXTON_OUTPUT`.
    pub fn output(&self, attempt: AttemptId) -> PathBuf {
        self.state.join("outputs").join(attempt.0.to_string())
    }

    /// The file behind an attempt's `$SEXTON_TREE`, if it is one that writes a tree.
    pub fn tree(&self, attempt: AttemptId) -> PathBuf {
        self.state.join("trees").join(attempt.0.to_string())
    }

    /// The file that gets what such an attempt prints.
    pub fn printed(&self, attempt: AttemptId) -> PathBuf {
        self.state.join("trees").join(format!("{}.stdout", attempt.0))
    }

    /// Makes the directories that such files are written to.
    pub fn prepare(&self) -> std::io::Result<()> {
        std::fs::create_dir_all(self.state.join("trees"))?;
        std::fs::create_dir_all(self.state.join("outputs"))
    }

    /// What an attempt wrote, or why it cannot be read, in words.
    pub fn read_outputs(&self, attempt: AttemptId) -> Result<BTreeMap<String, String>, String> {
        let Some(file) = left_behind(&self.output(attempt))? else { return Ok(BTreeMap::new()) };
        let mut text = String::new();
        let read = file.take(LARGEST_OUTPUT + 1).read_to_string(&mut text);
        match read {
            Ok(length) if length as u64 > LARGEST_OUTPUT => {
                Err(format!("it holds more than {LARGEST_OUTPUT} bytes: write data to $SEXTON_RUN_DIR"))
            }
            Ok(_) => parse_outputs(&text),
            Err(_) => Err("it is not UTF-8 text".to_owned()),
        }
    }

    /// Removes what attempts wrote that are not under way: it was kept before a crash, or never will be.
    pub fn forget_outputs_but(&self, live: impl Fn(AttemptId) -> bool) {
        for dir in ["trees", "outputs"] {
            // What cannot be read or removed now may be with the next start.
            for file in std::fs::read_dir(self.state.join(dir)).into_iter().flatten().flatten() {
                let name = file.file_name();
                let number = name.to_str().and_then(|name| name.split('.').next()?.parse().ok());
                if number.is_some_and(|number| !live(AttemptId(number))) {
                    let _ = std::fs::remove_file(file.path());
                }
            }
        }
    }

    /// Removes what an attempt wrote, now that it is kept elsewhere.
    pub fn forget_outputs(&self, attempt: AttemptId) {
        // What stays behind after a crash is removed by the next start.
        for file in [self.output(attempt), self.tree(attempt), self.printed(attempt)] {
            let _ = std::fs::remove_file(file);
        }
    }
}

/// A file that a command was to write; `None` where there is none, and in words why it cannot be read. What the
/// command has put there instead, such as a pipe that nobody writes to, is not waited for.
pub(super) fn left_behind(path: &Path) -> Result<Option<File>, String> {
    let file = match File::options().read(true).custom_flags(O_NONBLOCK).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let is_file = file.metadata().map_err(|error| error.to_string())?.is_file();
    if is_file { Ok(Some(file)) } else { Err("it is no regular file".to_owned()) }
}

/// `key=value` lines; blank lines and lines that begin with `#` are ignored. A later line wins.
fn parse_outputs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut outputs = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            return Err(format!("line {number} has no `=`: {line}"));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if key.is_empty() || !key.chars().all(plain) {
            return Err(format!("line {number} has no proper key before its `=`: {line}"));
        }
        outputs.insert(key.to_owned(), value.to_owned());
    }
    Ok(outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_key_value_lines() {
        let outputs = parse_outputs("rows=12\n\n# a remark\nfile=/srv/a=b.csv\nrows=13\nempty=\n").unwrap();
        let expected = [("empty", ""), ("file", "/srv/a=b.csv"), ("rows", "13")];
        assert_eq!(outputs, expected.map(|(key, value)| (key.into(), value.into())).into());
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        assert_eq!(parse_outputs("rows=1\nrows 2").unwrap_err(), "line 2 has no `=`: rows 2");
        let error = parse_outputs("a b=2").unwrap_err();
        assert_eq!(error, "line 1 has no proper key before its `=`: a b=2");
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        assert_eq!(places.read_outputs(AttemptId(1)).unwrap(), BTreeMap::new());
        rustix::fs::mkfifoat(rustix::fs::CWD, places.output(AttemptId(1)), rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(places.read_outputs(AttemptId(1)).unwrap_err(), "it is no regular file");
    }

    #[test]
    fn what_nobody_will_ask_for_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        let files = |attempt| [places.output(attempt), places.tree(attempt), places.printed(attempt)];
        let [gone, live] = [AttemptId(7), AttemptId(77)].map(files);
        let foreign = dir.path().join("trees/README");
        for file in gone.iter().chain(&live).chain([&foreign]) {
            std::fs::write(file, "").unwrap();
        }
        places.forget_outputs_but(|attempt| attempt == AttemptId(77));
        assert!(live.iter().chain([&foreign]).all(|file| file.exists()));
        assert!(!gone.iter().any(|file| file.exists()));
    }

    #[test]
    fn a_log_has_one_guessable_name() {
        let places = Places::new(Path::new("/var/lib/sexton"));
        let log = |path: &str| places.log("night", RunId(7), path, 2).display().to_string();
        assert_eq!(log("ingest/prices"), "logs/night/7/ingest+prices.2.log");
        assert_eq!(log("/"), "logs/night/7/night.2.log");
        let (long, other) = ("é/".repeat(400) + "a", "é/".repeat(400) + "b");
        assert!(log(&long).len() < 240 && log(&long) != log(&other));
    }
}
