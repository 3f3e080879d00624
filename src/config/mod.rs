//! The daemon's settings: `sexton.yaml` as text in, a checked `Config` out. Seen by daemon, cli and main only.

pub mod settings;
mod spec;
