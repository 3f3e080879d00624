//! Placeholders for secrets: what `secret("name")` leaves in a text, and how the hands that need the value
//! put it in. It never sees a value that it does not hand straight on.

use std::collections::BTreeMap;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, nearest};

const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';
/// Begins the name of a placeholder that stands inside single quotes of a shell.
const QUOTED: char = '\'';

/// The text that stands for a secret until the very end.
pub(crate) fn placeholder(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// Whether a text holds a character that only placeholders may hold.
pub fn has_marks(text: &str) -> bool {
    text.contains([OPEN, CLOSE])
}

/// A text of somebody else's, unable to pose as a placeholder.
pub(crate) fn without_marks(text: &str) -> String {
    text.replace([OPEN, CLOSE], "\u{FFFD}")
}

/// The names of the secrets in a text, in order, each as often as it stands there.
pub fn secrets_in(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Secret { name, .. } => Some(name),
    })
}

/// The text with every secret put in. The error is the name of one that `lookup` does not have.
pub fn reveal(text: &str, mut lookup: impl FnMut(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Secret { name, quoted } => {
                let value = lookup(name).ok_or_else(|| name.to_owned())?;
                out.push_str(&if quoted { value.replace('\'', "'\\''") } else { value });
            }
        }
    }
    Ok(out)
}

/// Warns of secrets that are used and not declared, each at the first place that names it.
pub fn undeclared<'n>(
    used: &BTreeMap<Box<str>, Span>,
    declared: &(impl Iterator<Item = &'n Box<str>> + Clone),
) -> Diagnostics {
    let mut found = Diagnostics::default();
    for (name, &span) in used {
        if declared.clone().any(|known| known == name) {
            continue;
        }
        let warning = Diagnostic::warning(span, format!("sexton.yaml declares no secret `{name}`"));
        found.push(match nearest(name, declared.clone().map(|known| &**known)) {
            Some(meant) => warning.label(format!("did you mean `{meant}`?")),
            None => warning
                .help(format!("say there where its value is: `secrets: {{{name}: {{env: VARIABLE}}}}`")),
        });
    }
    found
}

/// A text as one word of a POSIX shell; a secret in it will be quoted when it is put in.
pub(crate) fn shell_quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => out.push_str(&text.replace('\'', "'\\''")),
            Piece::Secret { name, .. } => {
                out.extend([OPEN, QUOTED].into_iter().chain(name.chars()).chain([CLOSE]));
            }
        }
    }
    out.push('\'');
    out
}

enum Piece<'t> {
    Text(&'t str),
    Secret { name: &'t str, quoted: bool },
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, behind)) = rest.strip_prefix(OPEN).and_then(|inner| inner.split_once(CLOSE)) {
            rest = behind;
            let unquoted = name.strip_prefix(QUOTED);
            return Some(Piece::Secret { name: unquoted.unwrap_or(name), quoted: unquoted.is_some() });
        }
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let until = rest[first..].find(OPEN).map_or(rest.len(), |at| first + at);
        let (text, behind) = rest.split_at(until);
        rest = behind;
        Some(Piece::Text(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_found_and_put_in() {
        let text = format!("user:{}@host", placeholder("db"));
        assert_eq!(secrets_in(&text).collect::<Vec<_>>(), ["db"]);
        assert_eq!(reveal(&text, |_| Some("it's".to_owned())), Ok("user:it's@host".to_owned()));
        assert_eq!(reveal(&text, |_| None), Err("db".to_owned()));
    }

    #[test]
    fn a_quoted_secret_stays_one_word_whatever_it_holds() {
        let text = format!("echo {}", shell_quote(&format!("a'b{}", placeholder("db"))));
        assert_eq!(secrets_in(&text).collect::<Vec<_>>(), ["db"]);
        assert_eq!(reveal(&text, |_| Some("x'; rm".to_owned())), Ok(r"echo 'a'\''bx'\''; rm'".to_owned()));
    }

    #[test]
    fn a_torn_mark_is_only_text() {
        let torn = "a\u{E000}b";
        assert_eq!(secrets_in(torn).count(), 0);
        assert_eq!(reveal(torn, |_| None), Ok(torn.to_owned()));
        assert!(!has_marks(&without_marks(torn)));
    }
}
