//! What a pipeline's sensors say of other pipelines, held against those beside it. The other may be added later, so
//! these are warnings.

use std::collections::BTreeMap;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, nearest};

use super::definition::Pipeline;
use super::moments::DateOffset;
use super::node::Tree;
use super::order::{generated, near_path};
use super::sensor::{Condition, OtherRun, Placed};
use super::text::texts::is_template;

/// Warns of `run` sensors that wait for what is not there, or for their own run. The tree of a neighbour is not known
/// where its file has mistakes.
pub fn warnings(pipeline: &Pipeline, neighbours: &BTreeMap<&str, Option<&Tree>>) -> Diagnostics {
    let mut found = Diagnostics::default();
    for node in pipeline.tree.ids() {
        let Some(sensor) = pipeline.tree.kind(node).sensor() else { continue };
        let Condition::Run(other) = &sensor.condition else { continue };
        let name = &other.pipeline;
        if is_template(&name.text) {
            continue;
        }
        if *name.text == *pipeline.name && other.task.is_none() && same_date(other) {
            let message = "it would wait for its own run to end, and fails at once";
            let help = "give it an `offset`, or the `task` that it waits for";
            found.push(Diagnostic::warning(name.place, message).help(help));
        }
        match (neighbours.get(&*name.text), &other.task) {
            (None, _) => {
                let message = format!("there is no pipeline `{}` in this configuration", name.text);
                let warning = Diagnostic::warning(name.place, message);
                found.push(match nearest(&name.text, neighbours.keys().copied()) {
                    Some(meant) => warning.label(format!("did you mean `{meant}`?")),
                    None => warning.help("until there is one, the sensor waits"),
                });
            }
            (Some(Some(tree)), Some(task)) => found.extend(no_task(&name.text, tree, task)),
            (Some(_), _) => {}
        }
    }
    found
}

fn same_date(other: &OtherRun) -> bool {
    other.offset.as_ref().is_none_or(|offset| match DateOffset::parse(&offset.text) {
        Ok(DateOffset::Days(by) | DateOffset::Sessions(by)) => by == 0,
        Err(_) => false,
    })
}

fn no_task(pipeline: &str, tree: &Tree, task: &Placed) -> Diagnostics {
    let mut found = Diagnostics::default();
    let path = task.text.trim_matches('/');
    if is_template(path) || path.is_empty() || tree.find(path).is_some() || generated(tree, path).is_some() {
        return found;
    }
    let warning = Diagnostic::warning(task.place, format!("`{pipeline}` has no node `{path}`"));
    found.push(match near_path(tree, path) {
        Some(meant) => warning.label(format!("did you mean `{meant}`?")),
        None => warning.help("a path is from the root of that pipeline: `ingest/bars`"),
    });
    found
}
