//! The store against real SQLite files, each in a directory of its own.

mod harness;
mod law;
