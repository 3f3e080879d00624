//! A calendar's months as people hang them on a wall: its weeks, and beside them the days that are special. Pure.

use jiff::civil::{Date, Time, Weekday};
use jiff::{Timestamp, ToSpan as _};

use crate::calendar::calendar::Calendar;
use crate::calendar::hours::{Hours, Wall};
use crate::calendar::session::{Day, Session};

/// Columns of a day in a week.
const CELL: usize = 4;
const SHORT: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The months from a date to a date, both of which the calendar knows; `files` are the user's that it is made from.
pub fn shown(calendar: &Calendar, from: Date, to: Date, files: &[&str]) -> String {
    let mut text = head(calendar, from, to, files);
    let mut first = from;
    while first <= to {
        let last = first.last_of_month().min(to);
        text.push('\n');
        text += &month(calendar, first, last);
        first = last.saturating_add(1.day());
    }
    text
}

/// An instant by the calendar's clock: `09:30`, or `-1d 17:00` on the day before the label.
fn wall(calendar: &Calendar, label: Date, at: Timestamp) -> Wall {
    let local = calendar.zone().to_datetime(at);
    let days = local.date().since(label).map_or(0, |span| span.get_days());
    Wall { days: i8::try_from(days).unwrap_or_default(), time: local.time() }
}

fn head(calendar: &Calendar, from: Date, to: Date, files: &[&str]) -> String {
    let mut lines = vec![format!("{}  {}, {}", calendar.code(), calendar.name(), calendar.timezone())];
    if !calendar.aliases().is_empty() {
        lines.push(format!("also called {}", calendar.aliases().join(", ")));
    }
    lines.extend(files.iter().map(|file| format!("with {file}")));
    lines.push(known(calendar));
    lines.push(week(calendar, from));
    let year = (from, to) == (from.first_of_year(), from.last_of_year());
    let dates = if year { from.year().to_string() } else { format!("{from} to {to}") };
    lines.push(format!("{dates}: {}", counted(calendar, from, to)));
    lines.join("\n") + "\n"
}

/// Which dates it knows, and up to which they are more than projected.
fn known(calendar: &Calendar) -> String {
    let (first, last, announced) = (calendar.first(), calendar.last(), calendar.announced_to());
    let projected = if announced < last { format!(", announced to {announced}") } else { String::new() };
    format!("known from {first} to {last}{projected}")
}

fn counted(calendar: &Calendar, from: Date, to: Date) -> String {
    let sessions = calendar.sessions(from, to);
    let all = sessions.len();
    let (mut early, mut late) = (0, 0);
    for session in sessions {
        early += usize::from(session.early_close);
        late += usize::from(session.late_open);
    }
    let (mut holidays, mut ad_hoc) = (0, 0);
    for date in days(from, to) {
        if let Day::Closed(closure) = calendar.day(date) {
            *(if closure.ad_hoc { &mut ad_hoc } else { &mut holidays }) += 1;
        }
    }
    let counts = [
        (all, "session"),
        (holidays, "holiday"),
        (ad_hoc, "ad hoc closure"),
        (early, "early close"),
        (late, "late open"),
    ];
    let told = counts.iter().filter(|(count, what)| *count > 0 || *what == "session");
    told.map(|(count, what)| plural(*count, what)).collect::<Vec<_>>().join(", ")
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    from.series(1.day()).take_while(move |date| *date <= to)
}

/// The regular week that holds from a date on: `Mon-Thu 09:59-17:15, Fri 09:59-13:50`.
fn week(calendar: &Calendar, date: Date) -> String {
    let week = calendar.regular_week(date);
    let runs = week.chunk_by(|(_, a), (_, b)| a == b).filter_map(|run| match run {
        [(first, Some(hours)), .., (last, _)] => {
            Some(format!("{}-{} {}", short(*first), short(*last), told(hours)))
        }
        [(only, Some(hours))] => Some(format!("{} {}", short(*only), told(hours))),
        [] | [(_, None), ..] => None,
    });
    runs.collect::<Vec<_>>().join(", ")
}

fn told(hours: &Hours) -> String {
    stretches(hours.open, hours.pause, hours.close)
}

/// `09:30–13:00`, and with a break `09:00–11:30 12:30–15:00`.
fn stretches(open: Wall, pause: Option<(Wall, Wall)>, close: Wall) -> String {
    let midnight = Wall { days: 1, time: Time::midnight() };
    let close = if close == midnight { "24:00".to_owned() } else { close.to_string() };
    match pause {
        None => format!("{open}–{close}"),
        Some((from, to)) => format!("{open}–{from} {to}–{close}"),
    }
}

fn short(weekday: Weekday) -> &'static str {
    SHORT[usize::from(weekday.to_monday_zero_offset().unsigned_abs())]
}

/// A month, or the part of it between two dates.
fn month(calendar: &Calendar, first: Date, last: Date) -> String {
    let begins = calendar.week_begins(first);
    let column = |date: Date| usize::from(date.weekday().since(begins).unsigned_abs());
    let mut grid =
        vec![(0..7).map(|at| format!("{:>CELL$}", &short(begins.wrapping_add(at))[..2])).collect::<String>()];
    let mut row = String::new();
    for date in days(first, last) {
        if column(date) == 0 && !row.is_empty() {
            grid.push(std::mem::take(&mut row));
        }
        row = format!("{row:<width$}{:<CELL$}", cell(calendar, date), width = column(date) * CELL);
    }
    grid.push(row);
    // Of a month that begins with a weekend, the first week is empty.
    grid.retain(|week| !week.trim().is_empty());
    let notes = notes(calendar, first, last);
    let sessions = plural(calendar.sessions(first, last).len(), "session");
    let mut text =
        format!("{} {}, {sessions}{}\n", name(first), first.year(), projected(calendar, first, last));
    for at in 0..grid.len().max(notes.len() + 1) {
        let days = grid.get(at).map_or("", String::as_str);
        let note = at.checked_sub(1).and_then(|at| notes.get(at)).map_or("", String::as_str);
        text += format!("{days:<width$}  {note}", width = 7 * CELL).trim_end();
        text.push('\n');
    }
    text
}

fn name(date: Date) -> String {
    date.strftime("%B").to_string()
}

fn projected(calendar: &Calendar, first: Date, last: Date) -> String {
    let announced = calendar.announced_to();
    if last <= announced {
        String::new()
    } else if first > announced {
        ", projected".to_owned()
    } else {
        format!(", projected from {} on", announced.saturating_add(1.day()).day())
    }
}

/// A day: its number where there is a session, with a star where that is special; a dash where it is closed.
fn cell(calendar: &Calendar, date: Date) -> String {
    match calendar.day(date) {
        Day::Session(session) if special(calendar, &session) => format!("{:>3}*", date.day()),
        Day::Session(_) => format!("{:>4}", date.day()).split_off(1),
        Day::Closed(_) => " --".to_owned(),
        Day::Off | Day::Before | Day::Beyond => String::new(),
    }
}

fn special(calendar: &Calendar, session: &Session) -> bool {
    let date = session.label;
    !calendar.is_regular(date)
        || !calendar.names(date).is_empty()
        || calendar.source(date) != calendar.mostly_by()
}

/// What is to be said beside a month, in columns.
fn notes(calendar: &Calendar, first: Date, last: Date) -> Vec<String> {
    let new_weeks = calendar.new_weeks(first, last);
    let mut rows: Vec<[String; 3]> = Vec::new();
    for date in days(first, last) {
        let day = format!("{} {:>2}", short(date.weekday()), date.day());
        if date > calendar.first() && new_weeks.contains(&date) {
            rows.push([day.clone(), "from now on".to_owned(), week(calendar, date)]);
        }
        let what = match calendar.day(date) {
            Day::Session(session) if special(calendar, &session) => hours(calendar, &session),
            Day::Closed(closure) if closure.ad_hoc => "closed ad hoc".to_owned(),
            Day::Closed(_) => "closed".to_owned(),
            Day::Session(_) | Day::Off | Day::Before | Day::Beyond => continue,
        };
        let mut told = calendar.names(date).join(", ");
        if calendar.regular(date).is_none() && told.is_empty() {
            told.push_str("extra session");
        }
        if calendar.source(date) != calendar.mostly_by() {
            let by = format!("by {}", calendar.source(date).text());
            told = if told.is_empty() { by } else { format!("{told}, {by}") };
        }
        rows.push([day, what, told]);
    }
    let width = rows.iter().map(|[_, what, _]| what.chars().count()).max().unwrap_or_default();
    rows.into_iter().map(|[day, what, told]| format!("{day}  {what:<width$}  {told}")).collect()
}

/// By the calendar's clock.
fn hours(calendar: &Calendar, session: &Session) -> String {
    let wall = |at: Timestamp| wall(calendar, session.label, at);
    let pause = session.pause.map(|(from, to)| (wall(from), wall(to)));
    stretches(wall(session.open), pause, wall(session.close))
}
