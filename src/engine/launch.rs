//! From a node to a job: templates are filled in, the environment is put together, secrets are put in last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::executor::job::Job;
use crate::executor::output::Places;
use crate::pipeline::command::Command;
use crate::pipeline::environment::{attempt_facts, facts};
use crate::pipeline::kind::Kind;
use crate::pipeline::node::NodeId;
use crate::pipeline::scope::Scope;
use crate::pipeline::sensor::Condition;
use crate::pipeline::{secret, template};
use crate::run::live::Live;
use crate::run::state::{AttemptId, State};

/// What is the same for every command.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where commands start that do not say where: the configuration's parent directory.
    pub directory: PathBuf,
    /// `PATH HOME USER SHELL LANG`, as every command sees them.
    pub base: Vec<(String, String)>,
    /// Values of secrets, by name.
    pub secrets: Arc<dyn Secrets>,
}

/// Where the values of secrets come from.
pub trait Secrets: std::fmt::Debug + Send + Sync {
    /// The value of a secret, or why it cannot be had, in words.
    fn value(&self, name: &str) -> Result<String, String>;
}

/// The job for an attempt of a leaf, or why there can be none, in words.
pub fn job(
    live: &Live,
    node: NodeId,
    attempt: AttemptId,
    places: &Places,
    around: &Surroundings,
    now: Timestamp,
) -> Result<Job, String> {
    let tree = live.run.tree();
    let settings = tree.settings(node);
    let command = command(tree.kind(node)).ok_or_else(|| "it is no command".to_owned())?;
    let path = tree.path(node);
    let number = live.run.entry(node).attempts;
    let told = |what: &str, error: template::TemplateError| format!("{what}: {error}");
    let own = live.env(node).map_err(|error| told("its env", error))?;
    let render = |scope: &Scope, what: &str, text: &str| {
        template::render(text, scope, &own).map_err(|error| told(what, error))
    };
    let scope = live.scope_of(node);
    let argv = match command {
        Command::Shell(line) => {
            let around = live.scope_of_inherited(node, |other| other.shell == settings.shell);
            let shell = settings.shell.iter().map(|word| render(&around, "its shell", word));
            shell.chain([render(&scope, "its command", line)]).collect::<Result<Vec<_>, _>>()?
        }
        Command::Argv(words) => {
            words.iter().map(|word| render(&scope, "its command", word)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let working_dir = match &settings.working_dir {
        Some(text) => {
            let scope = live.scope_of_inherited(node, |other| other.working_dir.as_ref() == Some(text));
            around.directory.join(render(&scope, "its working_dir", text)?)
        }
        None => around.directory.clone(),
    };
    let scope = live.scope_of_inherited(node, |other| other.user == settings.user);
    let user = settings.user.as_deref().map(|text| render(&scope, "its user", text)).transpose()?;

    let run_dir = places.run_dir(live.run.id());
    std::fs::create_dir_all(&run_dir)
        .map_err(|error| format!("its $SEXTON_RUN_DIR {}: {error}", run_dir.display()))?;
    let mut env: BTreeMap<String, String> = around.base.iter().cloned().collect();
    env.extend(own.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    env.extend(facts(&live.scope));
    env.extend(attempt_facts(&path, number));
    env.insert("SEXTON_RUN_DIR".to_owned(), run_dir.display().to_string());
    env.insert("SEXTON_OUTPUT".to_owned(), places.output(attempt).display().to_string());

    let writes_tree = tree.execute(node).is_some();
    if writes_tree {
        env.insert("SEXTON_TREE".to_owned(), places.tree(attempt).display().to_string());
    }

    let mut mask = Vec::new();
    let mut reveal = |text: String| reveal(text, around, &mut mask);
    let argv = argv.into_iter().map(&mut reveal).collect::<Result<_, _>>()?;
    let env = env.into_iter().map(|(name, value)| Ok((name, reveal(value)?)));
    let env = env.collect::<Result<_, String>>()?;
    Ok(Job {
        attempt,
        argv,
        env,
        working_dir,
        user,
        timeout: time_left(live, node, now),
        kill_grace: settings.kill_grace,
        log: places.absolute(&places.log(&live.pipeline.name, live.run.id(), &path, number)),
        stdout: writes_tree.then(|| places.printed(attempt)),
        mask,
    })
}

/// What an attempt of such a node runs.
fn command(kind: &Kind) -> Option<&Command> {
    match kind {
        Kind::Exec(command) => Some(command),
        Kind::Sensor(sensor) => match &sensor.condition {
            Condition::Exec(command) => Some(command),
            Condition::Time { .. }
            | Condition::Session { .. }
            | Condition::File { .. }
            | Condition::Http(_)
            | Condition::Object(_)
            | Condition::Run(_) => None,
        },
        Kind::Serial(_)
        | Kind::Parallel(_)
        | Kind::Branch(_)
        | Kind::Choice(_)
        | Kind::Lazy(_)
        | Kind::Awaited => None,
    }
}

/// How long an attempt that begins now may take. A sensor's `timeout` is of the whole wait.
fn time_left(live: &Live, node: NodeId, now: Timestamp) -> Option<Duration> {
    let timeout = live.run.tree().options(node).timeout?;
    let waited = if let State::Poking { since, .. } = live.run.state(node) {
        Duration::try_from(now.duration_since(*since)).unwrap_or_default()
    } else {
        Duration::ZERO
    };
    Some(timeout.saturating_sub(waited))
}

fn reveal(text: String, around: &Surroundings, mask: &mut Vec<String>) -> Result<String, String> {
    if !secret::has_marks(&text) {
        return Ok(text);
    }
    let mut error = None;
    let revealed = secret::reveal(&text, |name| match around.secrets.value(name) {
        Ok(value) => {
            mask.push(value.clone());
            Some(value)
        }
        Err(why) => {
            error = Some(why);
            None
        }
    });
    revealed.map_err(|name| error.unwrap_or_else(|| format!("the secret `{name}` is not known")))
}

/// The values of all secrets that the texts of a command name, or why one cannot be had, in words.
pub(super) fn known_secrets(live: &Live, node: NodeId, around: &Surroundings) -> Result<Vec<String>, String> {
    let tree = live.run.tree();
    let settings = tree.settings(node);
    let command: &[Box<str>] = match command(tree.kind(node)) {
        Some(Command::Shell(line)) => std::slice::from_ref(line),
        Some(Command::Argv(words)) => words,
        None => &[],
    };
    let texts = command.iter().chain(settings.env.values()).chain(&settings.shell);
    let texts = texts.chain(&settings.working_dir).chain(&settings.user);
    let names: BTreeSet<Box<str>> = texts.flat_map(|text| template::secrets(text)).collect();
    let value = |name: Box<str>| around.secrets.value(&name);
    names.into_iter().map(value).collect()
}

/// Whether the node's `when` holds, or why nobody can say, in words.
pub fn condition(live: &Live, node: NodeId) -> Result<bool, Box<str>> {
    let tree = live.run.tree();
    let Some(when) = &tree.options(node).when else { return Ok(true) };
    let told = |error: template::TemplateError| error.to_string().into_boxed_str();
    let env = live.env(node).map_err(told)?;
    template::evaluate(when, &live.scope_of(node), &env).map_err(told)
}
