//! Files: what matches a pattern, whether it is still, and who is told of changes.

mod early;
mod inotify;
mod interests;
mod lanes;
mod look;
mod mounts;
mod pattern;
pub(super) mod scouts;
mod stillness;
