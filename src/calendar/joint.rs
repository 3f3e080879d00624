//! Several calendars taken together, for a schedule that names them: on the days of all of them, or of any. They
//! are a calendar like another, and stand in no book.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{Basis, Calendar, Head};
use super::session::Source;
use super::sheet::Sheet;

/// The bounds of a calendar without dates.
const NEVER: [Date; 2] = [Date::constant(1970, 1, 2), Date::constant(1970, 1, 1)];

/// The dates on which all of these have a session, with the hours of the first. It is known where all are.
pub fn all_of(members: &[Arc<Calendar>]) -> Calendar {
    joint("all_of", members, &Basis::AllOf(members.into()))
}

/// The dates on which any of these has a session, with the hours of the first that has. It is known where all
/// are.
pub fn any_of(members: &[Arc<Calendar>]) -> Calendar {
    joint("any_of", members, &Basis::AnyOf(members.into()))
}

fn joint(word: &str, members: &[Arc<Calendar>], basis: &Basis) -> Calendar {
    made(&format!("{word} {}", codes(members)), members, basis)
}

/// A calendar of which nothing is known.
pub(super) fn without_dates(code: &str) -> Calendar {
    made(code, &[], &Basis::AllOf([].into()))
}

fn codes(members: &[Arc<Calendar>]) -> String {
    let codes: Vec<&str> = members.iter().map(|member| member.code()).collect();
    codes.join(", ")
}

fn made(code: &str, members: &[Arc<Calendar>], basis: &Basis) -> Calendar {
    let code: Arc<str> = code.into();
    let first = members.first();
    let of_first = |part: fn(&Calendar) -> &str| first.map_or("", |first| part(first)).into();
    let bound = |part: fn(&Calendar) -> Date| members.iter().map(move |member| part(member));
    let head = Head {
        name: code.clone(),
        code,
        aliases: Box::default(),
        timezone: of_first(Calendar::timezone),
        from: bound(Calendar::first).max().unwrap_or(NEVER[0]),
        to: bound(Calendar::last).min().unwrap_or(NEVER[1]),
        announced_to: bound(Calendar::announced_to).min().unwrap_or(NEVER[1]),
        origin: of_first(Calendar::origin),
        definer: Source::Table,
        source: first.map_or(Source::Table, |first| first.mostly_by().clone()),
    };
    let zone = first.map_or(TimeZone::UTC, |first| first.zone());
    Sheet::new(&head, &zone, basis).finish()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::super::book::Book;
    use super::super::session::Day;
    use super::*;

    fn members() -> Vec<Arc<Calendar>> {
        let book = Book::embedded();
        ["XNYS", "XLON"].map(|code| book.get(code).unwrap()).into()
    }

    #[test]
    fn all_of_them_have_fewer_days_and_any_of_them_more() {
        let (all, any) = (all_of(&members()), any_of(&members()));
        assert_eq!((all.code(), all.timezone()), ("all_of XNYS, XLON", "America/New_York"));
        let [new_york, london] = [&members()[0], &members()[1]].map(Clone::clone);
        // Thanksgiving, the early May bank holiday, Good Friday, a Monday like others, a Saturday.
        for (day, both, either) in [
            (date(2026, 11, 26), None, Some(&london)),
            (date(2026, 5, 4), None, Some(&new_york)),
            (date(2026, 4, 3), None, None),
            (date(2026, 11, 23), Some(&new_york), Some(&new_york)),
            (date(2026, 11, 28), None, None),
        ] {
            let open = |calendar: Option<&Arc<Calendar>>| calendar.map(|one| one.session(day).unwrap().open);
            assert_eq!(all.session(day).map(|session| session.open), open(both), "{day}");
            assert_eq!(any.session(day).map(|session| session.open), open(either), "{day}");
        }
        assert!(matches!(all.day(date(2026, 11, 26)), Day::Closed(_)));
        assert!(matches!(all.day(date(2026, 11, 28)), Day::Off));
    }

    #[test]
    fn it_is_known_where_all_are() {
        let book = Book::embedded();
        let members = ["XNYS", "XSHG"].map(|code| book.get(code).unwrap());
        let joint = any_of(&members);
        assert_eq!(joint.last(), members[1].last());
        assert!(matches!(joint.day(joint.last().tomorrow().unwrap()), Day::Beyond));
    }
}
