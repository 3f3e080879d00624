//! Calendars at random, held against a slow and plain model of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::super::session::Day;
use super::shelf::{day, usable};

const FROM: Date = date(2024, 1, 1);
const DAYS: i64 = 400;
const SHORT: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours in minutes of the day, without a break.
type Hours = (u32, u32);

#[derive(Clone, Debug)]
enum Said {
    Closed,
    Early(u32),
    Late(u32),
    Whole(Hours),
    Extra,
}

#[derive(Clone, Debug)]
struct Model {
    /// From which day on, and which weekdays have which hours.
    weeks: Vec<(i64, [Option<Hours>; 7])>,
    said: BTreeMap<i64, Said>,
}

fn hours() -> impl Strategy<Value = Hours> {
    (300_u32..600, 700_u32..1200)
}

fn week() -> impl Strategy<Value = [Option<Hours>; 7]> {
    let days = proptest::array::uniform7(proptest::option::weighted(0.7, hours()));
    days.prop_filter("some weekday", |days| days.iter().any(Option::is_some))
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        Just(Said::Closed),
        (620_u32..690).prop_map(Said::Early),
        (610_u32..690).prop_map(Said::Late),
        hours().prop_map(Said::Whole),
        Just(Said::Extra),
    ]
}

fn model() -> impl Strategy<Value = Model> {
    let later = proptest::collection::vec((1..DAYS, week()), 0..3);
    let said = proptest::collection::btree_map(0..DAYS, said(), 0..60);
    (week(), later, said).prop_map(|(first, later, said)| {
        let weeks: BTreeMap<i64, _> = std::iter::once((0, first)).chain(later).collect();
        Model { weeks: weeks.into_iter().collect(), said }
    })
}

fn on(number: i64) -> Date {
    FROM.saturating_add(number.days())
}

fn clock(minutes: u32) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl Model {
    fn text(&self) -> String {
        let mut text = format!("code: model\ntimezone: UTC\nfrom: {FROM}\nto: {}\nhours:\n", on(DAYS - 1));
        for (from, week) in &self.weeks {
            for (day, hours) in week.iter().enumerate() {
                let Some((open, close)) = hours else { continue };
                let from = if *from == 0 { String::new() } else { format!("from: {}, ", on(*from)) };
                let (open, close) = (clock(*open), clock(*close));
                writeln!(text, "  - {{{from}days: {}, open: {open}, close: {close}}}", SHORT[day]).unwrap();
            }
        }
        let mut keys: BTreeMap<&str, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for (number, said) in &self.said {
            let (key, under) = match said {
                Said::Closed => ("closed", "It".to_owned()),
                Said::Early(at) => ("early_close", clock(*at)),
                Said::Late(at) => ("late_open", clock(*at)),
                Said::Whole((open, close)) => ("session", format!("{}-{}", clock(*open), clock(*close))),
                Said::Extra => ("extra", "It".to_owned()),
            };
            keys.entry(key).or_default().entry(under).or_default().push(on(*number).to_string());
        }
        for (key, under) in keys {
            writeln!(text, "{key}:").unwrap();
            for (what, dates) in under {
                writeln!(text, "  {what}: [{}]", dates.join(", ")).unwrap();
            }
        }
        text
    }

    fn regular(&self, number: i64) -> Option<Hours> {
        let (_, week) = self.weeks.iter().rev().find(|(from, _)| *from <= number).unwrap_or(&self.weeks[0]);
        week[usize::try_from(on(number).weekday().to_monday_zero_offset()).unwrap()]
    }

    /// The session's hours, and whether it is closed.
    fn day(&self, number: i64) -> (Option<Hours>, bool) {
        let regular = self.regular(number);
        match (regular, self.said.get(&number)) {
            (Some(_), Some(Said::Closed)) => (None, true),
            (Some((open, _)), Some(Said::Early(close))) => (Some((open, *close)), false),
            (Some((_, close)), Some(Said::Late(open))) => (Some((*open, close)), false),
            (Some(_), Some(Said::Whole(hours))) => (Some(*hours), false),
            (None, Some(Said::Extra)) => ((1..=7).find_map(|back| self.regular(number - back)), false),
            (regular, _) => (regular, false),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_calendar_is_what_its_file_says(model in model()) {
        let text = model.text();
        let calendar = usable(&[("model.yaml", &text)]).get("model").unwrap();
        let mut labels = Vec::new();
        for number in 0..DAYS {
            let date = on(number);
            let (hours, closed) = model.day(number);
            let found = calendar.day(date);
            match (&found, hours) {
                (Day::Session(session), Some((open, close))) => {
                    let minutes = |at: jiff::Timestamp| {
                        (at.as_second() - date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second()) / 60
                    };
                    prop_assert_eq!((minutes(session.open), minutes(session.close)), (i64::from(open), i64::from(close)));
                    let regular = model.regular(number).unwrap_or((open, close));
                    prop_assert_eq!((session.early_close, session.late_open), (close < regular.1, open > regular.0));
                    prop_assert_eq!(calendar.at(session.open).map(|found| found.label), Some(date));
                    labels.push(date);
                }
                (Day::Closed(_), None) => prop_assert!(closed),
                (Day::Off, None) => prop_assert!(!closed),
                _ => prop_assert!(false, "{} {:?} {:?}\n{}", date, found, hours, text),
            }
        }
        for pair in labels.windows(2) {
            prop_assert_eq!(calendar.next_label(pair[0]), Some(pair[1]));
            prop_assert_eq!(calendar.previous_label(pair[1]), Some(pair[0]));
        }
        for (from, to) in [(day("2024-02-10"), day("2024-09-03")), (FROM, on(DAYS)), (on(30), on(10))] {
            let found: Vec<Date> = calendar.sessions(from, to).map(|session| session.label).collect();
            let expected: Vec<Date> = labels.iter().copied().filter(|label| (from..=to).contains(label)).collect();
            prop_assert_eq!(found, expected);
        }
        let counted = labels.iter().map(|label| calendar.shifted(labels[0], 0).and_then(|first| {
            let at = labels.iter().position(|other| other == label)?;
            calendar.shifted(first, i32::try_from(at).ok()?)
        }));
        prop_assert!(counted.zip(&labels).all(|(found, label)| found == Some(*label)));
    }
}
