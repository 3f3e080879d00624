//! A run on a terminal: the tree is drawn while it moves, and the screen is left clean. `script` of
//! util-linux makes the terminal.

use std::process::{Command, Stdio};

use super::desk::Desk;

/// What a run writes to a terminal of 100 columns.
fn on_a_terminal(desk: &Desk, words: &str) -> String {
    let line = format!("stty cols 100 rows 40; '{}' {words}", env!("CARGO_BIN_EXE_sexton"));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(desk.path("")).stdin(Stdio::null());
    command.env("SEXTON_CONFIG", desk.path("config")).env("SEXTON_STATE_DIR", desk.path("state"));
    let output = command.env("TERM", "xterm").env("SHELL", "/bin/sh").output().expect("script");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is to be seen at the end: lines that were erased, or drawn over, are gone.
fn screen(written: &str) -> Vec<String> {
    let mut lines = vec![Vec::<char>::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = written.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' if rest.next_if_eq(&'[').is_some() => {
                let mut number = String::new();
                let end = loop {
                    match rest.next() {
                        Some(c) if c.is_ascii_digit() || ";?".contains(c) => number.push(c),
                        end => break end,
                    }
                };
                let count = number.parse().unwrap_or(1);
                match end {
                    Some('A') => row = row.saturating_sub(count),
                    Some('B') => row += count,
                    Some('K') if number == "2" => lines[row].clear(),
                    Some('K') => lines[row].truncate(column),
                    Some('J') => lines.truncate(row + 1),
                    _ => {}
                }
            }
            '\r' => column = 0,
            '\n' => row += 1,
            c => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect()
}

#[test]
fn the_tree_moves_and_then_makes_room_for_the_end() {
    let yaml = "serial:\n  load: echo reading; sleep 1\n  check: 'true'\n";
    let desk = Desk::new().pipeline("night", yaml);
    let written = on_a_terminal(&desk, "run night --date 2018-05-14");
    assert!(written.contains("▶   load") || written.contains("▶ "), "a task was seen running: {written:?}");
    assert!(written.contains("│ reading"), "its last line was seen: {written:?}");
    assert!(written.contains("·   check"), "what waits was seen: {written:?}");
    assert!(!written.contains("UTC  running"), "no lines of transitions: {written:?}");
    let screen = screen(&written);
    let text: Vec<&str> = screen.iter().map(String::as_str).skip_while(|line| line.is_empty()).collect();
    let expected = ["night    succeeded", "  load   succeeded", "  check  succeeded", ""];
    assert_eq!(text[..4], expected, "{screen:#?}");
    assert!(text[4].starts_with("night [2018-05-14] run 1: succeeded in "), "{screen:#?}");
}

#[test]
fn after_a_killed_run_the_next_one_is_drawn() {
    let slow = "exec: echo $$ >$SEXTON_RUN_DIR/pid; sleep 1000";
    let desk = Desk::new().pipeline("slow", slow).pipeline("night", "serial: {load: sleep 1}");
    let mut going = desk.run("slow").start();
    super::desk::pids(&desk.path("state/work/1/pid"));
    going.signal("KILL");
    going.end();
    let written = on_a_terminal(&desk, "run night");
    assert!(written.contains("▶   load"), "it was seen running: {written:?}");
}

#[test]
fn a_wide_line_does_not_break_the_picture() {
    let yaml = "serial:\n  load: seq -s ' ' 1 300; sleep 1\n  check: 'true'\n";
    let desk = Desk::new().pipeline("night", yaml);
    let screen = screen(&on_a_terminal(&desk, "run night"));
    let text: Vec<&str> = screen.iter().map(String::as_str).filter(|line| !line.is_empty()).collect();
    assert_eq!(text[..3], ["night    succeeded", "  load   succeeded", "  check  succeeded"], "{screen:#?}");
}
