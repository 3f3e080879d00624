//! What is wrong with a file, and where: findings with byte spans, collected without stopping. It never
//! draws them (that is `report`) and never knows what the file means.

/// A range of bytes in a file's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// A span from offsets; files are limited to far less than 4 GiB.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end.max(start) as u32 }
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and probably does something else than meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place and what is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; may be empty.
    pub text: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where.
    pub primary: Label,
    /// Other places that belong to it.
    pub secondary: Vec<Label>,
    /// What to write instead.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, span, message.into())
    }

    /// A warning at `span`.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, span, message.into())
    }

    fn new(severity: Severity, span: Span, message: String) -> Self {
        let primary = Label { span, text: String::new() };
        Self { severity, message, primary, secondary: Vec::new(), help: Vec::new() }
    }

    /// Says something at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn beside(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Says how to mend it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }
}

/// The findings of one file, at most [`Diagnostics::LIMIT`] of them; errors go before warnings.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// Errors that were only counted.
    more_errors: usize,
    more_warnings: usize,
}

impl Diagnostics {
    /// Findings that are kept; the rest are counted.
    pub const LIMIT: usize = 50;

    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let (kept, more) = match diagnostic.severity {
            Severity::Error => (&mut self.errors, &mut self.more_errors),
            Severity::Warning => (&mut self.warnings, &mut self.more_warnings),
        };
        if kept.len() < Self::LIMIT {
            kept.push(diagnostic);
        } else {
            *more += 1;
        }
    }

    /// Adds an error that costs something to word: once the list is full it is only counted.
    pub fn push_error(&mut self, word: impl FnOnce() -> Diagnostic) {
        if self.errors.len() < Self::LIMIT {
            self.push(word());
        } else {
            self.more_errors += 1;
        }
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        other.errors.into_iter().chain(other.warnings).for_each(|found| self.push(found));
        self.more_errors += other.more_errors;
        self.more_warnings += other.more_warnings;
    }

    /// Whether the file cannot be used.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The findings in the order of the text, and how many more there were.
    pub fn finish(self) -> (Vec<Diagnostic>, usize) {
        let mut all = self.errors;
        all.extend(self.warnings);
        // What an anchor holds is read once per alias, and its mistakes are still one each.
        all.sort_by(|a, b| {
            (a.severity, a.primary.span, &a.message).cmp(&(b.severity, b.primary.span, &b.message))
        });
        all.dedup();
        let cut = all.len().saturating_sub(Self::LIMIT);
        all.truncate(Self::LIMIT);
        all.sort_by_key(|found| found.primary.span);
        (all, cut + self.more_errors + self.more_warnings)
    }
}

/// The candidate that `name` was probably meant to be.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A slip in a long name is still a slip; a third of the letters wrong is another word.
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .take(5_000)
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= 16)
        .map(|candidate| (strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// The names as `a`, `b` and `c`.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
