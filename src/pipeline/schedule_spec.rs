//! The authored shapes of a schedule: every key, and what it means (the comments are the JSON Schema's
//! descriptions). Only this room knows them; nothing here is checked beyond its own form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::yaml::reader::{Field, Unread};
use crate::yaml::scalars::{Length, shape};

/// A schedule that says more than its expression: `cron`, or the sessions of a `calendar`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct ScheduleKeys {
    /// When: five fields as in crontab(5), six with seconds first, or a word like `@daily`.
    pub(crate) cron: Option<Field<String>>,
    /// Whose sessions: the code of a calendar, or `all_of` or `any_of` several. Beside `cron`: it fires on dates
    /// with a session only.
    pub(crate) calendar: Option<Unread<CalendarShape>>,
    /// When, once a session: `open`, `close`, `next_open`, `prev_close` or a time of day, and from there `+` or `-`
    /// a duration or `n sessions`.
    pub(crate) at: Option<Field<String>>,
    /// How long after one another, again and again during each session, but for its break.
    pub(crate) every: Option<Field<Length>>,
    /// Of `every`: the first and the last, both included, written as `at` is. Default: `[open, close]`.
    pub(crate) between: Option<Unread<BetweenShape>>,
    /// Which sessions: a word or a list of words, of which any is enough. Default: all.
    pub(crate) days: Option<Unread<DaysShape>>,
    /// Of `cron` with a `calendar`: what becomes of a date without a session. Default: `skip`.
    pub(crate) roll: Option<Field<RollWord>>,
    /// The IANA time zone of its times and dates. Default: the pipeline's; with `at`, the exchange's.
    pub(crate) timezone: Option<Field<String>>,
    /// What its fixed times do where the clock jumps. Default: what Debian's cron does.
    pub(crate) dst: Option<Field<DstKeys>>,
    /// Its name within the pipeline. Default, where it is the only one: `default`.
    pub(crate) name: Option<Field<String>>,
}

/// The names of [`ScheduleKeys`].
pub(crate) const SCHEDULE_KEYS: [&str; 10] =
    ["cron", "calendar", "at", "every", "between", "days", "roll", "timezone", "dst", "name"];

/// The forms of `calendar` that name several.
pub(crate) const JOINTS: [&str; 2] = ["all_of", "any_of"];

/// Where the clock jumps.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct DstKeys {
    /// A time that the clock leaves out.
    pub(crate) gap: Option<Field<GapWord>>,
    /// A time that comes twice.
    pub(crate) overlap: Option<Field<FoldWord>>,
}

/// The words of `gap`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GapWord {
    /// It runs right after the jump.
    After,
    /// It does not run on that day.
    Skip,
}

/// The words of `overlap` inside `dst`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FoldWord {
    /// It runs the first time.
    First,
    /// It runs the second time.
    Second,
    /// It runs both times.
    Both,
}

/// The words of `roll`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RollWord {
    /// It makes no run.
    Skip,
    /// It runs at the same time of the session date before.
    Previous,
    /// It runs at the same time of the session date after.
    Next,
}

shape!(
    /// A calendar, or several taken together.
    CalendarShape, "calendar",
    { "anyOf": [{ "type": "string", "minLength": 1 },
                { "type": "object", "minProperties": 1, "additionalProperties": false,
                  "properties": {
                    "all_of": { "type": "array", "minItems": 1, "items": { "type": "string" } },
                    "any_of": { "type": "array", "minItems": 1, "items": { "type": "string" } } } }] }
);
shape!(
    /// Two offsets.
    BetweenShape, "between",
    { "type": "array", "minItems": 2, "maxItems": 2, "items": { "type": "string", "minLength": 1 } }
);
shape!(
    /// Words for sessions.
    DaysShape, "days",
    { "anyOf": [{ "type": "string" }, { "type": "array", "minItems": 1, "items": { "type": "string" } }] }
);

/// One schedule, or several.
#[derive(Debug)]
pub(crate) struct ScheduleShape;

impl JsonSchema for ScheduleShape {
    fn schema_name() -> Cow<'static, str> {
        "schedule".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = generator.subschema_for::<ScheduleKeys>();
        let text = json_schema!({ "type": "string", "minLength": 1 });
        let kinds = [["cron"].as_slice(), &["calendar", "at"], &["calendar", "every"]];
        let mapping = |more: &[&str]| {
            let kinds = kinds.map(|kind| {
                let required = [kind, more].concat();
                json_schema!({ "required": required })
            });
            json_schema!({ "allOf": [keys], "anyOf": kinds })
        };
        let single = json_schema!({ "anyOf": [text, mapping(&[])] });
        json_schema!({
            "anyOf": [
                single,
                { "type": "array", "minItems": 1, "maxItems": 1, "items": single },
                { "type": "array", "minItems": 2, "items": mapping(&["name"]) }
            ]
        })
    }
}
