//! How a run is told of when it is over: its tree, the last words of what failed, the outputs, one line.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::executor::log;
use crate::executor::output::Places;
use crate::mask::Masker;
use crate::run::state::Status;

use super::super::desk;
use super::ending::Ending;
use super::table::lasted;

/// Lines of a failed task's log that are shown.
const LAST_LINES: usize = 20;

/// What a run is called, and when it began.
#[derive(Clone, Debug)]
pub struct Label {
    /// Its pipeline.
    pub pipeline: String,
    /// Its logical date.
    pub date: Date,
    /// When it began.
    pub began: Timestamp,
}

/// The text, without these secrets.
pub fn summary(ending: &Ending, label: &Label, state: &Path, secrets: &[String]) -> String {
    let places = Places::new(state);
    let mut text = format!("\n{}", ending.picture);
    for (path, attempt) in &ending.failed {
        if *attempt == 0 {
            // It failed before its first attempt; the tree says why.
            continue;
        }
        let log = places.absolute(&places.log(&label.pipeline, ending.run, path, *attempt));
        let lines = log::tail(&log, LAST_LINES, false).unwrap_or_default();
        let name = if path == "/" { &label.pipeline } else { path };
        if lines.is_empty() {
            let _ = writeln!(text, "\n{name}, attempt {attempt}, printed nothing");
            continue;
        }
        let _ = writeln!(text, "\n{name}, attempt {attempt}, last lines of {}:", log.display());
        for line in lines {
            let _ = writeln!(text, "  {}", log::tame(&line));
        }
    }
    if ending.more_failed > 0 {
        let (more, run, there) = (ending.more_failed, ending.run, desk::there(state));
        let _ = writeln!(text, "\n… and {more} more failed; see `sexton tasks {run}{there}`");
    }
    if ending.status == Status::Succeeded && !ending.outputs.is_empty() {
        text.push_str("\noutputs:\n");
        for (path, key, value) in &ending.outputs {
            let _ = writeln!(text, "  {path}: {key}={value}");
        }
    }
    let Label { pipeline, date, began } = label;
    let logs = places.absolute(&places.logs(pipeline, ending.run));
    let took = lasted(ending.at.as_millisecond() - began.as_millisecond());
    let (run, status) = (ending.run, ending.status);
    let _ = write!(text, "\n{pipeline} [{date}] run {run}: {status} in {took}");
    // There is a directory only if something was printed.
    let _ = if logs.is_dir() { writeln!(text, ", logs in {}", logs.display()) } else { writeln!(text) };
    Masker::text(secrets, &text)
}
