//! Sexton: a daemon that replaces cron for teams whose nights are data loads.
//!
//! The map, from the ground up:
//! - [`clock`]: the only reader of the system clock
//! - [`pipeline`]: the words: nodes, policies, and how a file becomes a tree of them
//! - [`run`]: the law: what may happen next in a tree, and what it means
//! - [`store`]: what is remembered: definitions, runs and their facts, in one SQLite file
//! - [`keeper`]: the other process: it owns local attempts and outlives the daemon

pub mod clock;
pub mod keeper;
pub mod pipeline;
pub mod run;
pub mod store;
