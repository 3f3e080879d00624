//! What holds of calendars: `traps` and `tables` of those that come with the program, the others of what people
//! write.

mod combined;
mod findings;
mod guide;
mod hostile;
mod layers;
mod model;
mod offsets;
mod rules;
mod shelf;
mod tables;
mod traps;
