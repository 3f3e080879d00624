//! From an authored `sensor` to a [`Sensor`]: exactly one condition, and what belongs to it. It reports and
//! goes on. What only a calendar can tell of a text is left to whoever has the calendars.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::yaml::diagnostic::{Diagnostic, listed, nearest};
use crate::yaml::document::{ValueId, View};
use crate::yaml::reader::{self, Field, Unread};
use crate::yaml::reading::{Reading, text, value};
use crate::yaml::zone::timezone;

use super::moments::DateOffset;
use super::name;
use super::sensor::{
    Condition, Http, Method, NoSlot, Object, ObjectStore, OtherRun, Placed, Sensor, body_pattern, time_of_day,
};
use super::sensor_spec::{CONDITIONS, DETAILS, HeadersShape, SensorKeys, StatusShape};
use super::spec::{INHERITED_KEYS, NODE_KEYS, NodeKeys};
use super::text::texts::{Role, TextPlace, is_template};

/// Between the first look and the second, where nothing else is said.
const POKE_INTERVAL: Duration = Duration::from_secs(30);
/// How long a file must not have changed, where nothing else is said.
const STABLE_FOR: Duration = Duration::from_secs(10);
/// Whether this build can look for objects. What the language says of them is tested in any.
const OBJECTS: bool = cfg!(any(feature = "object-store", test));

impl Reading<'_, '_, '_> {
    /// The sensor of a node, and its texts that may be templates; `None` where it waits for nothing.
    pub(super) fn sensor(&mut self, id: ValueId, node: &NodeKeys) -> Option<(Sensor, Vec<TextPlace>)> {
        let View::Mapping(members) = self.document.view(id) else {
            let found = self.document.describe(id);
            let message = format!("`sensor` must be a mapping that says what is waited for, found {found}");
            let error = Diagnostic::error(self.document.span(id), message);
            self.found.push(error.help("for instance `sensor: {file: \"/incoming/{{ ds }}.csv\"}`"));
            return None;
        };
        let beside: Vec<&'static str> =
            NODE_KEYS.into_iter().chain(INHERITED_KEYS).filter(|key| !CONDITIONS.contains(key)).collect();
        let meant = [("stable", "stable_for"), ("path", "file"), ("url", "http"), ("pipeline", "run")];
        let keys: SensorKeys = reader::read_meaning(self.document, id, Some(&beside), &meant, self.found);
        for &key in members.iter().step_by(2) {
            let word = self.document.key(key);
            if beside.contains(&word) {
                let message = format!("`{word}` stands beside `sensor`, not inside it");
                let error = Diagnostic::error(self.document.span(key), message);
                self.found.push(error.help(format!("write `sensor: {{…}}`, and `{word}: …` below it")));
            }
        }
        let word = self.condition_word(id, members)?;
        self.misplaced_details(members, word);
        let mut texts = Vec::new();
        let condition = self.sensed(word, &keys, &mut texts)?;
        let timely = matches!(condition, Condition::Time { .. } | Condition::Session { .. });
        if let Some(interval) = node.poke_interval.as_ref().filter(|_| timely) {
            self.error(
                interval.id,
                format!("`poke_interval` means nothing on `{word}`: its instant is known"),
            );
        }
        if let (Some(on_timeout), None) = (&node.on_timeout, &node.timeout) {
            let error = Diagnostic::error(
                self.document.span(on_timeout.id),
                "`on_timeout` means nothing without a `timeout`",
            );
            self.found.push(error.help("say how long the sensor waits: `timeout: 3h`"));
        }
        let sensor = Sensor {
            condition,
            poke_interval: self.length("poke_interval", node.poke_interval.as_ref()).unwrap_or(POKE_INTERVAL),
            on_timeout: value(node.on_timeout.as_ref()).map(Into::into).unwrap_or_default(),
        };
        Some((sensor, texts))
    }

    /// The one key that says what is waited for; the first where there are two, which is reported, as is none.
    fn condition_word(&mut self, id: ValueId, members: &[ValueId]) -> Option<&'static str> {
        let document = self.document;
        let condition = |&key: &ValueId| {
            let word = CONDITIONS.into_iter().find(|word| *word == document.key(key))?;
            Some((word, document.span(key)))
        };
        let mut present = members.iter().step_by(2).filter_map(condition);
        match (present.next(), present.next()) {
            (Some((one, first)), Some((two, second))) => {
                let error = Diagnostic::error(second, "a sensor waits for one thing")
                    .label(format!("`{two}` here"))
                    .beside(first, format!("`{one}` here"))
                    .help("make each a sensor, as children of a `parallel`");
                self.found.push(error);
                Some(one)
            }
            (Some((word, _)), None) => Some(word),
            (None, _) => {
                // A misspelt condition has been reported as an unknown key, with the right spelling.
                let known = |key: &str| DETAILS.iter().any(|(detail, _)| *detail == key);
                let misspelt = members.iter().step_by(2).any(|&key| {
                    let key = document.key(key);
                    !known(key) && nearest(key, CONDITIONS).is_some()
                });
                if !misspelt {
                    let error = Diagnostic::error(document.span(id), "the sensor waits for nothing");
                    self.found.push(error.help(format!("expected one of the keys {}", listed(CONDITIONS))));
                }
                None
            }
        }
    }

    fn misplaced_details(&mut self, members: &[ValueId], word: &str) {
        for &key in members.iter().step_by(2) {
            let detail = DETAILS.iter().find(|(detail, _)| *detail == self.document.key(key));
            if let Some((detail, of)) = detail.filter(|(_, of)| *of != word) {
                let message = format!("`{detail}` means nothing on `{word}`");
                let error = Diagnostic::error(self.document.span(key), message);
                self.found.push(error.help(format!("it belongs to `{of}`")));
            }
        }
    }

    fn sensed(&mut self, word: &str, keys: &SensorKeys, texts: &mut Vec<TextPlace>) -> Option<Condition> {
        Some(match word {
            "time" => {
                let at = self.placed_template("time", keys.time.as_ref(), texts)?;
                self.unless_template(keys.time.as_ref(), |text| {
                    time_of_day(text).map_err(|error| error.to_string())
                });
                let timezone = timezone(self.document, keys.timezone.as_ref(), self.found);
                Condition::Time { at, timezone }
            }
            "session" => {
                let at = self.placed("session", keys.session.as_ref())?;
                Condition::Session { at, calendar: self.placed("calendar", keys.calendar.as_ref()) }
            }
            "file" => {
                let glob = self.template("file", keys.file.as_ref(), texts)?;
                let stable_for = value(keys.stable_for.as_ref()).map_or(STABLE_FOR, |length| length.0);
                Condition::File { glob, stable_for }
            }
            "http" => Condition::Http(self.http(keys, texts)?),
            "object" => Condition::Object(self.object(keys, texts)?),
            "exec" => {
                let exec = keys.exec.as_ref()?;
                texts.extend(self.command_texts(exec.id));
                Condition::Exec(self.command("exec", exec.id))
            }
            "run" => {
                let pipeline = self.placed_template("run", keys.run.as_ref(), texts)?;
                self.unless_template(keys.run.as_ref(), |text| {
                    name::problem(text).map_or(Ok(()), |problem| {
                        Err(format!("`run` names a pipeline, and `{}` {problem}", text.escape_debug()))
                    })
                });
                self.unless_template(keys.offset.as_ref(), |text| {
                    DateOffset::parse(text).map_err(|error| error.to_string())
                });
                Condition::Run(OtherRun {
                    pipeline,
                    task: self.placed_template("task", keys.task.as_ref(), texts),
                    offset: self.placed("offset", keys.offset.as_ref()),
                    no_slot: value(keys.no_slot.as_ref()).map_or(NoSlot::default(), Into::into),
                })
            }
            _ => return None,
        })
    }

    fn http(&mut self, keys: &SensorKeys, texts: &mut Vec<TextPlace>) -> Option<Http> {
        let url = self.template("http", keys.http.as_ref(), texts)?;
        if !url.starts_with("{{") && !url.starts_with("http://") && !url.starts_with("https://") {
            self.refuse(keys.http.as_ref(), "`http` must be a URL that begins with `https://` or `http://`");
        }
        self.unless_template(keys.body.as_ref(), |text| {
            body_pattern(text).map_err(|error| format!("not a regular expression: {error}"))
        });
        Some(Http {
            url,
            method: value(keys.method.as_ref()).map_or(Method::default(), Into::into),
            headers: keys.headers.as_ref().map(|headers| self.headers(headers, texts)).unwrap_or_default(),
            status: keys.status.as_ref().map_or_else(|| Box::from([200..=299]), |status| self.status(status)),
            body: self.template("body", keys.body.as_ref(), texts),
        })
    }

    fn headers(
        &mut self,
        headers: &Unread<HeadersShape>,
        texts: &mut Vec<TextPlace>,
    ) -> Box<[(Box<str>, Box<str>)]> {
        let document = self.document;
        if !matches!(document.view(headers.id), View::Mapping(_)) {
            let found = document.describe(headers.id);
            self.error(headers.id, format!("`headers` must be a mapping of names to values, found {found}"));
        }
        let mut all = Vec::new();
        for (key, id) in document.entries(headers.id) {
            let name = document.key(key);
            let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(token) {
                self.error(key, format!("`{}` cannot be the name of a header", name.escape_debug()));
            }
            if let Some(text) = document.text(id).filter(|_| !document.is_null(id)) {
                all.push((name.into(), text.into()));
            } else {
                let found = document.describe(id);
                self.error(id, format!("`{name}` must be a text, found {found}"));
            }
            texts.push(TextPlace { id, role: Role::Plain });
        }
        all.into()
    }

    fn status(&mut self, status: &Unread<StatusShape>) -> Box<[RangeInclusive<u16>]> {
        let mut all = Vec::new();
        let items = self.texts("status", status.id);
        if items.is_empty() {
            self.error(status.id, "`status` must name at least one code");
        }
        for item in items {
            let text = self.document.text(item).unwrap_or_default();
            if let Some(range) = codes(text) {
                all.push(range);
            } else {
                let message = format!("`{text}` is no code of an answer");
                let error = Diagnostic::error(self.document.span(item), message);
                self.found.push(error.help("expected a code from 100 to 599, or a range: `200-299`"));
            }
        }
        all.into()
    }

    fn object(&mut self, keys: &SensorKeys, texts: &mut Vec<TextPlace>) -> Option<Object> {
        if let Some(object) = keys.object.as_ref().filter(|_| !OBJECTS) {
            let error = Diagnostic::error(
                self.document.span(object.id),
                "this build of sexton cannot look for objects: it was made without the feature `object-store`",
            );
            self.found.push(error.help("the package has it; or `cargo build --features object-store`"));
        }
        let url = self.template("object", keys.object.as_ref(), texts)?;
        let [region, access_key, secret_key, service_account, account, endpoint] = [
            ("region", &keys.region),
            ("access_key", &keys.access_key),
            ("secret_key", &keys.secret_key),
            ("service_account", &keys.service_account),
            ("account", &keys.account),
            ("endpoint", &keys.endpoint),
        ]
        .map(|(key, field)| self.template(key, field.as_ref(), texts));
        let (scheme, place) = url.split_once("://").unwrap_or(("", ""));
        let (store, known): (_, &[&str]) = match scheme {
            "s3" => {
                let keys_given = match (access_key, secret_key) {
                    (Some(id), Some(secret)) => Some((id, secret)),
                    (None, None) => None,
                    (Some(_), None) | (None, Some(_)) => {
                        let half = keys.access_key.as_ref().or(keys.secret_key.as_ref());
                        self.refuse(half, "`access_key` and `secret_key` go together");
                        None
                    }
                };
                (ObjectStore::S3 { region, keys: keys_given }, &["region", "access_key", "secret_key"])
            }
            "gs" => (ObjectStore::Gcs { service_account }, &["service_account"]),
            "az" => {
                if account.is_none() {
                    self.refuse(keys.object.as_ref(), "`az://` needs the `account` whose container it is");
                }
                (
                    ObjectStore::Azure { account: account.unwrap_or_default(), access_key },
                    &["account", "access_key"],
                )
            }
            _ => {
                let message = "`object` must be a URL that begins with `s3://`, `gs://` or `az://`";
                self.refuse(keys.object.as_ref(), message);
                return None;
            }
        };
        for (key, field) in [
            ("region", &keys.region),
            ("access_key", &keys.access_key),
            ("secret_key", &keys.secret_key),
            ("service_account", &keys.service_account),
            ("account", &keys.account),
        ] {
            if !known.contains(&key) {
                self.refuse(field.as_ref(), format!("`{key}` means nothing on `{scheme}://`"));
            }
        }
        let whole = place.split_once('/').is_some_and(|(bucket, key)| !bucket.is_empty() && !key.is_empty());
        if !whole && !is_template(&url) {
            self.refuse(
                keys.object.as_ref(),
                "`object` must name a bucket and a key in it: `s3://bucket/key`",
            );
        }
        Some(Object { store, url, endpoint })
    }

    /// A text that may be a template.
    fn template(
        &mut self,
        key: &str,
        field: Option<&Field<String>>,
        texts: &mut Vec<TextPlace>,
    ) -> Option<Box<str>> {
        let text = text(field)?;
        let id = field?.id;
        if text.trim().is_empty() {
            self.error(id, format!("`{key}` is empty"));
        }
        texts.push(TextPlace { id, role: Role::Plain });
        Some(text)
    }

    /// A text that may be a template, with its place.
    fn placed_template(
        &mut self,
        key: &str,
        field: Option<&Field<String>>,
        texts: &mut Vec<TextPlace>,
    ) -> Option<Placed> {
        let text = self.template(key, field, texts)?;
        Some(Placed { text, place: self.document.span(field?.id) })
    }

    /// A text that is no template, with its place.
    fn placed(&mut self, key: &str, field: Option<&Field<String>>) -> Option<Placed> {
        let text = text(field)?;
        let id = field?.id;
        if text.trim().is_empty() {
            self.error(id, format!("`{key}` is empty"));
        }
        Some(Placed { text, place: self.document.span(id) })
    }

    /// Checks a text as it stands; one that has a template in it is checked when that is filled in.
    fn unless_template<T>(
        &mut self,
        field: Option<&Field<String>>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) {
        let written = field.and_then(|field| Some((field.id, field.value.as_deref()?)));
        if let Some((id, text)) = written.filter(|(_, text)| !is_template(text) && !text.trim().is_empty())
            && let Err(error) = read(text)
        {
            self.error(id, error);
        }
    }

    fn refuse(&mut self, field: Option<&Field<String>>, message: impl Into<String>) {
        if let Some(field) = field {
            self.error(field.id, message);
        }
    }
}

/// `404`, or `200-299`.
fn codes(text: &str) -> Option<RangeInclusive<u16>> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high): (u16, u16) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
    (low >= 100 && low <= high && high <= 599).then_some(low..=high)
}
