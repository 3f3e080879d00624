//! What reaches the log file, byte for byte.

use sexton::keeper::protocol::{End, LogLimit};

use super::client::{Place, until};

#[test]
fn lines_carry_time_and_stream() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "echo one; sleep 0.1; echo two >&2; sleep 0.1; printf three");
    let exited = client.run(launch);
    assert_eq!(client.lines(1), ["stdout F one", "stderr F two", "stdout P three"]);
    let text = std::fs::read_to_string(client.log(1)).expect("a log");
    assert_eq!((exited.log.bytes, exited.log.dropped, exited.log.lines), (text.len() as u64, 0, 3));
    let times: Vec<jiff::Timestamp> =
        text.lines().map(|line| line.split(' ').next().expect("a time").parse().expect("RFC 3339")).collect();
    assert!(times.is_sorted());
    assert!(
        text.lines()
            .all(|line| line.split(' ').next().expect("a time").len()
                == "2016-10-06T00:17:09.669794202Z".len())
    );
}

#[test]
fn a_silent_attempt_has_no_log() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "true");
    let exited = client.run(launch);
    assert_eq!(exited.log.bytes, 0);
    assert!(!place.file("logs").exists());
}

#[test]
fn bytes_pass_as_they_are_and_long_lines_are_split() {
    let place = Place::new();
    let mut client = place.connect();
    let launch =
        client.sh(1, "printf '\\377\\000\\r\\n'; head -c 40000 /dev/zero | tr '\\0' x; echo; seq 1 20000");
    client.run(launch);
    let text = std::fs::read(client.log(1)).expect("a log");
    let mut printed = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        // Time, `stdout`, tag.
        let rest = line.splitn(4, |&byte| byte == b' ').collect::<Vec<_>>();
        let full = rest[2] == b"F";
        printed.extend_from_slice(&rest[3][..rest[3].len() - usize::from(!full)]);
        assert!(rest[3].len() <= 16 * 1024 + 1);
    }
    let mut expected = b"\xff\0\r\n".to_vec();
    expected.extend(std::iter::repeat_n(b'x', 40_000));
    expected.push(b'\n');
    expected.extend((1..=20_000).flat_map(|n| format!("{n}\n").into_bytes()));
    assert_eq!(printed.len(), expected.len());
    assert!(printed == expected);
}

#[test]
fn secrets_are_masked_across_reads() {
    let place = Place::new();
    let mut client = place.connect();
    let script =
        "printf 'a hun'; sleep 0.2; printf 'ter'; sleep 0.2; echo '2 b'; echo hunter >&2; printf hunt";
    let mut launch = client.sh(1, script);
    launch.mask = vec!["hunter2".into(), "two\nlines".into()];
    client.run(launch);
    let mut lines = client.lines(1);
    lines.sort();
    assert_eq!(lines, ["stderr F hunter", "stdout F a *** b", "stdout P hunt"]);
}

#[test]
fn a_log_over_its_limit_keeps_head_and_tail() {
    let place = Place::new();
    let mut client = place.connect();
    let mut launch = client.sh(1, "seq 1 100000");
    launch.log_limit = LogLimit { head: 2000, tail: 3000 };
    let exited = client.run(launch);
    assert_eq!(exited.end, End::Code(0));
    let lines = client.lines(1);
    assert_eq!(lines[0], "stdout F 1");
    assert_eq!(lines.last().expect("a line"), "stdout F 100000");
    let gap = lines.iter().position(|line| line.starts_with("sexton F ")).expect("a gap");
    assert_eq!(
        lines[gap],
        format!("sexton F {} bytes dropped here: the log is over its limit", exited.log.dropped)
    );
    let number = |line: &String| line.rsplit(' ').next().expect("a number").parse::<u64>().expect("a number");
    assert!(lines[..gap].iter().map(number).eq(1..=gap as u64));
    let tail: Vec<u64> = lines[gap + 1..].iter().map(number).collect();
    assert!(tail.iter().copied().eq(tail[0]..=100_000));
    let size = std::fs::metadata(client.log(1)).expect("a log").len();
    assert_eq!(exited.log.bytes, size);
    assert!(size <= 5200, "{size}");
    assert_eq!(exited.log.lines, 100_000);
    let names: Vec<_> =
        std::fs::read_dir(client.log(1).parent().expect("a directory")).expect("it").collect();
    assert_eq!(names.len(), 1, "nothing is left beside the log");
}

#[test]
fn a_follower_sees_what_is_printed_while_the_attempt_runs() {
    let place = Place::new();
    let mut client = place.connect();
    let launch = client.sh(1, "echo first; while [ ! -e $HERE/go ]; do sleep 0.01; done; echo second");
    let token = client.launch(launch);
    until("the first line is there", || client.lines(1) == ["stdout F first"]);
    std::fs::write(place.file("go"), "").expect("a file");
    client.exited(token);
    assert_eq!(client.lines(1), ["stdout F first", "stdout F second"]);
}

#[test]
fn a_disk_that_refuses_the_log_does_not_hurt_the_task() {
    let place = Place::new();
    std::fs::write(place.file("logs"), "a file where a directory should be").expect("a file");
    let mut client = place.connect();
    let launch = client.sh(1, "seq 1 1000; exit 6");
    let exited = client.run(launch);
    assert_eq!(exited.end, End::Code(6));
    assert_eq!(exited.log.bytes, 0);
    assert!(exited.log.dropped > 1000, "{:?}", exited.log);
    if std::path::Path::new("/dev/full").exists() {
        let mut launch = client.sh(2, "seq 1 1000; exit 5");
        launch.log = "/dev/full".into();
        let exited = client.run(launch);
        assert_eq!(exited.end, End::Code(5));
        assert!(exited.log.dropped > 1000, "{:?}", exited.log);
    }
}
