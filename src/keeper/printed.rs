//! Standard output that has a file to itself: what is printed goes there as it is, up to a limit. It never fails
//! the attempt: what is not kept is counted, and nothing follows in the file where something is missing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::protocol::{StdoutSummary, Unwritten};

/// The file, and what has become of what was printed so far.
#[derive(Debug)]
pub(super) struct Printed {
    pub(super) file: File,
    limit: u64,
    summary: StdoutSummary,
}

impl Printed {
    /// Into a file at `path`, made anew; without a limit, all of it.
    pub(super) fn make(path: &Path, limit: Option<u64>) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Self { file, limit: limit.unwrap_or(u64::MAX), summary: StdoutSummary::default() })
    }

    /// Takes what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let unwritten = self.summary.unwritten.as_ref().map_or(0, |unwritten| unwritten.bytes);
        let room = self.limit.saturating_sub(self.summary.bytes + unwritten);
        let (mut fits, over) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
        self.summary.over += over.len() as u64;
        if let Some(unwritten) = &mut self.summary.unwritten {
            unwritten.bytes += fits.len() as u64;
            return;
        }
        while !fits.is_empty() {
            match self.file.write(fits) {
                Ok(0) => return self.refused(fits, &io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.summary.bytes += written as u64;
                    fits = &fits[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.refused(fits, &error),
            }
        }
    }

    fn refused(&mut self, bytes: &[u8], error: &io::Error) {
        self.summary.unwritten = Some(Unwritten { bytes: bytes.len() as u64, why: error.to_string() });
    }

    /// The stream has ended.
    pub(super) fn finish(self) -> StdoutSummary {
        self.summary
    }
}

/// A [`Printed`] on its way through a re-exec.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Packed {
    pub(super) file: RawFd,
    limit: u64,
    summary: StdoutSummary,
}

impl Printed {
    /// What is needed to go on in another program.
    pub(super) fn pack(&self) -> Packed {
        Packed { file: self.file.as_raw_fd(), limit: self.limit, summary: self.summary.clone() }
    }

    /// Goes on where [`Printed::pack`] left off, in the file that `packed` names.
    pub(super) fn unpack(packed: Packed, file: OwnedFd) -> Self {
        Self { file: file.into(), limit: packed.limit, summary: packed.summary }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is in the file, and what is told of it.
    fn printed(limit: Option<u64>, pieces: &[&[u8]]) -> (Vec<u8>, StdoutSummary) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("printed");
        let mut printed = Printed::make(&path, limit).unwrap();
        for piece in pieces {
            printed.push(piece);
        }
        (std::fs::read(path).unwrap(), printed.finish())
    }

    #[test]
    fn nothing_follows_where_the_disk_has_refused_something() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("printed");
        let mut printed = Printed::make(&path, Some(12)).unwrap();
        printed.push(b"one\n");
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let file = std::mem::replace(&mut printed.file, full);
        printed.push(b"two\n");
        printed.file = file;
        printed.push(b"three\n");
        assert_eq!(std::fs::read(path).unwrap(), b"one\n");
        let why = "No space left on device (os error 28)".to_owned();
        let unwritten = Some(Unwritten { bytes: 8, why });
        assert_eq!(printed.finish(), StdoutSummary { bytes: 4, over: 2, unwritten });
    }

    proptest! {
        #[test]
        fn any_split_keeps_the_same_beginning(
            text in prop::collection::vec(any::<u8>(), 0..200),
            cuts in prop::collection::vec(0usize..200, 0..8),
            limit in prop::option::of(0u64..250),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let kept = text.len().min(limit.map_or(usize::MAX, |limit| limit as usize));
            let (bytes, over) = (kept as u64, (text.len() - kept) as u64);
            let summary = StdoutSummary { bytes, over, unwritten: None };
            prop_assert_eq!(printed(limit, &pieces), (text[..kept].to_vec(), summary));
        }
    }
}
