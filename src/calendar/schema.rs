//! The JSON Schema of calendar files, generated from the authored shape: what an editor completes and underlines.
//! It describes; the reader decides.

use schemars::JsonSchema as _;

use crate::yaml::schema;

use super::spec::FileKeys;

/// The JSON Schema (draft 2020-12) of a calendar file.
pub fn json_schema() -> serde_json::Value {
    schema::closed(FileKeys::json_schema, "Sexton calendar")
}
