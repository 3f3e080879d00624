//! A command as it is written. It never knows who runs it, nor what its templates will say.

/// A command: every text of it may be a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// One line for the node's `shell`.
    Shell(Box<str>),
    /// Program and arguments, no shell between.
    Argv(Box<[Box<str>]>),
}
