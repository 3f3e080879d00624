//! Tests of the room through its door: text in, a pipeline or findings out.

mod expressions;
mod guide;
mod hostile;
mod language;
mod nodes;
mod order;
mod syntax;
mod templates;
mod values;

use super::definition::{Defaults, Pipeline, parse};
use super::report::{Report, SourceFile};

/// The pipeline of a text that has no error and no warning.
#[track_caller]
fn pipeline(text: &str) -> Pipeline {
    let file = SourceFile::new("config/pipelines/nightly.yaml", text);
    let (pipeline, found) = parse(&file, &Defaults::default());
    let mut report = Report::default();
    report.add(&file, found);
    assert!(report.is_empty(), "{}", report.render(false));
    pipeline.expect("no error and no pipeline")
}

/// What is found in a text, drawn.
fn findings(text: &str) -> String {
    report(text).render(false)
}

fn report(text: &str) -> Report {
    let file = SourceFile::new("nightly.yaml", text);
    let (pipeline, found) = parse(&file, &Defaults::default());
    assert_eq!(pipeline.is_none(), found.has_errors());
    let mut report = Report::default();
    report.add(&file, found);
    report
}

/// The messages alone.
fn messages(text: &str) -> Vec<String> {
    report(text).iter().map(|(_, found)| found.message.clone()).collect()
}
