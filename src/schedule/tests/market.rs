//! Schedules by the sessions of exchanges, for the tests of their rules.

use std::time::Duration;

use jiff::civil::Date;

use crate::calendar::book::Book;
use crate::calendar::offset::Offset;
use crate::duration;
use crate::schedule::cron::{Dialect, Line};
use crate::schedule::days::{DayWord, Days};
use crate::schedule::definition::{Schedule, Trigger};
use crate::schedule::exchange::Exchange;
use crate::schedule::filtered::{Filter, Roll};
use crate::schedule::fires::Dst;
use crate::schedule::occasion::Occasion;
use crate::schedule::sessions::{Sessions, Times};
use crate::yaml::report::SourceFile;

/// The calendars that come with the program, changed by a file of this text.
pub(super) fn changed(text: &str) -> Book {
    let (book, found) = Book::with(&[SourceFile::new("config/calendars/changes.yaml", text)]);
    assert!(found.iter().all(|found| !found.has_errors()), "{text}");
    book
}

/// An exchange as a schedule of one of these forms names it: `XNYS`, `all_of XNYS XLON`.
pub(super) fn exchange(book: &Book, text: &str) -> Exchange {
    let (word, codes) = text.split_once(' ').unwrap_or(("", text));
    let members = codes.split(' ').map(|code| book.get(code).unwrap()).collect::<Vec<_>>();
    match word {
        "all_of" => Exchange::all_of(members),
        "any_of" => Exchange::any_of(members),
        _ => Exchange::one(members[0].clone()),
    }
}

fn of(exchange: Exchange, times: Times, days: &[&str]) -> Schedule {
    let timezone = exchange.calendar().timezone().into();
    let days = Days(days.iter().map(|word| DayWord::parse(word).unwrap()).collect());
    Schedule {
        name: "default".into(),
        trigger: Trigger::Sessions(Sessions { exchange, times, days }),
        timezone,
    }
}

/// Once a session.
pub(super) fn at(book: &Book, code: &str, offset: &str, days: &[&str]) -> Schedule {
    of(exchange(book, code), Times::At(Offset::parse(offset).unwrap()), days)
}

/// Again and again.
pub(super) fn every(book: &Book, code: &str, step: &str, [from, to]: [&str; 2], days: &[&str]) -> Schedule {
    let step: Duration = duration::parse(step).unwrap();
    let (from, to) = (Offset::parse(from).unwrap(), Offset::parse(to).unwrap());
    of(exchange(book, code), Times::Every { step, from, to }, days)
}

/// A cron line that is held against an exchange.
pub(super) fn cron(book: &Book, line: &str, timezone: &str, code: &str, roll: Roll) -> Schedule {
    let Line::Times(cron) = Line::parse(line, Dialect::Extended).unwrap() else { panic!("{line}") };
    let filter = Some(Filter { exchange: exchange(book, code), roll });
    let trigger = Trigger::Cron { text: line.into(), cron, dst: Dst::default(), filter };
    Schedule { name: "default".into(), trigger, timezone: timezone.into() }
}

/// `2026-11-27 17:00 [2026-11-27] on time`: an occasion by the schedule's clocks, with what is said of it.
pub(super) fn told(schedule: &Schedule, occasion: &Occasion) -> String {
    let at = occasion.at.to_zoned(schedule.zone()).strftime("%Y-%m-%d %H:%M");
    let said = match &occasion.bar {
        Some(bar) => format!(" no: {bar}"),
        None if occasion.remarks.is_empty() => String::new(),
        None => format!(" {}", occasion.remarks),
    };
    format!("{at} [{}]{said}", occasion.date)
}

/// Those of the dates from one to another, a line each. On the way it holds that they are found by key, by
/// instant, forward and back alike.
pub(super) fn named(schedule: &Schedule, from: &str, to: &str) -> String {
    let dates = [from, to].map(|date| date.parse::<Date>().unwrap());
    let all: Vec<Occasion> = schedule.occasions(dates[0], dates[1]).collect();
    for pair in all.windows(2) {
        let [one, next] = pair else { panic!("a pair") };
        assert!(one.key < next.key, "{one:?} {next:?}");
        assert_eq!(schedule.after_key(&one.key).as_ref(), Some(next));
        assert_eq!(schedule.before_key(&next.key).as_ref(), Some(one));
        if one.at < next.at {
            assert_eq!(schedule.after(one.at).as_ref(), Some(next), "after {one:?}");
        }
    }
    all.iter().map(|occasion| told(schedule, occasion) + "\n").collect()
}
