//! The law of slots, a story a row.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;

use crate::schedule::cron::{Dialect, Line};
use crate::schedule::definition::{Catchup, Overlap, Policy, Schedule, Timetable, Trigger};
use crate::schedule::fires::Dst;
use crate::schedule::plan::{Known, Plan, consider, next_wake, rebase};
use crate::schedule::progress::Progress;
use crate::schedule::situation::{Active, Situation};
use crate::schedule::slot::{Entry, Key};

fn at(text: &str) -> Timestamp {
    let full = if text.contains('T') { format!("{text}Z") } else { format!("2026-11-20T{text}Z") };
    full.parse().unwrap()
}

fn cron(name: &str, text: &str) -> Schedule {
    let Ok(Line::Times(cron)) = Line::parse(text, Dialect::Crontab) else { panic!("{text}") };
    let trigger = Trigger::Cron { text: text.into(), cron, dst: Dst::default(), filter: None };
    Schedule { name: name.into(), trigger, timezone: "UTC".into() }
}

fn timetable(text: &str, policy: Policy) -> Timetable {
    Timetable { schedules: Box::new([cron("default", text)]), policy }
}

fn known(watermark: Timestamp) -> Known {
    Known::since(Progress::upto(watermark))
}

fn of(catchup: Catchup) -> Policy {
    Policy { catchup, ..Policy::default() }
}

fn runs(numbers: &[i64]) -> Vec<Active> {
    numbers.iter().map(|&run| Active { run, scheduled: true, begun: true }).collect()
}

/// `09:10 fired: on time`, a line an entry.
fn told(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let time = |at: Timestamp| {
            at.strftime(if at.strftime("%S").to_string() == "00" { "%H:%M" } else { "%T" }).to_string()
        };
        let slots = match entry.count {
            1 => time(entry.first),
            count => format!("{}-{} x{count}", time(entry.first), time(entry.last)),
        };
        format!("{slots} {}: {}\n", entry.decision.word(), entry.reason)
    };
    entries.iter().map(line).collect()
}

struct Story {
    timetable: Timetable,
    since: &'static str,
    now: &'static str,
    active: Vec<Active>,
    paused_by: Option<&'static str>,
    absence: Option<(&'static str, &'static str)>,
}

impl Story {
    fn of(text: &str, policy: Policy, since: &'static str, now: &'static str) -> Self {
        Self {
            timetable: timetable(text, policy),
            since,
            now,
            active: vec![],
            paused_by: None,
            absence: None,
        }
    }

    fn plan(&self) -> Plan {
        let mut known: Vec<Known> = self.timetable.schedules.iter().map(|_| known(at(self.since))).collect();
        let situation = Situation {
            now: at(self.now),
            paused_by: self.paused_by,
            active: &self.active,
            absence: self.absence.map(|(from, to)| (at(from), at(to))),
        };
        consider(&self.timetable, &mut known, &situation)
    }

    fn told(&self) -> String {
        told(&self.plan().entries)
    }
}

#[test]
fn what_is_due_fires_on_time_or_late_within_grace() {
    for (now, told) in [
        ("09:09:59", ""),
        ("09:10", "09:10 fired: on time\n"),
        ("09:10:12", "09:10 fired: 12s late\n"),
        ("09:11", "09:10 fired: 1m late\n"),
        ("09:11:01", "09:10 fired: missed by 1m1s, catchup: latest\n"),
    ] {
        assert_eq!(Story::of("*/10 * * * *", Policy::default(), "09:00", now).told(), told, "{now}");
    }
}

#[test]
fn slots_at_the_watermark_are_never_considered_again() {
    assert_eq!(Story::of("*/10 * * * *", of(Catchup::All), "09:10", "09:19").told(), "");
    // The clock was set back a little: nothing until it has come this far again.
    assert_eq!(Story::of("* * * * *", of(Catchup::All), "09:10", "08:40").told(), "");
}

#[test]
fn catchup_decides_what_becomes_of_missed_slots() {
    let away = |catchup| {
        let mut story = Story::of("*/15 * * * *", of(catchup), "09:00", "10:05");
        story.timetable.policy.max_active_runs = NonZeroU32::new(9).unwrap();
        story.absence = Some(("09:00:30", "10:05"));
        story.told()
    };
    insta::assert_snapshot!(away(Catchup::None), @r"
    09:15 missed: sexton was away for 1h4m30s; catchup: none
    09:30 missed: sexton was away for 1h4m30s; catchup: none
    09:45 missed: sexton was away for 1h4m30s; catchup: none
    10:00 missed: sexton was away for 1h4m30s; catchup: none
    ");
    insta::assert_snapshot!(away(Catchup::Latest), @r"
    09:15 missed: sexton was away for 1h4m30s; catchup: latest takes only the last of those missed
    09:30 missed: sexton was away for 1h4m30s; catchup: latest takes only the last of those missed
    09:45 missed: sexton was away for 1h4m30s; catchup: latest takes only the last of those missed
    10:00 fired: missed by 5m, catchup: latest
    ");
    insta::assert_snapshot!(away(Catchup::All), @r"
    09:15 fired: missed by 50m, catchup: all
    09:30 fired: missed by 35m, catchup: all
    09:45 fired: missed by 20m, catchup: all
    10:00 fired: missed by 5m, catchup: all
    ");
}

#[test]
fn what_is_older_than_the_starting_deadline_expires() {
    let deadline = |catchup| {
        let policy = Policy { starting_deadline: Some(Duration::from_mins(30)), ..of(catchup) };
        let mut story = Story::of("*/15 * * * *", policy, "09:00", "10:05");
        story.timetable.policy.max_active_runs = NonZeroU32::new(9).unwrap();
        story.told()
    };
    insta::assert_snapshot!(deadline(Catchup::Latest), @r"
    09:15 expired: older than starting_deadline (30m)
    09:30 expired: older than starting_deadline (30m)
    09:45 missed: late by more than grace (1m); catchup: latest takes only the last of those missed
    10:00 fired: missed by 5m, catchup: latest
    ");
    insta::assert_snapshot!(deadline(Catchup::All), @r"
    09:15 expired: older than starting_deadline (30m)
    09:30 expired: older than starting_deadline (30m)
    09:45 fired: missed by 20m, catchup: all
    10:00 fired: missed by 5m, catchup: all
    ");
    // Shorter than grace, it is the one that counts.
    let policy = Policy { starting_deadline: Some(Duration::from_secs(10)), ..Policy::default() };
    let story = Story::of("0 10 * * *", policy, "09:00", "10:00:30");
    assert_eq!(story.told(), "10:00 expired: older than starting_deadline (10s)\n");
}

#[test]
fn a_slot_that_is_late_within_grace_was_not_missed() {
    let told = Story::of("* * * * *", of(Catchup::Latest), "09:00", "09:04:30").told();
    insta::assert_snapshot!(told, @r"
    09:01 missed: late by more than grace (1m); catchup: latest takes only the last of those missed
    09:02 missed: late by more than grace (1m); catchup: latest takes only the last of those missed
    09:03 fired: missed by 1m30s, catchup: latest
    09:04 fired: 30s late; waits, the slot before it has just fired (max_active_runs: 1)
    ");
    // Also where nobody was there, and several are within it.
    let policy = Policy { grace: Duration::from_secs(90), ..of(Catchup::Latest) };
    let mut story = Story::of("* * * * *", policy, "09:00", "09:04:30");
    story.timetable.policy.max_active_runs = NonZeroU32::new(9).unwrap();
    story.absence = Some(("09:00", "09:04:30"));
    insta::assert_snapshot!(story.told(), @r"
    09:01 missed: sexton was away for 4m30s; catchup: latest takes only the last of those missed
    09:02 fired: missed by 2m30s, catchup: latest
    09:03 fired: 1m30s late
    09:04 fired: 30s late
    ");
}

#[test]
fn a_pause_is_written_down_and_not_caught_up() {
    let mut story = Story::of("*/20 * * * *", of(Catchup::All), "09:00", "10:00");
    story.paused_by = Some("ann");
    insta::assert_snapshot!(story.told(), @r"
    09:20 paused: paused by ann
    09:40 paused: paused by ann
    10:00 paused: paused by ann
    ");
}

#[test]
fn dates_bound_a_schedule() {
    let policy = Policy {
        start_date: Some("2026-11-21".parse().unwrap()),
        end_date: Some("2026-11-22".parse().unwrap()),
        ..of(Catchup::All)
    };
    let story = Story::of("0 12 * * *", policy.clone(), "2026-11-19T13:00:00", "2026-11-24T12:00:00");
    let words: Vec<_> = story
        .plan()
        .entries
        .iter()
        .map(|e| (e.first.strftime("%d").to_string(), e.decision.word(), e.reason.clone()))
        .collect();
    let words: Vec<_> = words.iter().map(|(day, word, why)| (day.as_str(), *word, &**why)).collect();
    assert_eq!(
        words,
        [
            ("20", "skipped", "before start_date (2026-11-21)"),
            ("21", "fired", "missed by 3d, catchup: all"),
            (
                "22",
                "fired",
                "missed by 2d, catchup: all; waits, the slot before it has just fired (max_active_runs: 1)"
            ),
            ("23", "skipped", "after end_date (2026-11-22)"),
            ("24", "skipped", "after end_date (2026-11-22)"),
        ]
    );
    // Nobody is woken for what cannot fire.
    let schedule = &story.timetable.schedules[0];
    let wake = |since| next_wake(schedule, &policy, &Progress::upto(at(since)));
    assert_eq!(wake("2026-11-01T00:00:00"), Some(at("2026-11-21T12:00:00")));
    assert_eq!(wake("2026-11-21T12:00:00"), Some(at("2026-11-22T12:00:00")));
    assert_eq!(wake("2026-11-22T12:00:00"), None);
    let midnight = cron("default", "0 0 * * *");
    let wake = next_wake(&midnight, &policy, &Progress::upto(at("2026-11-01T00:00:00")));
    assert_eq!(wake, Some(at("2026-11-21T00:00:00")));
}

#[test]
fn overlap_decides_what_a_slot_does_at_the_limit() {
    let overlap = |overlap, active: &[Active]| {
        let mut story = Story::of("0 10 * * *", Policy { overlap, ..Policy::default() }, "09:00", "10:00");
        story.active = active.to_vec();
        let plan = story.plan();
        (told(&plan.entries), plan.cancel)
    };
    let busy = runs(&[12]);
    assert_eq!(
        overlap(Overlap::Queue, &busy),
        ("10:00 fired: on time; waits, run 12 is under way (max_active_runs: 1)\n".into(), vec![])
    );
    assert_eq!(
        overlap(Overlap::Skip, &busy),
        ("10:00 skipped: run 12 is under way (max_active_runs: 1, overlap: skip)\n".into(), vec![])
    );
    assert_eq!(
        overlap(Overlap::CancelRunning, &busy),
        (
            "10:00 fired: on time; instead of run 12 (max_active_runs: 1, overlap: cancel_running)\n".into(),
            vec![12]
        )
    );
    // One that waits makes room like one that runs.
    let two = [busy[0], Active { run: 13, scheduled: true, begun: false }];
    assert_eq!(overlap(Overlap::CancelRunning, &two).1, [12, 13]);
    // What somebody started by hand is not cancelled for a schedule.
    let manual = [Active { run: 12, scheduled: false, begun: true }];
    assert_eq!(
        overlap(Overlap::CancelRunning, &manual),
        ("10:00 fired: on time; waits, run 12 is under way (max_active_runs: 1)\n".into(), vec![])
    );
    assert_eq!(overlap(Overlap::Skip, &[]).0, "10:00 fired: on time\n");
}

#[test]
fn sixteen_wait_and_the_next_is_skipped() {
    let waiting = |count: i64| {
        let mut story = Story::of("0 10 * * *", Policy::default(), "09:00", "10:00");
        story.active = (0..=count).map(|run| Active { run, scheduled: true, begun: run == 0 }).collect();
        story.told()
    };
    assert_eq!(waiting(15), "10:00 fired: on time; waits, run 0 is under way (max_active_runs: 1)\n");
    assert_eq!(waiting(16), "10:00 skipped: 16 runs wait already (max_active_runs: 1, overlap: queue)\n");
}

#[test]
fn who_asks_for_every_slot_gets_every_slot() {
    let story = Story::of("* * * * *", of(Catchup::All), "09:00", "10:00:30");
    let plan = story.plan();
    assert!(plan.entries.iter().all(|entry| entry.decision.word() == "fired"));
    assert_eq!(plan.entries.len(), 60);
}

#[test]
fn catching_up_has_a_bound_and_says_so() {
    let plan = Story::of("* * * * *", of(Catchup::All), "2026-11-19T00:00:00", "2026-11-20T00:01:30").plan();
    let missed = told(&plan.entries[..1]);
    assert_eq!(
        missed,
        "00:01-07:20 x440: missed: late by more than grace (1m); catchup: all takes only the last 1000 of those missed\n"
            .replace("x440:", "x440")
    );
    assert_eq!(plan.entries.len(), 1_002);
}

#[test]
fn cancel_running_keeps_only_the_last_of_many() {
    let policy = Policy { overlap: Overlap::CancelRunning, ..of(Catchup::All) };
    let mut story = Story::of("*/15 * * * *", policy, "09:00", "09:47");
    story.active = runs(&[7]);
    let plan = story.plan();
    assert_eq!(plan.cancel, [7]);
    insta::assert_snapshot!(told(&plan.entries), @r"
    09:15 skipped: a later slot took its place (max_active_runs: 1, overlap: cancel_running)
    09:30 skipped: a later slot took its place (max_active_runs: 1, overlap: cancel_running)
    09:45 fired: missed by 2m, catchup: all; instead of an earlier slot (max_active_runs: 1, overlap: cancel_running)
    ");
}

#[test]
fn several_schedules_share_the_limit_in_the_order_of_time() {
    let policy = Policy { overlap: Overlap::Skip, ..of(Catchup::All) };
    let schedules = Box::new([cron("evening", "30 9 * * *"), cron("morning", "20 9 * * *")]);
    let timetable = Timetable { schedules, policy };
    let story = Story { timetable, ..Story::of("* * * * *", Policy::default(), "09:00", "09:40") };
    let plan = story.plan();
    let words: Vec<_> = plan.entries.iter().map(|e| (&*e.schedule, e.decision.word())).collect();
    assert_eq!(words, [("evening", "skipped"), ("morning", "fired")]);
}

#[test]
fn a_boot_fires_once() {
    let reboot = Schedule { name: "default".into(), trigger: Trigger::Reboot, timezone: "UTC".into() };
    let timetable = Timetable { schedules: Box::new([reboot]), policy: Policy::default() };
    let mut known = vec![Known { boot: Some("a1".into()), ..known(at("09:00")) }];
    let situation = Situation { now: at("09:05:03"), paused_by: None, active: &[], absence: None };
    let plan = consider(&timetable, &mut known, &situation);
    assert_eq!(told(&plan.entries), "09:05:03 fired: the machine has booted\n");
    assert_eq!(plan.entries[0].key, Key::Boot("a1".into()));
    assert_eq!(consider(&timetable, &mut known, &situation), Plan::default());
    assert_eq!(next_wake(&timetable.schedules[0], &timetable.policy, &known[0].progress), None);
}

#[test]
fn long_stretches_fold_into_one_line_and_grow() {
    let story = Story::of("* * * * *", of(Catchup::None), "2026-11-19T00:00:00", "2026-11-20T00:00:00");
    let told_once = story.told();
    assert_eq!(
        told_once,
        "00:01-23:58 x1438 missed: late by more than grace (1m); catchup: none\n\
         23:59 fired: 1m late\n\
         00:00 fired: on time; waits, the slot before it has just fired (max_active_runs: 1)\n"
    );
    // A pause that goes on: a hundred lines, then one that grows.
    let timetable = timetable("* * * * *", Policy::default());
    let mut known = vec![known(at("2026-11-19T00:00:00"))];
    let mut lines = Vec::new();
    for minute in 1..=150 {
        let now = at("2026-11-19T00:00:00") + Duration::from_secs(60 * minute);
        let situation = Situation { now, paused_by: Some("ann"), active: &[], absence: None };
        lines.push(told(&consider(&timetable, &mut known, &situation).entries));
    }
    assert_eq!(lines[0], "00:01 paused: paused by ann\n");
    assert_eq!(lines[99], "01:40 paused: paused by ann\n");
    assert_eq!(lines[100], "01:41 paused: paused by ann\n");
    assert_eq!(lines[149], "01:41-02:30 x50 paused: paused by ann\n");
}

#[test]
fn a_clock_that_was_set_is_noted_and_replays_nothing() {
    let timetable = timetable("0 * * * *", of(Catchup::All));
    let mut known = vec![known(at("09:00"))];
    let forward = rebase(&timetable, &mut known, vec![BTreeSet::new()], (at("09:10"), at("14:10")));
    assert_eq!(
        told(&forward),
        "09:00-14:10 x5 rebased: the clock was set forward by 5h; the 5 slots in between are not replayed\n"
    );
    assert_eq!(forward[0].key, Key::Clock(at("14:10")));
    assert_eq!(known[0].progress.watermark, at("14:10"));

    // And back again: what has fired by the wrong clock does not fire by the right one.
    let fired = BTreeSet::from([Key::Instant(at("15:00"))]);
    let back = rebase(&timetable, &mut known, vec![fired], (at("15:20"), at("10:20")));
    assert_eq!(told(&back), "10:20-14:10 x0 rebased: the clock was set back by 5h\n");
    let situation = Situation { now: at("16:00"), paused_by: None, active: &[], absence: None };
    let hours: Vec<_> =
        consider(&timetable, &mut known, &situation).entries.iter().map(|e| e.first).collect();
    assert_eq!(hours, ["11:00", "12:00", "13:00", "14:00", "16:00"].map(at));
}

#[test]
fn a_day_that_comes_twice_wakes_nobody_for_what_is_over() {
    // Newfoundland's clocks went back at one minute past midnight: the day had begun, and began again.
    let schedule = Schedule { timezone: "America/St_Johns".into(), ..cron("default", "*/30 * * * *") };
    let policy = Policy { start_date: Some("2010-11-07".parse().unwrap()), ..Policy::default() };
    let midnight: Timestamp = "2010-11-07T02:30:00Z".parse().unwrap();
    assert_eq!(
        next_wake(&schedule, &policy, &Progress::upto(midnight - Duration::from_mins(1))),
        Some(midnight)
    );
    let wake = next_wake(&schedule, &policy, &Progress::upto(midnight)).unwrap();
    assert!(wake > midnight, "{wake}");
}

#[test]
fn a_clock_that_was_decades_behind_is_counted_to_a_bound_that_is_said() {
    let timetable = timetable("* * * * *", of(Catchup::All));
    let mut known = vec![known(at("1970-01-01T00:00:30"))];
    let (was, now) = (at("1970-01-01T00:01:00"), at("2026-11-21T09:00:00"));
    let entries = rebase(&timetable, &mut known, vec![BTreeSet::new()], (was, now));
    let told = "; the slots in between, more than 50000, are not replayed";
    assert!(entries[0].reason.ends_with(told), "{}", entries[0].reason);
}
