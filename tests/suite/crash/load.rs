//! The load: pipelines of real tasks, what each of their attempts is to end with, and the evidence that the
//! tasks leave in a file of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use sexton::run::state::Exit;
use sexton::store::record::RunState;

use crate::suite::keeper::client::{command_line, runs};

/// Lines that a task prints.
pub(super) const LINES: usize = 30;
const PAUSE: &str = "0.1";
const SCRIPT: &str = include_str!("task.sh");

/// One pipeline: where its tasks stand, and the code of each attempt.
pub(super) struct Work {
    pub(super) name: &'static str,
    pub(super) ends: RunState,
    pub(super) tasks: Vec<(String, Vec<i32>)>,
    pub(super) source: String,
}

/// All of it succeeds, some at the second try.
pub(super) fn good(dir: &Path) -> Work {
    let mut tasks = Vec::new();
    let mut source = head(dir, 0) + "serial:\n  load:\n    parallel:\n";
    for n in 0..8 {
        add(&mut source, &mut tasks, dir, "load/", &format!("t{n}"), &[0]);
    }
    source += "  chain:\n    retry: {limit: 2}\n    serial:\n";
    for (n, codes) in [&[0][..], &[7, 0], &[0], &[0]].into_iter().enumerate() {
        add(&mut source, &mut tasks, dir, "chain/", &format!("s{n}"), codes);
    }
    Work { name: "good", ends: RunState::Succeeded, tasks, source }
}

/// One of its tasks fails, twice; the one behind it never runs.
pub(super) fn bad(dir: &Path) -> Work {
    let mut tasks = Vec::new();
    let mut source = head(dir, 0) + "serial:\n  load:\n    retry: {limit: 1}\n    parallel:\n";
    for (name, codes) in [("fails", &[9, 9][..]), ("works", &[0]), ("works_later", &[3, 0])] {
        add(&mut source, &mut tasks, dir, "load/", name, codes);
    }
    source += "  behind:\n    serial:\n";
    add(&mut source, &mut Vec::new(), dir, "behind/", "never", &[0]);
    source += "  cleanup:\n    trigger_rule: all_done\n    serial:\n";
    add(&mut source, &mut tasks, dir, "cleanup/", "tidy", &[0]);
    Work { name: "bad", ends: RunState::Failed, tasks, source }
}

/// What is lost is tried again, and all succeeds.
pub(super) fn sturdy(dir: &Path) -> Work {
    let mut tasks = Vec::new();
    let mut source = head(dir, 50) + "serial:\n  load:\n    parallel:\n";
    for n in 0..10 {
        add(&mut source, &mut tasks, dir, "load/", &format!("t{n}"), &[0]);
    }
    source += "  chain:\n    serial:\n";
    for n in 0..4 {
        add(&mut source, &mut tasks, dir, "chain/", &format!("s{n}"), &[0]);
    }
    Work { name: "sturdy", ends: RunState::Succeeded, tasks, source }
}

fn head(dir: &Path, retries: u32) -> String {
    std::fs::write(dir.join("task.sh"), SCRIPT).expect("the script");
    format!("env: {{SIDE: '{}'}}\nretry: {{limit: {retries}}}\nkill_grace: 5s\n", side(dir).display())
}

fn add(
    source: &mut String,
    tasks: &mut Vec<(String, Vec<i32>)>,
    dir: &Path,
    above: &str,
    name: &str,
    codes: &[i32],
) {
    let words = codes.iter().map(|code| format!(", '{code}'")).collect::<String>();
    let script = dir.join("task.sh");
    let command = format!("[/bin/sh, '{}', '{LINES}', '{PAUSE}'{words}]", script.display());
    let _ = writeln!(source, "      {name}: {{exec: {command}}}");
    tasks.push((format!("{above}{name}"), codes.to_vec()));
}

/// The file that the tasks write to.
pub(super) fn side(dir: &Path) -> std::path::PathBuf {
    dir.join("side")
}

/// Processes of tasks that still run: their command lines.
pub(super) fn left(dir: &Path) -> Vec<String> {
    let mark = format!("SIDE={}", side(dir).display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let marked = pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        runs(*pid) && environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
    });
    marked.map(command_line).collect()
}

/// What the tasks themselves have left.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// By token: run, number and path; an attempt that started twice is here once, and in `doubled`.
    pub(super) starts: BTreeMap<u64, (i64, u32, String)>,
    pub(super) ends: BTreeMap<u64, Exit>,
    pub(super) doubled: Vec<String>,
    /// Attempts that started before all of their predecessor was over, as far as it tells.
    pub(super) met: Vec<String>,
}

impl Evidence {
    pub(super) fn read(dir: &Path) -> Self {
        let text = std::fs::read_to_string(side(dir)).unwrap_or_default();
        let mut found = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.splitn(5, ' ').collect();
            match words.as_slice() {
                ["start", token, run, number, path] => {
                    let token = token.parse().unwrap();
                    let start = (run.parse().unwrap(), number.parse().unwrap(), (*path).to_owned());
                    if found.starts.insert(token, start).is_some() {
                        found.doubled.push(line.to_owned());
                    }
                }
                ["exit", token, code] => {
                    let token: u64 = token.parse().unwrap();
                    if found.ends.insert(token, Exit::Code(code.parse().unwrap())).is_some() {
                        found.doubled.push(line.to_owned());
                    }
                    let (run, number, path) = &found.starts[&token];
                    let later =
                        |other: &(i64, u32, String)| (&other.0, &other.2) == (run, path) && other.1 > *number;
                    if found.starts.values().any(later) {
                        found.met.push(line.to_owned());
                    }
                }
                other => panic!("the evidence says {other:?}"),
            }
        }
        found
    }
}
