//! The JSON Schema of the language, generated from the authored shapes: what an editor completes and
//! underlines. It describes; the reader decides.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::yaml::diagnostic::listed;
use crate::yaml::schema::{DIALECT, finish, properties_of};

use super::kind::KINDS;
use super::spec::{FileKeys, InheritedKeys, NodeKeys, ParamKeys};

/// The JSON Schema (draft 2020-12) of a pipeline file.
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut properties = Map::new();
    for shape in [NodeKeys::json_schema, InheritedKeys::json_schema] {
        properties.extend(properties_of(shape(&mut generator)));
    }
    generator.subschema_for::<ParamKeys>();
    let mut root = properties_of(FileKeys::json_schema(&mut generator));
    root.extend(properties.clone());
    let kinds = || KINDS.map(|kind| json!({ "required": [kind] }));
    let node = json!({
        "description": format!("A node: a command line, or a mapping with exactly one of {}.", listed(KINDS)),
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "object", "properties": properties, "additionalProperties": false, "oneOf": kinds() }
        ]
    });
    let mut definitions = generator.take_definitions(true);
    definitions.insert("node".to_owned(), node);
    finish(json!({
        "$schema": DIALECT,
        "title": "Sexton pipeline",
        "type": "object",
        "properties": root,
        "additionalProperties": false,
        "oneOf": kinds(),
        "$defs": definitions,
    }))
}
