//! The sources as a house: which room a file is in, and every path that it names, spelt out from its root.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use super::scan::{Token, closing, is_at, scan};
use super::{floors, hygiene, rules};

/// A file.
#[derive(Debug)]
pub(super) struct Source {
    /// From the package's root: `src/run/machine.rs`.
    pub(super) path: String,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<(usize, String)>,
    /// Where it stands in the crate: `["run", "machine"]`; a room's `mod.rs` is the room.
    pub(super) module: Vec<String>,
    /// What it names outside of test code.
    pub(super) names: Vec<Name>,
}

/// A path as a file names it: `use a::{b, c}` is two, and what was imported is spelt out where it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Begins with `crate` if it is our own.
    pub(super) path: Vec<String>,
    pub(super) line: usize,
}

/// A rule that is not kept.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Breach {
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) rule: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let (tokens, comments) = scan(text);
        let inner = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
        let inner = inner.strip_suffix("/mod").unwrap_or(inner);
        let root = inner == "lib";
        let module = if root { Vec::new() } else { inner.split('/').map(str::to_owned).collect() };
        let (path, text) = (path.to_owned(), text.to_owned());
        Self { path, text, tokens, comments, module, names: Vec::new() }
    }

    /// Outside of tests and benches; these have no floor.
    pub(super) fn is_ours(&self) -> bool {
        self.path.starts_with("src/")
    }

    /// The room, unless it is the map of all of them.
    pub(super) fn room(&self) -> Option<&str> {
        self.module.first().filter(|_| self.is_ours()).map(String::as_str)
    }

    pub(super) fn breach(&self, line: usize, rule: impl Into<String>) -> Breach {
        Breach { path: self.path.clone(), line, rule: rule.into() }
    }

    /// The tokens that are compiled into the program, each with its place.
    pub(super) fn live(&self) -> impl Iterator<Item = (usize, &Token)> {
        self.tokens.iter().enumerate().filter(|(_, token)| !token.test)
    }

    /// The files and directories (these with a `/`) of the modules that exist for tests only.
    fn test_modules(&self) -> Vec<String> {
        let base = match self.path.rsplit_once('/') {
            Some((dir, "mod.rs" | "lib.rs" | "main.rs")) => dir.to_owned(),
            _ => self.path.trim_end_matches(".rs").to_owned(),
        };
        let mut found = Vec::new();
        for (at, token) in self.tokens.iter().enumerate().filter(|(_, token)| token.test) {
            if token.word == "mod" && self.tokens.get(at + 2).is_some_and(|end| end.word == ";") {
                let name = &self.tokens[at + 1].word;
                found.extend([format!("{base}/{name}.rs"), format!("{base}/{name}/")]);
            }
            if is_at(&self.tokens, at, &["#", "[", "path", "="]) {
                let dir = self.path.rsplit_once('/').map_or("", |(dir, _)| dir);
                found.push(format!("{dir}/{}", self.tokens[at + 4].word.trim_matches('"')));
            }
        }
        found
    }

    fn find_names(&mut self) {
        let mut names = Vec::new();
        let mut imported = BTreeMap::new();
        // Where inline modules end, and how deep we are in them: `super` counts from there.
        let mut inner: Vec<(usize, String)> = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let token = &self.tokens[at];
            inner.retain(|(end, _)| at < *end);
            let here: Vec<_> =
                self.module.iter().chain(inner.iter().map(|(_, name)| name)).cloned().collect();
            if token.test || !is_name(&token.word) {
                at += 1;
            } else if token.word == "mod" && self.tokens.get(at + 2).is_some_and(|open| open.word == "{") {
                inner.push((closing(&self.tokens, at + 2), self.tokens[at + 1].word.clone()));
                at += 3;
            } else if token.word == "use" {
                at += 1;
                let mut leaves = Vec::new();
                use_tree(&self.tokens, &mut at, &mut Vec::new(), &mut leaves);
                for (alias, name) in leaves {
                    let name = Name { path: self.rooted(&name.path, &here), line: name.line };
                    imported.insert(alias, name.path.clone());
                    names.push(name);
                }
            } else {
                let line = token.line;
                let mut path = vec![token.word.clone()];
                while is_at(&self.tokens, at + 1, &["::"])
                    && self.tokens.get(at + 2).is_some_and(|next| is_name(&next.word))
                {
                    path.push(self.tokens[at + 2].word.clone());
                    at += 2;
                }
                names.push(Name { path: self.rooted(&path, &here), line });
                at += 1;
            }
        }
        for name in &mut names {
            if let Some(full) = imported.get(&name.path[0]).filter(|full| full[0] != name.path[0]) {
                name.path.splice(..1, full.iter().cloned());
            }
        }
        self.names = names;
    }

    /// `super::x`, `self::x` and, in the binary, `sexton::x` from the crate's root.
    fn rooted(&self, path: &[String], here: &[String]) -> Vec<String> {
        let ups = path.iter().take_while(|part| *part == "super").count();
        let crate_root = || "crate".to_owned();
        match path[0].as_str() {
            "super" => {
                let here = &here[..here.len().saturating_sub(ups)];
                [crate_root()].iter().chain(here).chain(&path[ups..]).cloned().collect()
            }
            "self" if path.len() > 1 => {
                [crate_root()].iter().chain(here).chain(&path[1..]).cloned().collect()
            }
            "sexton" if self.path == "src/main.rs" => {
                [crate_root()].iter().chain(&path[1..]).cloned().collect()
            }
            _ => path.to_vec(),
        }
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !word.ends_with('"')
}

/// Reads one tree of a `use` from `at`; leaves are what they are called here and what they are.
fn use_tree(tokens: &[Token], at: &mut usize, stem: &mut Vec<String>, leaves: &mut Vec<(String, Name)>) {
    let depth = stem.len();
    while let Some(token) = tokens.get(*at) {
        let line = token.line;
        *at += 1;
        match token.word.as_str() {
            "::" => {}
            "{" => {
                while tokens.get(*at).is_some_and(|next| next.word != "}") {
                    use_tree(tokens, at, stem, leaves);
                    *at += usize::from(tokens.get(*at).is_some_and(|next| next.word == ","));
                }
                *at += 1;
                break;
            }
            "*" => {
                leaves.push(("*".to_owned(), Name { path: stem.clone(), line }));
                break;
            }
            word => {
                if word != "self" || stem.is_empty() {
                    stem.push(word.to_owned());
                }
                if is_at(tokens, *at, &["::"]) {
                    continue;
                }
                let mut alias = stem.last().cloned().unwrap_or_default();
                if is_at(tokens, *at, &["as"]) {
                    alias.clone_from(&tokens[*at + 1].word);
                    *at += 2;
                }
                leaves.push((alias, Name { path: stem.clone(), line }));
                break;
            }
        }
    }
    stem.truncate(depth);
}

/// Puts files together and holds them against every rule.
pub(super) fn breaches(mut sources: Vec<Source>) -> Vec<Breach> {
    let tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        if tests
            .iter()
            .any(|test| source.path == *test || test.ends_with('/') && source.path.starts_with(test))
        {
            source.tokens.iter_mut().for_each(|token| token.test = true);
        }
        source.find_names();
    }
    let mut found = Vec::new();
    for source in &sources {
        hygiene::check(source, &mut found);
        if source.is_ours() {
            floors::check(source, &mut found);
            rules::check(source, &mut found);
        }
    }
    floors::check_circles(&sources, &mut found);
    found.sort();
    found.dedup();
    found
}

fn read(root: &Path, below: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = format!("{below}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(root, &path, sources)?;
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::new(&path, &fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

#[test]
fn the_house_keeps_its_rules() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for below in ["src", "tests", "benches"].iter().filter(|below| root.join(below).is_dir()) {
        read(root, below, &mut sources)?;
    }
    assert!(sources.iter().any(|source| source.path == "src/run/machine.rs"), "the sources were not found");
    let found = breaches(sources);
    let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{} rules are not kept:\n{}", found.len(), lines.join("\n"));
    Ok(())
}
