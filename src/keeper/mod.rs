//! The keeper: the small second process that owns local attempts and outlives the daemon.
//! Its contract is `docs/keeper-protocol.md`. It imports nothing of the crate but the clock.

pub mod address;
mod attempt;
mod command;
mod connection;
mod controller;
pub mod crash;
mod ending;
pub mod error;
mod events;
mod handoff;
mod journal;
mod key;
mod lock;
mod output;
mod printed;
pub mod protocol;
pub mod serve;
mod spawn;
mod spawner;
pub mod start;
mod tail;
mod tree;
pub mod verdict;
