//! One module a room, or a way of using the whole.

mod store;
