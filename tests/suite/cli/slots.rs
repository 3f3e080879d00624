//! `sexton why` about what schedules named: a pipeline's slots of a day, why there is none, and a run's slot.

use sexton::schedule::slot::Decision;

use super::books::{Books, Page, Slot, slot};
use super::desk::Desk;

/// On weekdays at half past two by London's clocks.
const NIGHTLY: &str = "schedule: {cron: '30 2 * * 1-5', timezone: Europe/London}\nexec: 'true'\n";
const HOURLY: &str = "schedule: '0 * * * *'\nexec: 'true'\n";
const SET: [Page<'static>; 3] =
    [("nightly", NIGHTLY, &["default"]), ("hourly", HOURLY, &["default"]), ("manual", "exec: 'true'", &[])];
const BEGIN: &str = "2018-05-11T00:00:00Z";

async fn books(desk: &Desk) -> Books {
    Books::open(desk, "state", &SET, BEGIN).await
}

/// What is said, line by line, about a pipeline's slots of a day.
fn why(desk: &Desk, words: &[&str]) -> Vec<String> {
    let done = desk.ask(&[&["why"], words].concat()).exit(0).stderr_is("");
    done.stdout.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn each_line_of_the_day_is_a_sentence_with_its_run() {
    let desk = Desk::new();
    let mut books = books(&desk).await;
    let run = books.fired(slot("nightly", "2018-05-14T01:30:00Z"), "12s late");
    books.plays("nightly", run, "2018-05-14T01:30:12Z", &[]);
    let run = books.fired(
        slot("nightly", "2018-05-15T01:30:00Z"),
        "on time; waits, run 1 is under way (max_active_runs: 1)",
    );
    books.turned(run, Decision::Expired, "it waited for longer than starting_deadline (1h)");
    let away = "sexton was away for 3h; catchup: none";
    books.came_to(slot("nightly", "2018-05-16T01:30:00Z"), Decision::Missed, away);
    let run = books.fired(slot("nightly", "2018-05-17T01:30:00Z"), "on time");
    books.plays("nightly", run, "2018-05-17T01:30:00Z", &[0]);
    books.considered("nightly", "default", "2018-05-17T01:30:00Z");
    // It stays at work.
    books.write().await;
    let of = |day| why(&desk, &["nightly", day]);
    assert_eq!(
        of("2018-05-14"),
        [
            "Schedule `default`, slot 2018-05-14 02:30:00 BST: fired, 12s late. Run 1 runs, since 2018-05-14 02:30:12 BST."
        ]
    );
    assert_eq!(
        of("2018-05-15"),
        [
            "Schedule `default`, slot 2018-05-15 02:30:00 BST: expired, it waited for longer than starting_deadline (1h). \
          Run 2 has not begun; see `sexton why 2`."
        ]
    );
    assert_eq!(
        of("2018-05-16"),
        ["Schedule `default`, slot 2018-05-16 02:30:00 BST: missed, sexton was away for 3h; catchup: none."]
    );
    let fired = "Schedule `default`, slot 2018-05-17 02:30:00 BST: fired, on time. Run 3 succeeded in 1m.";
    assert_eq!(of("2018-05-17"), [fired]);
    assert_eq!(of("2018-05-17T01:30:00Z"), [fired]);
}

#[tokio::test]
async fn slots_that_simply_ran_share_a_sentence() {
    let desk = Desk::new();
    let mut books = books(&desk).await;
    for hour in 0..24 {
        let at = format!("2018-05-14T{hour:02}:00:00Z");
        let run = books.fired(slot("hourly", &at), "on time");
        books.plays("hourly", run, &at, &[i32::from(hour == 9)]);
    }
    books.considered("hourly", "default", "2018-05-14T23:00:00Z");
    books.close().await;
    let ran =
        |what: &str, runs: &str| format!("Schedule `default`, {what}: fired; their runs, {runs}, succeeded.");
    assert_eq!(
        why(&desk, &["hourly", "2018-05-14"]),
        [
            ran("9 slots from 2018-05-14 00:00:00Z to 08:00:00Z", "1 to 9"),
            "Schedule `default`, slot 2018-05-14 09:00:00Z: fired, on time. Run 10 failed after 1m; see `sexton why 10`."
                .to_owned(),
            ran("14 slots from 2018-05-14 10:00:00Z to 23:00:00Z", "11 to 24"),
        ]
    );
}

#[tokio::test]
async fn where_there_is_no_slot_the_reason_is_said() {
    let desk = Desk::new();
    let mut books = books(&desk).await;
    let run = books.fired(slot("nightly", "2018-05-14T01:30:00Z"), "on time");
    books.plays("nightly", run, "2018-05-14T01:30:00Z", &[0]);
    books.considered("nightly", "default", "2018-05-15T00:00:00Z");
    books.close().await;
    let of = |day| why(&desk, &["nightly", day]);
    assert_eq!(
        of("2018-05-12"),
        [
            "Schedule `default` (30 2 * * 1-5 Europe/London) names no slot on 2018-05-12, a Saturday: the day of the week \
          does not match. The one before: 2018-05-11 02:30:00 BST; the next: 2018-05-14 02:30:00 BST."
        ]
    );
    assert_eq!(
        of("2018-05-10"),
        [
            "Schedule `default`, slot 2018-05-10 02:30:00 BST: before the schedule began; the first in the ledger is \
          2018-05-14 02:30:00 BST."
        ]
    );
    assert_eq!(
        of("2018-05-16"),
        [
            "Schedule `default`, slot 2018-05-16 02:30:00 BST: not considered yet, only what came up to 2018-05-15 \
          01:00:00 BST; nothing fires unless `sexton serve` runs."
        ]
    );
    assert_eq!(of("2999-01-02"), ["Schedule `default`, slot 2999-01-02 02:30:00 GMT: still to come."]);
    let instant = of("2018-05-14T01:31:00Z");
    assert!(
        instant[0].contains("names no slot at 2018-05-14 02:31:00 BST: the minute does not match."),
        "{instant:?}"
    );
}

#[tokio::test]
async fn a_pipeline_that_makes_no_runs_says_why() {
    let desk = Desk::new();
    let mut books = books(&desk).await;
    let day = Slot { last: "2018-05-14T23:00:00Z", count: 24, ..slot("hourly", "2018-05-14T00:00:00Z") };
    books.came_to(day, Decision::Paused, "paused by ann").considered("hourly", "default", day.last);
    books.pause("hourly", "ann", "2018-05-13T12:00:00Z").await;
    books.close().await;
    assert_eq!(
        why(&desk, &["hourly", "2018-05-14"]),
        [
            "Schedule `default`, 24 slots from 2018-05-14 00:00:00Z to 23:00:00Z: paused by ann.",
            "`hourly` is paused by ann since 2018-05-13 12:00:00Z: its slots make no runs.",
        ]
    );
    let manual = "`manual` has no schedule in force: it runs when somebody starts it.";
    assert_eq!(why(&desk, &["manual", "2018-05-14"]), [manual]);
}

#[tokio::test]
async fn what_is_gone_from_the_files_is_still_told() {
    let desk = Desk::new();
    let mut books = books(&desk).await;
    books.came_to(slot("hourly", "2018-05-14T05:00:00Z"), Decision::Missed, "late by more than grace (1m)");
    books.came_to(slot("nightly", "2018-05-14T01:30:00Z"), Decision::Missed, "late by more than grace (1m)");
    books.write().await;
    let named = "schedule: [{name: late, cron: '0 23 * * *'}]\nexec: 'true'\n";
    books.enact(&[("nightly", named, &["late"])], "2018-05-15T12:00:00Z").await;
    books.close().await;
    assert_eq!(
        why(&desk, &["hourly", "2018-05-14"]),
        [
            "Schedule `default`, slot 2018-05-14 05:00:00Z: missed, late by more than grace (1m).",
            "Schedule `default` is no longer in force.",
            "`hourly` is not in force: no file that the daemon goes by defines it.",
        ]
    );
    assert_eq!(
        why(&desk, &["nightly", "2018-05-14"]),
        [
            "Schedule `default`, slot 2018-05-14 01:30:00Z: missed, late by more than grace (1m).",
            "Schedule `default` is no longer in force.",
            "Schedule `late`, slot 2018-05-14 23:00:00Z: before the schedule began.",
        ]
    );
}

#[tokio::test]
async fn a_run_tells_of_its_slot() {
    let desk = Desk::new();
    let mut books = books(&desk).await;
    let run = books.fired(slot("nightly", "2018-05-14T01:30:00Z"), "12s late");
    books.plays("nightly", run, "2018-05-14T01:30:12Z", &[]);
    books.fired(
        slot("nightly", "2018-05-15T01:30:00Z"),
        "on time; waits, run 1 is under way (max_active_runs: 1)",
    );
    // It stays at work.
    books.write().await;
    let told = why(&desk, &["1"]);
    assert_eq!(told[1], "It is the run of schedule `default`'s slot 2018-05-14T01:30:00Z: fired, 12s late.");
    assert_eq!(
        why(&desk, &["2"]),
        [
            "Run 2 waits: run 1 of `nightly` is under way since 2018-05-14 01:30:12Z.",
            "It is the run of schedule `default`'s slot 2018-05-15T01:30:00Z: fired, on time; waits, run 1 is under \
             way (max_active_runs: 1).",
            "  tasks: sexton tasks 2",
        ]
    );
    // The path of a node is answered as ever.
    let told = why(&desk, &["2", "nightly"]);
    assert_eq!(told[0], "Run 2 waits: run 1 of `nightly` is under way since 2018-05-14 01:30:12Z.");
}

#[tokio::test]
async fn a_run_at_work_names_the_task_and_how_it_went_so_far() {
    let desk = Desk::new();
    let tree =
        "schedule: '0 * * * *'\nserial:\n  load: {exec: 'true', retry: {limit: 1}}\n  publish: 'true'\n";
    let mut books = Books::open(&desk, "state", &[("tree", tree, &["default"])], BEGIN).await;
    let run = books.fired(slot("tree", "2018-05-14T01:00:00Z"), "on time");
    books.plays("tree", run, "2018-05-14T01:00:00Z", &[7]);
    // It stays at work.
    books.write().await;
    assert_eq!(
        why(&desk, &["1"]),
        [
            "`/` runs since 2018-05-14 01:00:00 UTC.",
            "`load` runs since 2018-05-14 01:01:00 UTC (2/2 attempts).",
            "It is the run of schedule `default`'s slot 2018-05-14T01:00:00Z: fired, on time.",
            "  attempt 1: 2018-05-14 01:00:00Z, 1m00s, exit code 7",
            "  attempt 2: since 2018-05-14 01:01:00Z",
            "  log: sexton logs 1 'load'",
            "  tasks: sexton tasks 1",
        ]
    );
}

#[tokio::test]
async fn other_commands_are_named_with_the_directory_they_need() {
    let desk = Desk::new();
    let mut books = Books::open(&desk, ".local/state/sexton/daemon", &SET, BEGIN).await;
    let run = books.fired(slot("nightly", "2018-05-14T01:30:00Z"), "on time");
    books.plays("nightly", run, "2018-05-14T01:30:00Z", &[3]);
    books.close().await;
    let dir = desk.path(".local/state/sexton/daemon").display().to_string();
    let done = desk.ask(&["why", "nightly", "2018-05-14"]).without_env("SEXTON_STATE_DIR").exit(0);
    done.stdout_has(&format!("Run 1 failed after 1m; see `sexton why 1 --state-dir {dir}`."));
    let done = desk.ask(&["why", "1", "--state-dir", &dir]).without_env("SEXTON_STATE_DIR").exit(0);
    done.stdout_has(&format!("\n  tasks: sexton tasks 1 --state-dir {dir}\n"));
}

#[tokio::test]
async fn a_slip_of_the_pen_is_answered() {
    let desk = Desk::new();
    books(&desk).await.close().await;
    let error = |words: &[&str], text: &str| {
        desk.ask(&[&["why"], words].concat()).exit(2).stdout_is("").stderr_has(text);
    };
    error(&["nigthly"], "error: no pipeline `nigthly` is known here; did you mean `nightly`?\n");
    error(
        &["nightly", "load"],
        "about a pipeline, what follows is a day: `load`: expected a day, as `2026-11-21`",
    );
    let done = desk.ask(&["why", "nightly"]).without_env("SEXTON_STATE_DIR").exit(2);
    done.stderr_has("no daemon has been here");
}
