//! Schedules by sessions under the real daemon: a calendar of the house, and files that change it meanwhile.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sexton::clock::{Clock as _, System};
use sexton::schedule::slot::Decision;

use super::annals::Annals;
use super::tower::Tower;

const MOVED: &str = "schedule: {calendar: house, at: close - 1h}\nexec: 'true'\n";
const MADE: &str = "schedule: {calendar: house, at: close, days: early_closes}\nexec: 'true'\n";

/// The label of a session that is under way, wherever its week begins: it opened two days ago and closes two days
/// after its date.
fn label() -> Date {
    System.now().to_zoned(TimeZone::UTC).date().saturating_add(1.day())
}

/// A calendar with such a session each week.
fn house(tower: &Tower, label: Date) {
    let weekday = label.strftime("%a").to_string().to_lowercase();
    let (from, to) = (label.saturating_sub(1.year()), label.saturating_add(1.year()));
    let hours = format!("{{days: [{weekday}], open: -3d 00:00, close: +2d 00:00}}");
    let text = format!("code: HOUSE\ntimezone: UTC\nfrom: {from}\nto: {to}\nhours: [{hours}]\n");
    std::fs::create_dir_all(tower.path("config/calendars")).unwrap();
    tower.write("config/calendars/house.yaml", &text);
}

#[tokio::test]
async fn a_file_that_moves_a_slot_or_makes_one_is_gone_by_at_once() {
    let mut tower = Tower::new();
    let label = label();
    house(&tower, label);
    tower.pipeline("moved", MOVED);
    tower.pipeline("made", MADE);
    tower.start();
    let annals = Annals::of(&tower).await;
    // It has closed yesterday, as is learned now.
    let early = format!("override: HOUSE\nearly_close: {{-2d 12:00: {{Power cut: [{label}]}}}}\n");
    tower.write("config/calendars/power.yaml", &early);
    tower.reload("reloaded: 2 pipelines, 2 schedules; no schedule is new");
    for (pipeline, at) in [("moved", "11:00:00"), ("made", "12:00:00")] {
        annals.wait_for_fires(pipeline, 1).await;
        let line = annals.fired(pipeline).await.remove(0);
        let over = format!(
            "its time was moved to {} {at}Z, which was over; early close",
            label.saturating_sub(2.days())
        );
        assert!(line.reason.starts_with(&over), "{}", line.reason);
        assert!(line.reason.ends_with("config/calendars/power.yaml"), "{}", line.reason);
        assert_eq!(line.slot, format!("session {label}"));
    }
    annals.wait_till_idle().await;
    // Taken back, and said again: they have fired.
    tower.write("config/calendars/power.yaml", "override: HOUSE\n");
    tower.reload("reloaded: 2 pipelines, 2 schedules; no schedule is new");
    tower.write("config/calendars/power.yaml", &early);
    tower.kill();
    tower.start();
    tower.reload("reloaded: 2 pipelines, 2 schedules; no schedule is new");
    tower.stop();
    for pipeline in ["moved", "made"] {
        assert_eq!(annals.check(pipeline).await.len(), 1);
    }
    let run = annals.runs().await.remove(0);
    assert_eq!((run.logical_date, run.calendar.as_deref()), (label, Some("HOUSE")));
    assert!(run.evidence.calendars.is_some_and(|version| version.contains("files ")));
}

#[tokio::test]
async fn a_calendar_that_ends_is_said_and_stops_no_reload() {
    let mut tower = Tower::new();
    let today = System.now().to_zoned(TimeZone::UTC).date();
    std::fs::create_dir_all(tower.path("config/calendars")).unwrap();
    let to = |to: Date| format!("code: HOUSE\nextends: 24/7\nto: {to}\n");
    tower.write("config/calendars/house.yaml", &to(today.saturating_add(30.days())));
    tower.pipeline("nightly", "schedule: {calendar: HOUSE, at: '12:00'}\nexec: 'true'\n");
    tower.start();
    tower.wait_for("nightly, schedule `default`: HOUSE ends in 30 days");
    tower.write("config/calendars/house.yaml", &to(today.saturating_sub(1.day())));
    tower.reload("reloaded: 1 pipelines, 1 schedules; no schedule is new");
    tower.wait_for("nightly, schedule `default`: calendar exhausted: HOUSE ends");
    // An invalid file leaves the calendars in force too, and they are there after a restart.
    tower.write("config/calendars/house.yaml", "code: HOUSE\nextends: nowhere\n");
    tower.reload("not reloaded, the files that were in force still are");
    tower.kill();
    tower.start();
    tower.wait_for("going by the last files that were valid");
    tower.wait_for("nightly, schedule `default`: calendar exhausted: HOUSE ends");
    let annals = Annals::of(&tower).await;
    tower.stop();
    assert!(annals.check("nightly").await.iter().all(|line| line.decision == Decision::Fired));
}
