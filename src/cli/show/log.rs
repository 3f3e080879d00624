//! A task's log as it lies on disk (a line is `time stream F|P text`, P where the line goes on) and as
//! people want to read it.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// What is read at first for a tail; more only if it does not hold enough lines.
const FIRST_LOOK: u64 = 8 << 10;

/// A log file's text, without stamps unless they are wanted.
pub fn text(bytes: &[u8], timestamps: bool) -> String {
    if timestamps {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let (partial, text) = unstamped(line);
        out.extend_from_slice(text);
        if !partial {
            out.push(b'\n');
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The last `count` lines of a log file; empty where there is none.
pub fn tail(path: &Path, count: usize, timestamps: bool) -> std::io::Result<Vec<String>> {
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    let mut look = FIRST_LOOK;
    loop {
        let from = length.saturating_sub(look);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&mut file).take(look).read_to_end(&mut bytes)?;
        let first = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
        let text = text(&bytes[if from == 0 { 0 } else { first }..], timestamps);
        let lines: Vec<&str> = text.lines().collect();
        if from == 0 || lines.len() >= count {
            return Ok(lines[lines.len().saturating_sub(count)..]
                .iter()
                .map(|&line| line.to_owned())
                .collect());
        }
        look = look.saturating_mul(8);
    }
}

/// A line of somebody else's, unable to move the cursor or to change its colour.
pub fn tame(line: &str) -> String {
    line.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !c.is_control()).collect()
}

/// Whether the line goes on in the next, and its text.
fn unstamped(line: &[u8]) -> (bool, &[u8]) {
    let mut parts = line.splitn(4, |&byte| byte == b' ');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(b"stdout" | b"stderr"), Some(b"F"), Some(text)) => (false, text),
        (Some(_), Some(b"stdout" | b"stderr"), Some(b"P"), Some(text)) => (true, text),
        _ => (false, line),
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
                    2018-05-14T04:13:09.000000000Z stderr F  indented\nsomething else\n";
        assert_eq!(text(log, false), "half a line\n indented\nsomething else\n");
    }
}
