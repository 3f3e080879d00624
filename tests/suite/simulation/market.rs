//! Schedules by sessions in the simulated world: calendars change while daemons die, and each slot fires once.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sexton::calendar::book::Book;
use sexton::pipeline::definition::Pipeline;
use sexton::run::state::{RunId, Status};
use sexton::schedule::slot::{Decision, Key};
use sexton::store::ledger::LedgerRecord;
use sexton::store::record::RunState;
use sexton::store::runs::RunFilter;
use sexton::yaml::report::SourceFile;

use super::chance::Chance;
use super::desk::Desk;
use super::fates::Fates;
use super::pipelines::by_calendars;
use super::world::World;

/// The calendars that come with the program, with a file of this text.
fn calendars(text: &str) -> Book {
    let (book, found) = Book::with(&[SourceFile::new("config/calendars/changes.yaml", text)]);
    assert!(found.iter().all(|found| !found.has_errors()), "{text}");
    book
}

async fn begin(pipeline: &Pipeline) -> Desk {
    let mut desk = Desk::new(World::new(Fates::Same(Duration::from_secs(90), 0), 16), 16);
    desk.start().await;
    desk.enact(std::slice::from_ref(pipeline)).await;
    desk
}

fn at(text: &str) -> Timestamp {
    // The world begins at 2018-05-14T04:00:00Z, a Monday.
    format!("2018-05-{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

fn told(lines: &[LedgerRecord]) -> Vec<String> {
    let line = |line: &LedgerRecord| {
        format!("{} {} {}: {}", line.slot, line.first, line.decision.word(), line.reason)
    };
    lines.iter().map(line).collect()
}

const NEW_YORK: &str = "{schedule: {calendar: XNYS, at: close + 1h}, catchup: none, exec: x}";

fn new_york(changes: &str) -> Pipeline {
    let book =
        if changes.is_empty() { Book::embedded() } else { calendars(&format!("override: XNYS\n{changes}")) };
    by_calendars("nightly", NEW_YORK, &book)
}

#[tokio::test]
async fn a_session_has_a_run_that_knows_it() {
    let mut desk = begin(&new_york("")).await;
    desk.until(at("14 21:01")).await;
    assert_eq!(told(&desk.ledger().await), ["session 2018-05-14 2018-05-14T21:00:00Z fired: on time"]);
    let run = desk.reader().run(RunId(1)).await.unwrap().unwrap();
    assert_eq!(
        (run.logical_date.to_string().as_str(), run.calendar.as_deref()),
        ("2018-05-14", Some("XNYS"))
    );
    assert_eq!(run.scheduled_at, Some(at("14 21:00")));
    // From Friday's slot on.
    assert_eq!((run.interval.start, run.interval.end), (at("11 21:00"), at("14 21:00")));
    desk.until(at("14 21:04")).await;
    desk.check_end().await;
}

#[tokio::test]
async fn an_override_moves_what_is_to_come_at_once_and_fires_what_it_has_put_into_the_past() {
    let mut desk = begin(&new_york("")).await;
    // Announced in the morning: the slot is at noon and an hour.
    desk.until(at("14 14:00")).await;
    let early = "early_close: {12:00: [2018-05-14]}\n";
    desk.enact(&[new_york(early)]).await;
    desk.until(at("14 17:01")).await;
    let fired = "session 2018-05-14 2018-05-14T17:00:00Z fired: on time; early close; hours of \
                 config/calendars/changes.yaml";
    assert_eq!(told(&desk.ledger().await), [fired]);
    // Taken back: it has fired, and does not again; nor after a restart, nor spelled another way.
    desk.enact(&[new_york("")]).await;
    desk.until(at("14 18:00")).await;
    desk.crash(Duration::from_mins(5)).await;
    desk.start().await;
    let later = by_calendars("nightly", &NEW_YORK.replace("close + 1h", "close + 2h"), &Book::embedded());
    desk.enact(&[later]).await;
    desk.until(at("14 22:30")).await;
    assert_eq!(desk.ledger().await.len(), 1);
    // Announced when it is over already.
    desk.enact(&[new_york("")]).await;
    desk.until(at("15 20:30")).await;
    desk.enact(&[new_york("early_close: {12:00: [2018-05-15]}\n")]).await;
    let lines = desk.ledger().await;
    assert_eq!(
        told(&lines)[1..],
        [
            "session 2018-05-15 2018-05-15T17:00:00Z fired: its time was moved to 2018-05-15 13:00:00 EDT, which was over; \
          early close; hours of config/calendars/changes.yaml"
        ]
    );
    assert_eq!(lines[1].decided_at, at("15 20:30"));
    // A closure at short notice, and the daemon dies over it.
    desk.enact(&[new_york("closed_ad_hoc: {Storm: [2018-05-16]}\n")]).await;
    desk.crash(Duration::from_hours(27)).await;
    desk.start().await;
    desk.enact(&[new_york("closed_ad_hoc: {Storm: [2018-05-16]}\n")]).await;
    let closed = "session 2018-05-16 2018-05-16T21:00:00Z skipped: XNYS is closed (Storm); ad hoc; by \
                  config/calendars/changes.yaml";
    assert_eq!(told(&desk.ledger().await)[2..], [closed]);
    desk.enact(&[]).await;
    desk.rest().await;
    desk.check_end().await;
}

#[tokio::test]
async fn what_was_moved_into_the_past_waits_for_its_place_and_does_not_expire() {
    let source = "{schedule: [{name: nightly, calendar: XNYS, at: close + 1h}, {name: other, cron: 58 20 * * *}], \
                  starting_deadline: 10m, exec: x}";
    let of = |book: &Book| by_calendars("nightly", source, book);
    let mut desk = begin(&of(&Book::embedded())).await;
    desk.until(at("14 20:58")).await;
    // The one place that there is is taken for a minute and a half.
    desk.enact(&[of(&calendars("override: XNYS\nearly_close: {12:00: [2018-05-14]}\n"))]).await;
    let lines = desk.ledger().await;
    let waits = "; waits, run 1 is under way (max_active_runs: 1)";
    assert!(
        lines[0].reason.starts_with("its time was moved") && lines[0].reason.ends_with(waits),
        "{}",
        lines[0].reason
    );
    desk.until(at("14 21:10")).await;
    assert_eq!(desk.ledger().await[0].decision, Decision::Fired, "it has not expired");
    let run = desk.reader().run(lines[0].run.unwrap()).await.unwrap().unwrap();
    assert_eq!((run.scheduled_at, run.state), (Some(at("14 17:00")), RunState::Succeeded));
    desk.check_end().await;
}

/// A restart for a reload.
#[tokio::test]
async fn what_is_moved_while_the_daemon_is_restarted_fires_too() {
    let mut desk = begin(&new_york("")).await;
    desk.until(at("14 20:30")).await;
    desk.stop(false).await;
    desk.runs_out().await.unwrap();
    desk.crash(Duration::from_secs(2)).await;
    desk.start().await;
    desk.enact(&[new_york("early_close: {12:00: [2018-05-14]}\n")]).await;
    let lines = told(&desk.ledger().await);
    assert!(lines[0].contains("fired: its time was moved to 2018-05-14 13:00:00 EDT"), "{lines:?}");
}

#[tokio::test]
async fn on_a_holiday_a_sensor_goes_by_the_hours_that_there_would_have_been() {
    let source = "{schedule: {calendar: XNYS, at: open, days: holidays}, sensor: {session: close + 5m}}";
    let mut desk = begin(&by_calendars("closed", source, &Book::embedded())).await;
    // Memorial Day.
    desk.until(at("28 20:04")).await;
    let task = async |desk: &Desk| desk.reader().task(RunId(1), "/").await.unwrap().unwrap().status;
    assert_eq!(task(&desk).await, Status::Waiting);
    desk.until(at("28 20:06")).await;
    assert_eq!(task(&desk).await, Status::Succeeded);
}

#[tokio::test]
async fn a_clock_set_back_by_hours_fires_no_session_twice() {
    let mut desk = begin(&new_york("")).await;
    desk.until(at("14 21:02")).await;
    desk.world.set_clock(-SignedDuration::from_hours(5));
    desk.round().await;
    desk.until(at("14 21:05")).await;
    let lines = told(&desk.ledger().await);
    let fired = lines.iter().filter(|line| line.contains(" fired: "));
    assert_eq!(fired.count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("the clock was set back by 5h")), "{lines:?}");
    desk.until(at("15 21:01")).await;
    assert!(told(&desk.ledger().await).last().unwrap().starts_with("session 2018-05-15 "));
}

/// Each minute of a day; the open moves by less and by more than one.
fn busy(open: &str) -> Pipeline {
    let hours = "code: BUSY\ntimezone: UTC\nfrom: 2018-05-01\nto: 2018-12-31\nhours: [{days: mon-sun, open: 04:00, \
                 close: 23:50}]\n";
    let text = match open {
        "" => hours.to_owned(),
        open => format!("{hours}late_open: {{\"{open}\": [2018-05-14]}}\n"),
    };
    let source = "{schedule: {calendar: BUSY, every: 1m, between: [open, close]}, max_active_runs: 4, overlap: skip, \
                  grace: 10m, exec: x}";
    by_calendars("nightly", source, &calendars(&text))
}

/// `SEXTON_LONG` plays it more often.
#[tokio::test]
async fn each_slot_fires_once_however_often_it_is_moved_and_the_daemon_dies() {
    let times = if std::env::var_os("SEXTON_LONG").is_some() { 40 } else { 2 };
    let round: u64 = std::env::var("SEXTON_ROUND").map_or(0, |round| round.parse().expect("a number"));
    for seed in (0..times).map(|time| 1_000 * round + time) {
        eprintln!("seed {seed}");
        move_and_die(seed).await;
    }
}

async fn move_and_die(seed: u64) {
    let mut chance = Chance(seed);
    let variants = ["", "04:00:20", "04:02:30", "04:07"].map(busy);
    let mut now = &variants[0];
    let mut desk = begin(now).await;
    for _ in 0..60 {
        for _ in 0..chance.below(6) {
            desk.round().await;
        }
        if chance.once_in(3) {
            now = &variants[chance.below(4) as usize];
            if chance.once_in(2) {
                desk.enact(std::slice::from_ref(now)).await;
            }
        }
        let gone = Duration::from_secs(chance.below(90));
        if chance.once_in(2) {
            desk.crash_in_round(1 + chance.below(4) as u32, gone).await;
        } else {
            desk.crash(gone).await;
        }
        desk.start().await;
        desk.enact(std::slice::from_ref(now)).await;
        desk.check().await;
    }
    let lines = desk.ledger().await;
    let mut slots: BTreeMap<u32, u32> = BTreeMap::new();
    for line in &lines {
        let Some(Key::Session { ordinal, .. }) = Key::from_text(&line.slot) else { panic!("{}", line.slot) };
        *slots.entry(ordinal).or_default() += 1;
    }
    let all: Vec<u32> = slots.keys().copied().collect();
    let last = *all.last().expect("slots");
    // The first was over when it began.
    assert_eq!(all, (1..=last).collect::<Vec<_>>(), "none is lost");
    assert!(slots.values().all(|lines| *lines == 1), "{slots:?}");
    let mut made: Vec<RunId> = lines.iter().filter_map(|line| line.run).collect();
    let runs = desk.reader().runs(&RunFilter::default(), 10_000).await.unwrap();
    assert_eq!(made.len(), runs.len(), "each run is a slot's");
    made.sort_unstable();
    made.dedup();
    assert_eq!(made.len(), runs.len(), "and of one slot only");
    assert!(
        lines.iter().any(|line| line.reason.starts_with("its time was moved")),
        "seed {seed} moves none back"
    );
    desk.enact(&[]).await;
    desk.rest().await;
    desk.check_end().await;
}
