//! The daemon's rows of the table of crash points (`docs/keeper-protocol.md`), each by itself: what the
//! database holds, what the keeper holds, and that it comes out right.

use std::collections::BTreeMap;
use std::time::Duration;

use sexton::run::state::{Exit, RunId};
use sexton::store::record::RunState;
use sexton::store::tasks::AttemptRecord;

use super::desk::Desk;
use super::fates::Fates;
use super::pipelines::pipeline;
use super::world::World;

const LASTS: Duration = Duration::from_secs(5);
const AT_ONCE: Duration = Duration::ZERO;
/// Longer than anything that runs.
const LONG: Duration = Duration::from_mins(1);

const ONE: &str = "exec: 'true'";
const TWO: &str = "parallel: {a: 'true', b: 'true'}";

async fn desk(code: i32, source: &str) -> (Desk, RunId) {
    let mut desk = Desk::new(World::new(Fates::Same(LASTS, code), 8), 8);
    desk.start().await;
    let run = desk.begin(pipeline("p", source)).await;
    (desk, run)
}

/// The daemon dies, having heeded so many orders of its next turn; and comes back.
async fn die_after(desk: &mut Desk, orders: usize, away: Duration) {
    desk.world.die_after(orders);
    desk.round().await;
    desk.crash(away).await;
    desk.start().await;
    desk.check().await;
}

async fn attempts(desk: &Desk, run: RunId, path: &str) -> Vec<AttemptRecord> {
    desk.reader().attempts(run, path).await.unwrap()
}

async fn ends_as(desk: &mut Desk, run: RunId, state: RunState, starts: &[(u64, u32)]) {
    desk.rest().await;
    desk.check_end().await;
    assert_eq!(desk.reader().run(run).await.unwrap().unwrap().state, state);
    assert_eq!(desk.world.starts(), starts.iter().copied().collect::<BTreeMap<_, _>>());
}

#[tokio::test]
async fn before_the_rows_commit_the_task_is_still_queued() {
    let (mut desk, run) = desk(0, ONE).await;
    // The keeper's welcome waits in the mailbox; nothing has been admitted.
    desk.crash(AT_ONCE).await;
    desk.start().await;
    desk.check().await;
    assert_eq!(attempts(&desk, run, "/").await, []);
    assert!(desk.world.starts().is_empty());
    ends_as(&mut desk, run, RunState::Succeeded, &[(1, 1)]).await;
}

#[tokio::test]
async fn in_the_commit_it_is_one_or_the_other() {
    for polls in 1..4 {
        let (mut desk, run) = desk(0, TWO).await;
        desk.crash_in_round(polls, AT_ONCE).await;
        desk.start().await;
        desk.check().await;
        desk.rest().await;
        desk.check_end().await;
        assert_eq!(desk.reader().run(run).await.unwrap().unwrap().state, RunState::Succeeded);
    }
}

#[tokio::test]
async fn after_the_commit_before_launch_it_is_launched_under_the_same_token() {
    let (mut desk, run) = desk(0, ONE).await;
    die_after(&mut desk, 0, LONG).await;
    assert_eq!(attempts(&desk, run, "/").await.len(), 1);
    assert!(desk.world.starts().is_empty());
    ends_as(&mut desk, run, RunState::Succeeded, &[(1, 1)]).await;
}

#[tokio::test]
async fn of_two_launches_only_the_first_was_sent() {
    let (mut desk, run) = desk(0, TWO).await;
    // To resume, and to launch.
    die_after(&mut desk, 2, AT_ONCE).await;
    assert_eq!(desk.world.starts().len(), 1);
    ends_as(&mut desk, run, RunState::Succeeded, &[(1, 1), (2, 1)]).await;
}

#[tokio::test]
async fn after_launch_is_sent_it_is_adopted() {
    let (mut desk, run) = desk(3, ONE).await;
    die_after(&mut desk, 2, AT_ONCE).await;
    assert_eq!(desk.world.held(), [1]);
    assert!(desk.world.ends().is_empty(), "it runs");
    ends_as(&mut desk, run, RunState::Failed, &[(1, 1)]).await;
    let end = attempts(&desk, run, "/").await.remove(0).end.unwrap();
    assert_eq!((end.exit, end.pid), (Exit::Code(3), Some(1)));
}

#[tokio::test]
async fn what_ended_while_nobody_was_there_is_heard() {
    let (mut desk, run) = desk(3, ONE).await;
    die_after(&mut desk, 2, LONG).await;
    assert_eq!(desk.world.ends().len(), 1);
    assert!(attempts(&desk, run, "/").await[0].end.is_none());
    ends_as(&mut desk, run, RunState::Failed, &[(1, 1)]).await;
    let end = attempts(&desk, run, "/").await.remove(0).end.unwrap();
    // When it ended, not when that was heard.
    assert_eq!(end.ended_at.duration_since(end.started_at.unwrap()).unsigned_abs(), LASTS);
}

#[tokio::test]
async fn after_the_exit_is_heard_before_its_commit_it_is_told_again() {
    let (mut desk, run) = desk(3, ONE).await;
    desk.round().await;
    // The end comes while the daemon lives, and is in its mailbox when it dies.
    desk.world.wait(LONG);
    assert_eq!(desk.world.ends().len(), 1);
    desk.crash(AT_ONCE).await;
    desk.start().await;
    desk.check().await;
    assert!(attempts(&desk, run, "/").await[0].end.is_none());
    ends_as(&mut desk, run, RunState::Failed, &[(1, 1)]).await;
}

#[tokio::test]
async fn after_its_commit_before_ack_it_is_acknowledged_by_the_next() {
    let (mut desk, run) = desk(3, TWO).await;
    desk.round().await;
    desk.world.wait(LONG);
    die_after(&mut desk, 0, AT_ONCE).await;
    let end = attempts(&desk, run, "a").await.remove(0).end.unwrap();
    assert_eq!(end.exit, Exit::Code(3));
    assert_eq!(desk.world.held(), [1, 2]);
    ends_as(&mut desk, run, RunState::Failed, &[(1, 1), (2, 1)]).await;
}

#[tokio::test]
async fn an_ack_that_the_keeper_forgot_is_given_again() {
    let (mut desk, run) = desk(0, "serial: {a: 'true', b: 'true'}").await;
    desk.round().await;
    desk.world.wait(LONG);
    desk.world.deaf_to_acks(true);
    desk.round().await;
    assert_eq!(desk.world.held(), [1, 2], "the first is committed, and the second runs");
    desk.world.deaf_to_acks(false);
    desk.world.kill_keeper(AT_ONCE);
    desk.rest().await;
    desk.check_end().await;
    assert!(matches!(attempts(&desk, run, "b").await[0].end.as_ref().unwrap().exit, Exit::Lost(_)));
    assert_eq!(attempts(&desk, run, "a").await.len(), 1);
}

#[tokio::test]
async fn orders_that_went_into_a_dead_connection_are_made_good() {
    let (mut desk, run) = desk(0, TWO).await;
    desk.world.disconnect(AT_ONCE);
    // Its rows are committed, its launches go nowhere.
    desk.round().await;
    assert!(desk.world.starts().is_empty());
    assert_eq!(attempts(&desk, run, "a").await.len(), 1);
    // Another run's launches come after those that were lost, and must not overtake them.
    let other = desk.begin(pipeline("other", TWO)).await;
    ends_as(&mut desk, run, RunState::Succeeded, &[(1, 1), (2, 1), (3, 1), (4, 1)]).await;
    assert_eq!(desk.reader().run(other).await.unwrap().unwrap().state, RunState::Succeeded);
}

#[tokio::test]
async fn a_kill_that_was_committed_is_sent_again() {
    let (mut desk, run) = desk(0, ONE).await;
    desk.round().await;
    let control = desk.control();
    let asked = tokio::spawn(async move { control.cancel(run, "/", "ada").await });
    tokio::task::yield_now().await;
    die_after(&mut desk, 0, AT_ONCE).await;
    desk.answered("ada".into(), run, asked.await.unwrap());
    ends_as(&mut desk, run, RunState::Cancelled, &[(1, 1)]).await;
    let end = attempts(&desk, run, "/").await.remove(0).end.unwrap();
    assert_eq!((end.exit, &*end.kill.unwrap().by), (Exit::Killed, "ada"));
}

#[tokio::test]
async fn a_restart_of_the_machine_loses_what_ran_and_says_so() {
    let (mut desk, run) = desk(0, "{exec: 'true', retry: {limit: 1}}").await;
    desk.round().await;
    desk.crash(AT_ONCE).await;
    desk.world.reboot();
    desk.start().await;
    desk.check().await;
    ends_as(&mut desk, run, RunState::Succeeded, &[(1, 1), (2, 1)]).await;
    assert!(matches!(attempts(&desk, run, "/").await[0].end.as_ref().unwrap().exit, Exit::Lost(_)));
}

#[tokio::test]
async fn a_run_whose_facts_are_refused_is_halted_and_the_others_go_on() {
    let (mut desk, run) = desk(0, "serial: {a: 'true', b: 'true'}").await;
    let other = desk.begin(pipeline("other", "serial: {a: 'true', b: 'true'}")).await;
    desk.round().await;
    assert_eq!(desk.world.held(), [1, 2]);
    // Somebody has taken a row away: the end of its attempt has nowhere to go.
    desk.sql("pragma foreign_keys = off; delete from attempts where id = 1").await;
    for _ in 0..100 {
        if desk.is_idle() {
            break;
        }
        desk.round().await;
    }
    let halted = desk.engine().halted(run).map(ToString::to_string);
    assert_eq!(halted.as_deref(), Some("the database refused what happened"));
    assert!(desk.engine().halted(other).is_none());
    let records = desk.reader();
    assert_eq!(records.run(other).await.unwrap().unwrap().state, RunState::Succeeded);
    assert_eq!(records.run(run).await.unwrap().unwrap().state, RunState::Running);
    assert!(records.attempts(run, "b").await.unwrap().is_empty());
    assert_eq!(desk.world.held(), [1], "an end that is not committed is not acknowledged");
    let control = desk.control();
    let asked = tokio::spawn(async move { control.cancel(run, "/", "ada").await });
    tokio::task::yield_now().await;
    desk.round().await;
    assert_eq!(asked.await.unwrap(), Err(sexton::control::Refused::Halted(run)));
}

#[tokio::test]
async fn a_run_that_is_halted_is_ended_where_it_runs() {
    let (mut desk, run) = desk(0, TWO).await;
    desk.round().await;
    desk.sql("pragma foreign_keys = off; delete from attempts where id = 1").await;
    let control = desk.control();
    // A kill touches the task's row only: that can be written. The end of it cannot.
    let asked = tokio::spawn(async move { control.cancel(run, "a", "ada").await });
    tokio::task::yield_now().await;
    desk.round().await;
    assert_eq!(asked.await.unwrap(), Ok(()));
    desk.round().await;
    assert!(desk.engine().halted(run).is_some());
    desk.round().await;
    assert_eq!(desk.world.ends().get(&2), Some(&Exit::Killed), "its other attempt is ended with it");
    assert_eq!(desk.world.held(), [1, 2]);
}

/// The other side of the mailbox may go first: the engine still waits, and does not spin.
#[tokio::test]
async fn a_mailbox_that_nobody_writes_to_is_not_waited_for() {
    let (mut desk, run) = desk(0, ONE).await;
    desk.hang_up();
    for _ in 0..3 {
        desk.round().await;
    }
    assert_eq!(desk.world.starts().len(), 1);
    assert!(desk.is_idle(), "each turn let time pass");
    assert_eq!(desk.reader().run(run).await.unwrap().unwrap().state, RunState::Succeeded);
}
