//! Standard output that has a file to itself, byte for byte, and what is told of what is not in it.

use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use sexton::keeper::protocol::{End, Launch, LogLimit, StdoutSummary, Token, Unwritten};

use super::client::{Client, PROGRAM, Place, until};
use super::lost::record;

fn numbers(from: u64, to: u64) -> String {
    (from..=to).map(|n| format!("{n}\n")).collect()
}

fn all(bytes: usize) -> StdoutSummary {
    cut(bytes, 0)
}

fn cut(bytes: usize, over: usize) -> StdoutSummary {
    StdoutSummary { bytes: bytes as u64, over: over as u64, unwritten: None }
}

/// A launch whose standard output goes to the file.
fn printing(client: &Client, token: u64, script: &str, file: &Path, limit: Option<u64>) -> Launch {
    Launch { stdout: Some(file.to_owned()), stdout_limit: limit, ..client.sh(token, script) }
}

fn length(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |metadata| metadata.len())
}

#[test]
fn it_is_kept_as_it_is() {
    let place = Place::new();
    let mut client = place.connect();
    let written = place.file("tree");
    std::fs::write(&written, "what was there before").expect("a file");
    let mut launch = printing(&client, 1, "seq 1 100000; echo said >&2; exit 3", &written, None);
    launch.log_limit = LogLimit { head: 100, tail: 0 };
    launch.mask = vec!["99999".into()];
    let exited = client.run(launch);
    let expected = numbers(1, 100_000);
    assert_eq!((exited.end, exited.stdout), (End::Code(3), Some(all(expected.len()))));
    assert!(std::fs::read_to_string(&written).expect("a file") == expected, "it is neither cut nor masked");
    assert_eq!(client.lines(1), ["stderr F said"]);
    // A silent one has printed nothing there, and that is told apart from what was there before.
    let launch = printing(&client, 2, "true", &written, None);
    assert_eq!(client.run(launch).stdout, Some(all(0)));
    assert_eq!(std::fs::read(&written).expect("a file"), b"");
    let launch = client.sh(3, "echo to the log");
    assert_eq!(client.run(launch).stdout, None);
}

#[test]
fn who_opens_it_by_its_name_adds_to_it() {
    let place = Place::new();
    let mut client = place.connect();
    let written = place.file("tree");
    let script = "echo one; echo two >/dev/stdout; sh -c 'echo three >/proc/self/fd/1'; echo four";
    let launch = printing(&client, 1, script, &written, None);
    client.run(launch);
    assert_eq!(std::fs::read_to_string(&written).expect("a file"), "one\ntwo\nthree\nfour\n");
}

#[test]
fn where_its_file_cannot_be_made_nothing_starts() {
    let place = Place::new();
    let mut client = place.connect();
    let missing = place.file("missing/tree");
    let launch = printing(&client, 1, "true", &missing, None);
    let exited = client.run(launch);
    let End::NotStarted(why) = exited.end else { panic!("{:?}", exited.end) };
    assert_eq!(why, format!("cannot make {}: No such file or directory (os error 2)", missing.display()));
}

#[test]
fn what_is_over_its_limit_is_counted_and_hurts_nobody() {
    let place = Place::new();
    let mut client = place.connect();
    let expected = numbers(1, 100_000);
    let total = expected.len();
    for (token, limit) in (1..).zip([0, 1, 1000, 65_536, total - 1, total, total + 1]) {
        let written = place.file("tree");
        let script = "seq 1 100000; echo said >&2; exit 7";
        let launch = printing(&client, token, script, &written, Some(limit as u64));
        let exited = client.run(launch);
        assert_eq!(exited.end, End::Code(7));
        let kept = limit.min(total);
        assert_eq!(exited.stdout, Some(cut(kept, total - kept)));
        assert!(std::fs::read_to_string(&written).expect("a file") == expected[..kept]);
        assert_eq!(client.lines(token), ["stderr F said"]);
    }
}

#[test]
fn what_the_disk_refuses_is_counted_and_hurts_nobody() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let place = Place::new();
    let mut client = place.connect();
    let total = numbers(1, 100_000).len() as u64;
    let why = || "No space left on device (os error 28)".to_owned();
    for (token, limit) in (1..).zip([None, Some(total), Some(1000)]) {
        let script = "seq 1 100000; echo said >&2; exit 7";
        let launch = printing(&client, token, script, Path::new("/dev/full"), limit);
        let exited = client.run(launch);
        assert_eq!(exited.end, End::Code(7));
        let bytes = limit.unwrap_or(total);
        let unwritten = Some(Unwritten { bytes, why: why() });
        assert_eq!(exited.stdout, Some(StdoutSummary { bytes: 0, over: total - bytes, unwritten }));
        assert_eq!(client.lines(token), ["stderr F said"]);
    }
}

#[test]
fn what_fits_on_the_disk_is_kept_and_the_rest_is_counted() {
    let place = Place::new();
    let mut client = place.connect();
    let written = place.file("tree");
    let script = "seq 1 1000; until [ -e $HERE/go ]; do sleep 0.02; done; seq 1001 2000; exit 7";
    let launch = printing(&client, 1, script, &written, None);
    client.launch(launch);
    let expected = numbers(1, 2000);
    until("it has printed", || length(&written) == numbers(1, 1000).len() as u64);
    // For this one process the disk is full.
    let limit = Rlimit { current: Some(6000), maximum: None };
    prlimit(Pid::from_raw(place.pid().expect("a keeper")), Resource::Fsize, limit).expect("a limit");
    std::fs::write(place.file("go"), "").expect("a file");
    let exited = client.exited(Token(1));
    let why = "File too large (os error 27)".to_owned();
    let unwritten = Some(Unwritten { bytes: expected.len() as u64 - 6000, why });
    assert_eq!(exited.end, End::Code(7));
    assert_eq!(exited.stdout, Some(StdoutSummary { bytes: 6000, over: 0, unwritten }));
    assert!(std::fs::read_to_string(&written).expect("a file") == expected[..6000]);
}

/// As with a log.
#[test]
fn a_pipe_that_stays_open_is_read_a_second_more() {
    let place = Place::new();
    let mut client = place.connect();
    let written = place.file("tree");
    let script =
        "{ while kill -0 $$ 2>/dev/null; do :; done; echo late; exec sleep 1000; } 2>/dev/null & echo early";
    let launch = printing(&client, 1, script, &written, Some(100));
    let exited = client.run(launch);
    assert_eq!((exited.end, exited.leftovers, exited.stdout), (End::Code(0), 1, Some(all(11))));
    assert_eq!(std::fs::read_to_string(&written).expect("a file"), "early\nlate\n");
}

#[test]
fn a_reexec_in_the_middle_loses_and_doubles_nothing() {
    let place = Place::new();
    let mut client = place.connect();
    let files = [1, 2, 3].map(|token| place.file(&format!("tree{token}")));
    let [endless, over, later] = &files;
    let script = "n=0; until [ -e $HERE/go ]; do n=$((n+1)); echo $n; done; exit 3";
    let launch = printing(&client, 1, script, endless, None);
    client.launch(launch);
    // One that is over its limit before, one after, and one whose disk is full.
    let script = "seq 1 1000; until [ -e $HERE/go ]; do sleep 0.02; done; seq 1001 2000";
    let (first, total) = (numbers(1, 1000).len() as u64, numbers(1, 2000).len());
    let full = Path::new("/dev/full");
    for (token, file, limit) in [(2, over.as_path(), 100), (3, later, 6000), (4, full, 7000)] {
        let launch = printing(&client, token, script, file, Some(limit));
        client.launch(launch);
    }
    until("they have printed", || length(endless) > 0 && (length(over), length(later)) == (100, first));
    for _ in 0..2 {
        let before = length(endless);
        client.reexec(PROGRAM);
        client.wait_for_end();
        client = place.connect();
        until("it goes on", || length(endless) > before);
    }
    std::fs::write(place.file("go"), "").expect("a file");
    let exited = client.exited(Token(1));
    let text = std::fs::read_to_string(endless).expect("a file");
    assert!(text == numbers(1, text.lines().count() as u64));
    assert_eq!((exited.end, exited.stdout), (End::Code(3), Some(all(text.len()))));
    for (token, file, limit) in [(2, over, 100), (3, later, 6000)] {
        let exited = client.exited(Token(token));
        assert_eq!((exited.end, exited.stdout), (End::Code(0), Some(cut(limit, total - limit))));
        assert!(std::fs::read_to_string(file).expect("a file") == numbers(1, 2000)[..limit]);
    }
    if full.exists() {
        let exited = client.exited(Token(4));
        let why = "No space left on device (os error 28)".to_owned();
        let (over, unwritten) = (total as u64 - 7000, Some(Unwritten { bytes: 7000, why }));
        assert_eq!(exited.stdout, Some(StdoutSummary { bytes: 0, over, unwritten }));
    }
}

#[test]
fn what_is_missing_is_told_again_until_it_is_acknowledged() {
    let place = Place::new();
    let mut client = place.start_with_crash("after-exited");
    let written = place.file("tree");
    let launch = printing(&client, 1, "seq 1 1000", &written, Some(50));
    let token = client.launch(launch);
    client.wait_for_end();
    let told = Some(cut(50, numbers(1, 1000).len() - 50));
    // By the successor, from the journal, and by its own successor in its place.
    let mut client = place.connect();
    assert_eq!(record(&mut client, token).stdout, told);
    client.reexec(PROGRAM);
    client.wait_for_end();
    let mut client = place.connect();
    assert_eq!(record(&mut client, token).stdout, told);
    client.ack(token);
}
