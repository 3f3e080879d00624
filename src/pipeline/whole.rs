//! What a document is the whole of, and what that makes of its root.

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, listed};
use crate::yaml::document::Document;

use super::kind::{EXECUTE, KINDS};
use super::spec::FILE_KEYS;

/// To a generator whose words have become a part of its tree.
pub(crate) const SAID_ELSEWHERE: &str =
    "what a generator has to say goes to standard error; or write the tree to the file $SEXTON_TREE";
/// To a generator that has found nothing to do.
const NOTHING_TO_DO: &str =
    "where there is nothing to do, write a command that does nothing: `exec: \"true\"`";

/// What a document is the whole of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole<'n> {
    /// A pipeline of this name: its root node, and the pipeline's own keys.
    Pipeline(&'n str),
    /// A generated tree: a node, and nothing else.
    Generated,
}

impl<'n> Whole<'n> {
    /// The name of its root.
    pub(crate) fn name(self) -> &'n str {
        match self {
            Self::Pipeline(name) => name,
            Self::Generated => EXECUTE,
        }
    }

    /// The keys of its root that are no node's.
    pub(crate) fn own_keys(self) -> &'static [&'static str] {
        match self {
            Self::Pipeline(_) => &FILE_KEYS,
            Self::Generated => &[],
        }
    }

    /// How its root is called in a finding about it.
    pub(crate) fn known_as(self) -> &'static str {
        match self {
            Self::Pipeline(_) => "the pipeline",
            Self::Generated => "the generated tree",
        }
    }

    /// Reports what is no tree at all.
    pub(crate) fn missing(self, document: &Document<'_>, found: &mut Diagnostics) {
        let root = document.root();
        let (empty, other, expected) = match self {
            Self::Pipeline(_) => (
                "the file is empty",
                "a pipeline file is a mapping",
                ", and what the pipeline says about itself",
            ),
            Self::Generated => ("the output is empty", "a generated tree is a mapping or a command line", ""),
        };
        let message = if document.is_null(root) {
            empty.to_owned()
        } else {
            format!("{other}, found {}", document.describe(root))
        };
        let start = document.span(root).start;
        let error = Diagnostic::error(Span { start, end: start }, message);
        let error = error.help(format!("expected one of {}{expected}", listed(KINDS)));
        found.push(match self {
            Self::Pipeline(_) => error,
            Self::Generated if document.is_null(root) => error.help(NOTHING_TO_DO),
            Self::Generated => error.help(SAID_ELSEWHERE),
        });
    }

    /// What a container without children should be instead.
    pub(crate) fn at_least_one_child(self) -> &'static str {
        match self {
            Self::Pipeline(_) => "a container has at least one child",
            Self::Generated => NOTHING_TO_DO,
        }
    }
}
