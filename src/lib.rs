//! Sexton: a daemon that replaces cron for teams whose nights are data loads.
//!
//! The map, from the ground up:
//! - [`clock`]: the only reader of the system clock
//! - [`config`]: the daemon's settings, seen by daemon, cli and main only
//! - [`pipeline`]: the words: nodes, policies, and how a file becomes a tree of them

pub mod clock;
pub mod config;
pub mod pipeline;
