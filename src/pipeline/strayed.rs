//! Files that lie in the wrong directory: a calendar among pipelines, a pipeline among calendars. It goes by a few
//! keys of their roots, and says one thing instead of many.

use crate::yaml::composer;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::document::{Document, ValueId, View};
use crate::yaml::report::SourceFile;

use super::kind::KINDS;

/// Keys of calendars that no pipeline has.
const OF_CALENDARS: [&str; 7] =
    ["code", "override", "extends", "hours", "closed", "closed_ad_hoc", "early_close"];

/// Whether a document that should be a pipeline is a calendar, which is then reported.
pub(crate) fn is_calendar(document: &Document<'_>, found: &mut Diagnostics) -> bool {
    let (any, key) = (root_key(document, &KINDS), root_key(document, &OF_CALENDARS));
    let Some(key) = key.filter(|_| any.is_none()) else { return false };
    let error = Diagnostic::error(document.span(key), "this looks like a calendar, and not like a pipeline");
    found.push(error.help("a calendar's file belongs into `calendars/`, beside `pipelines/`"));
    true
}

/// What is wrong with a file that should be a calendar, if it is a pipeline.
pub fn pipeline_among_calendars(file: &SourceFile) -> Option<Diagnostics> {
    // Other mistakes are for those who read all of it.
    let document = composer::read(&file.text, &mut Diagnostics::default())?;
    let (key, other) = (root_key(&document, &KINDS), root_key(&document, &OF_CALENDARS));
    let span = document.span(key.filter(|_| other.is_none())?);
    let mut found = Diagnostics::default();
    let error = Diagnostic::error(span, "this looks like a pipeline, and not like a calendar");
    found.push(error.help("a pipeline's file belongs into `pipelines/`, beside `calendars/`"));
    Some(found)
}

fn root_key(document: &Document<'_>, words: &[&str]) -> Option<ValueId> {
    let root = document.root();
    if !matches!(document.view(root), View::Mapping(_)) {
        return None;
    }
    document.entries(root).map(|(key, _)| key).find(|&key| words.contains(&document.key(key)))
}
