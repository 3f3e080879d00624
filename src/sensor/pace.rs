//! How often the world is asked: less and less, and not everybody at the same time. Pure.

use std::time::Duration;

/// Each pause is so many times the one before it.
const GROWTH: f64 = 1.5;
/// No pause is longer than so many of the first.
const MOST: f64 = 10.0;
/// Pauses are longer by up to this part of themselves, so that what began at once does not go on in step.
const SPREAD: f64 = 0.1;

/// The pause after a sensor has been asked `pokes` times at its pace; the same whenever it is computed.
/// `key` tells sensors apart.
pub(super) fn pause(interval: Duration, pokes: u32, key: u64) -> Duration {
    let steps = i32::try_from(pokes.saturating_sub(1)).unwrap_or(i32::MAX);
    let grown = GROWTH.powi(steps).min(MOST);
    let pause = interval.as_secs_f64() * grown * (1.0 + SPREAD * chance(key, pokes));
    Duration::try_from_secs_f64(pause).unwrap_or(Duration::MAX)
}

/// From 0 to 1, by what it is for: splitmix64's mixing of the bits.
fn chance(key: u64, pokes: u32) -> f64 {
    let mut bits = key.wrapping_add(u64::from(pokes).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    f64::from((bits ^ (bits >> 31)) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_by_half_up_to_ten_times() {
        let interval = Duration::from_secs(30);
        let table = [(1, 30.0), (2, 45.0), (3, 67.5), (4, 101.25), (6, 227.8), (7, 300.0), (8, 300.0)];
        for (pokes, least) in table.into_iter().chain([(1_000, 300.0), (u32::MAX, 300.0)]) {
            for key in 0..100 {
                let pause = pause(interval, pokes, key).as_secs_f64();
                assert!((least - 0.1..=least * 1.1 + 0.1).contains(&pause), "{pokes} pokes, {key}: {pause}");
            }
        }
        assert_eq!(pause(Duration::ZERO, 3, 1), Duration::ZERO);
        assert_eq!(pause(Duration::MAX, 9, 1), Duration::MAX);
    }

    #[test]
    fn what_began_at_once_does_not_go_on_in_step() {
        let interval = Duration::from_secs(30);
        let mut tenths = [0; 10];
        for key in 0..10_000 {
            let beyond = pause(interval, 1, key).as_millis() - 30_000;
            tenths[usize::try_from(beyond / 300).unwrap().min(9)] += 1;
        }
        assert!(tenths.iter().all(|&count| (800..1_200).contains(&count)), "{tenths:?}");
        assert_eq!(pause(interval, 5, 7), pause(interval, 5, 7));
    }
}
