//! Hides secrets in a stream of bytes, however the stream is cut into reads. Pure.

use serde::{Deserialize, Serialize};

/// What stands where a secret was.
pub const MASK: &[u8] = b"***";

/// Characters. What is shorter stands in every text for something else, and hiding it would hide nothing.
pub const SHORTEST: usize = 4;

/// What is hidden of a secret: all of it; and of one with several lines each line that is long enough by
/// itself, without the white space around it.
pub fn hidden(secret: &str) -> impl Iterator<Item = &str> {
    let lines = secret.contains('\n').then(|| secret.lines().map(str::trim));
    let lines = lines.into_iter().flatten().filter(|line| line.chars().count() >= SHORTEST);
    std::iter::once(secret).chain(lines).filter(|text| !text.is_empty())
}

/// Whether there is something in a text that is hidden of a secret.
pub fn reveals(text: &str, secret: &str) -> bool {
    hidden(secret).any(|part| text.contains(part))
}

/// Replaces secrets in one stream: at each place the longest secret that matches there, leftmost first.
/// What may still become a secret is held back until it is decided.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "HandedOver")]
pub struct Masker {
    /// By their first byte, the longest first. None is empty.
    secrets: Vec<Vec<u8>>,
    held: Vec<u8>,
}

/// A masker as another process has left it, which may have been an older sexton.
#[derive(Deserialize)]
struct HandedOver {
    secrets: Vec<Vec<u8>>,
    held: Vec<u8>,
}

impl From<HandedOver> for Masker {
    fn from(from: HandedOver) -> Self {
        Self { secrets: sorted(from.secrets), held: from.held }
    }
}

fn sorted(mut secrets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by(|a, b| a[0].cmp(&b[0]).then(b.len().cmp(&a.len())).then_with(|| a.cmp(b)));
    secrets.dedup();
    secrets
}

impl Masker {
    /// Hides these, as [`hidden`] says; empty ones are ignored.
    pub fn new(secrets: &[String]) -> Self {
        let texts = secrets.iter().flat_map(|secret| hidden(secret));
        Self { secrets: sorted(texts.map(|text| text.as_bytes().to_owned()).collect()), held: Vec::new() }
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
        let mut at = 0;
        while at < held.len() {
            let rest = &held[at..];
            let mut begun = self.beginning_with(rest[0]);
            if !last && begun.clone().any(|secret| secret.len() > rest.len() && secret.starts_with(rest)) {
                break;
            }
            if let Some(secret) = begun.find(|secret| rest.starts_with(secret)) {
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

    /// The secrets that begin with a byte, the longest first. There may be thousands, line by line.
    fn beginning_with(&self, first: u8) -> impl Iterator<Item = &Vec<u8>> + Clone {
        let from = self.secrets.partition_point(|secret| secret[0] < first);
        self.secrets[from..].iter().take_while(move |secret| secret[0] == first)
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
    fn of_several_lines_each_is_hidden_by_itself() {
        let key = "-----BEGIN KEY-----\r\n  MIIEvQ IBADAN\nabc\n\n-----END KEY-----";
        let text = |input: &str| Masker::text(&[key.to_owned(), "one line".to_owned()], input);
        assert_eq!(text(key), "***", "all of it is one secret");
        assert_eq!(text("2: MIIEvQ IBADAN."), "2: ***.");
        assert_eq!(text("-----BEGIN KEY-----\n      MIIEvQ IBADAN\nabc\n"), "***\n      ***\nabc\n");
        assert_eq!(text("one, line, one line"), "one, line, ***");
    }

    #[test]
    fn what_an_older_process_has_handed_over_is_hidden_all_the_same() {
        let left = serde_json::json!({"secrets": [b"zebra", b"abcd", b"ab"], "held": b"a"});
        let mut masker: Masker = serde_json::from_value(left).unwrap();
        let mut out = Vec::new();
        masker.push(b"bcd ab zebra", &mut out);
        masker.finish(&mut out);
        assert_eq!(out, b"*** *** ***");
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
