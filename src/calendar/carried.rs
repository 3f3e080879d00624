//! Calendars that are carried on beyond their table: the years of which nobody has said when they are closed. It
//! never guesses a holiday, it only misses them.

use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::yaml::diagnostic::Diagnostic;

use super::sheet::Sheet;
use super::table::Bound;

/// So many years are looked back upon for whether there should be a holiday.
const LOOKED_BACK: usize = 10;

/// An end that is said to be later than `known`, although years up to it have no holiday yet.
pub(super) fn in_vain(code: &str, sheet: &Sheet<'_>, known: Date, end: Bound) -> Option<Diagnostic> {
    let years = years_without_holidays(sheet, known);
    let (first, last) = (years.first()?, years.last()?);
    let shown = match years.as_slice() {
        [only] => format!("in {only}"),
        [one, other] => format!("in {one} and {other}"),
        [..] => format!("in years from {first} to {last}"),
    };
    let message = format!("nothing says on which days `{code}` is closed {shown}");
    let error = Diagnostic::error(end.span, message).label(format!("what is known ends {known}"));
    Some(error.help(
        "nothing is guessed: name the holidays under `closed`, as dates or as rules such as `december 25`, \
         or let `to` be earlier",
    ))
}

/// Those after `known`, or parts of years, that have none where each of the years before had some.
fn years_without_holidays(sheet: &Sheet<'_>, known: Date) -> Vec<i16> {
    let (_, end) = sheet.range();
    let first = known.saturating_add(1.day());
    let stretch = |year: i16| {
        let begin = Date::new(year, 1, 1).unwrap_or(first);
        (begin.max(first), begin.last_of_year().min(end))
    };
    let missed = |year: &i16| {
        let (from, to) = stretch(*year);
        !sheet.has_holiday(from, to) && is_to_be_expected(sheet, known, (from, to))
    };
    (first.year()..=end.year()).filter(missed).collect()
}

/// Whether the same part of each of the last years had a holiday.
fn is_to_be_expected(sheet: &Sheet<'_>, known: Date, (from, to): (Date, Date)) -> bool {
    let (begin, _) = sheet.range();
    let earlier = (1_i64..).map(|by| (from.saturating_sub(by.years()), to.saturating_sub(by.years())));
    let mut known = earlier
        .skip_while(|(_, to)| *to > known)
        .take_while(|(from, _)| *from >= begin)
        .take(LOOKED_BACK)
        .peekable();
    known.peek().is_some() && known.all(|(from, to)| sheet.has_holiday(from, to))
}
