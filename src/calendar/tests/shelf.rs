//! Books for tests, and questions to them in few words.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::civil::Date;

use super::super::book::Book;
use super::super::calendar::Calendar;
use super::super::session::{Closure, Day, Session};
use crate::yaml::diagnostic::Severity;
use crate::yaml::report::{Report, SourceFile};

/// What comes with the program, worked out once for all tests.
pub(super) static BOOK: LazyLock<Book> = LazyLock::new(Book::embedded);

pub(super) fn calendar(code: &str) -> Arc<Calendar> {
    BOOK.get(code).unwrap()
}

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The session of a label.
pub(super) fn session(code: &str, label: &str) -> Session {
    calendar(code).session(day(label)).unwrap()
}

/// A closed date.
pub(super) fn closure(calendar: &Calendar, date: &str) -> Closure {
    let found = calendar.day(day(date));
    let Day::Closed(closure) = found else { panic!("{date} of {}: {found:?}", calendar.code()) };
    closure
}

/// Open and close, by the calendar's clock: `09:30-16:00`, with a break `09:00-11:30 12:30-15:00`; a date that is
/// not that of the label goes before its time.
pub(super) fn hours(calendar: &Calendar, label: &str) -> String {
    let Some(session) = calendar.session(day(label)) else { return "none".to_owned() };
    let wall = |at: Timestamp| {
        let local = calendar.zone().to_datetime(at);
        let form = if local.date() == session.label { "%H:%M" } else { "%m-%d %H:%M" };
        local.strftime(form).to_string()
    };
    match session.pause {
        None => format!("{}-{}", wall(session.open), wall(session.close)),
        Some((from, to)) => {
            format!("{}-{} {}-{}", wall(session.open), wall(from), wall(to), wall(session.close))
        }
    }
}

/// A book of user's files, and what was found in them.
pub(super) fn book(files: &[(&str, &str)]) -> (Book, Report) {
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| SourceFile::new(*path, *text)).collect();
    let (book, found) = Book::with(&files);
    let mut report = Report::default();
    for (file, found) in files.iter().zip(found) {
        report.add(file, found);
    }
    (book, report)
}

/// A book of files in which nothing is found.
pub(super) fn good(files: &[(&str, &str)]) -> Book {
    let (book, report) = book(files);
    assert!(report.is_empty(), "{}", report.render(false));
    book
}

/// A book of files in which there may be warnings.
pub(super) fn usable(files: &[(&str, &str)]) -> Book {
    let (book, report) = book(files);
    assert!(!report.has_errors(), "{}", report.render(false));
    book
}

/// The calendar of one file that defines it, in which nothing is found.
pub(super) fn own(text: &str) -> Arc<Calendar> {
    let code = text.lines().find_map(|line| line.strip_prefix("code: ")).unwrap();
    good(&[("own.yaml", text)]).get(code).unwrap()
}

/// `file: message`, of warnings.
pub(super) fn warnings(files: &[(&str, &str)]) -> Vec<String> {
    let (_, report) = book(files);
    let told = report.iter().map(|(file, found)| {
        assert_eq!(found.severity, Severity::Warning, "{}", report.render(false));
        format!("{}: {}", file.path, found.message)
    });
    told.collect()
}

/// The messages of errors and warnings in one file.
pub(super) fn messages(text: &str) -> Vec<String> {
    book(&[("own.yaml", text)]).1.iter().map(|(_, found)| found.message.clone()).collect()
}

/// The findings in one file as people see them.
pub(super) fn drawn(text: &str) -> String {
    book(&[("own.yaml", text)]).1.render(false)
}
