//! How findings look.
