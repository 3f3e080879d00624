//! The integration tests: one binary, which links once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod suite;
