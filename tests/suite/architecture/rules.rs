//! What a place may not name: effects in the pure rooms, the clock, SQL, threads of the runtime, states.

use super::house::{Breach, Source};
use super::scan::{closing, is_at};

const PURE: [&str; 9] = [
    "src/mask",
    "src/yaml",
    "src/pipeline",
    "src/calendar",
    "src/schedule",
    "src/run",
    "src/wire",
    "src/keeper/protocol",
    "src/keeper/verdict",
];

/// What reaches out of a program, or differs from one time to the next.
const IMPURE: [&str; 14] = [
    "tokio",
    "sqlx",
    "reqwest",
    "bollard",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "async",
    "rand",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
];

/// A name, where alone it may stand, and why.
const ONLY_IN: [(&str, &[&str], &str); 6] = [
    ("Timestamp::now", &["src/clock.rs"], "time is an argument; only the clock's file reads it"),
    ("Zoned::now", &["src/clock.rs"], "time is an argument; only the clock's file reads it"),
    ("SystemTime::now", &["src/clock.rs"], "time is an argument; only the clock's file reads it"),
    ("sqlx", &["src/store/", "src/store.rs"], "only `store` knows SQL"),
    ("unsafe", &["src/keeper/spawn.rs"], "`unsafe` is for the keeper's spawn file"),
    ("process::exit", &[], "return; `main` turns what it gets into an exit code"),
];

/// The directory or the file of that name.
fn is_in(source: &Source, place: &str) -> bool {
    source.path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

pub(super) fn check(source: &Source, found: &mut Vec<Breach>) {
    let pure = PURE.iter().any(|place| is_in(source, place));
    let keeper = is_in(source, "src/keeper");
    for name in &source.names {
        let names = |what: &str| {
            let what: Vec<&str> = what.split("::").collect();
            name.path.windows(what.len()).any(|part| part == what)
        };
        if let Some(what) = IMPURE.iter().find(|what| pure && names(what)) {
            found
                .push(source.breach(name.line, format!("`{what}` in a pure room: facts and the time go in")));
        }
        if keeper && names("tokio") {
            found.push(source.breach(name.line, "`tokio` in the keeper: it is one thread and no runtime"));
        }
        for (what, places, why) in ONLY_IN {
            if names(what) && !places.iter().any(|place| source.path.starts_with(place)) {
                found.push(source.breach(name.line, format!("`{what}`: {why}")));
            }
        }
    }
    if is_in(source, "src/run") && source.path != "src/run/machine.rs" {
        check_states(source, found);
    }
}

/// A run's entries are changed by the machine alone: elsewhere in the law no `.state =`, no `.entries[…] =`,
/// no `&mut …entries`. (Outside of the law the field cannot be seen.)
fn check_states(source: &Source, found: &mut Vec<Breach>) {
    let tokens = &source.tokens;
    for (at, token) in source.live() {
        let assigned = is_at(tokens, at, &[".", "state", "="]);
        let replaced = is_at(tokens, at, &[".", "entries", "["])
            && tokens.get(closing(tokens, at + 2) + 1).is_some_and(|next| next.word == "=");
        let borrowed = is_at(tokens, at, &["&", "mut"])
            && tokens[at..]
                .iter()
                .skip(2)
                .take_while(|next| is_in_path(&next.word))
                .any(|t| t.word == "entries");
        let walked = ["iter_mut", "get_mut", "first_mut", "last_mut", "swap", "fill"]
            .iter()
            .any(|how| is_at(tokens, at, &[".", "entries", ".", how]));
        if assigned || replaced || borrowed || walked {
            found.push(source.breach(token.line, "a state changes in `run/machine.rs` and nowhere else"));
        }
    }
}

fn is_in_path(word: &str) -> bool {
    word == "." || word.chars().all(|c| c.is_alphanumeric() || c == '_')
}
