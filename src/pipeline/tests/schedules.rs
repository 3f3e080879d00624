//! When a pipeline runs by itself: what a file says about it.

use std::time::Duration;

use jiff::civil::date;

use crate::calendar::book::Book;
use crate::schedule::definition::{Catchup, Overlap, Policy, Schedule, Trigger};
use crate::schedule::fires::{Dst, Fold, Gap};
use crate::yaml::report::SourceFile;

use super::super::definition::{Defaults, parse};
use super::findings::{messages, pipeline};

/// A schedule as name, expression and zone.
fn shown(schedule: &Schedule) -> [String; 3] {
    let times = match &schedule.trigger {
        Trigger::Cron { text, dst, .. } => format!("{text}{}", dst.spelled()),
        Trigger::Sessions(_) => schedule.spelled(),
        Trigger::Reboot => "a boot".to_owned(),
    };
    [schedule.name.to_string(), times, schedule.timezone.to_string()]
}

#[test]
fn one_schedule_or_several() {
    let plain = |times: &str| vec![["default", times, "UTC"].map(str::to_owned)];
    for (text, expected) in [
        ("", vec![]),
        ("schedule: 30 21 * * 1-5", plain("30 21 * * 1-5")),
        ("schedule: '*/5 * * * * *'", plain("*/5 * * * * *")),
        ("schedule: '@daily'", plain("@daily")),
        ("schedule: '@reboot'", plain("a boot")),
        ("schedule: [0 5 * * thu]", plain("0 5 * * thu")),
        ("schedule: >\n  0 5\n  * * *", plain("0 5 * * *")),
        ("schedule: {cron: 0 5 * * *}", plain("0 5 * * *")),
        ("schedule: {cron: 0 5 * * *, dst: {}}", plain("0 5 * * *")),
        ("description: &nightly 0 5 * * *\nschedule: *nightly", plain("0 5 * * *")),
        (
            "schedule: [{cron: 0 5 * * *, name: early bird}]",
            vec![["early bird", "0 5 * * *", "UTC"].map(str::to_owned)],
        ),
        (
            "timezone: Asia/Tokyo\nschedule:\n- {name: default, cron: 0 5 * * *}\n\
             - {name: b, cron: '@reboot'}\n- {name: c, cron: 0 5 * * *, timezone: Europe/London}",
            vec![
                ["default", "0 5 * * *", "Asia/Tokyo"].map(str::to_owned),
                ["b", "a boot", "Asia/Tokyo"].map(str::to_owned),
                ["c", "0 5 * * *", "Europe/London"].map(str::to_owned),
            ],
        ),
    ] {
        let pipeline = pipeline(&format!("exec: run\n{text}\n"));
        let schedules: Vec<_> = pipeline.timetable.schedules.iter().map(shown).collect();
        assert_eq!(schedules, expected, "{text}");
        let places = pipeline.schedule_places.iter().map(|span| {
            let text = &pipeline.source[span.start as usize..span.end as usize];
            let words: Vec<&str> = text.trim_start_matches('>').split_whitespace().collect();
            words.join(" ").trim_matches('\'').to_owned()
        });
        let written = schedules.iter().map(|[_, times, _]| times.replace("a boot", "@reboot"));
        assert_eq!(places.collect::<Vec<_>>(), written.collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn the_zone_is_the_schedules_the_pipelines_or_that_of_the_settings() {
    let defaults = Defaults { timezone: "Asia/Tokyo".into(), ..Defaults::default() };
    for (text, expected) in [
        ("schedule: 0 5 * * *", "Asia/Tokyo"),
        ("timezone: Europe/London\nschedule: 0 5 * * *", "Europe/London"),
        ("timezone: Europe/London\nschedule: {cron: 0 5 * * *, timezone: Europe/Paris}", "Europe/Paris"),
    ] {
        let file = SourceFile::new("nightly.yaml", format!("exec: run\n{text}\n"));
        let pipeline = parse(&file, &defaults, &Book::embedded()).0.unwrap();
        assert_eq!(&*pipeline.timetable.schedules[0].timezone, expected, "{text}");
    }
}

#[test]
fn dst_is_said_in_words() {
    let said = |dst: &str| {
        let pipeline = pipeline(&format!("exec: run\nschedule: {{cron: 0 5 * * *, dst: {{{dst}}}}}\n"));
        match &pipeline.timetable.schedules[0].trigger {
            Trigger::Cron { dst, .. } => *dst,
            Trigger::Sessions(_) | Trigger::Reboot => panic!("no expression"),
        }
    };
    assert_eq!(said(""), Dst::default());
    for (word, gap) in [("after", Gap::After), ("skip", Gap::Skip)] {
        assert_eq!(said(&format!("gap: {word}")), Dst { gap: Some(gap), overlap: None });
    }
    for (word, fold) in [("first", Fold::First), ("second", Fold::Second), ("both", Fold::Both)] {
        assert_eq!(said(&format!("overlap: {word}")), Dst { gap: None, overlap: Some(fold) });
    }
}

#[test]
fn h_is_a_number_made_from_the_name_and_the_text_says_which() {
    let text = |name: &str, cron: &str| {
        let pipeline = pipeline(&format!("name: {name}\nexec: run\nschedule: {cron}\n"));
        shown(&pipeline.timetable.schedules[0])[1].clone()
    };
    let one = text("nightly", "H H(0-7) * * 1-5");
    assert!(!one.contains('H'), "{one}");
    assert_eq!(one, text("nightly", "H H(0-7) * * 1-5"));
    assert_eq!(one, text("other", &one), "what it says is what it does");
    let others: std::collections::BTreeSet<_> =
        (0..20).map(|n| text(&format!("p{n}"), "H H(0-7) * * 1-5")).collect();
    assert!(others.len() > 15, "{others:?}");
    assert_eq!(text("nightly", "0 5 * MAR THU"), "0 5 * MAR THU", "only an H is expanded");
}

#[test]
fn slots_become_runs_by_these_rules() {
    assert_eq!(pipeline("exec: run\nschedule: 0 5 * * *\n").timetable.policy, Policy::default());
    let text = "exec: run\nschedule: 0 5 * * *\ncatchup: none\nstarting_deadline: 2h\ngrace: 0s\n\
                overlap: cancel_running\nmax_active_runs: 3\nstart_date: 2026-01-01\nend_date: 2026-01-01\n";
    let policy = Policy {
        catchup: Catchup::None,
        starting_deadline: Some(Duration::from_hours(2)),
        grace: Duration::ZERO,
        overlap: Overlap::CancelRunning,
        max_active_runs: 3.try_into().unwrap(),
        start_date: Some(date(2026, 1, 1)),
        end_date: Some(date(2026, 1, 1)),
    };
    assert_eq!(pipeline(text).timetable.policy, policy);
    for (word, catchup) in [("none", Catchup::None), ("latest", Catchup::Latest), ("all", Catchup::All)] {
        let pipeline = pipeline(&format!("exec: run\nschedule: 0 5 * * *\ncatchup: {word}\n"));
        assert_eq!((pipeline.timetable.policy.catchup, catchup.word()), (catchup, word));
    }
    for (word, overlap) in [("queue", Overlap::Queue), ("skip", Overlap::Skip)] {
        let pipeline = pipeline(&format!("exec: run\nschedule: 0 5 * * *\noverlap: {word}\n"));
        assert_eq!(pipeline.timetable.policy.overlap, overlap);
    }
    assert_eq!(pipeline("exec: run\nmax_active_runs: 2\n").timetable.policy.max_active_runs.get(), 2);
}

#[test]
fn parameters_that_need_not_be_given_are_no_matter() {
    let params = "params: {a: 1, b: {type: date, required: false}, c: {type: string, default: x}}";
    pipeline(&format!("exec: run\nschedule: 0 5 * * *\n{params}\n"));
    pipeline("exec: run\nparams: {a: {type: date}}\n");
}

#[test]
fn an_expression_that_never_comes_is_an_error_and_a_rare_one_is_not() {
    for cron in ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
        let found = messages(&format!("exec: run\nschedule: {cron}\n"));
        assert_eq!(found, [format!("`{cron}` never fires")]);
    }
    // A leap day; one on a Sunday or any Sunday of February; the last second of a year.
    for cron in ["0 0 29 2 *", "0 0 29 2 0", "59 59 23 31 12 *"] {
        pipeline(&format!("exec: run\nschedule: {cron}\n"));
    }
}

#[test]
fn there_are_not_more_schedules_than_anyone_can_tell_apart() {
    let list = |count: usize| {
        let items: String = (0..count).map(|n| format!("- {{name: s{n}, cron: 0 5 * * *}}\n")).collect();
        format!("exec: run\nschedule:\n{items}")
    };
    assert_eq!(pipeline(&list(100)).timetable.schedules.len(), 100);
    assert_eq!(messages(&list(101)), ["a pipeline has at most 100 schedules"]);
}
