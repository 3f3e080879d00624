//! The keeper's memory: one line per fact, written before (a launch) or after (all else) the fact. It must
//! outlive the process, not the machine, so nothing is synced. No environment, argument or secret is in it.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::crash;
use super::error::Error;
use super::protocol::{Exited, Token};

/// Below this size compaction is not worth it.
const COMPACT_AT: u64 = 1 << 20;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// Which journal this is; the first line, and the whole memory of what was compacted away.
    Journal(Header),
    /// A keeper has begun to use it.
    Keeper {
        /// Its process.
        pid: u32,
        /// When, Unix milliseconds.
        at: i64,
    },
    /// The newest controller seen.
    Epoch(u64),
    /// About to fork.
    Spawning(Spawning),
    /// Forked.
    Spawned(Birth),
    /// Ended, nothing of it runs.
    Exited(Box<Exited>),
    /// The daemon has committed the end.
    Acked(Token),
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Random.
    pub(super) id: String,
    /// Unix milliseconds.
    pub(super) created_at: i64,
    /// The machine's boot in which it was begun.
    pub(super) boot_id: String,
    /// The highest token seen so far.
    pub(super) high_water: Token,
}

/// A launch that is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spawning {
    /// The attempt.
    pub(super) token: Token,
    /// How a successor ends what is left of it.
    pub(super) kill_grace_ms: u64,
    /// The keeper that forks it.
    pub(super) keeper: u32,
}

/// A process that came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Birth {
    /// The attempt.
    pub(super) token: Token,
    /// Its leader.
    pub(super) pid: u32,
    /// The leader's start in clock ticks since boot, as in `/proc/PID/stat`: with the pid, its identity.
    pub(super) start: u64,
    /// Unix milliseconds.
    pub(super) at: i64,
}

/// What is known of an attempt that is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Only that it was about to be forked.
    Spawning(Spawning),
    /// That it was.
    Spawned(Spawning, Birth),
    /// How it ended.
    Exited(Box<Exited>),
}

/// Everything a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Its first line; `None` if that is missing or torn.
    pub(super) header: Option<Header>,
    /// The last keeper that used it: pid and start.
    pub(super) keeper: Option<(u32, i64)>,
    /// The newest controller.
    pub(super) epoch: u64,
    /// The highest token.
    pub(super) high_water: Token,
    /// Unacknowledged attempts.
    pub(super) known: BTreeMap<Token, Known>,
}

impl Memory {
    /// Reads what there is. The last line may be torn, and after a reboot any line may be missing: what
    /// is no entry is passed over.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut memory = Self::default();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { continue };
            if let Ok(entry) = serde_json::from_slice(line) {
                memory.apply(&entry);
            }
        }
        memory
    }

    /// Learns one fact.
    pub(super) fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Journal(header) => {
                self.see(header.high_water);
                self.header = Some(header.clone());
            }
            Entry::Keeper { pid, at } => self.keeper = Some((*pid, *at)),
            Entry::Epoch(epoch) => self.epoch = self.epoch.max(*epoch),
            Entry::Spawning(spawning) => {
                self.see(spawning.token);
                self.known.insert(spawning.token, Known::Spawning(*spawning));
            }
            Entry::Spawned(birth) => {
                if let Some(Known::Spawning(spawning)) = self.known.get(&birth.token) {
                    let known = Known::Spawned(*spawning, *birth);
                    self.known.insert(birth.token, known);
                }
            }
            Entry::Exited(exited) => {
                self.see(exited.token);
                self.known.insert(exited.token, Known::Exited(exited.clone()));
            }
            Entry::Acked(token) => {
                self.known.remove(token);
            }
        }
    }

    fn see(&mut self, token: Token) {
        self.high_water = self.high_water.max(token);
    }

    /// The same memory in as few lines as it takes.
    pub(super) fn compact(&self, header: &Header) -> Vec<Entry> {
        let mut entries = vec![Entry::Journal(Header { high_water: self.high_water, ..header.clone() })];
        entries.extend(self.keeper.map(|(pid, at)| Entry::Keeper { pid, at }));
        entries.push(Entry::Epoch(self.epoch));
        for known in self.known.values() {
            match known {
                Known::Spawning(spawning) => entries.push(Entry::Spawning(*spawning)),
                Known::Spawned(spawning, birth) => {
                    entries.extend([Entry::Spawning(*spawning), Entry::Spawned(*birth)]);
                }
                Known::Exited(exited) => entries.push(Entry::Exited(exited.clone())),
            }
        }
        entries
    }
}

/// The open journal. Facts are noted, then written together.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Whole lines on disk.
    length: u64,
    compact_at: u64,
    header: Header,
    memory: Memory,
    /// The highest token on disk.
    mark: Token,
    noted: Vec<Entry>,
    rebooted: bool,
}

impl Journal {
    /// Opens the journal at `path`, or begins one. One of another boot is begun anew, with what is still
    /// worth knowing: then "older than the attempt's row" also means "of the same boot".
    pub(super) fn open(path: &Path, boot_id: &str, now: i64) -> Result<Self, Error> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(Error::file(path))?,
        };
        let memory = Memory::read(&bytes);
        let header = match &memory.header {
            Some(header) if header.boot_id == boot_id => header.clone(),
            Some(_) | None => Header {
                id: random_id()?,
                created_at: now,
                boot_id: boot_id.to_owned(),
                high_water: memory.high_water,
            },
        };
        let (file, length) = rewrite(path, &memory.compact(&header)).map_err(Error::file(path))?;
        let compact_at = COMPACT_AT.max(length * 4);
        let rebooted = memory.header.as_ref().is_some_and(|before| before.boot_id != boot_id);
        Ok(Self {
            path: path.to_owned(),
            file,
            length,
            compact_at,
            header,
            mark: memory.high_water,
            rebooted,
            memory,
            noted: Vec::new(),
        })
    }

    /// Its first line.
    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// What it says, with what is noted but not yet written.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Whether the machine was restarted since the journal was last used.
    pub(super) fn rebooted(&self) -> bool {
        self.rebooted
    }

    /// Whether everything noted is written.
    pub(super) fn is_written(&self) -> bool {
        self.noted.is_empty()
    }

    /// Notes a fact; [`Journal::write`] writes it.
    pub(super) fn note(&mut self, entry: Entry) {
        self.memory.apply(&entry);
        self.noted.push(entry);
    }

    /// Writes what was noted. After an error nothing of it is on disk; it stays noted and is written with
    /// what comes next, except launches: those are forgotten, for they must not happen, and handed back.
    pub(super) fn write(&mut self) -> Result<(), (Vec<Token>, io::Error)> {
        if self.noted.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for entry in &self.noted {
            line(entry, &mut bytes);
        }
        if crash::due("torn-write") {
            let _ = self.file.write_all(&bytes[..bytes.len() - 2]);
            crash::die();
        }
        if let Err(error) = self.file.write_all(&bytes) {
            let _ = self.file.set_len(self.length);
            return Err((self.forget_launches(), error));
        }
        self.noted.clear();
        self.mark = self.memory.high_water;
        self.length += bytes.len() as u64;
        if self.length > self.compact_at {
            // A failure leaves the long journal in place, which is as good.
            if let Ok((file, length)) = rewrite(&self.path, &self.memory.compact(&self.header)) {
                self.file = file;
                self.length = length;
            }
            self.compact_at = COMPACT_AT.max(self.length * 4);
        }
        Ok(())
    }

    fn forget_launches(&mut self) -> Vec<Token> {
        let mut forgotten = Vec::new();
        self.noted.retain(|entry| match entry {
            Entry::Spawning(spawning) => {
                forgotten.push(spawning.token);
                false
            }
            Entry::Journal(_)
            | Entry::Keeper { .. }
            | Entry::Epoch(_)
            | Entry::Spawned(_)
            | Entry::Exited(_)
            | Entry::Acked(_) => true,
        });
        for token in &forgotten {
            self.memory.known.remove(token);
        }
        self.memory.high_water = self.mark;
        forgotten
    }
}

fn line(entry: &Entry, out: &mut Vec<u8>) {
    // Entries are plain data: numbers, texts and enums always become JSON.
    if serde_json::to_writer(&mut *out, entry).is_ok() {
        out.push(b'\n');
    }
}

/// Puts a whole new journal in the place of the old one: a reader sees one or the other.
fn rewrite(path: &Path, entries: &[Entry]) -> io::Result<(File, u64)> {
    let mut bytes = Vec::new();
    for entry in entries {
        line(entry, &mut bytes);
    }
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&bytes)?;
    std::fs::rename(&new, path)?;
    let file = OpenOptions::new().append(true).open(path)?;
    Ok((file, bytes.len() as u64))
}

fn random_id() -> Result<String, Error> {
    use std::fmt::Write as _;
    use std::io::Read as _;

    let mut bytes = [0; 16];
    let path = "/dev/urandom";
    File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).map_err(Error::file(path))?;
    Ok(bytes.iter().fold(String::new(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    }))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
