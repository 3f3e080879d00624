//! The forms of authored values that are read by hand, as the JSON Schema tells them. Whether a value is of its
//! form is the reader's to say.

use crate::yaml::scalars::shape;

shape!(
    /// A text, or a list of them.
    TextsShape, "texts", { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] }
);
shape!(
    /// A command line, or a program and its arguments.
    CommandShape, "command",
    { "anyOf": [{ "type": "string", "minLength": 1 },
                { "type": "array", "items": { "type": ["string", "number", "boolean"] }, "minItems": 1 }] }
);
shape!(
    /// Names and nodes.
    ChildrenShape, "children",
    { "type": "object", "minProperties": 1, "additionalProperties": { "$ref": "#/$defs/node" } }
);
shape!(
    /// Variables and their values.
    EnvShape, "env",
    { "type": "object", "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
      "additionalProperties": { "type": ["string", "number", "boolean"] } }
);
shape!(
    /// Failures.
    RetryOnShape, "failures",
    { "type": "array", "minItems": 1,
      "items": { "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 255 },
                           { "type": "string", "pattern": "^([0-9]+(-[0-9]+)?|timeout|signal|lost)$" }] } }
);
shape!(
    /// A single value.
    ScalarShape, "value", { "type": ["string", "number", "boolean"] }
);
shape!(
    /// Single values.
    ScalarsShape, "values",
    { "type": "array", "minItems": 1, "items": { "type": ["string", "number", "boolean"] } }
);
shape!(
    /// Parameters by name.
    ParamsShape, "params",
    { "type": "object", "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
      "additionalProperties": { "anyOf": [{ "type": ["string", "number", "boolean"] },
                                          { "$ref": "#/$defs/ParamKeys" }] } }
);
