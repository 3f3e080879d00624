//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

pub(crate) mod attributes;
mod branches;
pub(crate) mod check;
pub mod clock_changes;
pub mod command;
pub mod definition;
pub mod environment;
pub mod generated;
pub mod graft;
pub mod kind;
mod kinds;
pub(crate) mod lower;
pub(crate) mod name;
pub mod node;
mod order;
pub mod packed;
pub mod params;
pub mod policy;
pub mod schema;
pub mod scope;
pub mod secret;
mod sensing;
pub mod sensor;
mod sensor_spec;
mod shapes;
pub(crate) mod spec;
mod splice;
pub mod template;
mod texts;
mod timetable;

#[cfg(test)]
mod tests;
