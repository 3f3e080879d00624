//! A tree that was read, looked at as a whole: whether its texts, sensors, order and choices fit together. It
//! changes nothing.

use std::collections::BTreeMap;

use crate::yaml::diagnostic::{Diagnostics, Span};
use crate::yaml::document::Document;

use super::lower::Lowered;
use super::node::NodeId;
use super::text::check::{World, check};
use super::{branches, order, placed};

/// What only a look at the whole tells.
pub(crate) struct Coherence {
    /// Which nodes come after which others.
    pub(crate) after: Vec<(NodeId, NodeId)>,
    /// The secrets that its texts name, and where first.
    pub(crate) secrets: BTreeMap<Box<str>, Span>,
}

/// Looks at all of a tree in the world that its texts may speak of.
pub(crate) fn coherence(
    document: &Document<'_>,
    lowered: &Lowered,
    world: &World<'_>,
    found: &mut Diagnostics,
) -> Coherence {
    placed::check(world, found);
    let mut secrets = BTreeMap::new();
    for &text in &lowered.texts {
        check(document, text, world, &mut secrets, found);
    }
    let afters = order::resolve(document, lowered, found);
    order::circles(lowered, &afters, found);
    branches::never_chosen(lowered, found);
    let after = afters.into_iter().map(|after| (after.node, after.predecessor)).collect();
    Coherence { after, secrets }
}
