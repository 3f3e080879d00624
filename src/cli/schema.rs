//! `sexton schema`: what editors need to complete and check.

use super::args::{SchemaArgs, SchemaFile};
use super::failure::Outcome;
use super::show::out;

/// Prints a JSON Schema.
pub fn schema(args: &SchemaArgs) -> anyhow::Result<Outcome> {
    let schema = match args.file {
        SchemaFile::Pipeline => crate::pipeline::schema::json_schema(),
        SchemaFile::Calendar => crate::calendar::schema::json_schema(),
        SchemaFile::Config => crate::config::settings::json_schema(),
    };
    out::line(&serde_json::to_string_pretty(&schema)?)?;
    Ok(Outcome::Good)
}
