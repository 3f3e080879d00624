//! The real engine and the real store in a simulated world: its clock, its keeper, its crashes.

mod chance;
mod desk;
mod fates;
mod held;
mod lazy;
mod pipelines;
mod points;
mod random;
mod slots;
mod slots_more;
mod truth;
mod world;
