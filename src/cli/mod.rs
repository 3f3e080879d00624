//! The command line: one file a command, each named as the word one types. `run` and `keeper` are entries
//! of the daemon; their arguments are here, their work is there.

pub mod args;
pub mod calendar;
pub mod check;
pub mod desk;
pub mod dirs;
pub mod failure;
pub mod ledger;
pub mod logs;
pub mod next;
pub mod plan;
pub mod range;
pub mod runs;
pub mod schema;
pub mod show;
pub mod slots;
pub mod tasks;
pub mod why;
