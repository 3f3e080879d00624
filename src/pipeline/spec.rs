//! The authored shapes of a pipeline file: every key, and what it means (the comments are the JSON Schema's
//! descriptions). Only this room and `config` know them; nothing here is checked beyond its own form.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::yaml::reader::{Field, Unread};
use crate::yaml::scalars::{Count, Day, Length};

use super::node::TriggerRule;
use super::schedule_spec::ScheduleShape;
use super::sensor_spec::{OnTimeoutWord, SensorShape};
use super::shapes::{
    ChildrenShape, CommandShape, EnvShape, ParamsShape, RetryOnShape, ScalarShape, ScalarsShape, TextsShape,
};

/// A pipeline file: these keys, and those of its root node.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct FileKeys {
    /// The pipeline's name. Default: the file's name without its ending.
    pub(crate) name: Option<Field<String>>,
    /// The IANA time zone of the pipeline's dates and times, e.g. `America/New_York`. Default: that of
    /// sexton.yaml, else UTC.
    pub(crate) timezone: Option<Field<String>>,
    /// What may be given when a run is triggered: a name, and a default value or a mapping with `type`,
    /// `default`, `enum`, `pattern`, `required` and `description`.
    pub(crate) params: Option<Unread<ParamsShape>>,

    /// The calendar whose sessions its conditions ask for, by its code, where no schedule of sessions has made
    /// the run.
    pub(crate) calendar: Option<Field<String>>,
    /// When it runs by itself: a crontab(5) expression, a mapping with `cron`, or with `calendar` and `at` or
    /// `every`, or a list of these.
    pub(crate) schedule: Option<Unread<ScheduleShape>>,
    /// What becomes of slots that were missed. Default: `latest`.
    pub(crate) catchup: Option<Field<CatchupWord>>,
    /// A slot older than this makes no run any more, also while its run waits to start. Default: none.
    pub(crate) starting_deadline: Option<Field<Length>>,
    /// A slot that is late by no more than this was not missed. Default: `60s`.
    pub(crate) grace: Option<Field<Length>>,
    /// What a slot does that comes due while `max_active_runs` are under way. Default: `queue`.
    pub(crate) overlap: Option<Field<OverlapWord>>,
    /// How many runs of the pipeline may be under way at the same time, of all kinds; at least 1. Default: 1.
    pub(crate) max_active_runs: Option<Field<Count>>,
    /// The first logical date that its schedules make a run for.
    pub(crate) start_date: Option<Field<Day>>,
    /// The last logical date that its schedules make a run for.
    pub(crate) end_date: Option<Field<Day>>,
}

/// The names of [`FileKeys`].
pub(crate) const FILE_KEYS: [&str; 12] = [
    "name",
    "timezone",
    "params",
    "calendar",
    "schedule",
    "catchup",
    "starting_deadline",
    "grace",
    "overlap",
    "max_active_runs",
    "start_date",
    "end_date",
];

/// A node of the tree.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct NodeKeys {
    /// Runs a command: a text goes to `shell`, a list is a program and its arguments without a shell.
    pub(crate) exec: Option<Unread<CommandShape>>,
    /// Runs its children one after another, in the order they are written.
    pub(crate) serial: Option<Unread<ChildrenShape>>,
    /// Runs its children at the same time.
    pub(crate) parallel: Option<Unread<ChildrenShape>>,
    /// Runs the first child whose `when` holds, or that has none; the others are skipped. With `choose` beside
    /// it, those that `choose` names.
    pub(crate) branch: Option<Unread<ChildrenShape>>,
    /// Waits until something is true.
    pub(crate) sensor: Option<Unread<SensorShape>>,
    /// Runs a command that writes a tree of nodes, and then that tree.
    pub(crate) lazy: Option<Unread<CommandShape>>,

    /// One line: what the node is for.
    pub(crate) description: Option<Field<String>>,
    /// Markdown for whoever has to mend it.
    pub(crate) doc: Option<Field<String>>,
    /// Free words for finding it.
    pub(crate) tags: Option<Unread<TextsShape>>,
    /// An expression; where it is false the node and all below it are skipped.
    pub(crate) when: Option<Unread<String>>,
    /// When the node may start, given how its predecessors ended. Default: `all_success`.
    pub(crate) trigger_rule: Option<Field<RuleWord>>,
    /// Extra predecessors, by path from the root: a text or a list.
    pub(crate) after: Option<Unread<TextsShape>>,
    /// Skips the node and all below it.
    pub(crate) skip: Option<Field<bool>>,
    /// A failure of this node counts as success for everything around it.
    pub(crate) suppress_errors: Option<Field<bool>>,
    /// How long it may take: an `exec`, each attempt; a `sensor`, the whole wait; a container, from its start
    /// to its last child's end.
    pub(crate) timeout: Option<Field<Length>>,
    /// Of a `serial`: whether the failure of a child holds the next ones back. Default: `true`.
    pub(crate) stop_on_error: Option<Field<bool>>,
    /// Of a container: how many leaves may run below it at the same time; at least 1. Sensors do not count.
    pub(crate) max_concurrent: Option<Field<Count>>,
    /// Of a `branch`: a command that runs first. The last line of its output names the children to run, with
    /// commas between; where it is empty, none.
    pub(crate) choose: Option<Unread<CommandShape>>,
    /// Of a `sensor`: how long after its first look it looks again. Each further pause is half as long again
    /// as the one before, up to ten times the first. Default: `30s`.
    pub(crate) poke_interval: Option<Field<Length>>,
    /// Of a `sensor` with a `timeout`: what becomes of it then. Default: `fail`.
    pub(crate) on_timeout: Option<Field<OnTimeoutWord>>,
}

/// The names of [`NodeKeys`].
pub(crate) const NODE_KEYS: [&str; 20] = [
    "exec",
    "serial",
    "parallel",
    "branch",
    "sensor",
    "lazy",
    "description",
    "doc",
    "tags",
    "when",
    "trigger_rule",
    "after",
    "skip",
    "suppress_errors",
    "timeout",
    "stop_on_error",
    "max_concurrent",
    "choose",
    "poke_interval",
    "on_timeout",
];

/// What other programs call a key of a node, and what that is here.
pub(crate) const ELSEWHERE: [(&str, &str); 16] = [
    ("retries", "retry"),
    ("max_retries", "retry"),
    ("depends_on", "after"),
    ("depends", "after"),
    ("dependencies", "after"),
    ("needs", "after"),
    ("upstream", "after"),
    ("command", "exec"),
    ("cmd", "exec"),
    ("run", "exec"),
    ("script", "exec"),
    ("bash", "exec"),
    ("if", "when"),
    ("condition", "when"),
    ("environment", "env"),
    ("cwd", "working_dir"),
];

/// The keys that a node, or `defaults` of sexton.yaml, hands down to everything below.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct InheritedKeys {
    /// Environment variables of the commands; merged key by key with those of the containers around.
    /// Values may be templates. Inherited.
    pub(crate) env: Option<Unread<EnvShape>>,
    /// The directory commands start in. Default: the parent of the configuration directory. Inherited.
    pub(crate) working_dir: Option<Field<String>>,
    /// What a command line is handed to as its last argument: a text or a list. Default: `/bin/sh -c`.
    /// Inherited.
    pub(crate) shell: Option<Unread<TextsShape>>,
    /// The user commands run as. Inherited.
    pub(crate) user: Option<Field<String>>,
    /// What happens after a failed attempt. Inherited as a whole.
    pub(crate) retry: Option<Field<RetryKeys>>,
    /// How long a command may take to end after SIGTERM before it is killed. Default: `10s`. Inherited.
    pub(crate) kill_grace: Option<Field<Length>>,
}

/// The names of [`InheritedKeys`].
pub(crate) const INHERITED_KEYS: [&str; 6] = ["env", "working_dir", "shell", "user", "retry", "kill_grace"];

/// Retries.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct RetryKeys {
    /// Retries after the first attempt: 1 retry is 2 attempts.
    pub(crate) limit: Option<Field<u32>>,
    /// Before the first retry. Default: none.
    pub(crate) delay: Option<Field<Length>>,
    /// Each further delay is this many times the one before; at least 1. Default: 1.
    pub(crate) backoff: Option<Field<f64>>,
    /// No delay is longer, jitter apart.
    pub(crate) max_delay: Option<Field<Length>>,
    /// 0 to 1: each delay is lengthened by up to this part of itself.
    pub(crate) jitter: Option<Field<f64>>,
    /// Which failures are tried again: exit codes (`75`), ranges of them (`64-78`), `timeout`, `signal`,
    /// `lost`. Default: all.
    pub(crate) on: Option<Unread<RetryOnShape>>,
}

/// A parameter that says more than its default value.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct ParamKeys {
    /// What its values are. Default: as the `default` is spelled, else `string`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<Field<ParamWord>>,
    /// Its value where none is given.
    pub(crate) default: Option<Unread<ScalarShape>>,
    /// The values it may have.
    #[serde(rename = "enum")]
    pub(crate) choices: Option<Unread<ScalarsShape>>,
    /// A regular expression that the whole of a string must match.
    pub(crate) pattern: Option<Field<String>>,
    /// Whether a trigger must give it. Default: `true` where there is no default.
    pub(crate) required: Option<Field<bool>>,
    /// One line for the form.
    pub(crate) description: Option<Field<String>>,
}

/// The words of `catchup`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CatchupWord {
    /// They stay missed.
    None,
    /// The latest one makes a run.
    Latest,
    /// Each one makes a run.
    All,
}

/// The words of `overlap`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OverlapWord {
    /// Its run waits.
    Queue,
    /// It makes no run.
    Skip,
    /// The oldest scheduled run under way is cancelled for it.
    CancelRunning,
}

/// The words of `trigger_rule`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleWord {
    /// None of the predecessors failed, was `upstream_failed` or cancelled.
    AllSuccess,
    /// They have all ended, however.
    AllDone,
    /// At least one failed or was `upstream_failed`; otherwise the node is skipped.
    OneFailed,
}

impl From<RuleWord> for TriggerRule {
    fn from(word: RuleWord) -> Self {
        match word {
            RuleWord::AllSuccess => Self::AllSuccess,
            RuleWord::AllDone => Self::AllDone,
            RuleWord::OneFailed => Self::OneFailed,
        }
    }
}

/// The words of a parameter's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ParamWord {
    /// Any text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
}
