//! Many short tasks, eight at a time, against `xargs -P8`: how fast, and how much CPU above the tasks' own.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::Command;

use anyhow::{Result, ensure};

use crate::table::Row;
use crate::{Yard, process};

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let sizes: &[(usize, usize)] =
        if yard.quick { &[(200, 5), (1_000, 3)] } else { &[(200, 9), (1_000, 9), (20_000, 3)] };
    // Once to no purpose: programs and libraries are in memory from here on.
    yard.run("one.yaml", &tree(1))?;
    let mut rows = Vec::new();
    for (count, rounds) in sizes {
        rows.extend(of(yard, *count, *rounds)?);
    }
    Ok(rows)
}

fn of(yard: &Yard, count: usize, rounds: usize) -> Result<Vec<Row>> {
    let mut numbers = String::new();
    for number in 1..=count {
        writeln!(numbers, "{number}")?;
    }
    let list = yard.dir.path().join("numbers");
    fs::write(&list, numbers)?;
    let tree = tree(count);
    let tasks = count as f64;

    let (mut wall, mut after_start, mut cpu, mut after_start_cpu, mut own) = Default::default();
    let (mut bare_wall, mut bare_cpu, mut bare_own) = Default::default();
    let of = |list: &mut Vec<f64>, value: f64| list.push(value);
    for _ in 0..rounds {
        let sexton = yard.run("many.yaml", &tree)?;
        let mut xargs = Command::new("xargs");
        xargs.args(["-P8", "-I{}", "sh", "-c", "true"]).stdin(File::open(&list)?);
        let xargs = process::run(&mut xargs, yard.dir.path())?;
        let one = yard.run("one.yaml", &self::tree(1))?;
        // A program that ran nothing would win.
        let tasks_cpu = xargs.cpu - xargs.own;
        ensure!(
            sexton.cpu > tasks_cpu / 2.0,
            "{count} tasks cost {tasks_cpu} ms of CPU, but the run used {} ms: it did not run them",
            sexton.cpu
        );

        of(&mut wall, sexton.wall);
        of(&mut after_start, sexton.wall - one.wall);
        of(&mut cpu, sexton.cpu / tasks);
        of(&mut after_start_cpu, (sexton.cpu - one.cpu) / (tasks - 1.0));
        of(&mut own, sexton.own / tasks);
        of(&mut bare_wall, xargs.wall);
        // What its children cost is the price of the tasks themselves.
        of(&mut bare_cpu, tasks_cpu / tasks);
        of(&mut bare_own, xargs.own / tasks);
    }
    let name = format!("{count} × `sh -c true`, 8 wide");
    let cost = format!("CPU of {count}; difference: above the child");
    Ok(vec![
        Row::ratio(name.clone(), "s", &wall, &bare_wall),
        Row::ratio(format!("{name}, less start-up"), "s", &after_start, &bare_wall),
        Row::difference(cost.clone(), "ms/task", &cpu, &bare_cpu),
        Row::difference(format!("{cost}, less start-up"), "ms/task", &after_start_cpu, &bare_cpu),
        Row::difference(format!("CPU of the first process alone, of {count}"), "ms/task", &own, &bare_own),
    ])
}

/// `parallel` of that many commands. Lists, because a string would be a shell more.
fn tree(count: usize) -> String {
    let mut text = String::from("max_concurrent: 8\nparallel:\n");
    for number in 1..=count {
        let _ = writeln!(text, "  t{number:05}: {{exec: [sh, -c, \"true\"]}}");
    }
    text
}
