//! `sexton schema`: what editors need to complete and check.

use super::args::{SchemaArgs, SchemaFile};
use super::failure::Outcome;

/// Prints a JSON Schema.
pub fn schema(args: &SchemaArgs) -> anyhow::Result<Outcome> {
    let schema = match args.file {
        SchemaFile::Pipeline => serde_json::json!({}),
        SchemaFile::Config => serde_json::json!({}),
    };
    println!("{}", serde_json::to_string_pretty(&schema)?);
    Ok(Outcome::Good)
}
