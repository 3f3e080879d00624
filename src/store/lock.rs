//! The state directory: made for its owner alone, on a local disk, owned by one process at a time. When its
//! owner was last alive is the modification time of the lock file, which nothing but a sign of life changes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock, statfs};
use rustix::io::Errno;

use super::error::Error;
use super::instant::truncated;

/// The file whose lock is the ownership. It holds the owner's pid as text and is never removed: a removed
/// lock file can be locked twice.
pub(super) const LOCK: &str = "sexton.lock";

/// Whoever looks whether the directory has an owner holds the lock for some microseconds. That is no owner: the lock
/// is tried so often, with so much time in between.
const LOOKS: u32 = 4;
const A_LOOK: Duration = Duration::from_millis(5);

/// Whether a process owns `dir`, as far as that can be seen: where not, whoever owned it has ended.
pub(super) fn is_owned(dir: &Path) -> bool {
    match File::open(dir.join(LOCK)) {
        Ok(file) => flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Ownership of a state directory, until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    last_alive: Option<Timestamp>,
}

impl Lock {
    /// Takes `dir`, which is made if it is missing.
    pub(super) fn take(dir: &Path) -> Result<Self, Error> {
        let io = |doing, path: &Path, source| Error::Io { doing, path: path.to_owned(), source };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|source| io("create", dir, source))?;
        let disk = statfs(dir).map_err(|errno| io("look at", dir, errno.into()))?;
        #[allow(clippy::cast_sign_loss, reason = "32 bits in a field whose type differs between machines")]
        let magic = disk.f_type as u32;
        if let Some(kind) = network_file_system(magic) {
            return Err(Error::Network { path: dir.to_owned(), kind });
        }
        let path = dir.join(LOCK);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| io("open", &path, source))?;
        let taken = (0..LOOKS).find_map(|look| {
            if look > 0 {
                std::thread::sleep(A_LOOK);
            }
            let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
            (locked != Err(Errno::WOULDBLOCK)).then_some(locked)
        });
        match taken.unwrap_or(Err(Errno::WOULDBLOCK)) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(Error::Locked { pid: read_pid(&mut file), path: dir.to_owned() });
            }
            Err(errno) => return Err(io("lock", &path, errno.into())),
        }
        let modified = last_modified(&file).map_err(|source| io("look at", &path, source))?;
        write_pid(&mut file).map_err(|source| io("write to", &path, source))?;
        let lock = Self { file, last_alive: modified.filter(|at| *at != NEVER) };
        // A start that fails is no sign of life, nor is the making of the file.
        lock.set_modified(modified.unwrap_or(NEVER));
        Ok(lock)
    }

    /// When an owner was last alive, before this one.
    pub(super) fn last_alive(&self) -> Option<Timestamp> {
        self.last_alive
    }

    /// The owner is alive.
    pub(super) fn alive(&self, now: Timestamp) {
        self.set_modified(now);
    }

    /// Nothing hangs on it but a report of how long nobody was here: neither is a failure worth a word, nor
    /// is it synced, as what it has to outlive is the process.
    fn set_modified(&self, at: Timestamp) {
        let _ = self.file.set_modified(SystemTime::from(at));
    }
}

/// The modification time of a lock file whose owner never gave a sign of life.
const NEVER: Timestamp = Timestamp::UNIX_EPOCH;

/// `None` if the file is new.
fn last_modified(file: &File) -> std::io::Result<Option<Timestamp>> {
    let metadata = file.metadata()?;
    if metadata.len() == 0 {
        return Ok(None);
    }
    Ok(Timestamp::try_from(metadata.modified()?).ok().map(truncated))
}

/// The file is cut after it is written: it is empty only when it is new.
fn write_pid(file: &mut File) -> std::io::Result<()> {
    let line = format!("{}\n", std::process::id());
    file.rewind()?;
    file.write_all(line.as_bytes())?;
    file.set_len(line.len() as u64)
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.lines().next()?.parse().ok()
}

/// The file at `path`, made with mode 0600 if it is missing; SQLite gives its `-wal` and `-shm` the same.
pub(super) fn private_file(path: &Path) -> Result<(), Error> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(Error::Io { doing: "create", path: path.to_owned(), source }),
    }
}

/// The name of a file system that other machines may have mounted too, by its magic number (statfs(2), and
/// the file systems' own headers). FUSE is let through: it says nothing about what is behind it.
fn network_file_system(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0x517b => "SMB",
        0xff53_4d42 => "CIFS",
        0xfe53_4d42 => "SMB2",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x0102_1997 => "9p",
        0x7375_7245 => "Coda",
        0x564c => "NCP",
        0x7461_636f => "OCFS2",
        0x0116_1970 => "GFS2",
        0x1983_0326 => "BeeGFS",
        0xaad7_aaea => "PanFS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::network_file_system;

    #[test]
    fn network_file_systems_are_known_by_name() {
        assert_eq!(network_file_system(0x6969), Some("NFS"));
        assert_eq!(network_file_system(0xff53_4d42), Some("CIFS"));
        assert_eq!(network_file_system(0xfe53_4d42), Some("SMB2"));
        assert_eq!(network_file_system(0x0102_1997), Some("9p"));
        assert_eq!(network_file_system(0x00c3_6400), Some("Ceph"));
        assert_eq!(network_file_system(0x0bd0_0bd0), Some("Lustre"));
    }

    #[test]
    fn local_ones_are_let_through() {
        // ext4, xfs, btrfs, tmpfs, overlayfs, zfs, fuse
        for magic in [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630, 0x2fc1_2fc1, 0x6573_5546] {
            assert_eq!(network_file_system(magic), None);
        }
    }
}
