//! What holds of every file, tests and benches too: it says what it is, is not too long, has a proper name,
//! and leaves nothing for later.

use super::house::{Breach, Source};
use super::scan::{closing, is_at};

const LONGEST: usize = 500;

/// Drawers for what has no place.
const DRAWERS: [&str; 7] = ["utils", "util", "helpers", "common", "types", "models", "misc"];

/// Spelt apart, so that this list is not its own first find.
const LATER: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn check(source: &Source, found: &mut Vec<Breach>) {
    if !source.text.starts_with("//!") {
        found.push(source.breach(1, "a file opens with `//!`: what it is, and what it must never know"));
    }
    let lines = source.text.lines().count();
    if lines > LONGEST {
        found.push(source.breach(LONGEST + 1, format!("{lines} lines: a file has at most {LONGEST}")));
    }
    if let Some(drawer) = source.module.iter().find(|name| DRAWERS.contains(&name.as_str())) {
        found.push(source.breach(1, format!("`{drawer}` says nothing: name a file for what is in it")));
    }
    for (line, comment) in &source.comments {
        for (line, text) in (*line..).zip(comment.lines()) {
            if let Some(word) = LATER.iter().find(|word| text.contains(*word)) {
                found.push(source.breach(line, format!("{word}: do it, or open an issue")));
            }
        }
    }
    check_tokens(source, found);
    if source.path.ends_with("/mod.rs") || source.path == "src/lib.rs" {
        check_face(source, found);
    }
}

fn check_tokens(source: &Source, found: &mut Vec<Breach>) {
    let tokens = &source.tokens;
    for (at, token) in tokens.iter().enumerate() {
        let word = token.word.as_str();
        let next = |word| is_at(tokens, at + 1, &[word]);
        if ["todo", "unimplemented", "dbg"].contains(&word) && next("!") {
            found.push(source.breach(token.line, format!("`{word}!`: nothing is left for later")));
        }
        if LATER.contains(&word) {
            found.push(source.breach(token.line, format!("{word}: do it, or open an issue")));
        }
        if word == "#" && next("[") {
            let inside = &tokens[at..closing(tokens, at + 1)];
            if inside.iter().any(|token| token.word == "ignore") {
                found.push(source.breach(token.line, "`#[ignore]`: a test runs, or it goes"));
            }
        }
        if let Some(name) = tokens.get(at + 1).filter(|_| word == "mod")
            && DRAWERS.contains(&name.word.as_str())
        {
            found
                .push(source.breach(token.line, format!("`{}`: name a module for what is in it", name.word)));
        }
    }
}

/// A face declares and documents; it defines, and re-exports, nothing.
fn check_face(source: &Source, found: &mut Vec<Breach>) {
    let tokens = &source.tokens;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let is = |words: &[&str]| is_at(tokens, at, words);
        if is(&["#", "["]) || is(&["#", "!", "["]) {
            at = closing(tokens, at + if is(&["#", "["]) { 1 } else { 2 }) + 1;
        } else if is(&["pub", "("]) {
            at = closing(tokens, at + 1) + 1;
        } else if is(&["pub"]) {
            at += 1;
        } else if is(&["mod"]) && is_at(tokens, at + 2, &[";"]) {
            at += 3;
        } else {
            found.push(source.breach(token.line, "a face only declares its modules: define things in files"));
            return;
        }
    }
}
