//! An attempt's log: what it prints becomes lines with time and stream, in the CRI log format, secrets
//! hidden, within a size. It never fails the attempt: what cannot be written is counted.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::protocol::{LogLimit, LogSummary};
use super::tail::{self, Tail};
use crate::mask::Masker;

/// A longer line is split into parts of this many bytes.
pub(super) const MAX_LINE: usize = 16 << 10;

/// Where a line came from. Lines of the keeper's own carry the stream `sexton`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    fn word(self) -> &'static [u8] {
        match self {
            Self::Stdout => b"stdout",
            Self::Stderr => b"stderr",
        }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Pending {
    masker: Masker,
    /// A line that has not ended yet.
    line: Vec<u8>,
}

/// The log of one attempt. Nothing is on disk before something is printed.
#[derive(Debug)]
pub(super) struct Output {
    path: PathBuf,
    limit: LogLimit,
    stdout: Pending,
    stderr: Pending,
    file: Option<File>,
    /// The file's size.
    written: u64,
    /// The head is full; what comes goes to the tail.
    full: bool,
    tail: Option<Tail>,
    dropped: u64,
    lines: u64,
    /// Bytes refused by the disk that no line in the log tells of yet, and why.
    untold: Option<(u64, String)>,
}

impl Output {
    /// A log at `path`, with directories as needed.
    pub(super) fn new(path: PathBuf, limit: LogLimit, secrets: &[String]) -> Self {
        let masker = Masker::new(secrets);
        Self {
            path,
            limit,
            stdout: Pending { masker: masker.clone(), line: Vec::new() },
            stderr: Pending { masker, line: Vec::new() },
            file: None,
            written: 0,
            full: false,
            tail: None,
            dropped: 0,
            lines: 0,
            untold: None,
        }
    }

    /// Takes what was read from a stream at `now`.
    pub(super) fn push(&mut self, stream: Stream, bytes: &[u8], now: Timestamp) {
        let mut text = Vec::new();
        let pending = self.pending(stream);
        let text = if pending.masker.is_idle() {
            bytes
        } else {
            pending.masker.push(bytes, &mut text);
            &text
        };
        let mut lines = Vec::with_capacity(text.len() + 64);
        self.split(stream, text, now, &mut lines);
        self.keep(&lines, now);
    }

    /// Both streams have ended. The last line of each, if nothing ended it, is a part (`P`).
    pub(super) fn finish(mut self, now: Timestamp) -> LogSummary {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let mut text = Vec::new();
            self.pending(stream).masker.finish(&mut text);
            let mut lines = Vec::new();
            self.split(stream, &text, now, &mut lines);
            let rest = std::mem::take(&mut self.pending(stream).line);
            if !rest.is_empty() {
                self.lines += 1;
                format_line(&mut lines, now, stream.word(), b'P', &rest);
            }
            self.keep(&lines, now);
        }
        if let Some(tail) = self.tail.take() {
            self.join(tail, now);
        }
        self.tell(now);
        LogSummary { bytes: self.written, dropped: self.dropped, lines: self.lines }
    }

    fn pending(&mut self, stream: Stream) -> &mut Pending {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    fn split(&mut self, stream: Stream, mut text: &[u8], now: Timestamp, out: &mut Vec<u8>) {
        let mut ended = 0;
        let pending = self.pending(stream);
        while !text.is_empty() {
            let room = MAX_LINE - pending.line.len();
            let window = &text[..text.len().min(room + 1)];
            if let Some(end) = window.iter().position(|&byte| byte == b'\n') {
                pending.line.extend_from_slice(&text[..end]);
                format_line(out, now, stream.word(), b'F', &pending.line);
                ended += 1;
                pending.line.clear();
                text = &text[end + 1..];
            } else if text.len() > room {
                pending.line.extend_from_slice(&text[..room]);
                format_line(out, now, stream.word(), b'P', &pending.line);
                pending.line.clear();
                text = &text[room..];
            } else {
                pending.line.extend_from_slice(text);
                text = &[];
            }
        }
        self.lines += ended;
    }

    /// Puts whole lines where they belong.
    fn keep(&mut self, lines: &[u8], now: Timestamp) {
        let mut lines = lines;
        if lines.is_empty() {
            return;
        }
        if !self.full {
            let room = self.limit.head.saturating_sub(self.written) as usize;
            let mut fits = lines.len();
            if fits > room {
                fits = lines[..room].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                self.full = true;
            }
            let (head, rest) = lines.split_at(fits);
            if !head.is_empty() {
                self.tell(now);
                self.append(head);
            }
            lines = rest;
        }
        if lines.is_empty() {
            return;
        }
        if self.tail.is_none() && self.limit.tail > 0 {
            let opened = self.open().map(drop);
            let ring = opened.and_then(|()| Tail::beside(&self.path, self.limit.tail));
            match ring {
                Ok(ring) => self.tail = Some(ring),
                Err(error) => return self.refused(lines.len() as u64, &error),
            }
        }
        match &mut self.tail {
            // A refusal is part of what the ring counts as lost.
            Some(ring) => drop(ring.push(lines)),
            None => self.dropped += lines.len() as u64,
        }
    }

    /// The file gets the tail: a line that tells what is missing, then what the ring holds.
    fn join(&mut self, mut ring: Tail, now: Timestamp) {
        let pushed = ring.pushed;
        let joined = ring.read().and_then(|(missing, mut lines)| {
            self.dropped += missing;
            if missing > 0 {
                let text = format!("{missing} bytes dropped here: the log is over its limit");
                let mut marker = Vec::new();
                format_line(&mut marker, now, b"sexton", b'F', text.as_bytes());
                self.append(&marker);
            }
            let file = self.open()?;
            let (done, result) = tail::append(file, &mut lines);
            self.written += done;
            result.map_err(|error| (self.cut(), pushed - missing - done, error).2)
        });
        if let Err(error) = joined {
            self.refused(0, &error);
        }
    }

    fn append(&mut self, lines: &[u8]) {
        let mut done = 0;
        while done < lines.len() {
            let wrote = self.open().and_then(|file| file.write(&lines[done..]));
            match wrote {
                Ok(wrote) => done += wrote,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // Only whole lines stay, so that whatever comes next begins a line.
                    let whole =
                        lines[..done].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
                    self.written += whole as u64;
                    self.cut();
                    return self.refused((lines.len() - whole) as u64, &error);
                }
            }
        }
        self.written += done as u64;
    }

    fn cut(&mut self) {
        if let Some(file) = &self.file {
            let _ = file.set_len(self.written);
        }
    }

    fn refused(&mut self, bytes: u64, error: &io::Error) {
        self.dropped += bytes;
        let before = self.untold.take().map_or(0, |(before, _)| before);
        self.untold = Some((before + bytes, error.to_string()));
    }

    /// Says in the log what the disk refused, once it takes something again.
    fn tell(&mut self, now: Timestamp) {
        let Some((bytes, why)) = self.untold.take() else { return };
        let mut marker = Vec::new();
        format_line(
            &mut marker,
            now,
            b"sexton",
            b'F',
            format!("{bytes} bytes dropped here: {why}").as_bytes(),
        );
        self.append(&marker);
        if let Some((marker_bytes, why)) = self.untold.take() {
            self.dropped -= marker_bytes;
            self.untold = Some((bytes, why));
        }
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let options = || {
                let mut options = OpenOptions::new();
                options.create(true).append(true).mode(0o640).clone()
            };
            let file = match options().open(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let dir = self.path.parent().ok_or(error)?;
                    DirBuilder::new().recursive(true).mode(0o750).create(dir)?;
                    options().open(&self.path)?
                }
                other => other?,
            };
            self.written = file.metadata()?.len();
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn format_line(out: &mut Vec<u8>, now: Timestamp, stream: &[u8], tag: u8, text: &[u8]) {
    let _ = write!(out, "{now:.9} ");
    out.extend_from_slice(stream);
    out.extend_from_slice(&[b' ', tag, b' ']);
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// An [`Output`] on its way through a re-exec; the ring's descriptor travels beside it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Packed {
    path: PathBuf,
    limit: LogLimit,
    stdout: Pending,
    stderr: Pending,
    full: bool,
    tail: Option<(u64, u64, u64)>,
    dropped: u64,
    lines: u64,
    untold: Option<(u64, String)>,
    made: bool,
}

impl Output {
    /// What is needed to go on in another program; the ring's file apart.
    pub(super) fn pack(&mut self) -> (Packed, Option<&File>) {
        let copy = |pending: &Pending| Pending { masker: pending.masker.clone(), line: pending.line.clone() };
        let packed = Packed {
            path: self.path.clone(),
            limit: self.limit,
            stdout: copy(&self.stdout),
            stderr: copy(&self.stderr),
            full: self.full,
            tail: self.tail.as_ref().map(|tail| (tail.size, tail.pushed, tail.lost)),
            dropped: self.dropped,
            lines: self.lines,
            untold: self.untold.clone(),
            made: self.file.is_some(),
        };
        (packed, self.tail.as_ref().map(|tail| &tail.file))
    }

    /// Goes on where [`Output::pack`] left off.
    pub(super) fn unpack(packed: Packed, ring: Option<OwnedFd>) -> Self {
        let tail = packed.tail.zip(ring).map(|((size, pushed, lost), file)| Tail {
            file: file.into(),
            size,
            pushed,
            lost,
        });
        let mut output = Self {
            path: packed.path,
            limit: packed.limit,
            stdout: packed.stdout,
            stderr: packed.stderr,
            file: None,
            written: 0,
            full: packed.full,
            tail,
            dropped: packed.dropped,
            lines: packed.lines,
            untold: packed.untold,
        };
        if packed.made {
            // If it cannot be opened now, the next write tries again and counts.
            let _ = output.open();
        }
        output
    }
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
