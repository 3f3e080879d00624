//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

mod arguments;
pub(crate) mod attributes;
pub(crate) mod check;
pub mod clock_changes;
mod dates;
pub mod definition;
pub mod environment;
mod expression;
pub(crate) mod lower;
pub(crate) mod name;
pub mod node;
mod order;
pub mod params;
pub mod policy;
pub mod schema;
pub mod scope;
pub mod secret;
pub(crate) mod spec;
mod splice;
pub mod template;
mod texts;
mod timetable;
mod vocabulary;

#[cfg(test)]
mod tests;
