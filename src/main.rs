//! Parse, dispatch, print the error chain, exit.

use std::ffi::OsString;
use std::process::ExitCode;

use sexton::keeper::serve::{Options, serve};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(options) = arguments.next().filter(|name| name == "keeper").and_then(|_| keeper(arguments))
    else {
        eprintln!("usage: sexton keeper --dir DIR [--bound]");
        return ExitCode::from(2);
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keeper(mut arguments: impl Iterator<Item = OsString>) -> Option<Options> {
    let mut options = Options { dir: "".into(), bound: false, resume: None };
    while let Some(argument) = arguments.next() {
        match argument.to_str()? {
            "--dir" => options.dir = arguments.next()?.into(),
            "--bound" => options.bound = true,
            "--resume" => options.resume = Some(arguments.next()?.to_str()?.parse().ok()?),
            _ => return None,
        }
    }
    (!options.dir.as_os_str().is_empty()).then_some(options)
}
