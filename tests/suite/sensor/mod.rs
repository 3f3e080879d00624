//! The watchman against the world: real files, real servers, and many waits at a time.

mod files;
mod http;
mod many;
#[cfg(feature = "object-store")]
mod object;
mod post;
pub(super) mod server;
