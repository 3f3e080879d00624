//! What a calendar costs: one session by its date, the one that an instant lies in, and all of them as a command.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use sexton::calendar::book::Book;

use crate::Yard;
use crate::table::Row;

const CODE: &str = "XNYS";
/// Questions in a round.
const ASKED: usize = 200_000;

pub(crate) fn measure(yard: &Yard) -> Result<Vec<Row>> {
    let rounds = if yard.quick { 5 } else { 15 };
    let calendar = Book::embedded().get(CODE)?;
    let (first, last) = (calendar.first(), calendar.last());
    let labels: Vec<Date> = calendar.sessions(first, last).map(|session| session.label).collect();
    // In no order: what comes next is not in the processor's hands already.
    let mixed = |number: usize| number.wrapping_mul(7_919) % labels.len();
    let dates: Vec<Date> = (0..ASKED).map(|number| labels[mixed(number)]).collect();
    let noon = SignedDuration::from_hours(1);
    let open = |date: &Date| Some(calendar.session(*date)?.open + noon);
    let instants: Vec<Timestamp> = dates.iter().filter_map(open).collect();
    ensure!(instants.len() == ASKED, "{CODE} has lost sessions");

    let (mut by_date, mut by_instant, mut listed) = (Vec::new(), Vec::new(), Vec::new());
    let each = |begun: Instant| begun.elapsed().as_secs_f64() * 1e9 / ASKED as f64;
    for _ in 0..rounds {
        let begun = Instant::now();
        for date in &dates {
            black_box(calendar.session(black_box(*date)));
        }
        by_date.push(each(begun));
        let begun = Instant::now();
        for at in &instants {
            black_box(calendar.at(black_box(*at)));
        }
        by_instant.push(each(begun));
        let sample = yard.sexton(|command| {
            command.args(["calendar", "show", CODE, "--json"]).current_dir(yard.dir.path());
        })?;
        listed.push(sample.wall * 1e3);
    }
    let years = last.year() - first.year() + 1;
    ensure!(labels.len() > 9_000, "{CODE} has {} sessions only", labels.len());
    let wanted = labels.first().context("no session")?;
    ensure!(calendar.at(instants[0]).is_some(), "no session lies around {wanted}");
    Ok(vec![
        Row::alone("a session by its date".to_owned(), "ns", &by_date),
        Row::alone("the session that an instant lies in".to_owned(), "ns", &by_instant),
        Row::alone(format!("`calendar show {CODE} --json`, {years} years"), "ms", &listed),
    ])
}
