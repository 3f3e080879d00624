//! A task's log as it lies on disk (a line is `time stream F|P text`, P where the line goes on; the stream
//! `sexton` is what others than the task have to say) and as people want to read it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// What is read at first for a tail; more only if it does not hold enough lines.
const FIRST_LOOK: u64 = 8 << 10;

/// A log file's text, without stamps unless they are wanted.
pub fn text(bytes: &[u8], timestamps: bool) -> String {
    if timestamps { String::from_utf8_lossy(bytes).into_owned() } else { joined(bytes, |_| true) }
}

/// The text of the lines that are `wanted`, without stamps, parts put together. What is no line of a log is
/// taken as it is.
fn joined(bytes: &[u8], wanted: impl Fn(&Stamp<'_>) -> bool) -> String {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let stamp = Stamp::of(line);
        if wanted(&stamp) {
            out.extend_from_slice(stamp.text);
            if !stamp.goes_on {
                out.push(b'\n');
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The last `count` lines of a log file; empty where there is none.
pub fn tail(path: &Path, count: usize, timestamps: bool) -> std::io::Result<Vec<String>> {
    let Some(mut log) = Log::open(path)? else { return Ok(Vec::new()) };
    let mut look = FIRST_LOOK;
    loop {
        let (bytes, whole) = log.end(look)?;
        let text = text(&bytes, timestamps);
        let lines: Vec<&str> = text.lines().collect();
        if whole || lines.len() >= count {
            return Ok(lines[lines.len().saturating_sub(count)..]
                .iter()
                .map(|&line| line.to_owned())
                .collect());
        }
        look = look.saturating_mul(8);
    }
}

/// A log, or another file of lines, that is read from its end.
pub(super) struct Log {
    file: File,
    length: u64,
}

impl Log {
    /// `None` where there is no such file: nothing was printed.
    fn open(path: &Path) -> std::io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Self::of(file).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn of(file: File) -> std::io::Result<Self> {
        Ok(Self { length: file.metadata()?.len(), file })
    }

    /// The whole lines among the last `look` bytes, and whether these are all there are.
    pub(super) fn end(&mut self, look: u64) -> std::io::Result<(Vec<u8>, bool)> {
        let from = self.length.saturating_sub(look);
        self.file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&mut self.file).take(look).read_to_end(&mut bytes)?;
        if from > 0 {
            let first = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
            bytes.drain(..first);
        }
        Ok((bytes, from == 0))
    }
}

/// The last line that was printed to standard output and is not blank; `None` where there is none.
pub fn last_words(path: &Path) -> std::io::Result<Option<String>> {
    let Some(mut log) = Log::open(path)? else { return Ok(None) };
    let mut look = FIRST_LOOK;
    loop {
        let (bytes, whole) = log.end(look)?;
        let text = joined(&bytes, |stamp| stamp.stream == b"stdout");
        let lines: Vec<&str> = text.lines().collect();
        // The first may have begun before what was read.
        match lines.iter().rposition(|line| !line.trim().is_empty()) {
            Some(last) if whole || last > 0 => return Ok(Some(lines[last].to_owned())),
            None if whole => return Ok(None),
            Some(_) | None => look = look.saturating_mul(8),
        }
    }
}

/// A line of somebody else's, unable to move the cursor or to change its colour.
pub fn tame(line: &str) -> String {
    line.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

/// A line of a log file, taken apart.
struct Stamp<'l> {
    stream: &'l [u8],
    /// Whether the line goes on in the next of its stream.
    goes_on: bool,
    text: &'l [u8],
}

impl<'l> Stamp<'l> {
    fn of(line: &'l [u8]) -> Self {
        let mut parts = line.splitn(4, |&byte| byte == b' ');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (
                Some(_),
                Some(stream @ (b"stdout" | b"stderr" | b"sexton")),
                Some(part @ (b"F" | b"P")),
                Some(text),
            ) => Self { stream, goes_on: part == b"P", text },
            _ => Self { stream: b"", goes_on: false, text: line },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_play_with_the_screen() {
        assert_eq!(tame("\u{1b}[31mred\u{1b}[0m\ta\rb"), "[31mred[0m ab");
    }

    #[test]
    fn stamps_are_taken_off_and_parts_put_together() {
        let log = b"2018-05-14T04:13:07.000000000Z stdout P half \n\
                    2018-05-14T04:13:08.000000000Z stdout F a line\n\
                    2018-05-14T04:13:09.000000000Z stderr F  indented\n\
                    2018-05-14T04:13:10.000000000Z sexton F 5 bytes dropped here\nsomething else\n";
        let taken = "half a line\n indented\n5 bytes dropped here\nsomething else\n";
        assert_eq!(text(log, false), taken);
    }

    #[test]
    fn the_last_words_are_of_standard_output_and_not_blank() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("log");
        let words = |log: &str| {
            std::fs::write(&path, log).unwrap();
            last_words(&path).unwrap()
        };
        assert_eq!(last_words(&path).unwrap(), None);
        assert_eq!(words("t stderr F oh\nt stdout F  \n"), None);
        let log =
            "t stdout F so\nt stdout P half_\nt stderr F oh\nt stdout F day\nt stdout F \nt sexton F ended\n";
        assert_eq!(words(log).as_deref(), Some("half_day"));
        let long = format!("t stdout F chosen\n{}", "t stderr F much ado about nothing\n".repeat(1_000));
        assert_eq!(words(&long).as_deref(), Some("chosen"));
        let part = format!("t stdout P {}\n", "x".repeat(9_000));
        assert_eq!(words(&format!("{part}t stdout F end\n")).unwrap().len(), 9_003);
    }
}
