//! One module a room, or a way of using the whole.

mod architecture;
mod cli;
mod keeper;
mod store;
