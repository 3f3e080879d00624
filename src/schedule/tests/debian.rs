//! Against Debian's own cron: what it reads and when it fires, as `tests/fixtures/cron` has it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::schedule::cron::{Cron, CronError, Dialect, Line};
use crate::schedule::fires::{Dst, next, previous};

const READ: &str = include_str!("../../../tests/fixtures/cron/parse.txt");
const FIRED: &str = include_str!("../../../tests/fixtures/cron/fires.txt");

fn lines(fixture: &str) -> impl Iterator<Item = &str> {
    fixture.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What Debian's cron accepts and we refuse, each a trap: it goes on with something else than was written.
fn departure(error: &CronError) -> Option<&'static str> {
    [
        ("goes backwards", "a backward range"),
        ("means nothing", "something behind an item"),
        ("a crontab has no", "a word of pipeline files, read by its beginning"),
    ]
    .into_iter()
    .find_map(|(words, departure)| error.message.contains(words).then_some(departure))
}

/// As the fixture has it. Where every day is allowed, it is all one which day field has a star.
fn reading(cron: &Cron) -> String {
    let mark = |place: usize, mark: char| if cron.stars & 1 << place != 0 { mark } else { '-' };
    let every_day = cron.dates == 0xFFFF_FFFE && cron.weekdays == 0x7F;
    let days = if every_day { "--".to_owned() } else { format!("{}{}", mark(3, 'd'), mark(5, 'w')) };
    let Cron { minutes, hours, dates, months, weekdays, .. } = cron;
    format!("{minutes:x} {hours:x} {dates:x} {months:x} {weekdays:x} {}{}{days}", mark(1, 'm'), mark(2, 'h'))
}

/// The fixture has Sunday twice, and stars where they say nothing.
fn expected(reading: &str) -> String {
    let words: Vec<&str> = reading.split(' ').collect();
    let [minutes, hours, dates, months, weekdays, stars] = words[..] else { panic!("{reading}") };
    let weekdays = u8::from_str_radix(weekdays, 16).unwrap() & 0x7F;
    let every_day = dates == "fffffffe" && weekdays == 0x7F;
    let days = if every_day { "--" } else { &stars[2..] };
    format!("{minutes} {hours} {dates} {months} {weekdays:x} {}{days}", &stars[..2])
}

#[test]
fn an_expression_is_read_as_debian_reads_it() {
    let mut departures: BTreeMap<&str, usize> = BTreeMap::new();
    let mut disagreements = Vec::new();
    let mut vectors = 0;
    for line in lines(READ) {
        let (text, debian) = line.rsplit_once('\t').unwrap();
        let text = text.replace("\\t", "\t").replace("\\r", "\r").replace("\\v", "\u{b}");
        let ours = Line::parse(&text, Dialect::Crontab);
        vectors += 1;
        // Debian's cron keeps the lower half of a number.
        let wraps = text.split(|c: char| !c.is_ascii_digit()).any(|number| number.len() > 9);
        match &ours {
            Err(_) if debian == "reject" => {}
            Ok(Line::Times(cron)) if debian != "reject" && reading(cron) == expected(debian) => {}
            Err(_) | Ok(_) if wraps => *departures.entry("a number of more than 32 bits").or_default() += 1,
            Err(error) if departure(error).is_some() => {
                *departures.entry(departure(error).unwrap()).or_default() += 1;
            }
            Err(_) | Ok(_) => disagreements.push(format!("{text:?}: Debian {debian}, ours {ours:?}")),
        }
    }
    assert!(disagreements.is_empty(), "{} of {vectors}:\n{}", disagreements.len(), disagreements.join("\n"));
    insta::assert_debug_snapshot!((vectors, departures), @r#"
    (
        1031,
        {
            "a backward range": 26,
            "a number of more than 32 bits": 4,
            "a word of pipeline files, read by its beginning": 1,
            "something behind an item": 104,
        },
    )
    "#);
}

#[test]
fn an_expression_fires_when_debian_fires_it() {
    let mut disagreements = Vec::new();
    let mut vectors = 0;
    let (mut from, mut until, mut wanted, mut zone) = (Timestamp::MIN, Timestamp::MIN, 0, TimeZone::UTC);
    for line in lines(FIRED) {
        let Some((text, minutes)) = line.split_once('\t') else {
            let words: Vec<&str> = line.split(' ').collect();
            let [name, begin, observed, fires] = words[..] else { panic!("{line}") };
            zone = TimeZone::get(name).or_else(|_| TimeZone::posix(name)).unwrap();
            from = begin.parse().unwrap();
            until = from + SignedDuration::from_mins(observed.parse().unwrap());
            wanted = fires.parse().unwrap();
            continue;
        };
        vectors += 1;
        let minutes = minutes.split(' ').filter(|minutes| !minutes.is_empty());
        let fires = minutes.scan(from, |at, minutes| {
            *at += SignedDuration::from_mins(minutes.parse().unwrap());
            Some(*at)
        });
        let debian: Vec<Timestamp> = fires.collect();
        let Ok(Line::Times(cron)) = Line::parse(text, Dialect::Crontab) else { panic!("{text}") };
        let following = |at: &Timestamp| next(&cron, &zone, Dst::default(), *at).filter(|at| *at <= until);
        let ours: Vec<Timestamp> = std::iter::successors(following(&from), following).take(wanted).collect();
        if ours != debian {
            let shown = |at: &Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M%:z").to_string();
            let [debian, ours] =
                [&debian, &ours].map(|all| all.iter().map(shown).collect::<Vec<_>>().join(" "));
            disagreements.push(format!("{text}  {zone:?} from {from}\n  Debian {debian}\n  ours   {ours}"));
        }
        // And back again by the same way.
        for pair in debian.windows(2) {
            assert_eq!(previous(&cron, &zone, Dst::default(), pair[1]), Some(pair[0]), "{text} {zone:?}");
        }
    }
    assert!(disagreements.is_empty(), "{} of {vectors}:\n{}", disagreements.len(), disagreements.join("\n"));
    assert_eq!(vectors, 5_835);
}
