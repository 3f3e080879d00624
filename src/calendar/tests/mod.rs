//! What holds of calendars.

mod traps;
