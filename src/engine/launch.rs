//! From a node to a job: templates are filled in, the environment is put together, secrets are put in last.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::executor::job::Job;
use crate::executor::output::Places;
use crate::pipeline::command::Command;
use crate::pipeline::environment::{attempt_facts, facts};
use crate::pipeline::node::NodeId;
use crate::pipeline::text::because::because;
use crate::pipeline::text::template;
use crate::run::event::Holds;
use crate::run::live::Live;
use crate::run::state::{AttemptId, State};

use super::surroundings::Surroundings;
use super::texts::Texts;
use super::watched::LAST_LOOK;

/// The job for an attempt of a leaf, or why there can be none, in words.
pub(super) fn job(
    live: &Live,
    node: NodeId,
    attempt: AttemptId,
    places: &Places,
    around: &Surroundings,
    lazy_limit: u64,
    now: Timestamp,
) -> Result<Job, String> {
    let tree = live.run.tree();
    let settings = tree.settings(node);
    let command = tree.kind(node).command().ok_or_else(|| "it runs no command".to_owned())?;
    let path = tree.path(node);
    let number = live.run.entry(node).attempts;
    let mut texts = Texts::of(live, node, around)?;
    let argv = match command {
        Command::Shell(line) => {
            let mut argv = texts.shell()?;
            argv.push(texts.rendered("its command", line)?);
            argv
        }
        Command::Argv(words) => {
            words.iter().map(|word| texts.rendered("its command", word)).collect::<Result<Vec<_>, _>>()?
        }
    };
    let working_dir = texts.working_dir()?;
    let user = texts.user()?;

    let run_dir = places.run_dir(live.run.id());
    std::fs::create_dir_all(&run_dir)
        .map_err(|error| format!("its $SEXTON_RUN_DIR {}: {error}", run_dir.display()))?;
    let mut env: BTreeMap<String, String> = around.base.iter().cloned().collect();
    env.extend(texts.env.iter().map(|(name, value)| (name.to_string(), value.to_string())));
    env.extend(facts(&live.scope));
    env.extend(attempt_facts(&path, number));
    env.insert("SEXTON_RUN_DIR".to_owned(), run_dir.display().to_string());
    env.insert("SEXTON_OUTPUT".to_owned(), places.output(attempt).display().to_string());

    let writes_tree = tree.execute(node).is_some();
    if writes_tree {
        env.insert("SEXTON_TREE".to_owned(), places.tree(attempt).display().to_string());
    }

    let argv = argv.into_iter().map(|text| texts.revealed(text)).collect::<Result<_, _>>()?;
    let env = env.into_iter().map(|(name, value)| Ok((name, texts.revealed(value)?)));
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
        stdout: writes_tree.then(|| (places.printed(attempt), lazy_limit)),
        mask: texts.mask,
    })
}

/// How long an attempt that begins now may take. A sensor's `timeout` is of the whole wait; where that is over
/// before it has been looked for, it is looked for once.
fn time_left(live: &Live, node: NodeId, now: Timestamp) -> Option<Duration> {
    let timeout = live.run.tree().options(node).timeout?;
    let waited = if let State::Poking { since, .. } = live.run.state(node) {
        Duration::try_from(now.duration_since(*since)).unwrap_or_default()
    } else {
        Duration::ZERO
    };
    Some(timeout.checked_sub(waited).filter(|left| !left.is_zero()).unwrap_or(LAST_LOOK))
}

/// What the node's `when` comes to.
pub(super) fn condition(live: &Live, node: NodeId) -> Holds {
    let tree = live.run.tree();
    let Some(when) = &tree.options(node).when else { return Holds::Yes };
    let scope = live.scope_of(node);
    let holds = live.env(node).and_then(|env| Ok((template::evaluate(when, &scope, &env)?, env)));
    match holds {
        Ok((true, _)) => Holds::Yes,
        Ok((false, env)) => Holds::No(because(when, &scope, &env).map(String::into_boxed_str)),
        Err(error) => Holds::Error(error.to_string().into()),
    }
}
