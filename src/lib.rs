//! Sexton: a daemon that replaces cron for teams whose nights are data loads.
//!
//! The map, from the ground up:
//! - [`clock`]: the only reader of the system clock
//! - [`pipeline`]: the words: nodes, policies, and how a file becomes a tree of them

pub mod clock;
pub mod pipeline;
