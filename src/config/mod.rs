//! The daemon's settings and the reading of the configuration directory. Only daemon, command line and main
//! see this room; other rooms state their own small options.

pub mod kept;
pub mod load;
pub mod revision;
pub mod secrets;
pub mod settings;
mod spec;
