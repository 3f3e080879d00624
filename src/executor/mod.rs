//! Where attempts run. The engine hands over jobs and hears what became of them; it never sees a process.

pub mod job;
pub mod local;
pub mod log;
pub mod output;
pub mod trees;
