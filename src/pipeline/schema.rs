//! The JSON Schema of the language, generated from the authored shapes: what an editor completes and
//! underlines. It describes; the reader decides.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::spec::{FileKeys, InheritedKeys, NodeKeys, ParamKeys};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

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
    let kinds = || json!([{"required": ["exec"]}, {"required": ["serial"]}, {"required": ["parallel"]}]);
    let node = json!({
        "description": "A node: a command line, or a mapping with exactly one of `exec`, `serial` and `parallel`.",
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

/// The schema of a file that is one mapping of known keys.
pub(crate) fn closed(shape: fn(&mut SchemaGenerator) -> Schema, title: &str) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let properties = properties_of(shape(&mut generator));
    let definitions = generator.take_definitions(true);
    finish(json!({
        "$schema": DIALECT,
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    }))
}

fn properties_of(schema: Schema) -> Map<String, Value> {
    let mut schema = schema.to_value();
    match schema.get_mut("properties").map(Value::take) {
        Some(Value::Object(properties)) => properties,
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) | None => {
            Map::new()
        }
    }
}

/// An absent key is the only way to say nothing: `null` is taken out, and mappings are closed.
fn finish(mut schema: Value) -> Value {
    tidy(&mut schema);
    schema
}

fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            object.values_mut().for_each(tidy);
            object.remove("format");
            if object.get("properties").is_some_and(Value::is_object)
                && !object.contains_key("additionalProperties")
            {
                object.insert("additionalProperties".to_owned(), json!(false));
            }
            if let Some(Value::Array(kinds)) = object.get_mut("type") {
                kinds.retain(|kind| kind != "null");
                if let [only] = kinds.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| *choice != json!({"type": "null"}));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    object.extend(only);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
