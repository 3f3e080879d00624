//! Hides secrets in a stream of bytes, however the stream is cut into reads. Pure.

use serde::{Deserialize, Serialize};

/// What stands where a secret was.
pub const MASK: &[u8] = b"***";
/// Bytes of a line of a secret that is hidden by itself, too: less is to be found anywhere, such as a brace.
const LINE: usize = 8;

/// Replaces secrets in one stream: at each place the longest secret that matches there, leftmost first.
/// What may still become a secret is held back until it is decided.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Masker {
    secrets: Vec<Vec<u8>>,
    held: Vec<u8>,
}

impl Masker {
    /// Hides these, and the lines of those that have several, which others may take apart; empty ones are
    /// ignored.
    pub fn new(secrets: &[String]) -> Self {
        let lines = secrets.iter().filter(|secret| secret.contains('\n')).flat_map(|secret| secret.lines());
        let lines = lines.map(str::trim).filter(|line| line.len() >= LINE);
        let whole = secrets.iter().map(String::as_str).filter(|secret| !secret.is_empty());
        let mut secrets: Vec<Vec<u8>> = whole.chain(lines).map(|secret| secret.as_bytes().to_vec()).collect();
        secrets.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self { secrets, held: Vec::new() }
    }

    /// Whether there is nothing to hide.
    pub fn is_idle(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Takes `input`, appends what is decided to `out`.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if self.is_idle() {
            out.extend_from_slice(input);
            return;
        }
        self.held.extend_from_slice(input);
        self.run(out, false);
    }

    /// The stream has ended: what was held back is decided now.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.run(out, true);
    }

    fn run(&mut self, out: &mut Vec<u8>, last: bool) {
        let held = std::mem::take(&mut self.held);
        let mut begins = [false; 256];
        for secret in &self.secrets {
            begins[usize::from(secret[0])] = true;
        }
        let mut at = 0;
        while at < held.len() {
            let rest = &held[at..];
            if !begins[usize::from(rest[0])] {
                out.push(rest[0]);
                at += 1;
                continue;
            }
            if !last
                && self.secrets.iter().any(|secret| secret.len() > rest.len() && secret.starts_with(rest))
            {
                break;
            }
            if let Some(secret) = self.secrets.iter().find(|secret| rest.starts_with(secret)) {
                out.extend_from_slice(MASK);
                at += secret.len();
            } else {
                out.push(rest[0]);
                at += 1;
            }
        }
        self.held = held;
        self.held.drain(..at);
    }

    /// Hides the secrets of a whole text.
    pub fn text(secrets: &[String], text: &str) -> String {
        let mut masker = Self::new(secrets);
        let mut out = Vec::new();
        masker.push(text.as_bytes(), &mut out);
        masker.finish(&mut out);
        String::from_utf8_lossy(&out).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn masked(secrets: &[String], pieces: &[&[u8]]) -> Vec<u8> {
        let mut masker = Masker::new(secrets);
        let mut out = Vec::new();
        for piece in pieces {
            masker.push(piece, &mut out);
        }
        masker.finish(&mut out);
        out
    }

    #[test]
    fn the_longest_secret_at_the_leftmost_place_is_hidden() {
        let secrets = ["ab".to_owned(), "abcd".to_owned(), "cde".to_owned(), String::new()];
        for (input, expected) in [
            ("xaby", "x***y"),
            ("abcd", "***"),
            ("abcde", "***e"),
            ("abc", "***c"),
            ("abab", "******"),
            ("a", "a"),
            ("nothing", "nothing"),
        ] {
            let found = masked(&secrets, &[input.as_bytes()]);
            assert_eq!(String::from_utf8_lossy(&found), expected, "of {input}");
        }
    }

    #[test]
    fn lines_of_a_secret_are_hidden_by_themselves() {
        let secrets = ["{\n  key: 0123456789\n}".to_owned()];
        for (input, expected) in [
            ("a {\n  key: 0123456789\n} b", "a *** b"),
            ("{\n\tkey: 0123456789\n}", "{\n\t***\n}"),
            ("key: 01234567", "key: 01234567"),
        ] {
            assert_eq!(String::from_utf8_lossy(&masked(&secrets, &[input.as_bytes()])), expected);
        }
    }

    proptest! {
        #[test]
        fn any_split_of_the_input_gives_the_same_output(
            secrets in prop::collection::vec("[ab]{0,5}|[abc\n]{3}", 0..4),
            input in prop::collection::vec(prop::sample::select(b"aabbc\n\xff".to_vec()), 0..60),
            cuts in prop::collection::vec(0usize..60, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(input.len())).collect();
            cuts.extend([0, input.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect();
            let whole = masked(&secrets, &[&input]);
            prop_assert_eq!(&masked(&secrets, &pieces), &whole);
        }
    }
}
