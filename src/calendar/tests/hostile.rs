//! Texts at random: whatever stands in a file, what is found is told and nothing breaks.

use proptest::prelude::*;

use super::super::hours::{Hours, Wall};
use super::super::offset::Offset;
use super::super::rule::Yearly;
use super::shelf::book;

const FILE: &str = "code: desk\nextends: XTKS\naliases: [team, 'b']\nto: 2027-06-30\nclosed: {A: [2026-12-09, \
                    {rule: december 25, observed: nearest_weekday, from: 2020}], B: easter - 2}\nlate_open: {10:00: \
                    [2026-12-10]}\nearly_close: {13:00: {C: [2026-12-11]}, -1d 12:00: [2026-12-14]}\nsession: \
                    {09:00-11:30 12:30-15:00: [2026-12-15]}\nextra: {D: [2026-12-12]}\nreopened: [2027-01-01]\n";

const OWN: &str = "code: own\ntimezone: Asia/Tokyo\nfrom: 2026-01-01\nto: 2027-06-30\nhours:\n  - {days: mon-fri, open: \
                   09:00, close: 15:00, break: [11:30, 12:30]}\n  - {from: 2026-05-01, days: [sun, tue-thu], open: \
                   -1d 20:00, close: +1d 00:00}\nclosed: {A: third monday of may}\n";

/// A file with some of its text replaced.
fn damaged() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..12_usize, "[a-z0-9:,{}\\[\\] \\n+-]{0,8}");
    (any::<bool>(), proptest::collection::vec(edit, 1..4)).prop_map(|(own, edits)| {
        let mut text = if own { OWN } else { FILE }.to_owned();
        for (at, length, new) in edits {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            text.replace_range(at..end, &new);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_told_about(text in damaged()) {
        let (book, report) = book(&[("own.yaml", &text)]);
        for (file, found) in report.iter() {
            let span = found.primary.span;
            prop_assert!(file.text.get(span.start as usize..span.end as usize).is_some(), "{:?}\n{}", found, text);
        }
        if !report.has_errors() {
            for code in ["desk", "own"] {
                let Ok(calendar) = book.get(code) else { continue };
                let sessions: Vec<_> = calendar.sessions(calendar.first(), calendar.last()).collect();
                prop_assert!(sessions.iter().all(|session| session.open < session.close), "{}", text);
                prop_assert!(sessions.windows(2).all(|pair| pair[0].close <= pair[1].open), "{}", text);
            }
        }
    }

    #[test]
    fn small_texts_are_read_or_refused(text in "(open|close|easter|first|mon|[0-9]{2}:[0-9]{2}|[+-]|[0-9]d| |\\PC){0,6}") {
        if let Err(error) = Offset::parse(&text) {
            prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error);
        }
        if let Ok(wall) = Wall::parse(&text) {
            prop_assert_eq!(Wall::parse(&wall.to_string()), Ok(wall));
        }
        if let Ok(hours) = Hours::parse(&text) {
            prop_assert_eq!(Hours::parse(&hours.to_string()), Ok(hours));
        }
        let _ = Yearly::parse(&text);
    }
}
