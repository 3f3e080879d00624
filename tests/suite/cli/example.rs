//! The example that comes with Sexton does what its README says.

use super::desk::{Ask, Desk};

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config");

/// One of its pipelines, with data at this desk.
fn nightly<'d>(desk: &'d Desk, date: &str) -> Ask<'d> {
    let data = format!("data_dir={}", desk.path("data").display());
    desk.run("nightly_dataload").arg("--config").arg(CONFIG).date(date).param(&data)
}

#[test]
fn a_good_night_is_published_and_reported() {
    let desk = Desk::new();
    let done = nightly(&desk, "2018-05-14").exit(0);
    done.stdout_has("(2/2 attempts)").stdout_has("nightly_dataload [2018-05-14] run 1: succeeded in ");
    let report = desk.read("data/reports/2018-05-14.txt");
    assert!(report.contains("Monday, 14 May 2018"), "{report}");
    assert!(desk.read("data/latest/daily.csv").lines().count() > 190);
}

#[test]
fn a_bad_night_stops_at_the_gate_and_says_why() {
    let desk = Desk::new();
    let done = nightly(&desk, "2018-05-16").exit(1);
    let done =
        done.stdout_has("because of `quality_gate`").stdout_has("a 4-for-1 split missing from actions.csv?");
    done.stdout_has("quality_gate, attempt 1, last lines of ");
    assert!(
        desk.path("data/held_back-2018-05-16.txt").exists() && !desk.path("data/daily/2018-05-16").exists()
    );
    let title = "QUALITY GATE 2018-05-16: FAILED, 3 of 3 checks\n";
    desk.ask(&["logs", "1", "quality_gate"]).exit(0).stdout_has(title);
    let done = desk.ask(&["why", "1", "publish"]).exit(0);
    done.stdout_has(
        "`publish` upstream_failed: because of `quality_gate`.\n`quality_gate` failed: exit code 1.\n",
    );
}

#[test]
fn the_small_ones_succeed() {
    let desk = Desk::new();
    let run = |name: &str| desk.run(name).arg("--config").arg(CONFIG).exit(0);
    run("fan_in").stdout_has("alarm").stdout_has("skipped");
    run("parameters").stdout_has("outputs:\n  count: counted=7\n");
    run("retries").stdout_has("(3/5 attempts)").stdout_has("exit code 2 (1/5 attempts), suppressed");
}
