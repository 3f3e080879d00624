//! The texts of a tree that are evaluated when it runs: which they are, and what each is for.

use crate::yaml::document::ValueId;

/// A text of a node that is evaluated when it runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextPlace {
    pub(crate) id: ValueId,
    pub(crate) role: Role,
}

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An expression.
    When,
    /// A line for a shell.
    ShellLine,
    /// An argument, a directory, a user: no shell reads it.
    Plain,
    /// The value of an environment variable.
    EnvValue,
}

/// Whether a text is more than itself.
pub(crate) fn is_template(text: &str) -> bool {
    let mut bytes = text.as_bytes();
    while let Some(at) = bytes.iter().position(|&byte| byte == b'{') {
        if matches!(bytes.get(at + 1), Some(b'{' | b'%' | b'#')) {
            return true;
        }
        bytes = &bytes[at + 1..];
    }
    false
}
