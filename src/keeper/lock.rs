//! One keeper per directory: a lock that the kernel gives back when its holder dies, with the holder's pid
//! in the file.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::error::Error;

/// The lock, held as long as this lives.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the keeper's lock of `dir`, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("keeper.lock");
        let mut file = open(&path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut pid = String::new();
            let _ = file.read_to_string(&mut pid);
            return Err(Error::Held { dir: dir.to_owned(), pid: pid.trim().to_owned() });
        }
        let wrote = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        wrote.map_err(Error::file(path))?;
        Ok(Self(file))
    }

    /// What the lock file says of its holder; `None` if nobody holds the lock.
    pub(super) fn holder(dir: &Path) -> Result<Option<String>, Error> {
        let mut file = open(&dir.join("keeper.lock"))?;
        if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
            return Ok(None);
        }
        let mut pid = String::new();
        let _ = file.read_to_string(&mut pid);
        Ok(Some(pid.trim().to_owned()))
    }

    /// Waits for the lock under which keepers are started in `dir`: two starters take turns.
    pub(super) fn wait_to_start(dir: &Path) -> Result<Self, Error> {
        let path = dir.join("start.lock");
        let file = open(&path)?;
        flock(&file, FlockOperation::LockExclusive).map_err(Error::file(path))?;
        Ok(Self(file))
    }

    /// The lock that the program before this one held and left open.
    pub(super) fn inherited(fd: OwnedFd) -> Self {
        Self(fd.into())
    }

    /// Its descriptor.
    pub(super) fn file(&self) -> &File {
        &self.0
    }
}

fn open(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(Error::file(path))
}
