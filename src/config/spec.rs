//! The authored shape of `sexton.yaml`: every key, and what it means (the comments are the JSON Schema's
//! descriptions).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::pipeline::spec::InheritedKeys;
use crate::yaml::reader::{Field, Unread};
use crate::yaml::scalars::{Count, Size};

/// The daemon's settings.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct ConfigKeys {
    /// What this installation is called in messages, e.g. `production`. Default: `development`.
    pub(super) environment: Option<Field<String>>,
    /// The IANA time zone of pipelines that name none. Default: `UTC`.
    pub(super) timezone: Option<Field<String>>,
    /// How many tasks may run at the same time, of all pipelines together. Default: 16.
    pub(super) parallelism: Option<Field<Count>>,
    /// How large the tree may be that the command of a `lazy` node writes. Default: `256MiB`.
    pub(super) lazy_limit: Option<Field<Size>>,
    /// What every pipeline inherits.
    pub(super) defaults: Option<Unread<InheritedKeys>>,
    /// Where the values of secrets come from, by name.
    pub(super) secrets: Option<Unread<SecretsShape>>,
}

/// Where a secret's value comes from: exactly one of these.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct SecretKeys {
    /// An environment variable of the daemon.
    pub(super) env: Option<Field<String>>,
    /// A file; a newline at its end does not count.
    pub(super) file: Option<Field<String>>,
    /// A credential of the service, as `LoadCredential=` of its systemd unit names it; a newline at its end does
    /// not count.
    pub(super) credential: Option<Field<String>>,
}

/// Secrets by name.
#[derive(Debug)]
pub(super) struct SecretsShape;

impl JsonSchema for SecretsShape {
    fn schema_name() -> Cow<'static, str> {
        "secrets".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let source = generator.subschema_for::<SecretKeys>();
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$" },
            "additionalProperties": { "allOf": [source], "minProperties": 1, "maxProperties": 1 }
        })
    }
}
