//! `kill -9` under load, again and again: of the daemon, and of its keeper.

use std::time::Duration;

use super::load::{bad, good, left, sturdy};
use super::place::Place;
use crate::suite::keeper::client::{runs, signal, until};

/// Kills of a usual run, and of a long one.
const KILLS: (usize, usize) = (12, 50);

fn is_long() -> bool {
    std::env::var_os("SEXTON_LONG").is_some()
}

/// Waits till so many attempts have started, and then a moment that differs from kill to kill. The moments
/// are spread over what one turn of a daemon takes; nothing depends on where one falls.
fn till_under_load(place: &mut Place, started: usize, kill: usize) {
    until("more attempts have started", || place.evidence().starts.len() >= started);
    std::thread::sleep(Duration::from_micros((kill as u64 * 7_919) % 23_000));
}

#[tokio::test]
async fn a_daemon_that_is_killed_loses_and_doubles_nothing() {
    let kills = if is_long() { KILLS.1 } else { KILLS.0 };
    let mut place = Place::new(&[(good, kills / 3), (bad, kills / 3)]);
    let all = place.attempts();
    let mut keeper = None;
    for kill in 0..kills {
        place.start();
        till_under_load(&mut place, (kill + 1) * all / (kills + 2), kill);
        place.kill();
        let serving = place.keeper().expect("it outlives its daemon");
        assert_eq!(*keeper.get_or_insert(serving), serving, "it is the same one all the time");
    }
    place.start();
    place.wait_till_done();
    place.check(false).await;
    until("the keeper has gone away", || place.keeper().is_none());
    assert_eq!(left(place.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_keeper_that_is_killed_loses_what_it_ran_and_nothing_else() {
    let kills = if is_long() { KILLS.1 / 3 } else { 5 };
    let mut place = Place::new(&[(sturdy, kills)]);
    let all = place.attempts();
    place.start();
    for kill in 0..kills {
        till_under_load(&mut place, (kill + 1) * all / (kills + 2), kill);
        let keeper = place.keeper().expect("a keeper");
        // With its daemon, or alone.
        let both = kill % 2 == 1;
        if both {
            place.kill();
        }
        signal(keeper, "KILL");
        until("the keeper is dead", || !runs(keeper));
        if both {
            place.start();
        }
    }
    place.wait_till_done();
    place.check(true).await;
    until("the keeper has gone away", || place.keeper().is_none());
    assert_eq!(left(place.path()), Vec::<String>::new());
}
