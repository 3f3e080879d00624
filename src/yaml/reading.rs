//! A document that is being read, and what several kinds of files read in it alike.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::{Document, ValueId, View};
use super::reader::Field;
use super::scalars::Length;

/// A document, and where findings about it go.
pub(crate) struct Reading<'a, 'd, 's> {
    pub(crate) document: &'d Document<'s>,
    pub(crate) found: &'a mut Diagnostics,
}

impl Reading<'_, '_, '_> {
    pub(crate) fn error(&mut self, at: ValueId, message: impl Into<String>) {
        self.found.push(Diagnostic::error(self.document.span(at), message));
    }

    /// The items of a list of texts, or the one text that stands for it.
    pub(crate) fn texts(&mut self, key: &str, id: ValueId) -> Vec<ValueId> {
        let document = self.document;
        let items = match document.view(id) {
            View::List(items) => items.to_vec(),
            View::Scalar { .. } | View::Mapping(_) => vec![id],
        };
        let (texts, others): (Vec<_>, Vec<_>) =
            items.into_iter().partition(|&item| document.text(item).is_some());
        for other in others {
            let found = document.describe(other);
            self.error(other, format!("`{key}` must be a text or a list of texts, found {found}"));
        }
        texts
    }

    pub(crate) fn boxed(&mut self, key: &str, id: ValueId) -> Box<[Box<str>]> {
        self.texts(key, id).into_iter().filter_map(|item| self.document.text(item)).map(Box::from).collect()
    }

    /// A timeout or limit that makes sense: longer than nothing.
    pub(crate) fn length(&mut self, key: &str, field: Option<&Field<Length>>) -> Option<std::time::Duration> {
        let field = field?;
        let length = field.value?.0;
        if length.is_zero() {
            self.error(field.id, format!("`{key}` must be longer than `0s`"));
        }
        Some(length)
    }
}

/// The value of a key, if it is there and can be read.
pub(crate) fn value<T: Copy>(field: Option<&Field<T>>) -> Option<T> {
    field.and_then(|field| field.value)
}

/// The same of a text.
pub(crate) fn text(field: Option<&Field<String>>) -> Option<Box<str>> {
    field.and_then(|field| field.value.as_deref()).map(Box::from)
}
