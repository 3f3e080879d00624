//! The rules of schedules, each with its cases.

mod debian;
mod expressions;
mod filtered;
mod fires;
mod latest;
mod market;
mod moves;
mod opinions;
mod plan;
mod sessions;
mod why;
