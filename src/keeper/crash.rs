//! Named points at which a test lets the keeper die, as `kill -9` would. Only debug builds have them.

/// Dies here if `SEXTON_KEEPER_CRASH` is `name`, or `name:n` at the n-th passing. Nothing in release builds.
#[cfg(debug_assertions)]
pub fn point(name: &str) {
    if due(name) {
        die();
    }
}

/// Nothing, in a release build.
#[cfg(not(debug_assertions))]
#[inline]
pub fn point(_name: &str) {}

/// Whether [`point`] would die here: for a point that has something to do first. Counts as a passing.
#[cfg(debug_assertions)]
pub fn due(name: &str) -> bool {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let wanted = WANTED.get_or_init(|| {
        let value = std::env::var("SEXTON_KEEPER_CRASH").ok()?;
        let (name, nth) = value.split_once(':').unwrap_or((&value, "1"));
        Some((name.to_owned(), nth.parse().unwrap_or(1)))
    });
    match wanted {
        Some((wanted, nth)) if wanted == name => PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *nth,
        Some(_) | None => false,
    }
}

/// Never, in a release build.
#[cfg(not(debug_assertions))]
#[inline]
pub fn due(_name: &str) -> bool {
    false
}

/// Ends this process as `kill -9` would.
pub fn die() -> ! {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}
