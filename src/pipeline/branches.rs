//! Children of a branch that can never be chosen. It looks at what nodes say, never at what is true when they
//! run.

use crate::yaml::diagnostic::{Diagnostic, Diagnostics};

use super::kind::{CHOOSE, Kind};
use super::lower::Lowered;
use super::node::{NodeId, Tree, TriggerRule};

/// Reports, of each branch, the first child that stands behind one that is always chosen.
pub(crate) fn never_chosen(lowered: &Lowered, found: &mut Diagnostics) {
    let tree = &lowered.tree;
    for branch in tree.ids().filter(|&id| matches!(tree.kind(id), Kind::Branch(_))) {
        let Some(always) = tree.children(branch).find(|&child| is_always_chosen(tree, child)) else {
            continue;
        };
        let Some(never) = tree.next_sibling(always) else { continue };
        let (before, behind) = (tree.name(always), tree.name(never));
        let place = lowered.places[never.index()];
        let error = Diagnostic::error(place, format!("`{behind}` can never be chosen"))
            .label("its turn never comes")
            .beside(lowered.places[always.index()], "this has no `when`: it is always chosen");
        found.push(if before == CHOOSE {
            error.help(
                "a command that chooses among the children stands beside them: put `choose` beside `branch`",
            )
        } else {
            error.help(format!("give `{before}` a `when`, or make it the last child"))
        });
    }
}

fn is_always_chosen(tree: &Tree, child: NodeId) -> bool {
    let options = tree.options(child);
    options.when.is_none() && !options.skip && options.trigger_rule != TriggerRule::OneFailed
}
