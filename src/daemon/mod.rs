//! The composition root: the only room that knows all others. It wires them for `sexton serve`, `sexton run`
//! and `sexton keeper`, and takes them apart again.

pub mod chronicle;
pub mod foreground;
pub mod log;
pub mod serve;
pub mod surroundings;
