//! The only reader of the system clock, and what waits by it. Everything else is told the time.

use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;

/// Where "now" comes from: the system's clock, or a world that a test moves by hand.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// How long the machine has been up, sleep included. No one can set this clock, so what the other one
    /// says can be told from what it was set to.
    fn since_boot(&self) -> Duration;
    /// Ready when about this long has passed. Whoever waited asks for the time again: a machine that was
    /// suspended in between wakes its timers late.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// A wait; it ends when it is dropped.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The machine's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        Timestamp::now()
    }

    fn since_boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::try_from(time).unwrap_or_default()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}
