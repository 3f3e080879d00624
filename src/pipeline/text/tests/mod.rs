//! Tests of what texts come to, given what they see.

mod dates;
mod sessions;
mod templates;
