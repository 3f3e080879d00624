//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

mod arguments;
pub(crate) mod attributes;
pub mod because;
mod branches;
pub(crate) mod check;
pub mod clock_changes;
mod coherence;
pub mod command;
mod dates;
pub mod definition;
pub mod environment;
mod expression;
pub mod generated;
pub mod graft;
pub mod kind;
mod kinds;
pub(crate) mod lower;
pub mod moments;
pub(crate) mod name;
pub mod neighbours;
pub mod node;
mod order;
pub mod packed;
pub mod params;
mod placed;
pub mod policy;
mod schedule_spec;
pub mod schema;
pub mod scope;
pub mod secret;
mod sensing;
pub mod sensor;
mod sensor_spec;
mod session;
mod session_schedule;
pub mod sessions_ahead;
mod shapes;
pub(crate) mod spec;
mod splice;
pub mod template;
mod texts;
mod timetable;
mod vocabulary;
mod whole;

#[cfg(test)]
mod tests;
