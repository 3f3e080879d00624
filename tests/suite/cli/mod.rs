//! The command line as its users meet it: the real binary, its own state, its words and its exit codes.

mod books;
mod branches;
mod desk;

mod check;
mod commands;
mod example;
mod hostile;
mod interrupts;
mod lazy;
mod ledger;
mod next;
mod outputs;
mod plan;
mod reading;
mod run;
mod slots;
mod terminal;
mod trees;
mod wrong_use;
