//! Where a keeper is reached. A socket's path may have 107 bytes only; a longer one is reached through a
//! descriptor of its directory. Both sides use this.

use std::fs::DirBuilder;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::error::Error;

/// The socket's name in the keeper's directory.
pub const SOCKET: &str = "keeper.sock";
const MAX_PATH: usize = 107;

/// A path to bind or connect to, good as long as this lives.
#[derive(Debug)]
pub struct Address {
    path: PathBuf,
    _dir: Option<OwnedFd>,
}

impl Address {
    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// How to reach the keeper that serves `dir`.
pub fn address(dir: &Path) -> Result<Address, Error> {
    let path = dir.join(SOCKET);
    if path.as_os_str().as_bytes().len() <= MAX_PATH {
        return Ok(Address { path, _dir: None });
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = rustix::fs::open(dir, flags, Mode::empty()).map_err(Error::file(dir))?;
    let path = PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", fd.as_raw_fd()));
    Ok(Address { path, _dir: Some(fd) })
}

/// Makes `dir`, or makes it private; the absolute path of it.
pub fn prepare(dir: &Path) -> Result<PathBuf, Error> {
    let failed = |source| Error::Dir { dir: dir.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let metadata = std::fs::metadata(dir).map_err(failed)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(failed(std::io::Error::other("it belongs to another user")));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o700)).map_err(failed)?;
    }
    dir.canonicalize().map_err(failed)
}
