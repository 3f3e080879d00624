//! YAML as it is written: what a syntax error means to whoever wrote it, and where a piece of a quoted or
//! folded text stands in the file. It never builds values.

// The parser's errors are many and its own.
#![allow(clippy::wildcard_enum_match_arm)]

use granit_parser::{ErrorKind, ScalarStyle, ScanError};

use super::diagnostic::{Diagnostic, Span};

/// Said wherever a plain text starts with a star.
pub(crate) const QUOTE_STAR: &str = "if it is a cron line or a pattern, quote it: \"* * * * *\"";

/// The nesting limit, as an error.
pub(crate) fn too_deep(span: Span, limit: usize) -> Diagnostic {
    let message = format!("lists and mappings are nested more than {limit} deep");
    Diagnostic::error(Span { end: span.start, ..span }, message).help("a tree may be 1,000 nodes deep")
}

/// What is wrong with a cron line that lacks its quotes, where one stands on the line of this offset.
pub(crate) fn unquoted_cron(source: &str, at: usize) -> Option<Diagnostic> {
    // No line of a pipeline is longer, unless it means harm.
    let (floor, ceiling) = (at.saturating_sub(500), (at + 500).min(source.len()));
    let (floor, ceiling) = (source.floor_char_boundary(floor), source.floor_char_boundary(ceiling));
    let line_start = source[floor..at].rfind('\n').map_or(floor, |found| floor + found + 1);
    let line = source[line_start..ceiling].lines().next().unwrap_or_default();
    let (key, value) = ["schedule: ", "cron: "].into_iter().find_map(|key| {
        let (before, value) = line.split_once(key)?;
        let quoted = ['"', '\''].iter().any(|quote| !before.matches(*quote).count().is_multiple_of(2));
        let value = value.trim_start();
        let is_key = !quoted && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        (is_key && value.starts_with(['*', '@'])).then_some((key, value))
    })?;
    let start = line_start + line.len() - value.len();
    let mut text = value.split(" #").next().unwrap_or_default();
    if line[..line.len() - value.len()].contains('{') {
        text = text.split(['}', '"', '\'']).next().unwrap_or_default();
        text = text.split(", ").next().unwrap_or_default();
    }
    let text = text.trim_end();
    // `*nightly` is an alias indeed.
    let alias = text.starts_with('*') && text[1..].starts_with(char::is_alphanumeric);
    if alias && !text.contains(' ') {
        return None;
    }
    let message = format!("a plain text cannot start with `{}`", &text[..1]);
    let mut error = Diagnostic::error(Span::new(start, start + text.len()), message);
    if text.starts_with('*') {
        error = error.label("YAML reads this as an alias");
    }
    Some(error.help(format!("quote the cron line: {key}\"{text}\"")))
}

/// A scanner's error in the words of the one who has to mend it.
pub(crate) fn explain(error: &ScanError, source: &str, nesting: usize) -> Diagnostic {
    let offset = error.marker().byte_offset().unwrap_or(source.len()).min(source.len());
    let at = source.floor_char_boundary(offset);
    if let Some(found) = unquoted_cron(source, at) {
        return found;
    }
    let next = source[at..].chars().next();
    let span = Span::new(at, at + next.filter(|c| *c != '\n').map_or(0, char::len_utf8));
    let line_start = source[..at].rfind('\n').map_or(0, |found| found + 1);
    let line = source[line_start..].lines().next().unwrap_or_default();
    let before = source[..at].chars().next_back();
    if matches!(error.kind(), ErrorKind::MappingValueNotAllowed)
        && let Some(found) = too_far_in(source, line_start, at)
    {
        return found;
    }
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(span, nesting),
        ErrorKind::MissingAnchorOrAliasName => {
            let star = source[line_start..at].rfind(['*', '&']).map_or(at, |found| line_start + found);
            let word = &source[star..=star.min(source.len() - 1)];
            let error = Diagnostic::error(
                Span::new(star, star + 1),
                format!("a plain text cannot start with `{word}`"),
            );
            if word == "*" {
                error.label("YAML reads this as an alias").help(QUOTE_STAR)
            } else {
                error.label("YAML reads this as an anchor").help("quote the text")
            }
        }
        ErrorKind::UnexpectedCharacter { character: '\0' } => {
            Diagnostic::error(span, "the file contains a NUL character").help("is this a text file?")
        }
        ErrorKind::UnexpectedCharacter { character } => {
            let message = format!("a plain text cannot start with `{}`", character.escape_debug());
            Diagnostic::error(span, message).help("quote the text")
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            // The scanner notices behind the tab; the tab is what is shown.
            let tab = source[line_start..(at + 1).min(source.len())].rfind('\t');
            let span = tab.map_or(span, |tab| Span::new(line_start + tab, line_start + tab + 1));
            Diagnostic::error(span, "a tab cannot be used for indentation").help("use spaces")
        }
        ErrorKind::BomInsideDocument => Diagnostic::error(span, "a byte order mark stands inside the text")
            .help("it may only be the first character of the file; remove it"),
        ErrorKind::MappingValueNotAllowed if before != Some('\n') => {
            Diagnostic::error(span, "a second `: ` on one line").help("quote a text that contains `: `")
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            let message = "a quoted text is not closed, or not indented as deep as what it belongs to";
            Diagnostic::error(span, message).label("the text has gone on to here")
        }
        kind if line.contains("{{") => {
            let start = line_start + line.find("{{").unwrap_or_default();
            Diagnostic::error(Span::new(start, start + 2), format!("not YAML: {kind}"))
                .label("YAML reads `{` as the start of a mapping")
                .help("quote the text: one that starts with a template, or holds one inside `{}` or `[]`")
        }
        // The parser knows ninety ways to fail, and grows; its own words do for the rest.
        kind => Diagnostic::error(span, format!("not YAML: {kind}")),
    }
}

/// A key that is indented deeper than the one on the line before, which has its value already.
fn too_far_in(source: &str, line_start: usize, at: usize) -> Option<Diagnostic> {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let line = source.get(line_start..at)?;
    let above = source[..line_start].trim_end();
    let above = &above[above.rfind('\n').map_or(0, |found| found + 1)..];
    let (key, _) = above.split_once(": ").filter(|(key, _)| !key.contains(['"', '\'', '#', '{', '[']))?;
    if line.contains(": ") || line.trim().is_empty() || indent(line) <= indent(above) {
        return None;
    }
    let start = line_start + indent(line);
    let key = key.trim_start_matches([' ', '-']);
    let message = format!("this is indented deeper than `{key}` above, which has a value already");
    let help = format!("indent it like `{key}`, or quote a text that goes on here");
    Some(Diagnostic::error(Span::new(start, at), message).help(help))
}

/// Where `text[start..end]` stands in its spelling `raw`. Blank runs match blank runs, so folding and
/// indentation need no rules of their own; `None` where the two part ways.
pub(crate) fn align(
    style: ScalarStyle,
    raw: &str,
    text: &str,
    start: usize,
    end: usize,
) -> Option<(usize, usize)> {
    let mut at = match style {
        ScalarStyle::Plain => 0,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => 1,
        ScalarStyle::Literal | ScalarStyle::Folded => {
            // The span of a block scalar may or may not begin with its header line.
            if raw.starts_with(['|', '>']) { raw.find('\n')? + 1 } else { 0 }
        }
    };
    let mut from = None;
    let mut to = at;
    for (offset, c) in text.char_indices() {
        if offset >= end {
            break;
        }
        if c.is_whitespace() {
            continue;
        }
        let (place, behind) = next_match(style, raw, at, c)?;
        if offset >= start && from.is_none() {
            from = Some(place);
        }
        at = behind;
        to = behind;
    }
    from.map(|from| (from, to))
}

/// The next character of the spelling that is not blank, if it stands for `c`.
fn next_match(style: ScalarStyle, raw: &str, mut at: usize, c: char) -> Option<(usize, usize)> {
    loop {
        let rest = raw.get(at..)?;
        let found = rest.chars().next()?;
        if found.is_whitespace() {
            at += found.len_utf8();
        } else if style == ScalarStyle::DoubleQuoted && found == '\\' {
            let (decoded, len) = escape(rest)?;
            match decoded {
                Some(decoded) if !decoded.is_whitespace() => return (decoded == c).then_some((at, at + len)),
                Some(_) | None => at += len,
            }
        } else if style == ScalarStyle::SingleQuoted && rest.starts_with("''") {
            return (c == '\'').then_some((at, at + 2));
        } else {
            return (found == c).then_some((at, at + found.len_utf8()));
        }
    }
}

/// An escape's character (`None` for a line continued) and its length.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let letter = rest.chars().nth(1)?;
    let digits = match letter {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        '\n' | '\r' => return Some((None, 2)),
        'n' | 't' | 'r' | '_' | 'N' | 'L' | 'P' | ' ' | '\t' | 'v' | 'f' => return Some((Some(' '), 2)),
        other => return Some((Some(other), 1 + other.len_utf8())),
    };
    let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
    Some((char::from_u32(code), 2 + digits))
}
