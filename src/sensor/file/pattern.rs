//! A pattern of paths, taken apart into the names it goes through. It touches no file.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use glob::MatchOptions;

/// A name that begins with a dot is meant only by a pattern that does so too.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// An absolute pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) parts: Vec<Part>,
}

/// One name of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Just this.
    Name(OsString),
    /// What looks like this.
    Like(glob::Pattern),
    /// Any directories, also none.
    Deep,
}

/// Why a text is no pattern of files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Invalid {
    #[error("`{0}` is not an absolute path")]
    Relative(String),
    #[error("`{0}` names no file")]
    Nothing(String),
    #[error("`{pattern}` is no pattern: {what}")]
    Malformed { pattern: String, what: &'static str },
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, Invalid> {
        let names = text.strip_prefix('/').ok_or_else(|| Invalid::Relative(text.to_owned()))?;
        if names.is_empty() || names.ends_with('/') || text.contains('\0') {
            return Err(Invalid::Nothing(text.to_owned()));
        }
        let mut parts = Vec::new();
        for name in names.split('/').filter(|name| !name.is_empty() && *name != ".") {
            parts.push(match name {
                "**" if parts.last() == Some(&Part::Deep) => continue,
                "**" => Part::Deep,
                name if name.contains(['*', '?', '[']) => {
                    let like = glob::Pattern::new(name);
                    Part::Like(
                        like.map_err(|error| Invalid::Malformed {
                            pattern: text.to_owned(),
                            what: error.msg,
                        })?,
                    )
                }
                name => Part::Name(name.into()),
            });
        }
        // All that is below: files, in whichever directories.
        if parts.last() == Some(&Part::Deep) {
            parts.push(Part::Like(glob::Pattern::new("*").unwrap_or_default()));
        }
        if parts.is_empty() { Err(Invalid::Nothing(text.to_owned())) } else { Ok(Self { parts }) }
    }

    /// The directory that all of it is below.
    pub(super) fn base(&self) -> PathBuf {
        let names = self.parts[..self.parts.len() - 1].iter().map_while(|part| match part {
            Part::Name(name) => Some(name),
            Part::Like(_) | Part::Deep => None,
        });
        std::iter::once(OsStr::new("/")).chain(names.map(OsString::as_os_str)).collect()
    }

    /// A path as people see it who know the pattern: without the directory that is plain from it.
    pub(super) fn short<'p>(&self, path: &'p Path) -> &'p Path {
        let base = self.base();
        path.strip_prefix(base.parent().unwrap_or(&base)).unwrap_or(path)
    }
}

impl Part {
    /// The name, if it is just one.
    pub(super) fn name(&self) -> Option<&OsString> {
        match self {
            Self::Name(name) => Some(name),
            Self::Like(_) | Self::Deep => None,
        }
    }
}

/// Whether a name looks like this.
pub(super) fn is_like(like: &glob::Pattern, name: &OsStr) -> bool {
    like.matches_with(&name.to_string_lossy(), OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_taken_apart() {
        let pattern = Pattern::new("/in//./fact set/**/**/2026-??-*.zip").unwrap();
        let like = Part::Like(glob::Pattern::new("2026-??-*.zip").unwrap());
        let expected = [Part::Name("in".into()), Part::Name("fact set".into()), Part::Deep, like];
        assert_eq!(pattern.parts, expected);
        assert_eq!(pattern.base(), Path::new("/in/fact set"));
        assert_eq!(pattern.short(Path::new("/in/fact set/a/b.zip")), Path::new("fact set/a/b.zip"));
        assert_eq!(Pattern::new("/in/**").unwrap().parts.len(), 3);
        assert_eq!(Pattern::new("/a.zip").unwrap().short(Path::new("/a.zip")), Path::new("a.zip"));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        for (text, why) in [
            ("in/a.zip", "`in/a.zip` is not an absolute path"),
            ("/in/", "`/in/` names no file"),
            ("/", "`/` names no file"),
            ("/.", "`/.` names no file"),
            ("/in/a**", "`/in/a**` is no pattern: recursive wildcards must form a single path component"),
            ("/in/[a", "`/in/[a` is no pattern: invalid range pattern"),
        ] {
            assert_eq!(Pattern::new(text).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn hidden_names_are_meant_only_by_hidden_patterns() {
        let like =
            |pattern: &str, name: &str| is_like(&glob::Pattern::new(pattern).unwrap(), OsStr::new(name));
        assert!(like("*.zip", "a.zip") && !like("*.zip", ".a.zip") && like(".*.zip", ".a.zip"));
        assert!(!like("*.zip", "a.ZIP"));
    }
}
