//! The store against real SQLite files, each in a directory of its own.

mod commit;
mod harness;
mod law;
mod open;
mod read;
mod release;
