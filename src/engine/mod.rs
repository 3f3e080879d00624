//! The one owner of all live runs: it receives what happened, applies the law, saves, performs. It starts
//! no process and knows no SQL; it never awaits in the middle of a change.

mod choice;
mod clocks;
mod commands;
pub mod facts;
mod firing;
mod flight;
mod in_force;
mod launch;
pub mod orders;
mod others;
mod question;
pub mod recovery;
mod reports;
pub mod runner;
mod saving;
mod scheduler;
mod sensing;
mod stepping;
pub mod surroundings;
mod texts;
mod turn;
mod waiting;
mod watched;
