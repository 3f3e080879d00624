//! What slots do that come due while as many runs of their pipeline are under way as may be. It never knows why
//! they are due.

use std::collections::VecDeque;

use super::definition::{Catchup, Overlap, Policy};
use super::situation::{Active, Situation};
use super::verdict::{Item, MOST_CAUGHT_UP, Outcome};

/// Runs of one pipeline that may wait for others to end; more slots than that are skipped. With `catchup: all`
/// so many may as are caught up.
pub(super) const MOST_WAITING: usize = 16;

/// What those that may fire do, one after another, where as many runs are under way as may be.
pub(super) fn overlapping(
    candidates: &mut [&mut Item],
    policy: &Policy,
    situation: &Situation<'_>,
) -> Vec<i64> {
    let most = policy.max_active_runs.get() as usize;
    // Who asks for every slot gets every slot, even if they wait.
    let most_waiting = if policy.catchup == Catchup::All { MOST_CAUGHT_UP } else { MOST_WAITING };
    let mut cancel = Vec::new();
    // Of the runs under way those that go on, and of the candidates those that fire.
    let mut runs: Vec<Active> = situation.active.to_vec();
    let mut fired: VecDeque<usize> = VecDeque::new();
    for index in 0..candidates.len() {
        let under_way = runs.len() + fired.len();
        if under_way < most {
            fired.push_back(index);
            continue;
        }
        let behind = match runs.iter().find(|active| active.begun).or(runs.first()) {
            Some(active) => format!("run {} is under way", active.run),
            None => "the slot before it has just fired".to_owned(),
        };
        let limit = format!("max_active_runs: {most}");
        let queued = under_way - most;
        // Where nothing of a schedule is under way, there is nothing to cancel.
        let cancels = !fired.is_empty() || runs.iter().any(|run| run.scheduled);
        let overlap = match policy.overlap {
            Overlap::CancelRunning if !cancels => Overlap::Queue,
            overlap @ (Overlap::Queue | Overlap::Skip | Overlap::CancelRunning) => overlap,
        };
        candidates[index].outcome = match overlap {
            Overlap::Skip => Outcome::Skipped(format!("{behind} ({limit}, overlap: skip)").into()),
            Overlap::Queue if queued >= most_waiting => {
                Outcome::Skipped(format!("{most_waiting} runs wait already ({limit}, overlap: queue)").into())
            }
            Overlap::Queue => {
                fired.push_back(index);
                Outcome::Waits(format!("waits, {behind} ({limit})").into())
            }
            Overlap::CancelRunning => {
                let mut gone = Vec::new();
                while runs.len() + fired.len() >= most {
                    if let Some(position) = runs.iter().position(|run| run.scheduled) {
                        let victim = runs.remove(position).run;
                        gone.push(format!("run {victim}"));
                        cancel.push(victim);
                    } else if let Some(earlier) = fired.pop_front() {
                        let why = format!("a later slot took its place ({limit}, overlap: cancel_running)");
                        candidates[earlier].outcome = Outcome::Skipped(why.into());
                        gone.push("an earlier slot".to_owned());
                    } else {
                        break;
                    }
                }
                fired.push_back(index);
                let gone = gone.join(" and ");
                Outcome::Waits(format!("instead of {gone} ({limit}, overlap: cancel_running)").into())
            }
        };
    }
    cancel
}
