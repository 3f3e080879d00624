//! Rust source as far as the rules need it: tokens with their lines, comments apart, and whether each stands
//! in test code. A lexer and no parser: it fails on nothing, and a macro's body is tokens like any other.

use std::iter::once;

/// A word, a literal, or a piece of punctuation (`::`, `==` and `=>` are one).
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) word: String,
    pub(super) line: usize,
    /// In an item that is compiled for tests only.
    pub(super) test: bool,
}

/// Takes a text apart into its tokens and its comments, these with their first lines.
pub(super) fn scan(text: &str) -> (Vec<Token>, Vec<(usize, String)>) {
    let mut scanner = Scanner { text: text.chars().collect(), at: 0, line: 1 };
    let (mut tokens, mut comments) = (Vec::new(), Vec::new());
    while let Some(first) = scanner.peek(0) {
        let (start, line) = (scanner.at, scanner.line);
        let comment = scanner.sees("//") || scanner.sees("/*");
        match first {
            _ if first.is_whitespace() => scanner.skip(1),
            _ if scanner.sees("//") => scanner.skip_to(|rest| rest[0] == '\n'),
            _ if scanner.sees("/*") => scanner.block_comment(),
            '"' => scanner.string(),
            '\'' => scanner.quote(),
            _ if scanner.raw_string() => {}
            _ if is_word(first) => scanner.skip_to(|rest| !is_word(rest[0])),
            _ if ["::", "==", "=>"].iter().any(|pair| scanner.sees(pair)) => scanner.skip(2),
            _ => scanner.skip(1),
        }
        let word: String = scanner.text[start..scanner.at].iter().collect();
        if comment {
            comments.push((line, word));
        } else if !first.is_whitespace() {
            tokens.push(Token { word, line, test: false });
        }
    }
    mark_tests(&mut tokens);
    (tokens, comments)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Scanner {
    text: Vec<char>,
    at: usize,
    line: usize,
}

impl Scanner {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn sees(&self, what: &str) -> bool {
        what.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn skip(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        self.line += self.text[self.at..end].iter().filter(|c| **c == '\n').count();
        self.at = end;
    }

    fn skip_to(&mut self, is_end: impl Fn(&[char]) -> bool) {
        while self.at < self.text.len() && !is_end(&self.text[self.at..]) {
            self.skip(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.text.len() {
            if self.sees("/*") {
                depth += 1;
                self.skip(2);
            } else if self.sees("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    return;
                }
            } else {
                self.skip(1);
            }
        }
    }

    fn string(&mut self) {
        self.skip(1);
        while let Some(c) = self.peek(0) {
            self.skip(if c == '\\' { 2 } else { 1 });
            if c == '"' {
                return;
            }
        }
    }

    /// A character, or a lifetime.
    fn quote(&mut self) {
        match (self.peek(1), self.peek(2)) {
            (Some('\\'), _) => {
                self.skip(3);
                self.skip_to(|rest| rest[0] == '\'');
                self.skip(1);
            }
            (_, Some('\'')) => self.skip(3),
            _ => {
                self.skip(1);
                self.skip_to(|rest| !is_word(rest[0]));
            }
        }
    }

    /// `r"…"`, `br#"…"#` and their like, and the strings with a one-letter prefix; else nothing is taken.
    fn raw_string(&mut self) -> bool {
        let Some(prefix) = ["br", "cr", "r", "b", "c"].into_iter().find(|prefix| {
            let rest = self.text[self.at..].iter().skip(prefix.len());
            self.sees(prefix) && rest.clone().find(|c| **c != '#') == Some(&'"')
        }) else {
            return false;
        };
        self.skip(prefix.len());
        if !prefix.ends_with('r') {
            self.string();
            return true;
        }
        let hashes = self.text[self.at..].iter().take_while(|c| **c == '#').count();
        let end: Vec<char> = once('"').chain("#".repeat(hashes).chars()).collect();
        self.skip(hashes + 1);
        self.skip_to(|rest| rest.starts_with(&end));
        self.skip(end.len());
        true
    }
}

/// Marks what stands under a `cfg` that asks for `test`, together with that attribute.
fn mark_tests(tokens: &mut [Token]) {
    let mut at = 0;
    while at < tokens.len() {
        let whole_file = is_at(tokens, at, &["#", "!", "[", "cfg", "("]);
        if !whole_file && !is_at(tokens, at, &["#", "[", "cfg", "("]) {
            at += 1;
            continue;
        }
        let close = closing(tokens, at + if whole_file { 2 } else { 1 });
        let asks = |word: &str| tokens[at..close].iter().any(|token| token.word == word);
        if !asks("test") || asks("not") {
            at = close;
            continue;
        }
        let end = if whole_file { tokens.len() } else { item_end(tokens, close + 1) };
        for token in &mut tokens[at..end] {
            token.test = true;
        }
        at = end;
    }
}

/// Whether these words stand at a place.
pub(super) fn is_at(tokens: &[Token], at: usize, words: &[&str]) -> bool {
    let there = tokens.get(at..at + words.len());
    there.is_some_and(|there| there.iter().zip(words).all(|(token, word)| token.word == *word))
}

/// The place of the bracket that closes the one at `open`.
pub(super) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.word.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

/// Behind the item, field, arm or statement that begins at `at`.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while is_at(tokens, at, &["#", "["]) {
        at = closing(tokens, at + 1) + 1;
    }
    // A comma ends a field or an arm; in an item it stands between generics.
    let item = ["pub", "fn", "mod", "use", "impl", "struct", "enum", "trait", "const", "static", "type"];
    let item = tokens.get(at).is_some_and(|first| item.contains(&first.word.as_str()));
    while let Some(token) = tokens.get(at) {
        match token.word.as_str() {
            ";" => return at + 1,
            "," if !item => return at + 1,
            "{" => return closing(tokens, at) + 1,
            "(" | "[" => at = closing(tokens, at) + 1,
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    at
}
