//! What goes to standard output and standard error. A reader that has seen enough (`| head`) is no error.

use std::io::{ErrorKind, IsTerminal as _, Write as _};

use crate::yaml::report::Report;

/// Prints text as it is.
pub fn print(text: &str) -> std::io::Result<()> {
    pour(text).map(drop)
}

/// Prints text as it is; whether anybody still reads: without, there is no use in going on.
pub fn pour(text: &str) -> std::io::Result<bool> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true),
    }
}

/// Prints text, and ends its line.
pub fn line(text: &str) -> std::io::Result<()> {
    print(&format!("{text}\n"))
}

/// Draws what was found in files, on standard error, with an empty line below it.
pub fn findings(report: &Report) {
    if !report.is_empty() {
        note(&format!("{}\n", report.render(std::io::stderr().is_terminal()).trim_end()));
    }
}

/// Says something beside the output, on standard error, as a line of its own. Where nobody reads that, nobody misses
/// it.
pub fn note(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
