//! The authored shape of a `sensor`: every key of it, which condition it belongs to, and what it means (the
//! comments are the JSON Schema's descriptions). Nothing here is checked beyond its own form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::yaml::reader::{Field, Unread};
use crate::yaml::scalars::{Length, shape};

use super::sensor::{Method, NoSlot, OnTimeout};
use super::shapes::CommandShape;

/// What a sensor waits for: one of `time`, `session`, `file`, `http`, `object`, `exec` and `run`, and what
/// there is to say about that.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct SensorKeys {
    /// A time of day, `HH:MM[:SS]`: the first at or after the run's `scheduled_at`.
    pub(crate) time: Option<Field<String>>,
    /// An instant of an exchange's session: `open + 5m`.
    pub(crate) session: Option<Field<String>>,
    /// A path, in which `*`, `?` and `[…]` may stand for something: a file of such a name is there.
    pub(crate) file: Option<Field<String>>,
    /// A URL: the server answers as it should.
    pub(crate) http: Option<Field<String>>,
    /// `s3://bucket/key`, `gs://bucket/object` or `az://container/blob`: the object is there.
    pub(crate) object: Option<Field<String>>,
    /// A command: it exits with 0. Each try is an attempt of its own, with its log.
    pub(crate) exec: Option<Unread<CommandShape>>,
    /// A pipeline: its newest run for the same logical date has succeeded.
    pub(crate) run: Option<Field<String>>,

    /// Of `time`: the IANA time zone it is meant in. Default: the pipeline's.
    pub(crate) timezone: Option<Field<String>>,
    /// Of `session`: the calendar. Default: that of the run's schedule.
    pub(crate) calendar: Option<Field<String>>,
    /// Of `file`: it has not changed for this long. Default: `10s`.
    pub(crate) stable_for: Option<Field<Length>>,
    /// Of `http`: how the server is asked. Default: `GET`.
    pub(crate) method: Option<Field<MethodWord>>,
    /// Of `http`: names and values. Values may be templates, and name secrets.
    pub(crate) headers: Option<Unread<HeadersShape>>,
    /// Of `http`: the code of a good answer, a range of codes, or a list of these. Default: `200-299`.
    pub(crate) status: Option<Unread<StatusShape>>,
    /// Of `http`: a regular expression that the answer must match somewhere.
    pub(crate) body: Option<Field<String>>,
    /// Of `object`: where the store is, if it is not its vendor's own: `http://minio:9000`.
    pub(crate) endpoint: Option<Field<String>>,
    /// Of `object` on `s3://`: the region. Default: `us-east-1`.
    pub(crate) region: Option<Field<String>>,
    /// Of `object` on `s3://`, the id of a key; on `az://`, a key of the account.
    pub(crate) access_key: Option<Field<String>>,
    /// Of `object` on `s3://`: the secret that belongs to `access_key`.
    pub(crate) secret_key: Option<Field<String>>,
    /// Of `object` on `gs://`: the JSON of a service account's key.
    pub(crate) service_account: Option<Field<String>>,
    /// Of `object` on `az://`: the storage account.
    pub(crate) account: Option<Field<String>>,
    /// Of `run`: a node of the pipeline, by its path: that has succeeded, whatever became of the run.
    pub(crate) task: Option<Field<String>>,
    /// Of `run`: from this run's logical date to the other's, `-1d` or `-1 session`. Default: none.
    pub(crate) offset: Option<Field<String>>,
    /// Of `run`: what becomes of the sensor where the pipeline has no slot for the date. Default: `skip`.
    pub(crate) no_slot: Option<Field<NoSlotWord>>,
}

/// The keys that say what a sensor waits for.
pub(crate) const CONDITIONS: [&str; 7] = ["time", "session", "file", "http", "object", "exec", "run"];

/// The other keys, each with the condition it belongs to.
pub(crate) const DETAILS: [(&str, &str); 16] = [
    ("timezone", "time"),
    ("calendar", "session"),
    ("stable_for", "file"),
    ("method", "http"),
    ("headers", "http"),
    ("status", "http"),
    ("body", "http"),
    ("endpoint", "object"),
    ("region", "object"),
    ("access_key", "object"),
    ("secret_key", "object"),
    ("service_account", "object"),
    ("account", "object"),
    ("task", "run"),
    ("offset", "run"),
    ("no_slot", "run"),
];

/// The words of `on_timeout`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnTimeoutWord {
    /// The sensor fails.
    Fail,
    /// The sensor is skipped, and so is the rest of the nearest `serial` around it.
    SkipRest,
    /// The sensor is skipped, and what comes after it goes on.
    Continue,
}

impl From<OnTimeoutWord> for OnTimeout {
    fn from(word: OnTimeoutWord) -> Self {
        match word {
            OnTimeoutWord::Fail => Self::Fail,
            OnTimeoutWord::SkipRest => Self::SkipRest,
            OnTimeoutWord::Continue => Self::Continue,
        }
    }
}

/// The words of `method`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum MethodWord {
    /// The answer with its body.
    Get,
    /// The answer without its body.
    Head,
    /// A request without a body.
    Post,
}

impl From<MethodWord> for Method {
    fn from(word: MethodWord) -> Self {
        match word {
            MethodWord::Get => Self::Get,
            MethodWord::Head => Self::Head,
            MethodWord::Post => Self::Post,
        }
    }
}

/// The words of `no_slot`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoSlotWord {
    /// The sensor is skipped.
    Skip,
    /// The sensor succeeds.
    Pass,
    /// The sensor waits, for a run that somebody starts.
    Wait,
}

impl From<NoSlotWord> for NoSlot {
    fn from(word: NoSlotWord) -> Self {
        match word {
            NoSlotWord::Skip => Self::Skip,
            NoSlotWord::Pass => Self::Pass,
            NoSlotWord::Wait => Self::Wait,
        }
    }
}

shape!(
    /// Headers and their values.
    HeadersShape, "headers",
    { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } }
);
shape!(
    /// Codes of answers.
    StatusShape, "status",
    { "anyOf": [{ "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "pattern": "^[1-5][0-9]{2}-[1-5][0-9]{2}$" },
                { "type": "array", "minItems": 1,
                  "items": { "anyOf": [{ "type": "integer", "minimum": 100, "maximum": 599 },
                                       { "type": "string", "pattern": "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$" }] } }] }
);

/// A sensor: its keys, of which exactly one says what is waited for.
#[derive(Debug)]
pub(crate) struct SensorShape;

impl JsonSchema for SensorShape {
    fn schema_name() -> Cow<'static, str> {
        "sensor".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = generator.subschema_for::<SensorKeys>();
        let one: Vec<_> = CONDITIONS.iter().map(|key| json_schema!({ "required": [key] })).collect();
        json_schema!({ "allOf": [keys], "oneOf": one })
    }
}
