//! The law of a run: what may happen next in a tree, and what it means. Pure: facts and the time go in,
//! effects come out. Nothing here starts, waits, reads a clock or writes.

pub mod admission;
mod advance;
mod books;
mod choose;
pub mod clear;
pub mod effect;
pub mod event;
pub mod flow;
pub mod force;
mod graft;
mod intervene;
pub mod live;
pub mod machine;
pub mod picture;
pub mod poke;
mod retry;
mod sense;
pub mod state;
#[cfg(test)]
mod tests;
pub mod view;
pub mod why;
