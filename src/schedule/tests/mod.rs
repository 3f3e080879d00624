//! The rules of schedules, each with its cases.

mod debian;
mod expressions;
mod fires;
mod opinions;
mod plan;
mod why;
