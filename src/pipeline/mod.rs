//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

pub(crate) mod attributes;
pub(crate) mod check;
pub mod clock_changes;
pub mod definition;
pub mod environment;
pub(crate) mod lower;
pub(crate) mod name;
pub mod node;
mod order;
pub mod params;
pub mod policy;
mod schedule_spec;
pub mod schema;
pub mod scope;
pub mod secret;
mod session_schedule;
pub mod sessions_ahead;
pub(crate) mod spec;
mod splice;
pub mod template;
mod texts;
mod timetable;

#[cfg(test)]
mod tests;
