//! Draws findings for people (as rustc does, plain or in colour) and lists them for programs (JSON). It
//! never decides what is wrong.

use std::path::Path;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::diagnostic::{Diagnostic, Diagnostics, Label, Severity, Span};

/// A file as it was read.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// How it is named to people, e.g. `config/pipelines/nightly.yaml`.
    pub path: String,
    /// Its text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// A file of this path and text.
    pub fn new(path: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// All findings of all files.
#[derive(Clone, Debug, Default)]
pub struct Report {
    files: Vec<FileReport>,
}

#[derive(Clone, Debug)]
struct FileReport {
    file: SourceFile,
    found: Vec<Diagnostic>,
    /// Findings that were counted and not kept.
    more: usize,
    errors: bool,
}

impl Report {
    /// Adds what was found in a file.
    pub fn add(&mut self, file: &SourceFile, found: Diagnostics) {
        let errors = found.has_errors();
        let (found, more) = found.finish();
        if !found.is_empty() {
            self.files.push(FileReport { file: file.clone(), found, more, errors });
        }
    }

    /// Adds a file that cannot be read, and why.
    pub fn add_unreadable(&mut self, path: &Path, why: &dyn std::fmt::Display) {
        let mut found = Diagnostics::default();
        found.push(Diagnostic::error(Span::default(), format!("the file cannot be read: {why}")));
        self.add(&SourceFile::new(path.display().to_string(), ""), found);
    }

    /// Adds what was found in other files.
    pub fn extend(&mut self, other: Self) {
        self.files.extend(other.files);
    }

    /// What was found in files of these paths.
    #[must_use]
    pub fn of(&self, paths: &[&str]) -> Self {
        let files = self.files.iter().filter(|file| paths.contains(&file.file.path.as_str()));
        Self { files: files.cloned().collect() }
    }

    /// Whether any file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.files.iter().any(|file| file.errors)
    }

    /// Whether nothing was found at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The kept findings with their files.
    pub fn iter(&self) -> impl Iterator<Item = (&SourceFile, &Diagnostic)> {
        self.files.iter().flat_map(|file| file.found.iter().map(|found| (&file.file, found)))
    }

    /// The findings for people; with `colour`, in ANSI colours.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(120);
        let mut out = String::new();
        for file in &self.files {
            for found in &file.found {
                out.push_str(&draw(&renderer, &file.file, found));
                out.push_str("\n\n");
            }
            if file.more > 0 {
                let more = format!("… and {} more in {}\n\n", file.more, file.file.path);
                out.push_str(&more);
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// The findings for programs: a list of objects with `severity`, `message`, `file`, 1-based `line` and
    /// `column` (in characters), `label`, `help` and `related`.
    pub fn to_json(&self) -> Value {
        let all = self.iter().map(|(file, found)| {
            let related = found.secondary.iter().map(|label| place(file, label)).collect::<Vec<_>>();
            let mut object = place(file, &found.primary);
            object["severity"] = json!(found.severity.word());
            object["message"] = json!(found.message);
            object["help"] = json!(found.help);
            object["related"] = json!(related);
            object
        });
        let mut all: Vec<Value> = all.collect();
        for file in self.files.iter().filter(|file| file.more > 0) {
            all.push(json!({"file": file.file.path, "more": file.more}));
        }
        Value::Array(all)
    }
}

fn place(file: &SourceFile, label: &Label) -> Value {
    let (line, column) = line_and_column(&file.text, label.span.start as usize);
    let (end_line, end_column) = line_and_column(&file.text, label.span.end as usize);
    json!({
        "file": file.path, "line": line, "column": column, "end_line": end_line, "end_column": end_column,
        "label": label.text,
    })
}

/// 1-based line and character column of a byte offset.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.bytes().filter(|&byte| byte == b'\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn draw(renderer: &Renderer, file: &SourceFile, found: &Diagnostic) -> String {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let all = || std::iter::once(&found.primary).chain(&found.secondary);
    // The renderer reads all it is given: a window of lines keeps a 40 MB file as quick as a small one.
    let windows = windows(&file.text, all().map(|label| label.span));
    let snippets = windows.iter().map(|window| {
        let labels = all().enumerate().filter(|(_, label)| window.contains(label.span.start));
        let annotations = labels.map(|(index, label)| {
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(window.range(label.span));
            if label.text.is_empty() { annotation } else { annotation.label(clean(&label.text)) }
        });
        Snippet::source(window.text)
            .line_start(window.line)
            .path(file.path.as_str())
            .annotations(annotations.collect::<Vec<_>>())
    });
    let group = level.primary_title(clean(&found.message)).elements(snippets);
    let help = found.help.iter().map(|help| Level::HELP.message(clean(help)));
    renderer.render(&[group.elements(help)])
}

/// Control characters of a file must not reach a terminal through a message.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{FFFD}' } else { c }).collect()
}

struct Window<'t> {
    text: &'t str,
    start: usize,
    line: usize,
}

impl Window<'_> {
    fn contains(&self, offset: u32) -> bool {
        (self.start..=self.start + self.text.len()).contains(&(offset as usize))
    }

    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let inside = |offset: u32| {
            let offset = (offset as usize).saturating_sub(self.start).min(self.text.len());
            self.text.floor_char_boundary(offset)
        };
        inside(span.start)..inside(span.end)
    }
}

/// The stretches of lines that are shown: one where the places are near each other, else one each, the
/// primary place's first.
fn windows(text: &str, spans: impl Iterator<Item = Span>) -> Vec<Window<'_>> {
    const NEAR: usize = 16 * 1024;
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for span in spans {
        let start = text.floor_char_boundary((span.start as usize).min(text.len()));
        // A long span is drawn by its beginning: people need the place, not all of it.
        let end = text.floor_char_boundary((span.end as usize).clamp(start, start + 2_000).min(text.len()));
        match ranges.iter_mut().find(|range| start + NEAR > range.0 && range.1 + NEAR > start) {
            Some(range) => *range = (range.0.min(start), range.1.max(end)),
            None => ranges.push((start, end)),
        }
    }
    let window = |(start, end): (usize, usize)| {
        let floor = text.floor_char_boundary(start.saturating_sub(2_000));
        let from = text[floor..start].rfind('\n').map_or(floor, |at| floor + at + 1);
        let ceiling = text.floor_char_boundary((end + 2_000).min(text.len()));
        let to = text[end..ceiling].find('\n').map_or(ceiling, |at| end + at);
        Window { text: &text[from..to], start: from, line: line_and_column(text, from).0 }
    };
    ranges.into_iter().map(window).collect()
}
