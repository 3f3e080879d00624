//! `sexton ledger` over what a daemon has left behind.

use sexton::schedule::slot::Decision;

use super::books::{Books, Slot, slot};
use super::desk::Desk;

const SET: [(&str, &str, &[&str]); 2] =
    [("nightly", "exec: 'true'", &["default", "late"]), ("prices", "exec: 'true'", &["default"])];

/// A night: nightly fires at half past two and is missed the day before; prices was paused for a day.
async fn written(desk: &Desk, dir: &str) {
    let mut books = Books::open(desk, dir, &SET, "2026-11-19T00:00:00Z").await;
    let away = "sexton was away for 3h; catchup: none";
    books.came_to(slot("nightly", "2026-11-20T02:30:00Z"), Decision::Missed, away);
    books.fired(slot("nightly", "2026-11-21T02:30:00Z"), "12s late");
    let late = Slot { schedule: "late", ..slot("nightly", "2026-11-21T23:00:00Z") };
    books.came_to(late, Decision::Skipped, "run 1 is under way (max_active_runs: 1, overlap: skip)");
    let day = Slot { last: "2026-11-20T23:59:00Z", count: 1_440, ..slot("prices", "2026-11-20T00:00:00Z") };
    books.came_to(day, Decision::Paused, "paused by ann");
    let clock = Slot { last: "2026-11-22T02:00:00Z", count: 3, ..slot("prices", "2026-11-21T22:00:00Z") };
    books.came_to(clock, Decision::Rebased, "the clock was set forward by 4h; the 3 slots in between …");
    books.close().await;
}

#[tokio::test]
async fn the_newest_slots_come_first() {
    let desk = Desk::new();
    written(&desk, "state").await;
    desk.ask(&["ledger"]).exit(0).stderr_is("").stdout_is(
        "\
SLOT                                         PIPELINE  SCHEDULE  DECISION  RUN  REASON
2026-11-21 23:00:00Z                         nightly   late      skipped        run 1 is under way (max_active_runs: 1, overlap: skip)
2026-11-21 22:00:00Z … 2026-11-22 02:00:00Z  prices    default   rebased        the clock was set forward by 4h; the 3 slots in between …
2026-11-21 02:30:00Z                         nightly   default   fired     1    12s late
2026-11-20 02:30:00Z                         nightly   default   missed         sexton was away for 3h; catchup: none
2026-11-20 00:00:00Z … 23:59:00Z ×1440       prices    default   paused         paused by ann
",
    );
    let done = desk.ask(&["ledger", "--limit", "1", "--json"]).exit(0).stderr_is("");
    assert_eq!(done.json()[0]["slot"], "2026-11-21T23:00:00Z");
    assert_eq!(done.json().len(), 1);
}

#[tokio::test]
async fn a_line_in_json() {
    let desk = Desk::new();
    written(&desk, "state").await;
    let done = desk.ask(&["ledger", "prices", "--decision", "paused", "--json"]).exit(0);
    done.stdout_is(
        "{\"pipeline\":\"prices\",\"schedule\":\"default\",\"slot\":\"2026-11-20T00:00:00Z\",\
         \"last\":\"2026-11-20T23:59:00Z\",\"count\":1440,\"decision\":\"paused\",\
         \"reason\":\"paused by ann\",\"run\":null,\"decided_at\":\"2026-11-20T23:59:01Z\"}\n",
    );
    let done = desk.ask(&["ledger", "--decision", "fired", "--json"]).exit(0);
    assert_eq!(done.json()[0]["run"], 1);
}

#[tokio::test]
async fn of_a_range_the_oldest_come_first() {
    let desk = Desk::new();
    written(&desk, "state").await;
    let slots = |words: &[&str]| {
        let done = desk.ask(&[&["ledger", "--json"], words].concat()).exit(0);
        let slot = |line: &serde_json::Value| line["slot"].as_str().unwrap_or_default()[..16].to_owned();
        done.json().iter().map(slot).collect::<Vec<_>>()
    };
    let (paused, missed, fired) = ("2026-11-20T00:00", "2026-11-20T02:30", "2026-11-21T02:30");
    let (rebased, skipped) = ("2026-11-21T22:00", "2026-11-21T23:00");
    assert_eq!(slots(&["--from", "2026-11-21"]), [fired, rebased, skipped]);
    assert_eq!(slots(&["--to", "2026-11-20"]), [paused, missed]);
    assert_eq!(slots(&["--from", "2026-11-21", "--to", "2026-11-21"]), [fired, rebased, skipped]);
    // A stretch goes on into the range.
    assert_eq!(slots(&["--from", "2026-11-20T12:00:00Z", "--to", "2026-11-20T13:00:00Z"]), [paused]);
    // The day of another zone begins later, and ends so.
    let new_york = ["--timezone", "America/New_York", "--from", "2026-11-20", "--to", "2026-11-20"];
    assert_eq!(slots(&new_york), [paused, fired]);
    assert_eq!(slots(&["nightly", "--from", "2026-11-01", "--decision", "fired"]), [fired]);
    assert_eq!(slots(&["nightly", "--schedule", "late"]), [skipped]);
    let done = desk.ask(&["ledger", "--from", "2026-11-20", "--limit", "2"]).exit(0);
    done.stderr_is("the first 2 of more; see --limit, or a later --from\n").stdout_lacks("fired");
}

#[tokio::test]
async fn times_are_shown_in_the_zone_that_is_named() {
    let desk = Desk::new();
    written(&desk, "state").await;
    let done = desk.ask(&["ledger", "nightly", "--timezone", "America/New_York"]).exit(0);
    done.stdout_has("\n2026-11-20 21:30:00 EST  nightly   default   fired");
    let done = desk.ask(&["ledger", "--timezone", "Europe/Lundon"]).exit(2);
    done.stderr_has("did you mean `Europe/London`?");
}

#[tokio::test]
async fn where_nothing_is_found_it_is_said() {
    let desk = Desk::new();
    written(&desk, "state").await;
    let none = |words: &[&str], text: &str| {
        let done = desk.ask(&[&["ledger"], words].concat()).exit(0).stdout_is("");
        done.stderr_is(&format!("{text}\n"));
    };
    none(&["--from", "2026-12-01"], "no such slot");
    none(&["--json", "--decision", "expired"], "no such slot");
    let late = "no such slot; there is no schedule `lat` in force, only `default` and `late`";
    none(&["nightly", "--schedule", "lat"], late);
    let error = |words: &[&str], text: &str| {
        desk.ask(&[&["ledger"], words].concat()).exit(2).stdout_is("").stderr_has(text);
    };
    error(&["nigthly"], "error: no pipeline `nigthly` is known here; did you mean `nightly`?\n");
    error(&["--from", "2026-11-21", "--to", "2026-11-20"], "--to is before --from");
    error(&["--from", "yesterday"], "expected a day, as `2026-11-21`, or an instant");
    error(&["--decision", "fried"], "a similar value exists: 'fired'");
    error(&["--limit", "10001"], "10001");
}

#[tokio::test]
async fn an_empty_ledger_says_so() {
    let desk = Desk::new();
    Books::open(&desk, "state", &SET, "2026-11-19T00:00:00Z").await.close().await;
    let done = desk.ask(&["ledger"]).exit(0).stdout_is("");
    done.stderr_is("no slot has come due yet\n");
    desk.ask(&["ledger", "prices"]).exit(0).stderr_is("no slot of `prices` has come due yet\n");
}

#[tokio::test]
async fn the_daemons_directory_is_looked_at_unless_one_is_named() {
    let desk = Desk::new();
    let done = desk.ask(&["ledger"]).without_env("SEXTON_STATE_DIR").exit(2).stdout_is("");
    done.stderr_has("/.local/state/sexton/daemon/sexton.db does not exist: no daemon has been here");
    written(&desk, ".local/state/sexton/daemon").await;
    let done = desk.ask(&["ledger", "prices"]).without_env("SEXTON_STATE_DIR").exit(0);
    done.stderr_is("").stdout_has("paused by ann");
    // A database that a daemon has open can be read.
    let books = Books::open(&desk, "other", &SET, "2026-11-19T00:00:00Z").await;
    desk.ask(&["ledger", "--state-dir", "other"]).exit(0).stderr_is("no slot has come due yet\n");
    books.close().await;
}
