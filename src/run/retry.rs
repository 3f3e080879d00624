//! When a failed attempt is tried again. The same attempt always gets the same answer, whoever asks.

use std::time::Duration;

use crate::pipeline::policy::Retry;

use super::state::{AttemptId, RunId};

/// How long after failed attempt number `spent` (1 = the first) the next one is due. The same attempt
/// always gets the same jitter, wherever a graft has moved its node: it is a hash, the core has no randomness.
pub(super) fn retry_delay(retry: &Retry, run: RunId, attempt: AttemptId, spent: u32) -> Duration {
    let growth = retry.backoff.max(1.0).powi(i32::try_from(spent.saturating_sub(1)).unwrap_or(i32::MAX));
    let ceiling = retry.max_delay.unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY).as_secs_f64();
    let delay = (retry.delay.as_secs_f64() * growth).min(ceiling);
    let seed = splitmix(run.0.cast_unsigned() ^ splitmix(attempt.0));
    let part = (seed >> 11) as f64 / (1_u64 << 53) as f64;
    let delay = delay * (1.0 + retry.jitter * part);
    // In whole milliseconds, as instants are kept.
    Duration::from_millis(Duration::from_secs_f64(delay).as_millis() as u64)
}

/// No retry waits longer than this, whatever the backoff says.
const LONGEST_DELAY: Duration = Duration::from_hours(366 * 24);

/// The finalizer of `SplitMix64` (Steele, Lea, Flood 2014): spreads neighbouring inputs over all bits.
fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
