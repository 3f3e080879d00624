//! The store against real SQLite files, each in a directory of its own.

mod commit;
mod harness;
mod in_force;
mod law;
mod ledger;
mod open;
mod others;
mod read;
mod release;
