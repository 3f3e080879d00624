//! Sexton: a daemon that replaces cron for teams whose nights are data loads.
//!
//! The map, from the ground up:
//! - [`clock`]: the only reader of the system clock
//! - [`pipeline`]: the words: nodes, policies, and how a file becomes a tree of them
//! - [`keeper`]: the other process: owns local attempts and outlives the daemon

pub mod clock;
pub mod keeper;
pub mod pipeline;
