//! The command line as its users meet it: the real binary, its own state, its words and its exit codes.

mod books;
mod branches;
mod conditions;
mod desk;

mod calendar;
mod check;
mod commands;
mod example;
mod hostile;
mod interrupts;
mod lazy;
mod ledger;
mod market;
mod next;
mod objects;
mod outputs;
mod plan;
mod reading;
mod run;
mod secrets;
mod sensors;
mod slots;
mod terminal;
mod trees;
mod wrong_use;
