//! Files that mean harm: an answer within seconds and an exit code, never a crash.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::desk::{Desk, Done};

fn refused(text: &str) -> Done {
    let desk = Desk::new().pipeline("harm", text);
    let start = Instant::now();
    let done = desk.check(&[]).exit(1);
    assert!(start.elapsed() < Duration::from_secs(30), "took {:?}", start.elapsed());
    assert!(done.stderr.len() < 10_000, "a screen or two, not {} bytes", done.stderr.len());
    done
}

#[test]
fn a_billion_laughs() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        writeln!(text, "a{level}: &a{level} [{}]", vec![alias; 10].join(", ")).unwrap();
    }
    refused(&text).stderr_has("aliases written out");
}

#[test]
fn a_hundred_megabytes() {
    refused(&"x".repeat(100 << 20)).stderr_has("harm.yaml: the file is larger than 64 MiB");
}

#[test]
fn two_hundred_thousand_brackets() {
    refused(&"[".repeat(200_000)).stderr_has("harm.yaml:1:");
}

#[test]
fn five_thousand_deep() {
    let text = format!("{}exec: run{}", "serial: {a: {".repeat(5_000), "}}".repeat(5_000));
    refused(&text).stderr_has("deep");
}

#[test]
fn bytes_that_are_no_text() {
    let desk = Desk::new();
    std::fs::write(desk.path("config/pipelines/harm.yaml"), b"exec: run\n# \xff\xfe\n").unwrap();
    desk.check(&[]).exit(1).stderr_has("harm.yaml: line 2 is not UTF-8 text");
}

#[test]
fn an_empty_file() {
    refused("").stderr_has("harm.yaml");
}
