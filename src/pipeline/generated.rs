//! A tree that a command has written, read as a file's root node is. It takes the place of a lazy node's
//! `execute`, and knows of the run around it no more than its pipeline's definition says.

use std::collections::BTreeMap;

use crate::yaml::composer;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::yaml::document::{Document, View};
use crate::yaml::report::SourceFile;

use super::coherence::{Coherence, coherence};
use super::definition::Pipeline;
use super::lower::{Lowered, lower};
use super::node::Tree;
use super::packed::Packed;
use super::policy::Settings;
use super::text::check::World;
use super::text::secret::undeclared;
use super::whole::{SAID_ELSEWHERE, Whole};

/// Bytes of a generated tree, whatever sexton.yaml allows: all of it is in memory while it is read.
pub const MAX_BYTES: usize = 1 << 30;

/// Keys that say what comes before a node. What comes before the root of a generated tree is `generate`.
const OF_THE_LAZY_NODE: [&str; 2] = ["after", "trigger_rule"];

/// A tree that a command has written: what it means, and the text that it is kept as.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Its nodes.
    pub tree: Tree,
    /// Its text.
    pub packed: Packed,
}

impl PartialEq for Generated {
    /// The same text is the same tree, wherever it is put.
    fn eq(&self, other: &Self) -> bool {
        self.packed.hash == other.packed.hash
    }
}

impl Eq for Generated {}

/// Reads and checks a generated tree of a run of `pipeline`; its root inherits what the lazy node hands down.
/// There is a tree exactly where there is no error; warnings may stand beside it.
///
/// The same text gives the same tree for ever: what else the run has generated makes no difference.
pub fn parse(file: &SourceFile, pipeline: &Pipeline, inherited: &Settings) -> (Option<Tree>, Diagnostics) {
    let mut found = Diagnostics::default();
    let read = read(file, pipeline, inherited, &mut found).filter(|_| !found.has_errors());
    (read.map(|(tree, _)| tree), found)
}

/// The same for a tree that has just been written: it is told which secrets of it nobody has declared, too.
pub fn parse_new(
    file: &SourceFile,
    pipeline: &Pipeline,
    inherited: &Settings,
    declared: &[Box<str>],
) -> (Option<Tree>, Diagnostics) {
    let mut found = Diagnostics::default();
    let read = read(file, pipeline, inherited, &mut found).filter(|_| !found.has_errors());
    let tree = read.map(|(tree, secrets)| {
        found.extend(undeclared(&secrets, &declared.iter()));
        tree
    });
    (tree, found)
}

/// The tree, and the secrets that it names.
fn read(
    file: &SourceFile,
    pipeline: &Pipeline,
    inherited: &Settings,
    found: &mut Diagnostics,
) -> Option<(Tree, BTreeMap<Box<str>, Span>)> {
    let mut of_syntax = Diagnostics::default();
    let document = composer::read_within(MAX_BYTES, &file.text, &mut of_syntax);
    let Some(document) = document else {
        for error in of_syntax.finish().0 {
            found.push(error.help(SAID_ELSEWHERE));
        }
        return None;
    };
    found.extend(of_syntax);
    let lowered = lower(&document, Whole::Generated, inherited.clone(), found)?;
    root_says_nothing_of_its_place(&document, found);
    let world = World {
        tree: &lowered.tree,
        own: Some(&pipeline.tree),
        params: &pipeline.params,
        timezone: &pipeline.timezone,
        schedules: &pipeline.timetable.schedules,
        calendars: Some(&pipeline.calendars),
        no_session: pipeline.no_session.as_deref(),
    };
    let Coherence { after, secrets } = coherence(&document, &lowered, &world, found);
    let Lowered { mut tree, .. } = lowered;
    tree.set_after(after);
    Some((tree, secrets))
}

fn root_says_nothing_of_its_place(document: &Document<'_>, found: &mut Diagnostics) {
    let root = document.root();
    if !matches!(document.view(root), View::Mapping(_)) {
        return;
    }
    for (key, _) in document.entries(root).filter(|(key, _)| OF_THE_LAZY_NODE.contains(&document.key(*key))) {
        let name = document.key(key);
        let message = format!("`{name}` means nothing on the root of a generated tree");
        let help = "it runs when its `generate` has succeeded; the `lazy` node says when that is";
        found.push(Diagnostic::error(document.span(key), message).help(help));
    }
}
