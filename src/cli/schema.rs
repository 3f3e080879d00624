//! `sexton schema`: what editors need to complete and check.

use clap::{Args, ValueEnum};

use super::failure::Outcome;
use super::show::out;

/// `sexton schema`
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which file's
    #[arg(value_enum, default_value = "pipeline")]
    pub file: SchemaFile,
}

/// The files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaFile {
    /// A pipeline file
    Pipeline,
    /// sexton.yaml
    Config,
    /// A calendar file
    Calendar,
}

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
