//! A journal that is torn, cut, full or rewritten still tells the truth about what it holds.

use proptest::prelude::*;

use super::*;
use crate::keeper::protocol::{By, End, LogSummary, StdoutSummary, Unwritten, Usage};

fn exited(token: u64) -> Entry {
    Entry::Exited(Box::new(Exited {
        token: Token(token),
        end: End::Code(token as i32),
        started_at: Some(1),
        ended_at: 2,
        by: By::Itself,
        usage: Usage::default(),
        log: LogSummary::default(),
        stdout: Some(StdoutSummary {
            bytes: 3,
            over: token,
            unwritten: Some(Unwritten { bytes: 4, why: "no".into() }),
        }),
        leftovers: 0,
        unkillable: 0,
    }))
}

fn spawning(token: u64) -> Entry {
    Entry::Spawning(Spawning { token: Token(token), kill_grace_ms: 10, keeper: 9 })
}

fn spawned(token: u64) -> Entry {
    Entry::Spawned(Birth { token: Token(token), pid: token as u32, start: token, at: 1 })
}

fn header() -> Header {
    Header { id: "id".into(), created_at: 5, boot_id: "boot".into(), high_water: Token(0) }
}

fn lines(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        line(entry, &mut bytes);
    }
    bytes
}

fn replay(entries: &[Entry]) -> Memory {
    let mut memory = Memory::default();
    for entry in entries {
        memory.apply(entry);
    }
    memory
}

/// Attempts that follow one another in time, each as far as it got.
fn history() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(0..5_usize, 0..12).prop_map(|depths| {
        let mut entries = vec![Entry::Journal(header()), Entry::Keeper { pid: 1, at: 1 }];
        for (token, depth) in (1..).zip(depths) {
            let all = [spawning(token), spawned(token), exited(token), Entry::Acked(Token(token))];
            entries.extend(all.into_iter().take(depth));
        }
        entries
    })
}

proptest! {
    #[test]
    fn a_journal_cut_anywhere_is_a_prefix_of_its_facts(entries in history(), cut in any::<prop::sample::Index>()) {
        let bytes = lines(&entries);
        let cut = cut.index(bytes.len() + 1);
        let whole = bytes[..cut].split(|&byte| byte == b'\n').count() - 1;
        prop_assert_eq!(Memory::read(&bytes[..cut]), replay(&entries[..whole]));
    }

    #[test]
    fn a_tail_of_rubbish_changes_nothing(entries in history(), rubbish in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut bytes = lines(&entries);
        bytes.extend(rubbish);
        prop_assert_eq!(Memory::read(&bytes), replay(&entries));
    }

    #[test]
    fn a_compacted_journal_remembers_the_same(entries in history()) {
        let memory = replay(&entries);
        let compact = memory.compact(&header());
        let again = replay(&compact);
        prop_assert_eq!(&again.known, &memory.known);
        prop_assert_eq!(again.high_water, memory.high_water);
        prop_assert_eq!(again.epoch, memory.epoch);
    }
}

#[test]
fn a_torn_journal_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path, "boot", 100).unwrap();
    let id = journal.header().id.clone();
    for entry in [spawning(1), spawned(1), exited(1), spawning(2)] {
        journal.note(entry);
    }
    journal.write().unwrap();
    drop(journal);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    let mut journal = Journal::open(&path, "boot", 200).unwrap();
    assert_eq!((journal.header().id.as_str(), journal.header().created_at), (id.as_str(), 100));
    assert_eq!(journal.memory().high_water, Token(1));
    journal.note(spawning(2));
    journal.write().unwrap();
    let journal = Journal::open(&path, "boot", 300).unwrap();
    assert_eq!(journal.memory().high_water, Token(2));
    assert_eq!(journal.memory().known.len(), 2);
}

#[test]
fn a_new_boot_begins_a_new_journal_with_the_old_knowledge() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path, "one", 100).unwrap();
    journal.note(exited(7));
    journal.write().unwrap();
    let before = journal.header().clone();
    let journal = Journal::open(&path, "two", 200).unwrap();
    assert!(journal.rebooted());
    assert_ne!(journal.header().id, before.id);
    assert_eq!((journal.header().created_at, journal.memory().high_water), (200, Token(7)));
    assert!(matches!(journal.memory().known[&Token(7)], Known::Exited(_)));
}

#[test]
fn a_full_disk_stops_launches_and_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path, "boot", 100).unwrap();
    journal.note(spawning(1));
    journal.write().unwrap();
    let file =
        std::mem::replace(&mut journal.file, OpenOptions::new().write(true).open("/dev/full").unwrap());
    journal.note(exited(1));
    journal.note(spawning(2));
    let (refused, _) = journal.write().unwrap_err();
    assert_eq!(refused, [Token(2)]);
    assert_eq!(journal.memory().high_water, Token(1));
    assert!(!journal.is_written());
    journal.file = file;
    journal.note(spawning(2));
    journal.write().unwrap();
    let memory = Memory::read(&std::fs::read(&path).unwrap());
    assert!(matches!(memory.known[&Token(1)], Known::Exited(_)));
    assert!(matches!(memory.known[&Token(2)], Known::Spawning(_)));
}

#[test]
fn acknowledged_attempts_are_compacted_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal");
    let mut journal = Journal::open(&path, "boot", 100).unwrap();
    for token in 1..=20_000 {
        for entry in [spawning(token), spawned(token), exited(token)] {
            journal.note(entry);
        }
        if token != 3 {
            journal.note(Entry::Acked(Token(token)));
        }
        journal.write().unwrap();
    }
    assert!(std::fs::metadata(&path).unwrap().len() < 2 << 20);
    let journal = Journal::open(&path, "boot", 200).unwrap();
    assert_eq!(journal.memory().high_water, Token(20_000));
    assert_eq!(journal.memory().known.keys().copied().collect::<Vec<_>>(), [Token(3)]);
    assert_eq!(journal.header().created_at, 100);
}
