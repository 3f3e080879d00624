//! The yardstick: what Sexton costs above the bare tools, each measure in pairs that take turns, so that a
//! slow minute of the machine is slow for both. It measures and never judges.
//!
//! `cargo bench --bench yardstick [-- [--quick] [NAME …]]`, the names being those of [`MEASURES`]. The program
//! measured is this package's; `YARDSTICK_PROGRAM` names another, `YARDSTICK_DIR` where state is kept (its
//! disk counts).

mod burst;
mod calendar;
mod chain;
mod check;
mod clock;
mod cron;
mod daemon;
mod idle;
mod process;
mod start;
mod table;
mod tasks;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use process::{Sample, adopt_orphans};
use table::Row;

/// What is measured, and where.
struct Yard {
    program: PathBuf,
    dir: tempfile::TempDir,
    quick: bool,
}

impl Yard {
    /// `sexton WORDS…`, to its end and that of the keeper it started.
    fn sexton(&self, prepare: impl FnOnce(&mut Command)) -> Result<Sample> {
        let mut command = Command::new(&self.program);
        prepare(&mut command);
        process::run(&mut command, self.dir.path())
    }

    /// `sexton run FILE` with a state directory that is new and goes away.
    fn run(&self, file: &str, tree: &str) -> Result<Sample> {
        let path = self.dir.path().join(file);
        std::fs::write(&path, tree)?;
        let state = tempfile::tempdir_in(&self.dir)?;
        self.sexton(|command| {
            command.arg("run").arg(&path).arg("--state-dir").arg(state.path());
        })
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [flag, file] if flag == chain::STAMP => chain::stamp(file),
        [flag, file, due] if flag == clock::TICK => clock::tick(file, due),
        _ if arguments.iter().any(|argument| argument == "--bench") => measure(&arguments),
        // `cargo test --all-targets` comes by without it: nothing to test here.
        _ => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("yardstick: {error:#}");
            ExitCode::FAILURE
        }
    }
}

struct Measure {
    name: &'static str,
    of: fn(&Yard) -> Result<Vec<Row>>,
    /// Taken only where it is asked for by name.
    shy: bool,
}

const MEASURES: [Measure; 9] = [
    Measure { name: "tasks", of: tasks::measure, shy: false },
    Measure { name: "chain", of: chain::measure, shy: false },
    Measure { name: "check", of: check::measure, shy: false },
    Measure { name: "calendar", of: calendar::measure, shy: false },
    Measure { name: "start", of: start::measure, shy: false },
    Measure { name: "clock", of: clock::measure, shy: false },
    Measure { name: "burst", of: burst::measure, shy: false },
    Measure { name: "idle", of: idle::measure, shy: false },
    // It takes minutes, and root.
    Measure { name: "cron", of: cron::measure, shy: true },
];

fn measure(arguments: &[String]) -> Result<()> {
    let mut chosen = Vec::new();
    for argument in arguments.iter().map(String::as_str) {
        match argument {
            "--bench" | "--quick" => {}
            name if MEASURES.iter().any(|measure| measure.name == name) => chosen.push(name),
            _ => {
                bail!("`{argument}` is none of --quick, {}", MEASURES.map(|measure| measure.name).join(", "))
            }
        }
    }
    let program = match std::env::var_os("YARDSTICK_PROGRAM") {
        Some(program) => std::fs::canonicalize(&program).context("YARDSTICK_PROGRAM")?,
        None => PathBuf::from(env!("CARGO_BIN_EXE_sexton")),
    };
    // On the disk of the build, because `/tmp` may be memory and a commit there costs nothing.
    let place = std::env::var_os("YARDSTICK_DIR").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let dir =
        tempfile::Builder::new().prefix("yardstick-").tempdir_in(&place).context("a directory to work in")?;
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let yard = Yard { program, dir, quick };
    adopt_orphans()?;

    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for Measure { name, of, shy } in MEASURES {
        let wanted = if chosen.is_empty() { !shy } else { chosen.contains(&name) };
        if !wanted {
            continue;
        }
        eprintln!("yardstick: {name} …");
        // One that cannot be taken does not cost the others.
        match of(&yard) {
            Ok(more) => rows.extend(more),
            Err(error) => {
                eprintln!("yardstick: {name}: {error:#}");
                failed.push(name);
            }
        }
    }
    if !rows.is_empty() {
        table::print(&machine(&yard), &rows);
    }
    if failed.is_empty() { Ok(()) } else { bail!("not measured: {}", failed.join(", ")) }
}

/// What a figure needs beside it to mean something.
fn machine(yard: &Yard) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let system = rustix::system::uname();
    let kernel = format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy());
    let name = yard.program.file_name().unwrap_or_default().to_string_lossy();
    let ours = std::env::var_os("YARDSTICK_PROGRAM").is_none();
    let version = if ours { concat!(" ", env!("CARGO_PKG_VERSION")) } else { "" };
    let how = if yard.quick { "quick" } else { "full" };
    format!("{name}{version}, {cores} cores, {kernel}, {how}")
}
