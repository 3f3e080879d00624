//! Clock changes that a schedule will meet, as people are told of them.

use crate::yaml::report::{Report, SourceFile};

use super::super::clock_changes;
use super::findings::pipeline;

/// What a text is warned of in November 2026.
fn warned(text: &str) -> String {
    let now = "2026-11-21T12:00:00Z".parse().unwrap();
    let pipeline = pipeline(&format!("exec: run\ntimezone: America/New_York\n{text}\n"));
    let mut report = Report::default();
    let file = SourceFile::new("nightly.yaml", pipeline.source.clone());
    report.add(&file, clock_changes::warnings(&pipeline, now));
    report.render(false)
}

#[test]
fn a_clock_change_ahead() {
    insta::assert_snapshot!(warned("schedule: \"30 2 * * *\""), @r#"
    warning: 02:30 does not exist on 2027-03-14 in America/New_York: it runs at 03:00
     --> nightly.yaml:3:11
      |
    3 | schedule: "30 2 * * *"
      |           ^^^^^^^^^^^^
      |
      = help: `dst: {gap: after}` says so, and `dst: {gap: skip}` leaves it out
      = help: write `schedule: {cron: "30 2 * * *", dst: {gap: after}}`
    "#);
    insta::assert_snapshot!(warned("schedule: {cron: 0 30 1 * * *}"), @r#"
    warning: 01:30 comes twice on 2027-11-07 in America/New_York: it runs the first time
     --> nightly.yaml:3:18
      |
    3 | schedule: {cron: 0 30 1 * * *}
      |                  ^^^^^^^^^^^^
      |
      = help: `dst: {overlap: first}` says so, and there are `second` and `both` too
    "#);
    let both = warned("schedule: {cron: '0-59/30 1,2 * * *'}");
    assert_eq!(both.matches("warning: ").count(), 2, "{both}");
}

#[test]
fn no_clock_change_ahead() {
    for text in [
        "",
        "schedule: 30 21 * * 1-5",
        "schedule: '*/30 2 * * *'",
        "schedule: '@hourly'",
        "schedule: '@reboot'",
        "schedule: {cron: 30 2 * * *, timezone: UTC}",
        "schedule: {cron: 30 2 * * *, timezone: Asia/Tokyo}",
        "schedule: {cron: 30 2 * * *, dst: {gap: after}}",
        "schedule: {cron: 30 2 * * *, dst: {gap: skip}}",
        "schedule: {cron: 30 1 * * *, dst: {overlap: both}}",
        // Not on that Sunday, and not on its date.
        "schedule: 30 2 * * 1-6",
        "schedule: 30 2 * 4-10 *",
        "schedule: 30 2 * * *\nend_date: 2027-03-13",
        "schedule: 30 2 * * *\nstart_date: 2027-03-15",
        // In 2028, which is more than a year away.
        "schedule: 30 2 12 3 *",
    ] {
        assert_eq!(warned(text), "", "{text}");
    }
    let one = warned("schedule: {cron: '30 1,2 * * *', dst: {gap: skip}}");
    assert!(
        one.contains("01:30 comes twice on 2027-11-07") && one.matches("warning: ").count() == 1,
        "{one}"
    );
}
