//! The end of a log that is over its limit: a ring of bytes in a file without a name, so that nothing is
//! left behind whatever happens. It knows bytes and lines' ends, not what they say.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// The last `size` bytes of what was pushed.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) file: File,
    pub(super) size: u64,
    /// Everything ever pushed; the ring holds the last of it.
    pub(super) pushed: u64,
    /// Pushed bytes that are in the ring no more, or never came to be.
    pub(super) lost: u64,
}

impl Tail {
    /// A ring beside `log`, which must exist.
    pub(super) fn beside(log: &Path, size: u64) -> io::Result<Self> {
        let dir = log.parent().unwrap_or(Path::new("."));
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        let unnamed = options.clone().custom_flags(OFlags::TMPFILE.bits().cast_signed()).open(dir);
        let file = if let Ok(file) = unnamed {
            file
        } else {
            // Some file systems cannot make a file without a name.
            let path = log.with_extension("tail");
            let file = options.create(true).truncate(true).open(&path)?;
            std::fs::remove_file(&path)?;
            file
        };
        Ok(Self { file, size, pushed: 0, lost: 0 })
    }

    /// Takes whole lines. What the disk refuses is lost, with all that was held.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let skipped = (bytes.len() as u64).saturating_sub(self.size);
        let kept = &bytes[skipped as usize..];
        let at = (self.pushed + skipped) % self.size.max(1);
        let until_end = ((self.size - at) as usize).min(kept.len());
        let written = self
            .file
            .write_all_at(&kept[..until_end], at)
            .and_then(|()| self.file.write_all_at(&kept[until_end..], 0));
        self.pushed += bytes.len() as u64;
        self.lost = match written {
            Ok(()) => self.lost.max(self.pushed.saturating_sub(self.size)),
            Err(_) => self.pushed,
        };
        written
    }

    /// What the ring holds, oldest first, from the first line that is whole; and how many pushed bytes
    /// that leaves out.
    pub(super) fn read(&mut self) -> io::Result<(u64, impl Read + '_)> {
        let mut skip = self.lost;
        if skip > 0 && skip < self.pushed {
            // The byte before tells whether a line begins here; it is gone, so the first line is given up.
            skip += self.first_line(skip)?;
        }
        let length = self.pushed - skip;
        let at = skip % self.size.max(1);
        let first = length.min(self.size - at);
        let mut before = self.file.try_clone()?;
        before.seek(SeekFrom::Start(at))?;
        let wrapped = Wrapped { file: before, first, rest: length - first };
        Ok((skip, wrapped))
    }

    fn first_line(&self, from: u64) -> io::Result<u64> {
        let mut skipped = 0;
        let mut buffer = [0; 4096];
        while from + skipped < self.pushed {
            let at = (from + skipped) % self.size;
            let want = (self.pushed - from - skipped).min(self.size - at).min(buffer.len() as u64);
            let read = self.file.read_at(&mut buffer[..want as usize], at)?;
            if read == 0 {
                break;
            }
            if let Some(end) = buffer[..read].iter().position(|&byte| byte == b'\n') {
                return Ok(skipped + end as u64 + 1);
            }
            skipped += read as u64;
        }
        Ok(self.pushed - from)
    }
}

/// Reads on from the file's beginning once its end is reached.
struct Wrapped {
    file: File,
    first: u64,
    rest: u64,
}

impl Read for Wrapped {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.first == 0 && self.rest > 0 {
            self.file.seek(SeekFrom::Start(0))?;
            self.first = std::mem::take(&mut self.rest);
        }
        let want = self.first.min(out.len() as u64) as usize;
        let read = self.file.read(&mut out[..want])?;
        self.first -= read as u64;
        Ok(read)
    }
}

/// Appends all that `from` has to `to`; the number of bytes that made it counts even when one fails.
pub(super) fn append(to: &mut File, from: &mut impl Read) -> (u64, io::Result<()>) {
    let mut buffer = vec![0; 64 << 10];
    let mut done = 0;
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => return (done, Ok(())),
            Ok(read) => read,
            Err(error) => return (done, Err(error)),
        };
        if let Err(error) = to.write_all(&buffer[..read]) {
            return (done, Err(error));
        }
        done += read as u64;
    }
}
