//! The integration tests: one binary, which links once.

mod suite;
