//! What a node says about itself, checked: authored keys become `Options`, `Settings` and commands. It
//! never looks at other nodes.

use std::collections::BTreeMap;

use crate::yaml::diagnostic::Diagnostic;
use crate::yaml::document::{ValueId, View};
use crate::yaml::reader::{Field, Unread};
use crate::yaml::reading::{Reading, text, value};

use super::command::Command;
use super::name::is_identifier;
use super::node::Options;
use super::policy::{Retry, RetryOn, Settings};
use super::spec::{InheritedKeys, NodeKeys, RetryKeys};
use super::text::texts::{Role, TextPlace};

/// Linux refuses a single argument of this many bytes.
const MAX_ARGUMENT: usize = 128 << 10;

impl Reading<'_, '_, '_> {
    /// A node's own options. Whether a key fits the kind is the caller's to check.
    pub(crate) fn options(&mut self, keys: &NodeKeys) -> Options {
        let default = Options::default();
        Options {
            description: text(keys.description.as_ref()),
            doc: text(keys.doc.as_ref()),
            tags: keys.tags.as_ref().map(|tags| self.boxed("tags", tags.id)).unwrap_or_default(),
            when: keys.when.as_ref().and_then(|when| self.condition(when)),
            trigger_rule: value(keys.trigger_rule.as_ref()).map_or(default.trigger_rule, Into::into),
            skip: value(keys.skip.as_ref()).unwrap_or(default.skip),
            suppress_errors: value(keys.suppress_errors.as_ref()).unwrap_or(default.suppress_errors),
            timeout: self.length("timeout", keys.timeout.as_ref()),
            stop_on_error: value(keys.stop_on_error.as_ref()).unwrap_or(default.stop_on_error),
            max_concurrent: value(keys.max_concurrent.as_ref()).map(|count| count.0),
        }
    }

    fn condition(&mut self, when: &Unread<String>) -> Option<Box<str>> {
        let text = self.document.text(when.id);
        if text.is_none() {
            let found = self.document.describe(when.id);
            self.error(when.id, format!("`when` must be an expression, found {found}"));
        }
        text.map(Box::from)
    }

    /// What holds from here down: `base`, and what these keys change of it.
    pub(crate) fn settings(&mut self, keys: &InheritedKeys, base: &Settings) -> Settings {
        let mut settings = base.clone();
        if let Some(env) = &keys.env {
            self.env(env.id, &mut settings.env);
        }
        if let Some(directory) = text(keys.working_dir.as_ref()) {
            settings.working_dir = Some(directory);
        }
        if let Some(shell) = &keys.shell {
            settings.shell = self.shell(shell.id);
        }
        if let Some(user) = text(keys.user.as_ref()) {
            settings.user = Some(user);
        }
        if let Some(retry) = keys.retry.as_ref().and_then(|retry| retry.value.as_ref()) {
            settings.retry = self.retry(retry);
        }
        if let Some(grace) = value(keys.kill_grace.as_ref()) {
            settings.kill_grace = grace.0;
        }
        settings
    }

    fn env(&mut self, id: ValueId, env: &mut BTreeMap<Box<str>, Box<str>>) {
        let document = self.document;
        if !matches!(document.view(id), View::Mapping(_)) {
            let found = document.describe(id);
            return self.error(id, format!("`env` must be a mapping of names to values, found {found}"));
        }
        for (key, value) in document.entries(id) {
            let name = document.key(key);
            if !is_identifier(name) {
                self.error(key, format!("`{name}` cannot be the name of an environment variable"));
            } else if name.starts_with("SEXTON_") {
                self.error(key, format!("`{name}`: names that begin with `SEXTON_` are set by Sexton"));
            }
            match document.view(value) {
                // `""` is a value too; an empty place is a mistake.
                View::Scalar { text, .. } if !document.is_null(value) => {
                    env.insert(name.into(), text.into());
                }
                View::Scalar { .. } | View::List(_) | View::Mapping(_) => {
                    let found = document.describe(value);
                    let error = Diagnostic::error(
                        document.span(value),
                        format!("`{name}` must be a text, found {found}"),
                    );
                    self.found.push(error.help("for an empty value write \"\""));
                }
            }
        }
    }

    /// `bash -c` as one text is split at blanks; a list is taken as it is.
    fn shell(&mut self, id: ValueId) -> Box<[Box<str>]> {
        let shell: Box<[Box<str>]> = match self.document.text(id) {
            Some(line) => line.split_whitespace().map(Box::from).collect(),
            None => self.boxed("shell", id),
        };
        if shell.is_empty() {
            self.error(id, "`shell` must name a program");
        }
        shell
    }

    fn retry(&mut self, keys: &RetryKeys) -> Retry {
        let default = Retry::default();
        let mut bounded = |field: Option<&Field<f64>>, default: f64, low: f64, high: f64, words: &str| {
            let Some((id, number)) = field.and_then(|field| Some((field.id, field.value?))) else {
                return default;
            };
            if (low..=high).contains(&number) {
                return number;
            }
            let found = self.document.describe(id);
            self.error(id, format!("{words}, found {found}"));
            default
        };
        let backoff =
            bounded(keys.backoff.as_ref(), default.backoff, 1.0, 1000.0, "`backoff` must be from 1 to 1000");
        let jitter = bounded(keys.jitter.as_ref(), default.jitter, 0.0, 1.0, "`jitter` must be from 0 to 1");
        Retry {
            limit: value(keys.limit.as_ref()).unwrap_or(default.limit),
            delay: value(keys.delay.as_ref()).map_or(default.delay, |delay| delay.0),
            backoff,
            max_delay: self.length("max_delay", keys.max_delay.as_ref()),
            jitter,
            on: keys.on.as_ref().map_or(default.on, |on| self.retry_on(on.id)),
        }
    }

    fn retry_on(&mut self, id: ValueId) -> RetryOn {
        let (mut codes, mut timeout, mut signal, mut lost) = (Vec::new(), false, false, false);
        let items = self.texts("on", id);
        if items.is_empty() {
            self.error(id, "`on` must name at least one failure");
        }
        for item in items {
            match self.document.text(item).unwrap_or_default() {
                "timeout" => timeout = true,
                "signal" => signal = true,
                "lost" => lost = true,
                code => {
                    if let Some(range) = exit_codes(code) {
                        codes.extend(range);
                    } else {
                        let message = format!("`{code}` is no failure to retry on");
                        let expected = "expected an exit code from 1 to 255, a range (`64-78`), `timeout`, `signal` or `lost`";
                        self.found.push(Diagnostic::error(self.document.span(item), message).help(expected));
                    }
                }
            }
        }
        codes.sort_unstable();
        codes.dedup();
        RetryOn::Only { codes: codes.into(), timeout, signal, lost }
    }

    /// The command that stands at `key`, or the text that is a whole node.
    pub(crate) fn command(&mut self, key: &str, id: ValueId) -> Command {
        let document = self.document;
        let too_long = |text: &str| text.len() >= MAX_ARGUMENT;
        let command = match document.view(id) {
            View::Scalar { text, .. } if !text.trim().is_empty() && !document.is_null(id) => {
                if too_long(text) {
                    self.error(
                        id,
                        "a command line must be shorter than 128 KiB: Linux takes no longer argument",
                    );
                }
                return Command::Shell(text.into());
            }
            View::Scalar { .. } | View::Mapping(_) => None,
            View::List(items) => Some(items),
        };
        let Some(items) = command.filter(|items| !items.is_empty()) else {
            let found = document.describe(id);
            let message = format!(
                "`{key}` must be a command line, or a list of a program and its arguments, found {found}"
            );
            self.error(id, message);
            return Command::Shell(Box::default());
        };
        for &item in items {
            match document.view(item) {
                View::Scalar { text, .. } if too_long(text) => {
                    self.error(item, "an argument must be shorter than 128 KiB");
                }
                View::Scalar { .. } if !document.is_null(item) => {}
                View::Scalar { .. } | View::List(_) | View::Mapping(_) => {
                    let found = document.describe(item);
                    self.error(item, format!("an argument must be a text, found {found}"));
                }
            }
        }
        if document.text(items[0]).is_some_and(|program| program.trim().is_empty()) {
            self.error(items[0], "the program's name is empty");
        }
        Command::Argv(items.iter().map(|&item| document.text(item).unwrap_or_default().into()).collect())
    }

    /// The texts of a command.
    pub(crate) fn command_texts(&self, id: ValueId) -> Vec<TextPlace> {
        match self.document.view(id) {
            View::List(items) => items.iter().map(|&id| TextPlace { id, role: Role::Plain }).collect(),
            View::Scalar { .. } | View::Mapping(_) => vec![TextPlace { id, role: Role::ShellLine }],
        }
    }
}

fn exit_codes(text: &str) -> Option<std::ops::RangeInclusive<u8>> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high): (u8, u8) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (low >= 1 && low <= high).then_some(low..=high)
}
