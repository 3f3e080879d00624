//! The command line as its users meet it: the real binary, its own state, its words and its exit codes.

mod desk;

mod check;
mod commands;
mod example;
mod hostile;
mod interrupts;
mod next;
mod outputs;
mod reading;
mod run;
mod terminal;
mod trees;
mod wrong_use;
