//! Tests from outside, by room.

mod keeper;
