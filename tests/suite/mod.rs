//! Tests from outside, by room, and of the house as a whole.

mod architecture;
