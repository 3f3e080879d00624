//! The daemon's checked settings. It reads a text that others have read from a file, and never the values
//! of secrets.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;

use super::spec::{ConfigKeys, SecretKeys};
use crate::pipeline::command::Command;
use crate::pipeline::definition::Defaults;
use crate::pipeline::generated::MAX_BYTES;
use crate::pipeline::kind::Kind;
use crate::pipeline::lower;
use crate::pipeline::name;
use crate::pipeline::node::{Options, Tree, TreeBuilder};
use crate::pipeline::params::Params;
use crate::pipeline::policy::Settings;
use crate::pipeline::spec::InheritedKeys;
use crate::pipeline::text::check::{World, check};
use crate::pipeline::text::secret;
use crate::size;
use crate::yaml::composer;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::yaml::document::{Document, ValueId, View};
use crate::yaml::reader;
use crate::yaml::reading::Reading;
use crate::yaml::report::SourceFile;
use crate::yaml::schema;
use crate::yaml::zone::timezone;

/// A tree of a million commands takes half of it.
const LAZY_LIMIT: u64 = 256 << 20;

/// `sexton.yaml`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What this installation is called in messages.
    pub environment: Box<str>,
    /// The IANA time zone of pipelines that name none.
    pub timezone: Box<str>,
    /// How many tasks may run at the same time.
    pub parallelism: NonZeroU32,
    /// How many bytes the tree may have that the command of a `lazy` node writes.
    pub lazy_limit: u64,
    /// What every pipeline inherits.
    pub defaults: Settings,
    /// Where the values of secrets come from, by name.
    pub secrets: BTreeMap<Box<str>, SecretSource>,
}

/// Where the value of a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// This environment variable of the daemon.
    Env(Box<str>),
    /// This file, without a newline at its end.
    File(Box<str>),
    /// This credential of the service, as systemd's `LoadCredential=` names it.
    Credential(Box<str>),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            environment: "development".into(),
            timezone: "UTC".into(),
            parallelism: NonZeroU32::MIN.saturating_add(15),
            lazy_limit: LAZY_LIMIT,
            defaults: Settings::default(),
            secrets: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What pipeline files take from here.
    pub fn for_pipelines(&self) -> Defaults {
        Defaults { settings: self.defaults.clone(), timezone: self.timezone.clone() }
    }
}

/// Reads and checks `sexton.yaml`. An empty file says nothing, and so does one that is not there: that is
/// [`Config::default`].
pub fn parse(file: &SourceFile) -> (Option<Config>, Diagnostics) {
    let mut found = Diagnostics::default();
    let config = read(file, &mut found).filter(|_| !found.has_errors());
    (config, found)
}

/// The JSON Schema (draft 2020-12) of `sexton.yaml`.
pub fn json_schema() -> serde_json::Value {
    schema::closed(ConfigKeys::json_schema, "sexton.yaml")
}

fn read(file: &SourceFile, found: &mut Diagnostics) -> Option<Config> {
    let document = composer::read(&file.text, found)?;
    let root = document.root();
    let mut config = Config::default();
    if document.is_null(root) {
        return Some(config);
    }
    if !matches!(document.view(root), View::Mapping(_)) {
        let start = document.span(root).start;
        let message = format!("sexton.yaml is a mapping, found {}", document.describe(root));
        found.push(Diagnostic::error(Span { start, end: start }, message));
        return None;
    }
    let keys: ConfigKeys = reader::read(&document, root, Some(&[]), found);
    if let Some((id, value)) = keys.environment.and_then(|field| Some((field.id, field.value?))) {
        if let Some(problem) = name::problem(&value) {
            let message = format!("the environment's name `{}` {problem}", value.escape_debug());
            found.push(Diagnostic::error(document.span(id), message).help(name::RULE));
        }
        config.environment = value.into();
    }
    if let Some(zone) = timezone(&document, keys.timezone.as_ref(), found) {
        config.timezone = zone;
    }
    if let Some(count) = keys.parallelism.and_then(|field| field.value) {
        config.parallelism = count.0;
    }
    if let Some((id, limit)) = keys.lazy_limit.and_then(|field| Some((field.id, field.value?))) {
        if limit.0 > MAX_BYTES as u64 {
            let message = format!("`lazy_limit` may be at most {}", size::show(MAX_BYTES as u64));
            found.push(Diagnostic::error(document.span(id), message));
        }
        config.lazy_limit = limit.0;
    }
    let mut used = BTreeMap::new();
    if let Some(defaults) = keys.defaults {
        let own: InheritedKeys = reader::read(&document, defaults.id, Some(&[]), found);
        // No pipeline is known here, so no node's output, no parameter and no exchange either.
        let (tree, params) = (nothing(), Params::default());
        let no_session = Some("no session here: not every pipeline has a calendar");
        let (timezone, schedules) = (&*config.timezone, &[][..]);
        let world = World {
            tree: &tree,
            own: None,
            params: &params,
            timezone,
            schedules,
            calendars: None,
            no_session,
        };
        for text in lower::setting_texts(&document, &own) {
            check(&document, text, &world, &mut used, found);
        }
        config.defaults = Reading { document: &document, found }.settings(&own, &config.defaults);
    }
    if let Some(secrets) = keys.secrets {
        read_secrets(&document, secrets.id, &mut config.secrets, found);
    }
    found.extend(secret::undeclared(&used, &config.secrets.keys()));
    Some(config)
}

/// The smallest tree there is.
fn nothing() -> Tree {
    let mut builder = TreeBuilder::new(Settings::default());
    builder.leaf("", Kind::Exec(Command::Shell(Box::default())), Options::default(), None);
    builder.finish()
}

/// The ways to say where a secret is.
const SOURCES: &str = "write `{env: VARIABLE}`, `{file: path}` or `{credential: NAME}`";

fn read_secrets(
    document: &Document<'_>,
    id: ValueId,
    secrets: &mut BTreeMap<Box<str>, SecretSource>,
    found: &mut Diagnostics,
) {
    if !matches!(document.view(id), View::Mapping(_)) {
        let message =
            format!("`secrets` must be a mapping of names to sources, found {}", document.describe(id));
        found.push(Diagnostic::error(document.span(id), message));
    }
    for (key, value) in document.entries(id) {
        let name = document.key(key);
        if !name::is_secret(name) {
            let error =
                Diagnostic::error(document.span(key), format!("`{name}` cannot be the name of a secret"));
            found.push(error.help("a name is letters, digits, `_`, `-` and `.`"));
        }
        if !matches!(document.view(value), View::Mapping(_)) {
            // Not shown: whoever writes the value itself here has to hear it, and nobody else the value.
            let error = Diagnostic::error(
                document.span(key),
                format!("the secret `{name}` must say where its value is"),
            );
            found.push(error.help(SOURCES));
            continue;
        }
        let keys: SecretKeys = reader::read(document, value, Some(&[]), found);
        let credential = keys.credential.and_then(|field| Some((field.id, field.value?)));
        if let Some((id, name)) =
            credential.as_ref().filter(|(_, name)| name.is_empty() || name.contains('/'))
        {
            let error =
                Diagnostic::error(document.span(*id), format!("`{name}` cannot be the name of a credential"));
            found.push(
                error.help(
                    "a credential is a file's name without a `/`, as `LoadCredential=` of systemd has it",
                ),
            );
        }
        let env = keys.env.and_then(|field| field.value).map(|variable| SecretSource::Env(variable.into()));
        let file = keys.file.and_then(|field| field.value).map(|path| SecretSource::File(path.into()));
        let credential = credential.map(|(_, name)| SecretSource::Credential(name.into()));
        let mut sources = [env, file, credential].into_iter().flatten();
        let (Some(source), None) = (sources.next(), sources.next()) else {
            let error =
                Diagnostic::error(document.span(key), format!("the secret `{name}` must have one source"));
            found.push(error.help(SOURCES));
            continue;
        };
        secrets.insert(name.into(), source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::report::Report;

    fn drawn(text: &str) -> String {
        let file = SourceFile::new("sexton.yaml", text);
        let (config, found) = parse(&file);
        assert_eq!(config.is_none(), found.has_errors());
        let mut report = Report::default();
        report.add(&file, found);
        report.render(false)
    }

    #[test]
    fn nothing_said_is_the_default() {
        for text in ["", "# nothing\n", "{}"] {
            assert_eq!(parse(&SourceFile::new("sexton.yaml", text)).0, Some(Config::default()), "{text:?}");
        }
        assert_eq!(Config::default().parallelism.get(), 16);
    }

    #[test]
    fn every_key_is_read() {
        let text = "environment: production\ntimezone: Europe/London\nparallelism: 4\n\
                    lazy_limit: 1GiB\n\
                    defaults: {env: {A: b}, retry: {limit: 2}, kill_grace: 30s}\n\
                    secrets: {db: {env: DB_PASSWORD}, api.key: {file: /run/key}, x: {credential: x.pem}}\n";
        let config = parse(&SourceFile::new("sexton.yaml", text)).0.unwrap();
        assert_eq!(
            (&*config.environment, &*config.timezone, config.parallelism.get()),
            ("production", "Europe/London", 4)
        );
        assert_eq!(config.lazy_limit, 1 << 30);
        assert_eq!(config.for_pipelines().settings.retry.limit, 2);
        assert_eq!(config.secrets["db"], SecretSource::Env("DB_PASSWORD".into()));
        assert_eq!(config.secrets["api.key"], SecretSource::File("/run/key".into()));
        assert_eq!(config.secrets["x"], SecretSource::Credential("x.pem".into()));
    }

    #[test]
    fn mistakes_are_shown_with_their_places() {
        insta::assert_snapshot!(drawn("timezone: Europe/Lundon\nparalellism: 4\ndefaults: {shel: bash}\nsecrets: {db: hunter2, x: {env: A, file: b}}\n"), @r#"
        error: there is no time zone `Europe/Lundon`
         --> sexton.yaml:1:11
          |
        1 | timezone: Europe/Lundon
          |           ^^^^^^^^^^^^^ did you mean `Europe/London`?

        error: unknown key `paralellism`
         --> sexton.yaml:2:1
          |
        2 | paralellism: 4
          | ^^^^^^^^^^^ did you mean `parallelism`?

        error: unknown key `shel`
         --> sexton.yaml:3:12
          |
        3 | defaults: {shel: bash}
          |            ^^^^ did you mean `shell`?

        error: the secret `db` must say where its value is
         --> sexton.yaml:4:11
          |
        4 | secrets: {db: hunter2, x: {env: A, file: b}}
          |           ^^
          |
          = help: write `{env: VARIABLE}`, `{file: path}` or `{credential: NAME}`

        error: the secret `x` must have one source
         --> sexton.yaml:4:24
          |
        4 | secrets: {db: hunter2, x: {env: A, file: b}}
          |                        ^
          |
          = help: write `{env: VARIABLE}`, `{file: path}` or `{credential: NAME}`
        "#);
        insta::assert_snapshot!(drawn("lazy_limit: 2GiB\n"), @r#"
        error: `lazy_limit` may be at most 1GiB
         --> sexton.yaml:1:13
          |
        1 | lazy_limit: 2GiB
          |             ^^^^
        "#);
        insta::assert_snapshot!(drawn("parallelism: 0\n"), @r#"
        error: `parallelism`: must be at least 1
         --> sexton.yaml:1:14
          |
        1 | parallelism: 0
          |              ^
        "#);
    }

    #[test]
    fn templates_of_the_defaults_are_checked() {
        let text = "defaults: {env: {A: '{{ ds }}', B: '{{ dss }}', C: '{{ params.x }}'}}\n";
        let found = parse(&SourceFile::new("sexton.yaml", text)).1.finish().0;
        let messages: Vec<&str> = found.iter().map(|found| &*found.message).collect();
        assert_eq!(messages, ["unknown name `dss`", "there is no parameter `x`"]);
    }

    #[test]
    fn secrets_that_the_defaults_name_are_declared_below() {
        let drawn = drawn(
            "defaults: {env: {A: '{{ secret(\"db\") }}', B: '{{ secret(\"api_key\") }}'}}\n\
             secrets: {db: {env: DB}, api-key: {env: KEY}}\n",
        );
        assert!(drawn.starts_with("warning: sexton.yaml declares no secret `api_key`"), "{drawn}");
        assert!(
            drawn.contains("did you mean `api-key`?") && drawn.matches("warning").count() == 1,
            "{drawn}"
        );
    }

    #[test]
    fn the_schema_describes_every_key() {
        let schema = json_schema();
        for (key, property) in schema["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{key}");
        }
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"].as_object().unwrap().len(), 6);
    }
}
