//! `sexton plan`: what the files as they are name between two dates, and what would become of it.

use std::process::Command;

use super::desk::{Ask, Desk};

const NIGHTLY: &str = "
timezone: America/New_York
schedule: \"30 21 * * 1-5\"
start_date: 2026-11-24
exec: 'true'
";

const WEEKLY: &str = "
schedule:
  - {name: early, cron: \"0 3 * * sun\", timezone: Europe/London}
  - {name: late, cron: \"0 22 * * sun\"}
  - {name: boot, cron: \"@reboot\"}
exec: 'true'
";

fn desk() -> Desk {
    let desk = Desk::new().pipeline("nightly", NIGHTLY).pipeline("weekly", WEEKLY);
    desk.pipeline("manual", "exec: 'true'")
}

fn plan<'d>(desk: &'d Desk, words: &[&str], dates: &[&str]) -> Ask<'d> {
    desk.ask(&[&["plan"], words, dates].concat())
}

const WEEK: [&str; 4] = ["--from", "2026-11-20", "--to", "2026-11-26"];

const BOOT: &str = "`weekly`, schedule `boot`: @reboot fires at the daemon's first start after each boot; no date tells when\n";

#[test]
fn slots_of_all_pipelines_are_told_in_the_order_of_time() {
    let desk = desk();
    plan(&desk, &[], &WEEK).exit(0).stderr_is(BOOT).stdout_is(
        "\
LOCAL                    PIPELINE  SCHEDULE  DATE        DECISION  REASON
2026-11-20 21:30:00 EST  nightly   default   2026-11-20  skipped   before start_date (2026-11-24)
2026-11-22 03:00:00 GMT  weekly    early     2026-11-22  fires     on time
2026-11-22 22:00:00Z     weekly    late      2026-11-22  fires     on time
2026-11-23 21:30:00 EST  nightly   default   2026-11-23  skipped   before start_date (2026-11-24)
2026-11-24 21:30:00 EST  nightly   default   2026-11-24  fires     on time
2026-11-25 21:30:00 EST  nightly   default   2026-11-25  fires     on time
2026-11-26 21:30:00 EST  nightly   default   2026-11-26  fires     on time
",
    );
    assert!(!desk.path("state").exists(), "no state is touched");
}

#[test]
fn a_slot_in_json() {
    let desk = desk();
    let done = plan(&desk, &["nightly", "--json"], &WEEK).exit(0).stderr_is("");
    assert_eq!(done.json().len(), 5);
    let first = done.stdout.lines().next().expect("a line");
    assert_eq!(
        first,
        "{\"pipeline\":\"nightly\",\"schedule\":\"default\",\"slot\":\"2026-11-21T02:30:00Z\",\
         \"local\":\"2026-11-20T21:30:00-05:00\",\"logical_date\":\"2026-11-20\",\
         \"decision\":\"skipped\",\"reason\":\"before start_date (2026-11-24)\"}"
    );
}

#[test]
fn pipelines_may_be_named() {
    let desk = desk();
    let done = plan(&desk, &["nightly", "weekly", "nightly"], &WEEK).exit(0);
    assert_eq!(done.stdout.lines().count(), 8, "{}", done.all());
    let done = plan(&desk, &["manual"], &WEEK).exit(0).stdout_is("");
    done.stderr_is("`manual` has no schedule: it runs when somebody starts it\n");
    let done = plan(&desk, &["nigthly"], &WEEK).exit(2).stdout_is("");
    done.stderr_is("error: there is no pipeline `nigthly` in the configuration; did you mean `nightly`?\n");
}

#[test]
fn where_there_is_no_slot_it_is_said() {
    let desk = desk();
    let saturday = ["--from", "2026-11-21", "--to", "2026-11-21"];
    let done = plan(&desk, &["nightly"], &saturday).exit(0).stdout_is("");
    done.stderr_is("no slot between the two dates\n");
    desk.ask(&["plan", "--from", "2026-11-21", "--to", "2026-11-20"])
        .exit(2)
        .stderr_has("--to is before --from");
    desk.ask(&["plan", "--from", "today"]).exit(2).stderr_has("--from");
    let bare = Desk::new().pipeline("manual", "exec: 'true'");
    bare.ask(&["plan"]).exit(0).stdout_is("").stderr_is("no pipeline has a schedule\n");
}

#[test]
fn a_week_is_shown_unless_dates_are_named() {
    let desk = Desk::new().pipeline("daily", "schedule: \"@daily\"\nexec: 'true'\n");
    let dates = |words: &[&str]| {
        let done = plan(&desk, &["--json"], words).exit(0);
        let date = |line: &serde_json::Value| line["logical_date"].as_str().unwrap_or_default().to_owned();
        done.json().iter().map(date).collect::<Vec<_>>()
    };
    assert_eq!(dates(&[]).len(), 7);
    let week = dates(&["--from", "2026-11-21"]);
    assert_eq!((week.len(), &*week[0], &*week[6]), (7, "2026-11-21", "2026-11-27"));
}

#[test]
fn files_that_are_not_valid_are_drawn() {
    let desk = desk().pipeline("broken", "schedule: \"61 * * * *\"\nexec: 'true'\n");
    let done = plan(&desk, &[], &WEEK).exit(2).stdout_is("");
    done.stderr_has("config/pipelines/broken.yaml:1:").stderr_has("error: ");
    desk.ask(&["plan", "--config", "nowhere"]).exit(2).stderr_has("nowhere: No such file or directory");
}

/// Ten years of seconds are 315 million slots: only who streams is done when nobody reads any more.
#[test]
fn a_reader_that_has_seen_enough_ends_it() {
    let desk = Desk::new().pipeline("busy", "schedule: \"* * * * * *\"\nexec: 'true'\n");
    for form in ["", "--json"] {
        let plan = format!("\"$0\" plan --from 2026-01-01 --to 2035-12-31 {form}");
        let script = format!("{{ {plan} 2>&3; echo $? >&3; }} 3>said | head -n 3; cat said");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_sexton")]).current_dir(desk.path(""));
        let output = command.env("SEXTON_CONFIG", desk.path("config")).output().expect("a shell");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.lines().count() == 4 && said.ends_with("\n0\n"), "{said}");
    }
}
