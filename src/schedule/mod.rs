//! Schedules: which instants they name, and what becomes of each. Pure: the time, the watermarks and the runs
//! under way are arguments; the answer is slots with decisions, and when to ask again.

mod civil;
pub mod cron;
pub mod day;
pub mod definition;
mod extended;
mod field;
pub mod fires;
mod fold;
mod misfit;
pub mod plan;
pub mod preview;
pub mod slot;
mod spelling;
pub mod vigil;
pub mod why;

#[cfg(test)]
mod tests;
