//! The texts of a node, filled in: templates first, and secrets only in the hands of who needs them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::pipeline::node::NodeId;
use crate::pipeline::policy::Settings;
use crate::pipeline::text::scope::Scope;
use crate::pipeline::text::{secret, template};
use crate::run::live::Live;

use super::surroundings::Surroundings;

/// Fills in the texts of one node.
pub(super) struct Texts<'t> {
    live: &'t Live,
    node: NodeId,
    around: &'t Surroundings,
    /// What the node's own texts see.
    scope: Cow<'t, Scope>,
    /// The node's variables.
    pub(super) env: BTreeMap<Box<str>, Box<str>>,
    /// Values of secrets that were put in.
    pub(super) mask: Vec<String>,
}

impl<'t> Texts<'t> {
    /// Of this node; the error says in words what of its variables cannot be filled in.
    pub(super) fn of(live: &'t Live, node: NodeId, around: &'t Surroundings) -> Result<Self, String> {
        let env = live.env(node).map_err(|error| format!("its env: {error}"))?;
        Ok(Self { live, node, around, scope: live.scope_of(node), env, mask: Vec::new() })
    }

    /// A text of the node's own with its templates filled in; `what` it is begins the error.
    pub(super) fn rendered(&self, what: &str, text: &str) -> Result<String, String> {
        self.rendered_in(&self.scope, what, text)
    }

    /// Where its commands start, and what is relative is relative to.
    pub(super) fn working_dir(&self) -> Result<PathBuf, String> {
        let settings = self.settings();
        let Some(text) = &settings.working_dir else { return Ok(self.around.directory.clone()) };
        let scope = self.inherited(|other| other.working_dir == settings.working_dir);
        Ok(self.around.directory.join(self.rendered_in(&scope, "its working_dir", text)?))
    }

    /// The words before its command line.
    pub(super) fn shell(&self) -> Result<Vec<String>, String> {
        let settings = self.settings();
        let scope = self.inherited(|other| other.shell == settings.shell);
        settings.shell.iter().map(|word| self.rendered_in(&scope, "its shell", word)).collect()
    }

    /// Whose process its commands are, if not the daemon's user's.
    pub(super) fn user(&self) -> Result<Option<String>, String> {
        let settings = self.settings();
        let scope = self.inherited(|other| other.user == settings.user);
        settings.user.as_deref().map(|text| self.rendered_in(&scope, "its user", text)).transpose()
    }

    fn settings(&self) -> &'t Settings {
        self.live.run.tree().settings(self.node)
    }

    fn inherited(&self, same: impl Fn(&Settings) -> bool) -> Cow<'t, Scope> {
        self.live.scope_of_inherited(self.node, same)
    }

    fn rendered_in(&self, scope: &Scope, what: &str, text: &str) -> Result<String, String> {
        template::render(text, scope, &self.env).map_err(|error| format!("{what}: {error}"))
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
