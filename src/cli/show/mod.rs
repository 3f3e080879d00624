//! What people see: tables, logs, and a run while it moves and when it has ended.

pub mod board;
pub mod ending;
pub mod month;
pub mod out;
pub mod slot;
pub mod summary;
pub mod table;
pub mod transition;
