//! The only reader of the system clock. Everything else is told the time.

use jiff::Timestamp;

/// Where "now" comes from: the system's clock, or a world that a test moves by hand.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        Timestamp::now()
    }
}
