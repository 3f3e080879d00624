//! Sexton: a daemon that replaces cron for teams whose nights are data loads.
//!
//! The map, from the ground up:
//! - [`duration`]: lengths of time as people write them
//! - [`mask`]: hiding secrets in what is written and told
//! - [`size`]: amounts of bytes as people write them
//! - [`yaml`]: files as people write them, with places and findings
//! - [`clock`]: the only reader of the system clock
//! - [`calendar`]: when exchanges trade, and what their holidays are called
//! - [`schedule`]: which instants a schedule names, and what becomes of each
//! - [`pipeline`]: the words: nodes, policies, and how a file becomes a tree of them
//! - [`config`]: the daemon's settings, and reading the configuration directory
//! - [`run`]: the law: what may happen next in a tree, and what it means
//! - [`store`]: what is remembered: definitions, runs and their facts, in one SQLite file
//! - [`keeper`]: the other process: it owns local attempts and outlives the daemon
//! - [`executor`]: where attempts run: jobs go in, reports come out
//! - [`sensor`]: looking out for what runs wait for: files, web addresses, objects
//! - [`control`]: the engine's mailbox: what people may ask of live runs
//! - [`wire`]: the JSON shapes that leave the house
//! - [`engine`]: the one owner of all live runs: receive, apply, save, perform
//! - [`cli`]: the command line, one file a command
//! - [`daemon`]: the composition root

pub mod calendar;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod duration;
pub mod engine;
pub mod executor;
pub mod keeper;
pub mod mask;
pub mod pipeline;
pub mod run;
pub mod schedule;
pub mod sensor;
pub mod size;
pub mod store;
pub mod wire;
pub mod yaml;
