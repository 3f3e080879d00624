//! YAML text as a flat arena of values with byte spans and raw spellings, built from the parser's events
//! without recursion. It never knows what the values mean.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle, Span as Mark, StrInput, Tag};

use super::diagnostic::{Diagnostic, Diagnostics, Span, nearest};
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

/// A value of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(pub(crate) u32);

/// A file's values. An alias is the value it names, not a copy.
#[derive(Debug)]
pub(crate) struct Document<'s> {
    source: &'s str,
    values: Vec<Value>,
    /// The members of all collections; a mapping's are key, value, key, value.
    members: Vec<ValueId>,
    /// Texts that differ from their spelling in the file.
    owned: Vec<Box<str>>,
    root: ValueId,
}

#[derive(Clone, Copy, Debug)]
struct Value {
    span: Span,
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Slice { start: u32, len: u32, style: ScalarStyle },
    Owned { index: u32, style: ScalarStyle },
    List { start: u32, len: u32 },
    Mapping { start: u32, len: u32 },
}

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'d> {
    /// A text as it is spelled, without quotes and escapes.
    Scalar { text: &'d str, plain: bool },
    /// The items of a list.
    List(&'d [ValueId]),
    /// Key, value, key, value.
    Mapping(&'d [ValueId]),
}

impl<'s> Document<'s> {
    /// Reads `source`; `None` where its syntax is broken or a limit is exceeded, which is then in `found`.
    pub(crate) fn read(source: &'s str, found: &mut Diagnostics) -> Option<Self> {
        if source.len() > MAX_BYTES {
            let message = format!("the file is larger than {} MiB", MAX_BYTES >> 20);
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

    pub(crate) fn root(&self) -> ValueId {
        self.root
    }

    pub(crate) fn span(&self, id: ValueId) -> Span {
        self.values[id.0 as usize].span
    }

    pub(crate) fn view(&self, id: ValueId) -> View<'_> {
        let slice = |start: u32, len: u32| start as usize..(start + len) as usize;
        match self.values[id.0 as usize].shape {
            Shape::Slice { start, len, style } => {
                View::Scalar { text: &self.source[slice(start, len)], plain: style == ScalarStyle::Plain }
            }
            Shape::Owned { index, style } => {
                View::Scalar { text: &self.owned[index as usize], plain: style == ScalarStyle::Plain }
            }
            Shape::List { start, len } => View::List(&self.members[slice(start, len)]),
            Shape::Mapping { start, len } => View::Mapping(&self.members[slice(start, len)]),
        }
    }

    /// The text of a scalar; `None` for a list, a mapping and nothing at all.
    pub(crate) fn text(&self, id: ValueId) -> Option<&str> {
        match self.view(id) {
            View::Scalar { text, .. } => (!self.is_null(id)).then_some(text),
            View::List(_) | View::Mapping(_) => None,
        }
    }

    /// Whether nothing is written there (`key:`, `~` or `null`).
    pub(crate) fn is_null(&self, id: ValueId) -> bool {
        matches!(self.view(id), View::Scalar { text: "" | "~" | "null" | "Null" | "NULL", plain: true })
    }

    /// Keys and values of a mapping; none for anything else.
    pub(crate) fn entries(&self, id: ValueId) -> impl ExactSizeIterator<Item = (ValueId, ValueId)> + Clone {
        let members = match self.view(id) {
            View::Mapping(members) => members,
            View::Scalar { .. } | View::List(_) => &[],
        };
        members.chunks_exact(2).map(|pair| (pair[0], pair[1]))
    }

    /// A mapping's key; every key is a scalar.
    pub(crate) fn key(&self, id: ValueId) -> &str {
        match self.view(id) {
            View::Scalar { text, .. } => text,
            View::List(_) | View::Mapping(_) => "",
        }
    }

    /// What stands there, for a message.
    pub(crate) fn describe(&self, id: ValueId) -> String {
        match self.view(id) {
            View::Scalar { .. } if self.is_null(id) => "nothing".to_owned(),
            View::Scalar { text, .. } if text.len() > 60 => "a long text".to_owned(),
            View::Scalar { text, .. } => format!("`{text}`"),
            View::List(_) => "a list".to_owned(),
            View::Mapping(_) => "a mapping".to_owned(),
        }
    }

    /// Where bytes `start..end` of a scalar's text stand in the file.
    pub(crate) fn place(&self, id: ValueId, start: usize, end: usize) -> Span {
        let value = self.values[id.0 as usize];
        match value.shape {
            Shape::Slice { start: at, .. } => Span::new(at as usize + start, at as usize + end),
            Shape::Owned { index, style } => {
                let raw = &self.source[value.span.start as usize..value.span.end as usize];
                let found = syntax::align(style, raw, &self.owned[index as usize], start, end);
                found.map_or(value.span, |(from, to)| {
                    Span::new(value.span.start as usize + from, value.span.start as usize + to)
                })
            }
            Shape::List { .. } | Shape::Mapping { .. } => value.span,
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
        let document =
            Document { source, values: Vec::new(), members: Vec::new(), owned: Vec::new(), root: ValueId(0) };
        Self {
            document,
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
            self.scalar(Cow::Borrowed(""), ScalarStyle::Plain, 0, None, Span::default())?;
        }
        Ok(self.document)
    }

    fn take(&mut self, event: Event<'s>, span: Span) -> Result<(), Fatal> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), span),
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
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'s, str>,
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
        let base = self.document.source.as_ptr().addr();
        let shape = match &text {
            // A borrowed text is a piece of the source, and then its offset is its place.
            Cow::Borrowed(piece)
                if piece.as_ptr().addr().checked_sub(base).is_some_and(|at| {
                    self.document.source.get(at..at + piece.len()).is_some_and(|slice| slice == *piece)
                }) =>
            {
                let start = (piece.as_ptr().addr() - base) as u32;
                Shape::Slice { start, len: piece.len() as u32, style }
            }
            Cow::Borrowed(_) | Cow::Owned(_) => {
                self.document.owned.push(text.as_ref().into());
                Shape::Owned { index: self.document.owned.len() as u32 - 1, style }
            }
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
        let mut error = Diagnostic::error(span, format!("there is no anchor `&{name}` above"))
            .label("a plain text that starts with `*` is an alias");
        if let Some(meant) = nearest(name, self.anchor_names.iter().copied()) {
            error = error.help(format!("did you mean `*{meant}`?"));
        }
        self.found.push(error.help(syntax::QUOTE_STAR));
        self.scalar(Cow::Borrowed(""), ScalarStyle::DoubleQuoted, 0, None, span)
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
                let mut error = Diagnostic::error(
                    span,
                    format!("a key must be a text, found {}", self.document.describe(id)),
                );
                if self.document.source[span.start as usize..].starts_with('{') {
                    error = error.help("if this is a template, quote it: \"{{ ds }}\"");
                }
                self.found.push(error);
                self.document.owned.push(Box::from("\u{0}"));
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
            if name == "\u{0}" {
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
        let mut seen: std::collections::HashSet<&str> =
            own.chunks_exact(2).map(|pair| document.key(pair[0])).collect();
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
