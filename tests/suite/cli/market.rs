//! Schedules by the sessions of exchanges, as people see them: what is planned, what is wrong, what has become of
//! their slots, and why.

use sexton::schedule::slot::Decision;

use super::books::{Books, Page, session};
use super::desk::Desk;

const NIGHTLY: &str = "schedule: {calendar: XNYS, at: close + 4h}\nexec: 'true'\n";

#[test]
fn a_plan_has_the_holiday_by_name_and_the_half_day_moved() {
    let desk = Desk::new().pipeline("nightly", NIGHTLY);
    let done = desk.ask(&["plan", "--from", "2026-11-25", "--to", "2026-11-30"]).exit(0).stderr_is("");
    done.stdout_is(
        "\
LOCAL                    PIPELINE  SCHEDULE  DATE        DECISION  REASON
2026-11-25 20:00:00 EST  nightly   default   2026-11-25  fires     on time
2026-11-26 20:00:00 EST  nightly   default   2026-11-26  skipped   XNYS is closed (Thanksgiving Day)
2026-11-27 17:00:00 EST  nightly   default   2026-11-27  fires     on time; early close (Day after Thanksgiving)
2026-11-30 20:00:00 EST  nightly   default   2026-11-30  fires     on time
",
    );
    // By the clocks of the exchange, in summer too.
    let done = desk.ask(&["plan", "--from", "2026-03-06", "--to", "2026-03-09", "--json"]).exit(0);
    let slots: Vec<_> = done.json().iter().map(|slot| slot["slot"].clone()).collect();
    assert_eq!(slots, ["2026-03-07T01:00:00Z", "2026-03-10T00:00:00Z"]);
    assert_eq!(done.json()[0]["logical_date"], "2026-03-06");
}

#[test]
fn a_plan_has_no_slots_in_a_break() {
    let intraday =
        "schedule: {calendar: XHKG, every: 1h, between: [open + 30m, close - 15m]}\nexec: 'true'\n";
    let desk = Desk::new().pipeline("intraday", intraday);
    let done = desk.ask(&["plan", "--from", "2026-11-23", "--to", "2026-11-23"]).exit(0).stderr_is("");
    let clocks: Vec<_> = done.stdout.lines().skip(1).map(|line| &line[11..16]).collect();
    assert_eq!(clocks, ["10:00", "11:00", "13:00", "14:00", "15:00"]);
}

#[test]
fn what_never_fires_is_not_valid() {
    for (schedule, plan) in [
        ("{calendar: XNYS, every: 1h, between: [close, open]}", 2),
        ("{calendar: XNYS, cron: 0 0 30 2 *}", 2),
        // A calendar may have such a date with its next file, and then it is not these files that are wrong.
        ("{calendar: XNYS, at: close, days: nth(30)_of_month}", 0),
    ] {
        let desk = Desk::new().pipeline("never", &format!("schedule: {schedule}\nexec: 'true'\n"));
        desk.ask(&["check"]).exit(1).stderr_has("error: ").stdout_is("");
        let done = desk.ask(&["plan", "--from", "2026-11-26", "--to", "2026-11-27"]).exit(plan);
        assert!(!done.stdout.contains("2026-11-2"), "{schedule}: {}", done.stdout);
    }
}

#[test]
fn a_file_of_ones_own_changes_the_plan() {
    let day = |desk: &Desk| {
        let done =
            desk.ask(&["plan", "--config", "config", "--from", "2025-01-09", "--to", "2025-01-09"]).exit(0);
        done.stdout
            .lines()
            .nth(1)
            .unwrap_or_default()
            .split_once("2025-01-09  ")
            .map(|(_, rest)| rest.to_owned())
    };
    let desk = Desk::new().pipeline("nightly", NIGHTLY);
    let closed = "skipped   XNYS is closed (National Day of Mourning for Jimmy Carter); ad hoc";
    assert_eq!(day(&desk).as_deref(), Some(closed));
    let reopened = "override: XNYS\nreopened: {It was open after all: [2025-01-09]}\n";
    let desk = desk.file("config/calendars/mourning.yaml", reopened);
    let open = "fires     on time; hours of config/calendars/mourning.yaml";
    assert_eq!(day(&desk).as_deref(), Some(open));
    let closed = "override: XNYS\nclosed_ad_hoc: {A storm: [2025-01-10]}\n";
    let desk = Desk::new().pipeline("nightly", NIGHTLY).file("config/calendars/storm.yaml", closed);
    let done =
        desk.ask(&["plan", "--config", "config", "--from", "2025-01-10", "--to", "2025-01-10"]).exit(0);
    done.stdout_has("skipped   XNYS is closed (A storm); ad hoc; by config/calendars/storm.yaml");
}

#[test]
fn a_calendar_that_ends_is_an_error_to_check_and_a_row_of_the_plan() {
    let desk = Desk::new()
        .pipeline("desk", "schedule: {calendar: DESK, at: close}\nexec: 'true'\n")
        .file("config/calendars/desk.yaml", "code: DESK\nextends: XNYS\nto: 2020-12-31\n");
    desk.ask(&["check"]).exit(1).stderr_has("error: calendar exhausted: DESK ends 2020-12-31");
    let done = desk.ask(&["plan", "--from", "2020-12-31", "--to", "2021-01-04"]).exit(0).stderr_is("");
    done.stdout_is(
        "\
LOCAL                    PIPELINE  SCHEDULE  DATE        DECISION   REASON
2020-12-31 16:00:00 EST  desk      default   2020-12-31  fires      on time
                         desk      default   2021-01-01  exhausted  calendar exhausted: DESK ends 2020-12-31
",
    );
    let done = desk.ask(&["plan", "--from", "2021-01-01", "--to", "2021-01-01", "--json"]).exit(0);
    assert_eq!(
        done.stdout,
        "{\"pipeline\":\"desk\",\"schedule\":\"default\",\"slot\":null,\"local\":null,\"logical_date\":\"2021-01-01\",\
         \"decision\":\"exhausted\",\"reason\":\"calendar exhausted: DESK ends 2020-12-31\"}\n"
    );
    // Nobody expects more of it than that.
    let bounded = "schedule: {calendar: DESK, at: close}\nend_date: 2020-12-31\nexec: 'true'\n";
    desk.pipeline("desk", bounded).ask(&["check"]).exit(0).stderr_is("");
}

const SET: [Page<'static>; 2] = [
    ("nightly", NIGHTLY, &["default"]),
    ("shanghai", "schedule: {calendar: XSHG, at: close + 10h}\nexec: 'true'\n", &["default"]),
];

async fn written(desk: &Desk) {
    let mut books = Books::open(desk, "state", &SET, "2018-05-23T00:00:00Z").await;
    let run = books.fired(session("nightly", "2018-05-25", "2018-05-26T00:00:00Z"), "on time");
    books.plays("nightly", run, "2018-05-26T00:00:00Z", &[0]);
    let closed = "XNYS is closed (Memorial Day)";
    books.came_to(session("nightly", "2018-05-28", "2018-05-29T00:00:00Z"), Decision::Skipped, closed);
    books.considered_to("nightly", "2018-05-29T12:00:00Z", "2018-05-28");
    books.fired(session("shanghai", "2018-05-25", "2018-05-25T17:00:00Z"), "on time");
    books.considered_to("shanghai", "2018-05-29T12:00:00Z", "2018-05-28");
    books.close().await;
}

#[tokio::test]
async fn the_ledger_shows_the_label_of_each_session() {
    let desk = Desk::new();
    written(&desk).await;
    let done = desk.ask(&["ledger", "nightly", "--timezone", "America/New_York"]).exit(0).stderr_is("");
    done.stdout_is(
        "\
SLOT                                  PIPELINE  SCHEDULE  DECISION  RUN  REASON
2018-05-28 20:00:00 EDT [2018-05-28]  nightly   default   skipped        XNYS is closed (Memorial Day)
2018-05-25 20:00:00 EDT [2018-05-25]  nightly   default   fired     1    on time
",
    );
    let done = desk.ask(&["ledger", "nightly", "--json"]).exit(0);
    assert_eq!((&done.json()[0]["session"], &done.json()[0]["ordinal"]), (&"2018-05-28".into(), &0.into()));
}

#[tokio::test]
async fn why_goes_by_the_date_that_a_run_is_for() {
    let desk = Desk::new();
    written(&desk).await;
    let why = |pipeline: &str, day: &str| {
        let done = desk.ask(&["why", pipeline, day]).exit(0);
        // Of Shanghai's a run is under way, and whoever wrote the books has gone.
        assert_eq!(
            done.stderr.starts_with("no daemon is at work in "),
            pipeline == "shanghai",
            "{}",
            done.all()
        );
        done.stdout.trim_end().to_owned()
    };
    assert_eq!(
        why("nightly", "2018-05-25"),
        "Schedule `default`, slot 2018-05-25 20:00:00 EDT: fired, on time. Run 1 succeeded in 1m."
    );
    assert_eq!(
        why("nightly", "2018-05-28"),
        "Schedule `default`, slot 2018-05-28 20:00:00 EDT: skipped, XNYS is closed (Memorial Day)."
    );
    assert_eq!(
        why("nightly", "2018-05-26"),
        "Schedule `default` (XNYS at: close + 4h) names no slot on 2018-05-26, a Saturday: XNYS has no session on \
         Saturdays. The one before: 2018-05-25 20:00:00 EDT; the next: 2018-05-29 20:00:00 EDT."
    );
    // It fired on Saturday morning in Shanghai, for Friday.
    assert_eq!(
        why("shanghai", "2018-05-25"),
        "Schedule `default`, slot 2018-05-26 01:00:00 CST [2018-05-25]: fired, on time. Run 2 has not begun; see \
         `sexton why 2`."
    );
    assert!(why("shanghai", "2018-05-26").contains("XSHG has no session on Saturdays"));
    assert_eq!(
        why("shanghai", "2027-03-01"),
        "Schedule `default` (XSHG at: close + 10h) names no slot on 2027-03-01, a Monday: XSHG ends 2026-12-31. The \
         one before: 2027-01-01 01:00:00 CST; the next: none that is known, XSHG ends 2026-12-31."
    );
    assert!(why("shanghai", "1989-03-01").contains("XSHG begins 1990-12-03"));
    // An instant is an instant.
    let saturday = "Schedule `default`, slot 2018-05-25 20:00:00 EDT: fired, on time. Run 1 succeeded in 1m.";
    assert_eq!(why("nightly", "2018-05-26T00:00:00Z"), saturday);
}
