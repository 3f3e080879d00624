//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

pub(crate) mod attributes;
mod branches;
pub mod clock_changes;
mod coherence;
pub mod command;
pub mod definition;
pub mod environment;
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
mod sensing;
pub mod sensor;
mod sensor_spec;
mod session_schedule;
pub mod sessions_ahead;
mod shapes;
pub(crate) mod spec;
pub mod strayed;
pub mod text;
mod timetable;
mod whole;

#[cfg(test)]
mod tests;
