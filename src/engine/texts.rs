//! The texts of a node, filled in: templates first, and secrets only in the hands of who needs them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::pipeline::node::NodeId;
use crate::pipeline::{secret, template};
use crate::run::live::Live;

use super::surroundings::Surroundings;

/// Fills in the texts of one node.
pub(super) struct Texts<'t> {
    live: &'t Live,
    around: &'t Surroundings,
    /// The node's variables.
    pub(super) env: BTreeMap<Box<str>, Box<str>>,
    /// Values of secrets that were put in.
    pub(super) mask: Vec<String>,
}

impl<'t> Texts<'t> {
    /// Of this node; the error says in words what of its variables cannot be filled in.
    pub(super) fn of(live: &'t Live, node: NodeId, around: &'t Surroundings) -> Result<Self, String> {
        let env = &live.run.tree().settings(node).env;
        let env = template::render_env(env, &live.scope).map_err(|error| format!("its env: {error}"))?;
        Ok(Self { live, around, env, mask: Vec::new() })
    }

    /// The text with its templates filled in; `what` it is begins the error.
    pub(super) fn rendered(&self, what: &str, text: &str) -> Result<String, String> {
        template::render(text, &self.live.scope, &self.env).map_err(|error| format!("{what}: {error}"))
    }

    /// Where its commands start, and what is relative is relative to.
    pub(super) fn working_dir(&self, node: NodeId) -> Result<PathBuf, String> {
        Ok(match &self.live.run.tree().settings(node).working_dir {
            Some(text) => self.around.directory.join(self.rendered("its working_dir", text)?),
            None => self.around.directory.clone(),
        })
    }

    /// The text with its secrets put in.
    pub(super) fn revealed(&mut self, text: String) -> Result<String, String> {
        if !secret::has_marks(&text) {
            return Ok(text);
        }
        let mut error = None;
        let revealed = secret::reveal(&text, |name| match self.around.secrets.value(name) {
            Ok(value) => {
                self.mask.push(value.clone());
                Some(value)
            }
            Err(why) => {
                error = Some(why);
                None
            }
        });
        revealed.map_err(|name| error.unwrap_or_else(|| format!("the secret `{name}` is not known")))
    }

    /// Both.
    pub(super) fn filled_in(&mut self, what: &str, text: &str) -> Result<String, String> {
        let rendered = self.rendered(what, text)?;
        self.revealed(rendered)
    }
}
