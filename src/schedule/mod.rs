//! Schedules: which instants they name, and what becomes of each. Pure: the time, the watermarks and the runs
//! under way are arguments; the answer is slots with decisions, and when to ask again.

mod civil;
pub mod cron;
pub mod crossing;
pub mod day;
pub mod days;
pub mod definition;
pub mod exchange;
mod extended;
mod field;
pub mod filtered;
pub mod fires;
mod fold;
pub mod horizon;
mod misfit;
pub mod occasion;
mod overlap;
pub mod plan;
pub mod preview;
pub mod progress;
pub mod sessions;
pub mod situation;
pub mod slot;
mod spelling;
pub mod told;
mod verdict;
pub mod vigil;
pub mod why;

#[cfg(test)]
mod tests;
