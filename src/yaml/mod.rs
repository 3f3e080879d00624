//! YAML as people write it: text in; values with their places out, and findings that show them. All mistakes of
//! a file in one go, and no recursion on depth. Pure; it knows no pipeline and no calendar.

pub(crate) mod composer;
pub mod diagnostic;
pub(crate) mod document;
pub(crate) mod reader;
pub(crate) mod reading;
pub mod report;
pub(crate) mod scalars;
pub(crate) mod schema;
mod syntax;
pub mod zone;
