//! The rules of schedules, each with its cases.

mod expressions;
mod fires;
mod plan;
