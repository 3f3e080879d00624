//! A log is the same however the output was cut into reads, and honest about what it lacks.

use proptest::prelude::*;

use super::*;

fn time() -> Timestamp {
    "2016-10-06T00:17:09.669794202Z".parse().unwrap()
}

/// The log of `pieces` and its summary.
fn log(limit: LogLimit, secrets: &[String], pieces: &[&[u8]]) -> (Vec<u8>, LogSummary) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b.log");
    let mut output = Output::new(path.clone(), limit, secrets);
    for piece in pieces {
        output.push(Stream::Stdout, piece, time());
    }
    let summary = output.finish(time());
    (std::fs::read(path).unwrap_or_default(), summary)
}

#[test]
fn the_format_is_cri() {
    let (text, summary) = log(LogLimit::default(), &[], &[b"one\ntw", b"o\n\nthree"]);
    let expected = "2016-10-06T00:17:09.669794202Z stdout F one
2016-10-06T00:17:09.669794202Z stdout F two
2016-10-06T00:17:09.669794202Z stdout F 
2016-10-06T00:17:09.669794202Z stdout P three
";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    assert_eq!(summary, LogSummary { bytes: expected.len() as u64, dropped: 0, lines: 4 });
}

#[test]
fn a_long_line_is_split_at_its_limit() {
    for (length, parts) in
        [(MAX_LINE - 1, "F"), (MAX_LINE, "F"), (MAX_LINE + 1, "PF"), (3 * MAX_LINE + 5, "PPPF")]
    {
        let mut text = vec![b'x'; length];
        text.push(b'\n');
        let (log, summary) = log(LogLimit::default(), &[], &[&text]);
        let tags: String = log
            .split_inclusive(|&byte| byte == b'\n')
            .map(|line| char::from(line[time().to_string().len() + 8]))
            .collect();
        assert_eq!((tags.as_str(), summary.lines), (parts, 1), "of {length} bytes");
    }
}

#[test]
fn a_tail_that_just_fits_has_no_gap() {
    let line = b"12345678\n";
    let size = "2016-10-06T00:17:09.669794202Z stdout F 12345678\n".len() as u64;
    for (lines, kept, dropped) in [(2, 2, 0), (5, 5, 0), (6, 5, 1), (50, 5, 45)] {
        let text = line.repeat(lines);
        // A tail that starts in the middle of a line gives that line up: hence the spare byte.
        let limit = LogLimit { head: 2 * size, tail: 3 * size + u64::from(dropped > 0) };
        let (log, summary) = log(limit, &[], &[&text]);
        let of_task = log.split(|&byte| byte == b'\n').filter(|line| line.ends_with(b"12345678")).count();
        assert_eq!((of_task, summary.dropped), (kept, dropped * size), "of {lines}");
        assert_eq!(summary.lines, lines as u64);
        let gaps =
            log.split(|&byte| byte == b'\n').filter(|line| line.windows(8).any(|w| w == b" sexton ")).count();
        assert_eq!(gaps, usize::from(dropped > 0));
        assert_eq!(log.len() as u64, summary.bytes);
    }
}

#[test]
fn without_a_tail_the_rest_is_counted() {
    let (log, summary) = log(LogLimit { head: 60, tail: 0 }, &[], &[&b"12345678\n".repeat(10)]);
    assert_eq!(log.split(|&byte| byte == b'\n').count(), 2);
    assert_eq!(summary.dropped, 9 * 49);
}

#[test]
fn what_the_disk_refused_is_told_when_it_takes_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.log");
    let mut output = Output::new(path.clone(), LogLimit::default(), &[]);
    output.push(Stream::Stdout, b"one\n", time());
    let file = output.file.replace(OpenOptions::new().write(true).open("/dev/full").unwrap());
    output.push(Stream::Stdout, b"two\n", time());
    output.push(Stream::Stdout, b"three\n", time());
    output.file = file;
    output.push(Stream::Stdout, b"four\n", time());
    let summary = output.finish(time());
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    let gap =
        format!("sexton F {} bytes dropped here: No space left on device (os error 28)", summary.dropped);
    assert_eq!(lines, ["stdout F one", &gap, "stdout F four"]);
    assert_eq!(summary.bytes, text.len() as u64);
}

proptest! {
    #[test]
    fn any_split_of_the_output_gives_the_same_log(
        text in prop::collection::vec(prop::sample::select(b"ab\n\n\xffsecret".to_vec()), 0..200),
        cuts in prop::collection::vec(0usize..200, 0..8),
        head in 0u64..600,
        tail in 0u64..600,
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let secrets = ["secret".to_owned(), "ab\na".to_owned()];
        let limit = LogLimit { head, tail };
        prop_assert_eq!(log(limit, &secrets, &pieces), log(limit, &secrets, &[&text]));
    }
}
