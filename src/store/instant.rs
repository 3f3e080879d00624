//! Instants as the database keeps them: whole Unix milliseconds, everywhere.

use jiff::Timestamp;

use super::error::Damage;

/// The instant without what the database does not keep. A run that is stepped with such instants is
/// restored exactly as it was.
pub fn truncated(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

pub(super) fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(super) fn from_ms(ms: i64) -> Result<Timestamp, Damage> {
    Timestamp::from_millisecond(ms).map_err(|source| Damage::Instant { ms, source })
}
