//! The door of the room as the tests use it: a text, and what comes of it.

use std::sync::LazyLock;

use crate::calendar::book::Book;
use crate::pipeline::definition::{Defaults, Pipeline, parse};
use crate::yaml::report::{Report, SourceFile};

/// The calendars that come with the program, worked out once.
pub(in crate::pipeline) fn book() -> Book {
    static BOOK: LazyLock<Book> = LazyLock::new(Book::embedded);
    BOOK.clone()
}

/// The pipeline of a text that has no error and no warning.
#[track_caller]
pub(super) fn pipeline(text: &str) -> Pipeline {
    let file = SourceFile::new("config/pipelines/nightly.yaml", text);
    let (pipeline, found) = parse(&file, &Defaults::default(), &book());
    let mut report = Report::default();
    report.add(&file, found);
    assert!(report.is_empty(), "{}", report.render(false));
    pipeline.expect("no error and no pipeline")
}

/// What is found in a text, drawn.
pub(in crate::pipeline) fn findings(text: &str) -> String {
    report(text).render(false)
}

pub(super) fn report(text: &str) -> Report {
    let file = SourceFile::new("nightly.yaml", text);
    let (pipeline, found) = parse(&file, &Defaults::default(), &book());
    assert_eq!(pipeline.is_none(), found.has_errors());
    let mut report = Report::default();
    report.add(&file, found);
    report
}

/// The messages alone.
pub(super) fn messages(text: &str) -> Vec<String> {
    report(text).iter().map(|(_, found)| found.message.clone()).collect()
}
