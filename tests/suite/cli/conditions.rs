//! Conditions and templates about sessions, from a file to a command's environment and to `sexton why`.

use super::desk::Desk;

const MARKET: &str = "
schedule: {calendar: XNYS, at: close + 4h}
serial:
  load:
    when: session.is_session
    exec: echo \"$SEXTON_CALENDAR ${SEXTON_SESSION-none} ${SEXTON_SESSION_CLOSE-none}\"
  settle: {when: session.is_session, exec: 'echo settles {{ session.shift(1).label }}'}
  month_end:
    when: session.is_last_of_month
    exec: echo month {{ ds[:7] }}
  london: {when: 'calendar(\"XLON\").is_session(ds)', exec: echo london is open}
";

fn log(desk: &Desk, run: u32, path: &str) -> String {
    desk.read(&format!("state/logs/night/{run}/{path}.1.log"))
}

#[test]
fn a_holiday_is_left_out_and_named() {
    let desk = Desk::new().pipeline("night", MARKET);
    let done = desk.run("night").date("2026-11-26").exit(0);
    done.stdout_has(
        "load       skipped    `when: session.is_session` is false: XNYS is closed on 2026-11-26 (Thanksgiving Day)\n",
    );
    assert!(log(&desk, 1, "london").ends_with("london is open\n"));
    desk.ask(&["why", "1", "month_end"]).exit(0).stdout_has(
        "`when: session.is_last_of_month` is false: XNYS is closed on 2026-11-26 (Thanksgiving Day)",
    );
}

#[test]
fn a_half_day_closes_early_and_settles_on_the_next_session() {
    let desk = Desk::new().pipeline("night", MARKET);
    let done = desk.run("night").date("2026-11-27").exit(0);
    assert!(log(&desk, 1, "load").ends_with("XNYS 2026-11-27 2026-11-27T13:00:00-05:00\n"));
    assert!(log(&desk, 1, "settle").ends_with("settles 2026-11-30\n"));
    done.stdout_has("is false: XNYS 2026-11-27 is not the last session of its month\n");
    desk.run("night").date("2026-11-30").exit(0);
    assert!(log(&desk, 2, "month_end").ends_with("month 2026-11\n"));
}

#[test]
fn beyond_the_calendar_a_condition_fails_and_says_why() {
    let desk = Desk::new().pipeline("night", MARKET);
    desk.run("night").date("2100-01-04").exit(1).stdout_has("nothing is known of XNYS after ");
}
