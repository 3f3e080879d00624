//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

mod attributes;
mod check;
pub mod definition;
pub mod diagnostic;
pub(crate) mod document;
pub mod duration;
pub mod environment;
mod lower;
pub mod node;
mod order;
pub mod params;
pub mod policy;
pub(crate) mod reader;
pub mod report;
pub mod scope;
pub mod secret;
pub(crate) mod spec;
mod syntax;
pub mod template;

#[cfg(test)]
mod tests;
