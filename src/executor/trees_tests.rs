//! What is a tree and what is none, in which words, and what the log gets of it.

use crate::calendar::book::Book;
use crate::pipeline::definition::{Defaults, parse};

use super::*;

fn reading(dir: &Path, wanted: Wanted) -> Reading {
    let secrets = [("db", "hunter22"), ("key", "BEGIN\n  MIIEvQ\n}")];
    Reading {
        attempt: AttemptId(7),
        wanted,
        cut: None,
        secrets: secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        log: (dir.join("logs/p/1/generate.1.log"), 0),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn wanted(limit: u64) -> Wanted {
    let pipeline =
        parse(&SourceFile::new("p.yaml", "lazy: ./plan"), &Defaults::default(), &Book::default()).0.unwrap();
    let origin = "output of generate".to_owned();
    let (pipeline, declared) = (Arc::new(pipeline), vec!["vendor".into()]);
    Wanted::Tree { origin, pipeline, inherited: Box::default(), limit, declared }
}

fn read(files: &[(&str, &[u8])], wanted: Wanted) -> (tempfile::TempDir, Read) {
    let dir = tempfile::tempdir().unwrap();
    let places = Places::new(dir.path());
    places.prepare().unwrap();
    for (name, bytes) in files {
        let path = if *name == "tree" { places.tree(AttemptId(7)) } else { places.printed(AttemptId(7)) };
        std::fs::write(path, bytes).unwrap();
    }
    let read = reading(dir.path(), wanted).from(&places);
    (dir, read)
}

#[test]
fn the_file_goes_before_what_was_printed() {
    let files: [(&str, &[u8]); 2] = [("tree", b"serial: {a: x}"), ("printed", b"planning ...\n")];
    let (_dir, both) = read(&files, wanted(100));
    assert_eq!(both.tree.unwrap().unwrap().tree.len(), 2);
    let (_dir, printed) = read(&[("tree", b""), ("printed", b"parallel: {a: x, b: y}")], wanted(100));
    assert_eq!((printed.tree.unwrap().unwrap().tree.len(), printed.log_bytes), (3, 0));
}

#[test]
fn nothing_else_is_a_tree() {
    let error = |text: &[u8], limit| read(&[("printed", text)], wanted(limit)).1.tree.unwrap().unwrap_err();
    assert_eq!(read(&[], wanted(100)).1.tree.unwrap().unwrap_err(), "the output is empty");
    assert_eq!(error(b"", 100), "the output is empty");
    assert_eq!(error(b"exec: \xff", 100), "it is not UTF-8 text: byte 7 is none");
    assert_eq!(error(&[b'x'; 2049], 2048), "it has 2049 bytes, and `lazy_limit` of sexton.yaml allows 2KiB");
    assert!(read(&[("printed", &[b'x'; 2048])], wanted(2048)).1.tree.unwrap().is_ok());
    let dir = tempfile::tempdir().unwrap();
    let places = Places::new(dir.path());
    places.prepare().unwrap();
    for pipe in [places.tree(AttemptId(7)), places.printed(AttemptId(7))] {
        rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RWXU).unwrap();
    }
    let pipe = reading(dir.path(), wanted(100)).from(&places);
    assert_eq!(pipe.tree.unwrap().unwrap_err(), "it is no regular file");
    assert!(reading(dir.path(), Wanted::LastWords).from(&places).tree.is_none());
}

#[test]
fn a_secret_that_nobody_declares_is_a_warning_in_the_log() {
    let tree = |name: &str| format!("exec: x\nenv: {{K: '{{{{ secret(\"{name}\") }}}}'}}\n");
    let (dir, nope) = read(&[("printed", tree("vendr").as_bytes())], wanted(100));
    assert!(nope.tree.unwrap().is_ok());
    let log = std::fs::read_to_string(dir.path().join("logs/p/1/generate.1.log")).unwrap();
    assert!(log.contains("warning: sexton.yaml declares no secret `vendr`"), "{log}");
    assert!(log.contains("did you mean `vendor`?"), "{log}");
    let (_dir, known) = read(&[("printed", tree("vendor").as_bytes())], wanted(100));
    assert_eq!((known.tree.unwrap().is_ok(), known.log_bytes), (true, 0));
}

#[test]
fn a_part_of_what_was_printed_is_no_tree() {
    let dir = tempfile::tempdir().unwrap();
    let places = Places::new(dir.path());
    places.prepare().unwrap();
    std::fs::write(places.printed(AttemptId(7)), "parallel: {a: x}\n").unwrap();
    let cut =
        |cut| Reading { cut: Some(cut), ..reading(dir.path(), wanted(100)) }.from(&places).tree.unwrap();
    // The limit has grown since.
    let too_much = Cut::TooMuch { bytes: 18, limit: 17 };
    assert_eq!(
        cut(too_much.clone()).unwrap_err(),
        "it has 18 bytes, and `lazy_limit` of sexton.yaml allows 17 bytes"
    );
    let unwritten = Cut::Unwritten { bytes: 12, why: "No space left on device (os error 28)".to_owned() };
    assert_eq!(
        cut(unwritten).unwrap_err(),
        "12 bytes of what was printed could not be written: No space left on device (os error 28)"
    );
    std::fs::write(places.tree(AttemptId(7)), "exec: x").unwrap();
    assert!(cut(too_much).is_ok(), "what was printed is not asked for");
}

#[test]
fn mistakes_are_told_in_short_and_in_the_log_as_they_are_drawn() {
    let text = b"parallel:\n  a: {exce: x}\n  b: {timeout: 5}\n";
    let (dir, first) = read(&[("printed", text)], wanted(100));
    assert_eq!(
        first.tree.unwrap().unwrap_err(),
        "unknown key `exce` in line 2: `a: {exce: x}`, did you mean `exec`?; and 2 more, see the log"
    );
    let log = dir.path().join("logs/p/1/generate.1.log");
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(first.log_bytes, lines.len() as u64);
    assert!(
        lines.starts_with("1970-01-01T00:00:00.000000000Z sexton F error: unknown key `exce`\n"),
        "{lines}"
    );
    assert!(lines.contains("sexton F  --> output of generate:2:7\n"), "{lines}");
    // Who comes after a sudden end reads again, and says it once.
    let again = reading(dir.path(), wanted(100)).of(Ok(String::from_utf8(text.to_vec()).unwrap()));
    assert_eq!((again.log_bytes, std::fs::read_to_string(&log).unwrap()), (first.log_bytes, lines));
}

#[test]
fn a_tree_with_a_secret_in_it_is_none() {
    for (text, name) in [
        ("exec: login hunter22", "db"),
        // It would not even be read.
        ("parallel: {hunter22", "db"),
        ("exec: |\n  keep <<END\n  BEGIN\n    MIIEvQ\n  END", "key"),
    ] {
        let (dir, read) = read(&[("printed", text.as_bytes())], wanted(100));
        assert_eq!(
            read.tree.unwrap().unwrap_err(),
            format!(
                "it contains the value of the secret `{name}`: write `{{{{ secret(\"{name}\") }}}}` in its place"
            )
        );
        assert_eq!((read.log_bytes, dir.path().join("logs").exists()), (0, false));
    }
    let (_dir, read) = read(&[("printed", b"exec: login hunter2 '}' '{{ secret(\"db\") }}'")], wanted(100));
    assert!(read.tree.unwrap().is_ok());
}

#[test]
fn the_last_words_of_a_failure_are_in_its_log_once() {
    let printed: String = (1..=30).map(|n| format!("line {n}, hunter22\n")).collect();
    let (dir, first) = read(&[("printed", printed.as_bytes())], Wanted::LastWords);
    assert!(first.tree.is_none());
    let log = dir.path().join("logs/p/1/generate.1.log");
    let lines = std::fs::read_to_string(&log).unwrap();
    assert_eq!(first.log_bytes, lines.len() as u64);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], format!("1970-01-01T00:00:00.000000000Z sexton F {LAST_WORDS_ARE}"));
    assert_eq!(lines[1], "1970-01-01T00:00:00.000000000Z stdout F line 11, ***");
    assert_eq!(lines[20], "1970-01-01T00:00:00.000000000Z stdout F line 30, ***");
    let again = reading(dir.path(), Wanted::LastWords).of(Ok(printed));
    assert_eq!(std::fs::read_to_string(&log).unwrap().len() as u64, again.log_bytes);
    assert_eq!(again.log_bytes, first.log_bytes);
}

#[test]
fn last_words_are_whole_lines_and_not_many() {
    let said = |printed: &str| {
        let (dir, read) = read(&[("printed", printed.as_bytes())], Wanted::LastWords);
        let log = std::fs::read_to_string(dir.path().join("logs/p/1/generate.1.log")).unwrap_or_default();
        assert_eq!(read.log_bytes, log.len() as u64);
        log.lines().skip(1).map(|line| line[31..].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(said(""), Vec::<String>::new());
    assert_eq!(said(&format!("{}hunter22\nend", "x".repeat(4096 - 8))), ["stdout F end"]);
    assert_eq!(said(&"x".repeat(4097)), [format!("stdout F {TOO_LONG}")]);
    assert_eq!(said(&format!("{}\n", "x".repeat(4095))), [format!("stdout F {}", "x".repeat(4095))]);
}

#[test]
fn last_words_that_are_not_the_last_say_so_and_end_with_a_whole_line() {
    let said = |printed: &str| {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(dir.path());
        places.prepare().unwrap();
        std::fs::write(places.printed(AttemptId(7)), printed).unwrap();
        let limit = printed.len() as u64;
        let cut = Some(Cut::TooMuch { bytes: limit + 1, limit });
        Reading { cut, ..reading(dir.path(), Wanted::LastWords) }.from(&places);
        let log = std::fs::read_to_string(dir.path().join("logs/p/1/generate.1.log")).unwrap_or_default();
        log.lines().map(|line| line[31..].to_owned()).collect::<Vec<_>>()
    };
    let above = format!("sexton F {LAST_KEPT_ARE}");
    assert_eq!(said("one\ntwo hunter22\nthree hunt"), [&*above, "stdout F one", "stdout F two ***"]);
    assert_eq!(said("login hunter2"), Vec::<String>::new());
}
