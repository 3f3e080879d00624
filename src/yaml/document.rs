//! A YAML text as a flat arena of values, with their places and their spelling. It never knows what the
//! values mean, and nothing here recurses.

use granit_parser::ScalarStyle;

use super::diagnostic::Span;
use super::syntax;

/// Stands for a key that is no text, which has been reported.
pub(crate) const BROKEN_KEY: &str = "\u{0}";

/// A value of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ValueId(pub(crate) u32);

/// A file's values. An alias is the value it names, not a copy.
#[derive(Debug)]
pub(crate) struct Document<'s> {
    pub(crate) source: &'s str,
    pub(super) values: Vec<Value>,
    /// The members of all collections; a mapping's are key, value, key, value.
    pub(super) members: Vec<ValueId>,
    /// Texts that differ from their spelling in the file.
    pub(super) owned: Vec<Box<str>>,
    pub(super) root: ValueId,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) span: Span,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
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
    /// Nothing yet, of this text.
    pub(super) fn new(source: &'s str) -> Self {
        Self { source, values: Vec::new(), members: Vec::new(), owned: Vec::new(), root: ValueId(0) }
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

    /// Whether an alias without an anchor stands there, which has been reported.
    pub(crate) fn is_unresolved(&self, id: ValueId) -> bool {
        let spelled = self.source[self.span(id).start as usize..].starts_with('*');
        // The name stands in for it, without the star.
        spelled && self.text(id).is_some_and(|text| !text.starts_with('*'))
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
