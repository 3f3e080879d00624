//! What the `choose` of a branch has chosen: the last words of its log, as children of its branch.

use std::collections::BTreeSet;
use std::path::Path;

use crate::executor::job::Ended;
use crate::executor::log;
use crate::mask::Masker;
use crate::pipeline::node::{NodeId, Tree};
use crate::run::event::Yield;
use crate::run::live::Live;
use crate::run::state::Exit;
use crate::yaml::diagnostic::{listed, nearest};

use super::surroundings::Secrets;

/// Children that are listed to whoever chose none of them.
const MOST_LISTED: usize = 20;

/// What an attempt's success yields, or why it is none, in words; what it has chosen instead of a child is shown
/// in part, and may be a secret.
pub(super) fn yielded(
    live: &Live,
    node: NodeId,
    ended: &Ended,
    log: &Path,
    secrets: &dyn Secrets,
) -> Result<Yield, String> {
    if ended.exit != Exit::Code(0) || !live.run.tree().is_chooser(node) {
        return Ok(Yield::Nothing);
    }
    let line = log::last_words(log).map_err(|error| format!("its log cannot be read: {error}"))?;
    let masked = |name: &str| Masker::text(&secrets.values(), name);
    chosen(live.run.tree(), node, &line.unwrap_or_default(), masked).map(Yield::Choice)
}

/// Names of siblings, with commas between.
fn chosen(
    tree: &Tree,
    chooser: NodeId,
    line: &str,
    masked: impl Fn(&str) -> String,
) -> Result<Vec<NodeId>, String> {
    let Some(branch) = tree.parent(chooser) else { return Ok(Vec::new()) };
    let named = line.split(',').map(str::trim).filter(|name| !name.is_empty());
    let child = |name| tree.child(branch, name).filter(|&child| child != chooser).ok_or(name);
    let children: Result<BTreeSet<NodeId>, &str> = named.map(child).collect();
    children.map(|children| children.into_iter().collect()).map_err(|name| {
        let names = || tree.followers(chooser).map(|child| tree.name(child));
        let shown: String = masked(name).chars().take(80).flat_map(char::escape_debug).collect();
        let meant = nearest(name, names()).map(|meant| format!("; did you mean `{meant}`?"));
        let more = names().count().saturating_sub(MOST_LISTED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let listed = listed(names().take(MOST_LISTED));
        format!("it chose `{shown}`, and the children are {listed}{more}{}", meant.unwrap_or_default())
    })
}
