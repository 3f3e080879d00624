//! Exchange calendars: which dates have a session, when it opens and closes, and what the others are called.
//! Pure: text and zone data go in; it never knows what day it is.

pub mod book;
#[expect(clippy::module_inception, reason = "the room is named for the thing that it is about")]
pub mod calendar;
mod carried;
pub mod hours;
pub mod joint;
mod making;
pub mod offset;
mod read;
mod remarks;
mod row;
mod rule;
pub mod schema;
pub mod session;
mod sheet;
mod shelf;
mod spec;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod week;
