//! A run on a terminal: the tree is drawn while it moves, and the screen is left clean. `script` of
//! util-linux makes the terminal.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::desk::{Desk, pids, signal, until};

/// A command on a terminal of 100 columns.
struct Terminal {
    child: Child,
    written: PathBuf,
}

impl Terminal {
    fn new(desk: &Desk, words: &str) -> Self {
        let line = format!("stty cols 100 rows 40; '{}' {words}", env!("CARGO_BIN_EXE_sexton"));
        let written = desk.path("written");
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(desk.path("")).stdin(Stdio::null());
        command.stdout(File::create(&written).expect("a file"));
        command.env("SEXTON_CONFIG", desk.path("config")).env("SEXTON_STATE_DIR", desk.path("state"));
        let child = command.env("TERM", "xterm").env("SHELL", "/bin/sh").spawn().expect("script");
        Self { child, written }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.written).expect("what was written")).into_owned()
    }

    /// Waits till all of these have been written.
    fn shows(&self, texts: &[&str]) {
        until(&format!("{texts:?} are drawn"), || texts.iter().all(|text| self.so_far().contains(text)));
    }

    /// Waits for the end: everything that was written, and what is then to be seen.
    fn end(mut self) -> (String, Vec<String>) {
        self.child.wait().expect("its end");
        let written = self.so_far();
        let screen = screen(&written);
        (written, screen.into_iter().filter(|line| !line.is_empty()).collect())
    }
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

/// Goes on when somebody has seen enough.
const WAITS: &str = "until [ -e go ]; do sleep 0.02; done";

fn go(desk: &Desk) {
    std::fs::write(desk.path("go"), "").expect("a file");
}

#[test]
fn the_tree_moves_and_then_makes_room_for_the_end() {
    let yaml = format!("serial:\n  load: echo reading; {WAITS}\n  check: 'true'\n");
    let desk = Desk::new().pipeline("night", &yaml);
    let terminal = Terminal::new(&desk, "run night --date 2018-05-14");
    terminal.shows(&["▶ night", "▶   load", "│ reading", "·   check"]);
    go(&desk);
    let (written, screen) = terminal.end();
    assert!(!written.contains("UTC  running"), "no lines of transitions: {written:?}");
    assert_eq!(
        screen[..3],
        ["night    succeeded", "  load   succeeded", "  check  succeeded"],
        "{screen:#?}"
    );
    assert!(screen[3].starts_with("night [2018-05-14] run 1: succeeded in "), "{screen:#?}");
}

#[test]
fn what_is_generated_is_drawn_in_its_place() {
    let plan = format!("echo 'parallel: {{AAPL: \"echo reading; {WAITS}\", MSFT: \"true\"}}'");
    let desk = Desk::new().file("plan", &plan);
    let desk = desk.pipeline("night", "serial: {symbols: {lazy: sh plan}, report: 'true'}");
    let terminal = Terminal::new(&desk, "run night");
    terminal.shows(&["▶     execute", "▶       AAPL", "│ reading", "✓       MSFT", "·   report"]);
    go(&desk);
    let (_, screen) = terminal.end();
    let expected = [
        "night         succeeded",
        "  symbols     succeeded",
        "    generate  succeeded",
        "    execute   succeeded",
        "      AAPL    succeeded",
        "      MSFT    succeeded",
        "  report      succeeded",
    ];
    assert_eq!(screen[..7], expected, "{screen:#?}");
}

#[test]
fn after_a_killed_run_the_next_one_is_drawn() {
    let slow = "exec: echo $$ >$SEXTON_RUN_DIR/pid; sleep 1000";
    let desk = Desk::new().pipeline("slow", slow).pipeline("night", &format!("serial: {{load: '{WAITS}'}}"));
    let mut going = desk.run("slow").start();
    pids(&desk.path("state/work/1/pid"));
    going.signal("KILL");
    going.end();
    let terminal = Terminal::new(&desk, "run night");
    terminal.shows(&["▶   load"]);
    go(&desk);
    terminal.end();
}

#[test]
fn an_interrupt_leaves_the_screen_clean_too() {
    let desk = Desk::new().pipeline("night", "serial:\n  load: sleep 1000\n  check: 'true'\n");
    let terminal = Terminal::new(&desk, "run night");
    terminal.shows(&["▶   load"]);
    signal(pids(&desk.path("state/sexton.lock"))[0], "INT");
    let (_, screen) = terminal.end();
    let expected = [
        "night    cancelled  by an interrupt",
        "  load   cancelled  by an interrupt",
        "  check  cancelled  with `/`",
    ];
    assert_eq!(screen[..3], expected, "{screen:#?}");
}

#[test]
fn a_wide_line_does_not_break_the_picture() {
    let yaml = format!("serial:\n  load: seq -s ' ' 1 300; {WAITS}\n  check: 'true'\n");
    let desk = Desk::new().pipeline("night", &yaml);
    let terminal = Terminal::new(&desk, "run night");
    terminal.shows(&["│ 1 2 3"]);
    go(&desk);
    let (_, screen) = terminal.end();
    assert_eq!(
        screen[..3],
        ["night    succeeded", "  load   succeeded", "  check  succeeded"],
        "{screen:#?}"
    );
}

#[test]
fn a_sensor_is_shown_with_what_it_was_last_answered() {
    let nobody = crate::suite::sensor::server::nobody();
    let yaml = format!(
        "parallel:\n  feed: {{sensor: {{file: go, stable_for: 0s}}}}\n  \
         web: {{sensor: {{http: 'http://{nobody}/'}}, timeout: 1s, on_timeout: continue}}\n"
    );
    let desk = Desk::new().pipeline("night", &yaml);
    let terminal = Terminal::new(&desk, "run night");
    terminal.shows(&["◷   feed", "│ no file matches /", &format!("│ connection refused by {nobody}")]);
    go(&desk);
    let (_, screen) = terminal.end();
    assert!(
        screen[1].starts_with("  feed  succeeded  /") && screen[1].ends_with("/go is there"),
        "{screen:#?}"
    );
    assert_eq!(screen[2], "  web   skipped    timeout after 1s", "{screen:#?}");
}
