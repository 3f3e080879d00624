//! The facts of a run as templates and commands see them. They are given, all of them: nothing here asks
//! what time it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use minijinja::Value;
use minijinja::value::{Enumerator, Object, ObjectRepr};

use crate::calendar::book::Book;
use crate::calendar::calendar::Calendar;
use crate::pipeline::params::ParamValue;

use super::dates::{self, Civil, Instant, refused};
use super::secret;
use super::session::{Exchanges, OnExchange};

/// What `key=value` lines a node has written, by key.
pub type Outputs = BTreeMap<String, String>;

/// The facts of one run.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The run's id.
    pub run: String,
    /// What made the run, in a word: `scheduled`, `manual` or `backfill`.
    pub kind: &'static str,
    /// Whether no later slot of the run's schedule is due yet.
    pub is_latest: bool,
    /// The pipeline's name.
    pub pipeline: String,
    /// `environment` of sexton.yaml.
    pub environment: String,
    /// The date the run is for.
    pub logical_date: Date,
    /// In which the instants below are shown.
    pub timezone: TimeZone,
    /// The exchange whose session of that date is its session; none where there is none.
    pub calendar: Option<Arc<Calendar>>,
    /// The calendars that expressions may name.
    pub calendars: Book,
    /// The slot's instant; of a manual run, when it was asked for.
    pub scheduled_at: Timestamp,
    /// Start of the data interval.
    pub data_interval_start: Timestamp,
    /// End of the data interval, itself outside.
    pub data_interval_end: Timestamp,
    /// Bound parameters.
    pub params: Arc<BTreeMap<String, ParamValue>>,
    /// What nodes have written so far, by path.
    pub outputs: Arc<BTreeMap<String, Outputs>>,
    /// Where paths begin that have no `/` before them: the path of the generated tree in which the text is
    /// written; empty for those of a file.
    pub base: String,
}

impl Scope {
    pub(crate) fn show(&self, instant: Timestamp) -> String {
        dates::show(&self.zoned(instant))
    }

    fn zoned(&self, instant: Timestamp) -> Zoned {
        instant.to_zoned(self.timezone.clone())
    }

    /// `session`: what the logical date is on the run's exchange.
    pub(crate) fn session(&self) -> Option<OnExchange> {
        let calendar = self.calendar.clone()?;
        Some(OnExchange { calendar, date: self.logical_date })
    }

    /// `ds`.
    pub(crate) fn ds(&self) -> String {
        self.logical_date.to_string()
    }

    /// `ds_nodash`.
    pub(crate) fn ds_nodash(&self) -> String {
        self.ds().replace('-', "")
    }
}

/// Why there is no `session`.
pub(crate) const NO_CALENDAR: &str = "no calendar: give the schedule or the pipeline a `calendar:`";

/// The names of a template's world.
pub(crate) const NAMES: [&str; 14] = [
    "ds",
    "ds_nodash",
    "ts",
    "logical_date",
    "session",
    "data_interval_start",
    "data_interval_end",
    "scheduled_at",
    "run",
    "pipeline",
    "environment",
    "params",
    "outputs",
    "env",
];
/// The filters there are.
pub(crate) const FILTERS: [&str; 36] = [
    "abs",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "float",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "shquote",
    "sort",
    "split",
    "string",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
];
/// The facts as minijinja sees them; each is made when it is asked for.
pub(crate) fn context(scope: &Scope, env: &BTreeMap<Box<str>, Box<str>>) -> Value {
    let env = env.iter().map(|(name, value)| (name.to_string(), Value::from(&**value))).collect();
    Value::from_object(Facts { scope: scope.clone(), env: Value::from_object(Table(env)) })
}

#[derive(Debug)]
struct Facts {
    scope: Scope,
    env: Value,
}

impl Object for Facts {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let scope = &self.scope;
        let instant = |instant: Timestamp| Value::from_object(Instant(scope.zoned(instant)));
        Some(match key.as_str()? {
            "ds" => Value::from(scope.ds()),
            "ds_nodash" => Value::from(scope.ds_nodash()),
            "ts" => Value::from(scope.show(scope.scheduled_at)),
            "logical_date" => Value::from_object(Civil(scope.logical_date)),
            "data_interval_start" => instant(scope.data_interval_start),
            "data_interval_end" => instant(scope.data_interval_end),
            "scheduled_at" => instant(scope.scheduled_at),
            "run" => Value::from_object(ThisRun {
                id: (&*scope.run).into(),
                kind: scope.kind,
                is_latest: scope.is_latest,
            }),
            "session" => {
                scope.session().map_or_else(|| Value::from(refused(NO_CALENDAR)), Value::from_object)
            }
            "calendar" => Value::from_object(Exchanges(scope.calendars.clone())),
            "pipeline" => Value::from(&*scope.pipeline),
            "environment" => Value::from(&*scope.environment),
            "params" => {
                Value::from_object(Table(scope.params.iter().map(|(k, v)| (k.clone(), param(v))).collect()))
            }
            "outputs" => {
                Value::from_object(Written { outputs: scope.outputs.clone(), base: scope.base.clone() })
            }
            "env" => self.env.clone(),
            _ => return None,
        })
    }
}

fn param(value: &ParamValue) -> Value {
    match value {
        ParamValue::String(text) => Value::from(secret::without_marks(text)),
        ParamValue::Integer(number) => Value::from(*number),
        ParamValue::Number(number) => Value::from(*number),
        ParamValue::Boolean(truth) => Value::from(*truth),
        ParamValue::Date(date) => Value::from_object(Civil(*date)),
    }
}

/// Names and values.
#[derive(Debug)]
struct Table(BTreeMap<String, Value>);

impl Object for Table {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.get(key.as_str()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(&**name)).collect())
    }
}

#[derive(Debug)]
struct Written {
    outputs: Arc<BTreeMap<String, Outputs>>,
    base: String,
}

impl Object for Written {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let path = key.as_str()?;
        // A node that has written nothing has an empty table: then it is the key that is missing.
        let lines = match path.strip_prefix('/') {
            Some(path) => self.outputs.get(path),
            None if self.base.is_empty() => self.outputs.get(path),
            None => self.outputs.get(&format!("{}/{path}", self.base)),
        };
        let values = lines.into_iter().flatten();
        let table =
            values.map(|(key, value)| (key.clone(), Value::from(secret::without_marks(value)))).collect();
        Some(Value::from_object(Table(table)))
    }
}

/// `run`.
#[derive(Debug)]
struct ThisRun {
    id: Box<str>,
    kind: &'static str,
    is_latest: bool,
}

impl Object for ThisRun {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "id" => Value::from(&*self.id),
            "kind" => Value::from(self.kind),
            "is_latest" => Value::from(self.is_latest),
            _ => return None,
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}
