//! One module a room, or a way of using the whole.

mod architecture;
mod cli;
mod crash;
mod keeper;
mod sensor;
mod serve;
mod simulation;
mod store;
