//! The real engine and the real store in a simulated world: its clock, its keeper, its crashes.

pub(super) mod around;
mod chance;
mod desk;
mod fates;
mod held;
mod latest;
mod lazy;
mod market;
mod pipelines;
mod points;
mod random;
mod sights;
mod slots;
mod slots_more;
mod truth;
mod waits;
mod world;
