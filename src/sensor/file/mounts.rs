//! Which file system a path is on, by the kernel's list: to ask a file system itself may take for ever.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is mounted is read again after this long.
const FRESH: Duration = Duration::from_secs(30);

/// Where file systems are mounted.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    /// Longest first.
    points: Vec<PathBuf>,
    read: Option<Duration>,
}

impl Mounts {
    /// The file system that a path is on, by where that is mounted. Links are not followed.
    pub(super) fn of(&mut self, path: &Path, now: Duration) -> PathBuf {
        if self.read.is_none_or(|read| now.saturating_sub(read) >= FRESH) {
            self.read = Some(now);
            // Without the list it is one file system: its files are looked at one after the other.
            self.points = points(&std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default());
        }
        let point = self.points.iter().find(|point| path.starts_with(point));
        point.cloned().unwrap_or_else(|| PathBuf::from("/"))
    }
}

fn points(text: &str) -> Vec<PathBuf> {
    let point = |line: &str| Some(PathBuf::from(unescaped(line.split(' ').nth(4)?)));
    let mut points: Vec<PathBuf> = text.lines().filter_map(point).collect();
    points.sort_by_key(|point| std::cmp::Reverse(point.as_os_str().len()));
    points.dedup();
    points
}

/// The kernel writes blanks and backslashes in octal.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let octal = piece.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        out.extend(octal.map(char::from));
        out.push_str(&piece[if octal.is_some() { 3 } else { 0 }..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_mount_point_above_a_path_counts() {
        let text = "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n\
                    31 22 0:27 / /mnt rw - tmpfs tmpfs rw\n\
                    32 31 0:28 / /mnt/fact\\040set rw - nfs server:/x rw\n";
        let mut mounts = Mounts { points: points(text), read: Some(Duration::ZERO) };
        for (path, point) in
            [("/mnt/fact set/2026/a.zip", "/mnt/fact set"), ("/mnt/fact settings", "/mnt"), ("/mntx", "/")]
        {
            assert_eq!(mounts.of(Path::new(path), Duration::ZERO), Path::new(point), "of {path}");
        }
        assert_eq!(mounts.of(Path::new("/proc/self"), FRESH), Path::new("/proc"), "the list is read");
    }
}
