//! Sexton: a daemon that replaces cron for teams whose nights are data loads.
//!
//! The map, from the ground up:
//! - [`clock`]: the only reader of the system clock
//! - [`pipeline`]: the words: nodes, policies, and how a file becomes a tree of them
//! - [`run`]: the law: what may happen next in a tree, and what it means
//! - [`store`]: what is remembered, in SQLite

pub mod clock;
pub mod pipeline;
pub mod run;
pub mod store;
