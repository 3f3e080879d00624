//! Floors: an import goes down or stays in its room; and nothing runs in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::house::{Breach, Source};

const FLOORS: [(u8, &[&str]); 7] = [
    (6, &["main"]),
    (5, &["daemon"]),
    (4, &["engine", "web", "cli"]),
    (3, &["store", "keeper", "executor", "sensor", "notify", "control", "wire"]),
    (2, &["run"]),
    (1, &["pipeline", "calendar", "schedule", "config", "clock"]),
    (0, &["duration", "mask", "size", "yaml"]),
];

/// Who may look across a floor, and at what.
const SIDEWAYS: [(&str, &str); 14] = [
    ("src/yaml/", "duration"),
    ("src/yaml/", "size"),
    ("src/config/", "pipeline"),
    ("src/config/", "calendar"),
    // A pipeline has schedules, and those know nothing of what they start.
    ("src/schedule/", "calendar"),
    ("src/pipeline/", "schedule"),
    // Schedules and conditions go by the sessions of exchanges.
    ("src/pipeline/", "calendar"),
    // The keeper's client speaks its protocol, starts it, and judges by its evidence.
    ("src/executor/local.rs", "keeper::protocol"),
    ("src/executor/local.rs", "keeper::verdict"),
    ("src/executor/local.rs", "keeper::start"),
    ("src/executor/local.rs", "keeper::address"),
    ("src/executor/local.rs", "keeper::error"),
    // The shapes that leave the house are made from what the store reads.
    ("src/wire.rs", "store::runs"),
    ("src/wire.rs", "store::ledger"),
];

/// Rooms that name nothing of the house but these: the keeper is a program of its own.
const ONLY_NAMES: [(&str, &[&str]); 1] = [("keeper", &["clock", "mask"])];

/// Rooms that only these may name: no room sees the whole configuration, and JSON is for the faces.
const ONLY_NAMED_BY: [(&str, &[&str]); 2] =
    [("config", &["daemon", "cli", "main"]), ("wire", &["web", "cli"])];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, rooms)| rooms.contains(&room)).map(|(floor, _)| *floor)
}

pub(super) fn check(source: &Source, found: &mut Vec<Breach>) {
    let Some(room) = source.room() else { return };
    let Some(from) = floor(room) else {
        found.push(source.breach(1, format!("the room `{room}` stands on no floor: give it one")));
        return;
    };
    for name in source.names.iter().filter(|name| name.path[0] == "crate") {
        let Some(other) = name.path.get(1).filter(|other| *other != room) else { continue };
        let inside = name.path[1..].join("::");
        let may = |path: &str, what: &str| {
            let at_it =
                inside.strip_prefix(what).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            let single = path.strip_suffix('/').is_some_and(|path| source.path == format!("{path}.rs"));
            (source.path.starts_with(path) || single) && at_it
        };
        let rule = match floor(other) {
            None => format!("`{inside}` is in no room of the house"),
            Some(to) if to > from => {
                format!(
                    "`{room}` (floor {from}) names `{inside}` (floor {to}): an import goes down, never up"
                )
            }
            Some(to) if to == from && !SIDEWAYS.iter().any(|(path, what)| may(path, what)) => {
                format!("`{room}` names `{inside}` on its own floor {from}: never sideways")
            }
            Some(_) => {
                if let Some((_, only)) = ONLY_NAMES.iter().find(|(who, _)| *who == room)
                    && !only.contains(&other.as_str())
                {
                    format!("`{room}` names `{inside}`: of the house it may name only {only:?}")
                } else if let Some((_, only)) = ONLY_NAMED_BY.iter().find(|(whom, _)| whom == other)
                    && !only.contains(&room)
                {
                    format!("`{room}` names `{inside}`: only {only:?} may")
                } else {
                    continue;
                }
            }
        };
        found.push(source.breach(name.line, rule));
    }
}

/// Who names whom, and on which line of which file first.
type Graph<'a> = BTreeMap<String, BTreeMap<String, (&'a Source, usize)>>;

/// Of the rooms, and of the files inside each. Files in which a type goes on (`impl Run` outside of the file
/// that defines `Run`) are one with that file: they may name each other as one long file would itself.
pub(super) fn check_circles(sources: &[Source], found: &mut Vec<Breach>) {
    let (mut rooms, mut files) = (Graph::new(), Graph::new());
    let ours: Vec<&Source> = sources.iter().filter(|source| source.room().is_some()).collect();
    let by_module: BTreeMap<&[String], &Source> =
        ours.iter().map(|source| (source.module.as_slice(), *source)).collect();
    let home = |path: &[String]| {
        let longest = (1..path.len()).rev().find_map(|end| by_module.get(&path[1..=end]));
        longest.copied().filter(|_| path[0] == "crate")
    };
    let mut units: BTreeMap<&str, &str> = BTreeMap::new();
    for source in &ours {
        let extended = impls(source).iter().find_map(|path| home(path));
        if let Some(other) =
            extended.filter(|other| other.path != source.path && other.room() == source.room())
        {
            units.insert(&source.path, &other.path);
        }
    }
    let unit = |source: &Source| {
        let mut at = source.path.as_str();
        for _ in 0..units.len() {
            at = units.get(at).copied().unwrap_or(at);
        }
        at.to_owned()
    };
    for source in &ours {
        for name in source.names.iter().filter(|name| name.path[0] == "crate") {
            let edge = (*source, name.line);
            if let (Some(room), Some(other)) = (source.room(), name.path.get(1))
                && room != other
            {
                rooms.entry(room.to_owned()).or_default().entry(other.clone()).or_insert(edge);
            }
            let face = |other: &Source| other.path.ends_with("/mod.rs");
            if let Some(other) =
                home(&name.path).filter(|other| other.room() == source.room() && !face(other))
            {
                let (from, to) = (unit(source), unit(other));
                if from != to {
                    files.entry(from).or_default().entry(to).or_insert(edge);
                }
            }
        }
    }
    for (what, graph) in [("rooms", &rooms), ("files of a room", &files)] {
        for circle in circles(graph) {
            let (source, line) = graph[&circle[0]][&circle[1]];
            let rule = format!("a circle of {what}: {}", circle.join(" -> "));
            found.push(source.breach(line, rule));
        }
    }
}

/// The types that a file has inherent `impl`s of, as paths.
fn impls(source: &Source) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in source.live().filter(|(_, token)| token.word == "impl") {
        // Not `impl Trait` as a type.
        if at > 0 && ![";", "}", "]", "unsafe"].contains(&source.tokens[at - 1].word.as_str()) {
            continue;
        }
        let head = source.tokens[at..]
            .iter()
            .take_while(|token| !["{", "where", ";"].contains(&token.word.as_str()));
        let head: Vec<&str> = head.map(|token| token.word.as_str()).collect();
        let line = source.tokens[at].line;
        if !head.contains(&"for") {
            let last = |path: &Vec<String>| path.last().is_some_and(|last| head.contains(&last.as_str()));
            let on_line = source.names.iter().filter(|name| name.line == line);
            found.extend(on_line.map(|name| name.path.clone()).filter(last).find(|path| path[0] == "crate"));
        }
    }
    found
}

/// Each circle once, from its first name and back to it; the shortest through that name.
fn circles(graph: &Graph<'_>) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut told = BTreeSet::new();
    for start in graph.keys().filter(|start| graph[*start].keys().any(|next| graph.contains_key(next))) {
        let mut queue = vec![vec![start.clone()]];
        let mut seen = BTreeSet::new();
        let mut next = 0;
        while let Some(path) = queue.get(next).cloned() {
            next += 1;
            for to in path.last().and_then(|last| graph.get(last)).into_iter().flat_map(BTreeMap::keys) {
                let longer: Vec<String> = path.iter().chain([to]).cloned().collect();
                if to == start {
                    if told.insert(longer.iter().cloned().collect::<BTreeSet<_>>()) {
                        found.push(longer);
                    }
                    queue.clear();
                    break;
                }
                if seen.insert(to.clone()) {
                    queue.push(longer);
                }
            }
        }
    }
    found
}
