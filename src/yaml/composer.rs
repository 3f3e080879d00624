//! Composes a document from the YAML parser's events, on an explicit stack and within limits: anchors,
//! aliases, merge keys and keys that stand twice. It never knows what the values mean.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, ScalarStyle, Span as Mark, StrInput, Tag};

use super::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
use super::document::{BROKEN_KEY, Document, Shape, Value, ValueId, View};
use super::syntax;

/// Bytes of a file.
pub(crate) const MAX_BYTES: usize = 64 << 20;
/// Values of a file, counted as if every alias were written out.
const MAX_VALUES: u64 = 20_000_000;
/// Lists and mappings inside each other. A node takes at most two levels of a tree's 1,000.
const MAX_NESTING: usize = 2_100;
/// Bytes of one text.
const MAX_SCALAR: usize = 1 << 20;
/// Entries brought in by `<<`.
const MAX_MERGED: usize = 1_000_000;

/// Reads the one document of `source`; `None` where its syntax is broken or a limit is exceeded, which is
/// then in `found`.
pub(crate) fn read<'s>(source: &'s str, found: &mut Diagnostics) -> Option<Document<'s>> {
    read_within(MAX_BYTES, source, found)
}

/// The same for a text of at most `limit` bytes, which no person has written.
pub(crate) fn read_within<'s>(
    limit: usize,
    source: &'s str,
    found: &mut Diagnostics,
) -> Option<Document<'s>> {
    if source.len() > limit {
        let message = format!("the file is larger than {} MiB", limit >> 20);
        found.push(Diagnostic::error(Span::default(), message));
        return None;
    }
    match Builder::new(source, found).build() {
        Ok(document) => Some(document),
        Err(fatal) => {
            found.push(*fatal);
            None
        }
    }
}

type Fatal = Box<Diagnostic>;

struct Builder<'s, 'f> {
    document: Document<'s>,
    found: &'f mut Diagnostics,
    open: Vec<Frame>,
    /// Members of the open collections, each above its frame's `from`.
    pending: Vec<ValueId>,
    anchors: HashMap<usize, Anchor>,
    /// Of the names, for "did you mean".
    anchor_names: Vec<&'s str>,
    merged: usize,
    complete: Option<ValueId>,
}

struct Frame {
    mapping: bool,
    from: usize,
    start: Span,
    anchor: usize,
    size: Size,
}

/// How much a value is with its aliases written out.
#[derive(Clone, Copy)]
struct Size {
    values: u64,
    height: usize,
}

#[derive(Clone, Copy)]
struct Anchor {
    id: ValueId,
    size: Size,
}

impl<'s, 'f> Builder<'s, 'f> {
    fn new(source: &'s str, found: &'f mut Diagnostics) -> Self {
        Self {
            document: Document::new(source),
            found,
            open: Vec::new(),
            pending: Vec::new(),
            anchors: HashMap::new(),
            anchor_names: Vec::new(),
            merged: 0,
            complete: None,
        }
    }

    fn build(mut self) -> Result<Document<'s>, Fatal> {
        let source = self.document.source;
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            flow_nesting_limit: MAX_NESTING,
            block_nesting_limit: MAX_NESTING,
        };
        let mut parser: Parser<'s, StrInput<'s>> = Parser::new_from_str_with_options(source, options);
        while let Some(next) = parser.next_event() {
            let (event, mark) =
                next.map_err(|error| Box::new(syntax::explain(&error, source, MAX_NESTING)))?;
            self.take(event, span(&mark))?;
        }
        if self.complete.is_none() {
            self.scalar("", ScalarStyle::Plain, 0, None, Span::default())?;
        }
        Ok(self.document)
    }

    fn take(&mut self, event: Event<'s>, span: Span) -> Result<(), Fatal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), span)
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(false, anchor, tag.as_deref(), span),
            Event::MappingStart(_, anchor, tag) => self.begin(true, anchor, tag.as_deref(), span),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => self.unresolved(&name, span),
            Event::Anchor(..) => {
                let text = &self.document.source[span.start as usize..span.end as usize];
                self.anchor_names.push(text.trim_start_matches('&'));
                Ok(())
            }
            Event::DocumentStart(..) if self.complete.is_some() => {
                let message = "a file holds one document, and here a second one begins";
                Err(Box::new(Diagnostic::error(span, message).help("make it a file of its own")))
            }
            // The enum is the parser's and open; what is left says nothing about values.
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd | _ => {
                Ok(())
            }
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Fatal> {
        if text.len() > MAX_SCALAR {
            let message = format!("a text is longer than {} KiB", MAX_SCALAR >> 10);
            return Err(Box::new(Diagnostic::error(Span { end: span.start, ..span }, message)));
        }
        let style = match tag {
            Some(tag) if tag.is_yaml_core_schema_tag("str") => ScalarStyle::DoubleQuoted,
            Some(_) | None => style,
        };
        self.reject_tag(tag, span);
        // A text that the parser has borrowed lies in the source, and then its address is its place.
        let source = self.document.source;
        let offset = text.as_ptr().addr().checked_sub(source.as_ptr().addr());
        let inside = offset.filter(|&at| source.get(at..at + text.len()).is_some_and(|piece| piece == text));
        let shape = if let Some(at) = inside {
            Shape::Slice { start: at as u32, len: text.len() as u32, style }
        } else {
            self.document.owned.push(text.into());
            Shape::Owned { index: self.document.owned.len() as u32 - 1, style }
        };
        let id = self.add(Value { span, shape });
        self.member(id, anchor, Size { values: 1, height: 0 }, span)
    }

    fn begin(&mut self, mapping: bool, anchor: usize, tag: Option<&Tag>, start: Span) -> Result<(), Fatal> {
        let core = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag(if mapping { "map" } else { "seq" }));
        self.reject_tag(tag.filter(|_| !core), start);
        if self.open.len() >= MAX_NESTING {
            return Err(Box::new(syntax::too_deep(start, MAX_NESTING)));
        }
        let size = Size { values: 1, height: 1 };
        self.open.push(Frame { mapping, from: self.pending.len(), start, anchor, size });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), Fatal> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        if frame.mapping {
            self.finish_mapping(frame.from)?;
        }
        let start = self.document.members.len() as u32;
        let len = (self.pending.len() - frame.from) as u32;
        self.document.members.extend(self.pending.drain(frame.from..));
        let shape = if frame.mapping { Shape::Mapping { start, len } } else { Shape::List { start, len } };
        // A block ends where the next token begins; its last line is where people look.
        let text = &self.document.source[frame.start.start as usize..end.end as usize];
        let span = Span::new(frame.start.start as usize, frame.start.start as usize + text.trim_end().len());
        let id = self.add(Value { span, shape });
        self.member(id, frame.anchor, frame.size, span)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Fatal> {
        let Some(&Anchor { id, size }) = self.anchors.get(&anchor) else {
            let message = "an alias stands inside its own anchor";
            return Err(Box::new(Diagnostic::error(span, message).label("this would never end")));
        };
        self.member(id, 0, size, span)
    }

    fn unresolved(&mut self, name: &str, span: Span) -> Result<(), Fatal> {
        if let Some(found) = syntax::unquoted_cron(self.document.source, span.start as usize) {
            return Err(Box::new(found));
        }
        let mut error = Diagnostic::error(span, format!("there is no anchor `&{name}` above"))
            .label("a plain text that starts with `*` is an alias");
        if let Some(meant) = nearest(name, self.anchor_names.iter().copied()) {
            error = error.help(format!("did you mean `*{meant}`?"));
        }
        self.found.push(error.help(syntax::QUOTE_STAR));
        // Its name stands in for it: a text, so that nothing else is said about it.
        self.scalar(name, ScalarStyle::DoubleQuoted, 0, None, span)
    }

    fn reject_tag(&mut self, tag: Option<&Tag>, span: Span) {
        let known = ["str", "int", "float", "bool", "null"];
        if let Some(tag) = tag.filter(|tag| !known.iter().any(|name| tag.is_yaml_core_schema_tag(name))) {
            let message = format!("the YAML tag `{}` means nothing here", tag.original());
            self.found.push(Diagnostic::error(span, message).help("leave it out"));
        }
    }

    fn add(&mut self, value: Value) -> ValueId {
        self.document.values.push(value);
        ValueId(self.document.values.len() as u32 - 1)
    }

    /// A finished value becomes a member of the innermost open collection, or the root.
    fn member(&mut self, id: ValueId, anchor: usize, size: Size, span: Span) -> Result<(), Fatal> {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchor { id, size });
        }
        let depth = self.open.len();
        let Some(frame) = self.open.last_mut() else {
            self.document.root = id;
            self.complete = Some(id);
            return Ok(());
        };
        let key = frame.mapping && (self.pending.len() - frame.from).is_multiple_of(2);
        frame.size.values = frame.size.values.saturating_add(size.values);
        frame.size.height = frame.size.height.max(size.height + 1);
        if frame.size.values > MAX_VALUES {
            let message = format!("the file holds more than {MAX_VALUES} values, aliases written out");
            return Err(Box::new(Diagnostic::error(span, message).label("reached here")));
        }
        if depth + size.height > MAX_NESTING {
            return Err(Box::new(syntax::too_deep(span, MAX_NESTING)));
        }
        let id = if key { self.check_key(id) } else { id };
        self.pending.push(id);
        Ok(())
    }

    /// Keys are texts; anything else is reported and replaced.
    fn check_key(&mut self, id: ValueId) -> ValueId {
        match self.document.view(id) {
            View::Scalar { .. } if !self.document.is_null(id) => id,
            View::Scalar { .. } | View::List(_) | View::Mapping(_) => {
                let span = self.document.span(id);
                let reported = self.document.entries(id).any(|(key, _)| self.document.key(key) == BROKEN_KEY);
                let mut error = Diagnostic::error(
                    span,
                    format!("a key must be a text, found {}", self.document.describe(id)),
                );
                if self.document.source[span.start as usize..].starts_with('{') {
                    error = error.help("if this is a template, quote it: \"{{ ds }}\"");
                }
                if !reported {
                    self.found.push(error);
                }
                self.document.owned.push(Box::from(BROKEN_KEY));
                let index = self.document.owned.len() as u32 - 1;
                self.add(Value { span, shape: Shape::Owned { index, style: ScalarStyle::Plain } })
            }
        }
    }

    /// Brings in what `<<` names, and reports keys that stand twice.
    fn finish_mapping(&mut self, from: usize) -> Result<(), Fatal> {
        let entries = &self.pending[from..];
        let pairs = entries.len() / 2;
        let key = |at: usize| self.document.key(self.pending[from + 2 * at]);
        let mut merge = false;
        let mut twice: Vec<(usize, usize)> = Vec::new();
        if pairs <= 8 {
            for at in 0..pairs {
                merge |= key(at) == "<<";
                twice.extend((0..at).find(|&first| key(first) == key(at)).map(|first| (first, at)));
            }
        } else {
            let mut seen = HashMap::with_capacity(pairs);
            for at in 0..pairs {
                merge |= key(at) == "<<";
                if let Some(&first) = seen.get(key(at)) {
                    twice.push((first, at));
                } else {
                    seen.insert(key(at), at);
                }
            }
        }
        for &(first, at) in &twice {
            let (first, again) = (self.pending[from + 2 * first], self.pending[from + 2 * at]);
            let name = self.document.key(again);
            if name == BROKEN_KEY {
                continue;
            }
            let word = || {
                Diagnostic::error(self.document.span(again), format!("`{name}` stands twice"))
                    .label("again here")
                    .beside(self.document.span(first), "first here")
                    .help("remove one, or give it another name")
            };
            self.found.push_error(word);
        }
        if !twice.is_empty() {
            let mut again = twice.iter().map(|&(_, at)| at).peekable();
            let members: Vec<ValueId> = self.pending.drain(from..).collect();
            for (at, pair) in members.chunks_exact(2).enumerate() {
                if again.next_if_eq(&at).is_none() {
                    self.pending.extend_from_slice(pair);
                }
            }
        }
        if merge { self.merge(from) } else { Ok(()) }
    }

    fn merge(&mut self, from: usize) -> Result<(), Fatal> {
        let own: Vec<ValueId> = self.pending.drain(from..).collect();
        let document = &self.document;
        let mut seen: HashSet<&str> = own.chunks_exact(2).map(|pair| document.key(pair[0])).collect();
        let mut all = Vec::with_capacity(own.len());
        for pair in own.chunks_exact(2) {
            let plain = matches!(document.view(pair[0]), View::Scalar { text: "<<", plain: true });
            if !plain {
                all.extend_from_slice(pair);
                continue;
            }
            let sources = match document.view(pair[1]) {
                View::List(items) => items,
                View::Mapping(_) | View::Scalar { .. } => &pair[1..],
            };
            for &source in sources {
                if !matches!(document.view(source), View::Mapping(_)) {
                    let message = format!("`<<` takes a mapping, found {}", document.describe(source));
                    self.found.push(Diagnostic::error(document.span(pair[0]), message));
                }
                for (key, value) in document.entries(source) {
                    self.merged += 1;
                    if seen.insert(document.key(key)) {
                        all.extend([key, value]);
                    }
                }
                if self.merged > MAX_MERGED {
                    let message = format!("`<<` brings in more than {MAX_MERGED} entries");
                    return Err(Box::new(Diagnostic::error(document.span(pair[0]), message)));
                }
            }
        }
        self.pending.extend(all);
        Ok(())
    }
}

fn span(mark: &Mark) -> Span {
    let range = mark.byte_range().unwrap_or_default();
    Span::new(range.start, range.end)
}
