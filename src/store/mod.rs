//! What is remembered: definitions, runs and their facts, and what became of slots, in one SQLite file. The
//! only room that knows SQL. It decides nothing and must never know the engine, the hands or a face.
//!
//! Instants are kept in whole milliseconds: whoever steps a run truncates its `now` first
//! ([`instant::truncated`]), so that what is read back equals what was written.

pub mod batch;
pub mod catalog;
mod create;
pub mod db;
pub mod error;
mod event;
pub mod fact;
pub mod in_force;
pub mod instant;
pub mod journal;
pub mod ledger;
#[cfg(test)]
mod ledger_tests;
mod lock;
mod migrations;
pub mod pokes;
pub mod record;
mod row;
pub mod runs;
mod slots;
pub mod standing;
mod state;
pub mod tasks;
#[cfg(test)]
mod tests;
pub mod trees;
