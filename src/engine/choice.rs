//! What the `choose` of a branch has chosen: the last words of its log, as children of its branch.

use std::collections::BTreeSet;
use std::path::Path;

use crate::executor::job::Ended;
use crate::executor::log;
use crate::pipeline::node::{NodeId, Tree};
use crate::run::event::Yield;
use crate::run::live::Live;
use crate::run::state::Exit;
use crate::yaml::diagnostic::{listed, nearest};

/// Children that are listed to whoever chose none of them.
const MOST_LISTED: usize = 20;

/// What an attempt's success yields, or why it is none, in words.
pub(super) fn yielded(live: &Live, node: NodeId, ended: &Ended, log: &Path) -> Result<Yield, String> {
    if ended.exit != Exit::Code(0) || !live.run.tree().is_chooser(node) {
        return Ok(Yield::Nothing);
    }
    let line = log::last_words(log).map_err(|error| format!("its log cannot be read: {error}"))?;
    chosen(live.run.tree(), node, &line.unwrap_or_default()).map(Yield::Choice)
}

/// Names of siblings, with commas between.
fn chosen(tree: &Tree, chooser: NodeId, line: &str) -> Result<Vec<NodeId>, String> {
    let Some(branch) = tree.parent(chooser) else { return Ok(Vec::new()) };
    let named = line.split(',').map(str::trim).filter(|name| !name.is_empty());
    let child = |name| tree.child(branch, name).filter(|&child| child != chooser).ok_or(name);
    let children: Result<BTreeSet<NodeId>, &str> = named.map(child).collect();
    children.map(|children| children.into_iter().collect()).map_err(|name| {
        let names = || tree.followers(chooser).map(|child| tree.name(child));
        let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
        let meant = nearest(name, names()).map(|meant| format!("; did you mean `{meant}`?"));
        let more = names().count().saturating_sub(MOST_LISTED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let listed = listed(names().take(MOST_LISTED));
        format!("it chose `{shown}`, and the children are {listed}{more}{}", meant.unwrap_or_default())
    })
}
