//! The keeper as its controller sees it: the real binary, a real socket, real processes.

pub(super) mod client;

mod crashes;
mod ends;
mod kills;
mod lost;
mod output;
mod ownership;
mod printed;
mod upgrade;
