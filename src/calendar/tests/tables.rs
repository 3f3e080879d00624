//! What holds of every table that comes with the program.

use std::collections::BTreeSet;

use jiff::ToSpan as _;

use super::super::read::file;
use super::super::session::{Day, Source};
use super::super::table::{Authored, Dates, What};
use super::super::tables::TABLES;
use super::shelf::{BOOK, calendar};
use crate::yaml::diagnostic::Diagnostics;
use crate::yaml::report::{Report, SourceFile};

#[test]
fn none_is_missing() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/calendar/tables");
    let files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    let files: BTreeSet<String> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(files.len(), 71);
    assert_eq!(TABLES.iter().map(|(_, text)| (*text).to_owned()).collect::<BTreeSet<_>>(), files);
    assert!(TABLES.is_sorted_by_key(|(code, _)| *code));
}

#[test]
fn each_is_read_without_a_finding_and_says_nothing_in_vain() {
    for (code, text) in TABLES {
        // As a file of the user's, so that what it says twice or in vain is told.
        let path = format!("{code}.yaml");
        let files = [SourceFile::new(&*path, text)];
        let (book, found) = super::super::book::Book::with(&files);
        let mut report = Report::default();
        for found in found {
            report.add(&files[0], found);
        }
        assert!(report.is_empty(), "{}", report.render(false));
        let calendar = book.get(code).unwrap();
        assert_eq!((calendar.code(), calendar.defined_by()), (code, &Source::File(path.into())));
    }
}

#[test]
fn what_is_above_its_hours_is_the_whole_head() {
    for (code, text) in TABLES {
        let read = file::read(&SourceFile::new(code, text), &mut Diagnostics::default());
        let Some(Authored::Own(own)) = read.authored else { panic!("{code}") };
        let preface = file::preface(text);
        let aliases: Vec<&str> = own.aliases.iter().map(|alias| &*alias.text).collect();
        assert_eq!(preface.aliases, aliases, "{code}");
        assert_eq!(preface.origin.as_deref(), own.origin.as_deref(), "{code}");
        assert_eq!(&*own.code.text, code);
    }
}

#[test]
fn codes_and_aliases_mean_one_calendar() {
    let mut seen = BTreeSet::new();
    for code in BOOK.codes() {
        let calendar = calendar(code);
        for word in std::iter::once(calendar.code()).chain(calendar.aliases().iter().map(AsRef::as_ref)) {
            assert!(seen.insert(word.to_lowercase()), "{word}");
            assert_eq!(BOOK.get(word).unwrap().code(), code);
        }
    }
    assert_eq!(BOOK.codes().count(), 71);
}

#[test]
fn sessions_follow_each_other_in_order() {
    for code in BOOK.codes() {
        let calendar = calendar(code);
        let sessions: Vec<_> = calendar.sessions(calendar.first(), calendar.last()).collect();
        assert!(sessions.len() > 1_500, "{code}");
        for session in &sessions {
            assert!(session.open < session.close, "{code} {session:?}");
            if let Some((from, to)) = session.pause {
                assert!(session.open < from && from < to && to < session.close, "{code} {session:?}");
            }
        }
        for (number, pair) in sessions.windows(2).enumerate() {
            let [one, other] = pair else { continue };
            assert!(one.label < other.label && one.close <= other.open, "{code} {one:?} {other:?}");
            // Whoever looks ahead need not look far.
            let gap = other.label.since(one.label).unwrap().get_days();
            assert!(gap <= 38, "{code}: {gap} days before {}", other.label);
            // Of two thirds of a million, so many.
            if number % 11 != 0 {
                continue;
            }
            assert_eq!(calendar.next_label(one.label), Some(other.label), "{code}");
            assert_eq!(calendar.previous_label(other.label), Some(one.label), "{code}");
            assert_eq!(calendar.shifted(one.label, 1), Some(other.label), "{code}");
            assert_eq!(calendar.shifted(other.label, -1), Some(one.label), "{code}");
            assert_eq!(calendar.first_after(one.open).as_ref(), Some(other), "{code}");
            assert_eq!(calendar.at(one.open).as_ref(), Some(one), "{code}");
        }
    }
}

#[test]
fn what_is_said_of_a_date_is_so() {
    for (code, text) in TABLES {
        let read = file::read(&SourceFile::new(code, text), &mut Diagnostics::default());
        let Some(Authored::Own(own)) = read.authored else { panic!("{code}") };
        let calendar = calendar(code);
        for saying in &own.layer.sayings {
            let Dates::One(date) = saying.dates else { panic!("{code} has a rule") };
            let regular = calendar.regular(date);
            match (saying.what, calendar.day(date)) {
                (What::Closed { ad_hoc }, Day::Closed(closure)) => {
                    assert!(regular.is_some(), "{code} {date} is closed on no weekday of its own");
                    assert_eq!(
                        (closure.name, closure.ad_hoc),
                        (saying.name.clone(), ad_hoc),
                        "{code} {date}"
                    );
                }
                (What::Extra, Day::Session(_)) => assert!(regular.is_none(), "{code} {date}"),
                (What::Session(_) | What::LateOpen(_) | What::EarlyClose(_), Day::Session(session)) => {
                    assert!(!calendar.is_regular(date), "{code} {date}");
                    let early = matches!(saying.what, What::EarlyClose(_));
                    let late = matches!(saying.what, What::LateOpen(_));
                    assert!((!early || session.early_close) && (!late || session.late_open), "{code} {date}");
                }
                (what, day) => panic!("{code} {date}: {what:?} {day:?}"),
            }
        }
    }
}

#[test]
fn every_date_is_one_thing() {
    for code in ["XNYS", "CMES", "XTAE", "XSAU", "XMOS", "24/7", "XSHG"] {
        let calendar = calendar(code);
        let (mut sessions, mut date) = (0, calendar.first());
        while date <= calendar.last() {
            let is_weekday = calendar.regular(date).is_some();
            match calendar.day(date) {
                Day::Session(session) => {
                    assert_eq!(session.label, date);
                    sessions += 1;
                }
                Day::Closed(closure) => {
                    assert!(is_weekday && closure.would_open < closure.would_close, "{code} {date}");
                }
                Day::Off => assert!(!is_weekday, "{code} {date}"),
                Day::Before | Day::Beyond => panic!("{code} {date}"),
            }
            date = date.saturating_add(1.day());
        }
        assert_eq!(sessions, calendar.sessions(calendar.first(), calendar.last()).len(), "{code}");
        assert_eq!(calendar.day(calendar.first().saturating_sub(1.day())), Day::Before);
        assert_eq!(calendar.day(calendar.last().saturating_add(1.day())), Day::Beyond);
    }
}
