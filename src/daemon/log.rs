//! What the daemon says of itself, and where: for people on a terminal or in a file, as JSON for programs, to
//! the journal with fields under systemd.

use std::fmt;
use std::io::IsTerminal as _;

use tracing::field::Field;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{filter::LevelFilter, registry};

use crate::cli::args::LogFormat;

/// Begins to listen. Without a format it is the journal where standard error goes there and takes more than
/// lines, else text.
pub fn listen(format: Option<LogFormat>) -> anyhow::Result<()> {
    let journal = || in_journal() && tracing_journald::layer().is_ok();
    let format = format.unwrap_or_else(|| if journal() { LogFormat::Journald } else { LogFormat::Human });
    let registry = registry().with(LevelFilter::INFO);
    let stderr = std::io::stderr;
    match format {
        LogFormat::Human => {
            let layer = tracing_subscriber::fmt::layer()
                .with_writer(stderr)
                .with_ansi(stderr().is_terminal())
                .with_target(false)
                .fmt_fields(debug_fn(sentence));
            registry.with(layer).try_init()?;
        }
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer().with_writer(stderr).json().flatten_event(true);
            registry.with(layer).try_init()?;
        }
        LogFormat::Journald => {
            let layer = tracing_journald::layer()?.with_syslog_identifier("sexton".to_owned());
            registry.with(layer.with_field_prefix(Some("SEXTON".to_owned()))).try_init()?;
        }
    }
    Ok(())
}

/// What goes wrong beside a foreground run (the keeper, the disk) is said on standard error.
pub fn complain() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time();
    // Refused only where somebody listens already.
    let _ = subscriber.with_target(false).with_writer(std::io::stderr).try_init();
}

/// People read the sentence; the fields repeat it for programs. Only a cause adds to it.
fn sentence(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "error" => write!(writer, ": {value:?}"),
        _ => Ok(()),
    }
}

/// Whether standard error is the journal's: systemd says which file that is.
fn in_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else { return false };
    let Ok(stat) = rustix::fs::fstat(std::io::stderr()) else { return false };
    stream == format!("{}:{}", stat.st_dev, stat.st_ino)
}
