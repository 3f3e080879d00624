//! A disk that takes nothing any more: what cannot be written down is not done.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::load::good;
use super::place::Place;
use crate::suite::keeper::client::until;

const CANNOT: &str = "the database cannot be written";

/// Whether the files of this process may grow: as on a full disk, but for this one process.
fn set_full(victim: i32, full: bool) {
    let limit = Rlimit { current: full.then_some(0), maximum: None };
    prlimit(Pid::from_raw(victim), Resource::Fsize, limit).expect("a limit");
}

fn has_calmed_down(place: &Place) -> bool {
    let evidence = place.evidence();
    evidence.starts.len() == evidence.ends.len()
}

/// Runs till the disk is full under load; then nothing starts, however often it is tried.
fn fill_up(place: &mut Place, started: usize) {
    until("it is under load", || place.evidence().starts.len() >= started);
    set_full(place.victim(), true);
    let before = place.said(CANNOT);
    until("it says so", || place.said(CANNOT) > before);
    until("what ran has ended", || has_calmed_down(place));
    let started = place.evidence().starts.len();
    let said = place.said(CANNOT);
    until("it is tried again", || place.said(CANNOT) >= said + 2);
    assert_eq!(place.evidence().starts.len(), started, "something was started that is not written down");
}

#[tokio::test]
async fn a_full_disk_starts_nothing_and_is_waited_out() {
    let mut place = Place::new(&[(good, 3)]);
    place.start();
    fill_up(&mut place, 5);
    set_full(place.victim(), false);
    place.wait_till_done();
    place.check(false).await;
}

#[tokio::test]
async fn a_daemon_that_dies_before_its_commit_has_done_nothing() {
    let mut place = Place::new(&[(good, 3)]);
    place.start();
    fill_up(&mut place, 5);
    place.kill();
    place.start();
    place.wait_till_done();
    place.check(false).await;
}
