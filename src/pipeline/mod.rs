//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

pub(crate) mod attributes;
pub(crate) mod check;
pub mod clock_changes;
pub(crate) mod composer;
pub mod definition;
pub mod diagnostic;
pub(crate) mod document;
pub mod environment;
pub(crate) mod lower;
pub(crate) mod name;
pub mod node;
mod order;
pub mod params;
pub mod policy;
pub(crate) mod reader;
pub mod report;
pub mod schema;
pub mod scope;
pub mod secret;
pub(crate) mod spec;
mod splice;
mod syntax;
pub mod template;
mod texts;
mod timetable;
pub mod zone;

#[cfg(test)]
mod tests;
