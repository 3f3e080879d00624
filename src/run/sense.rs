//! How a sensor waits: what an answer makes of it, and the end of its patience. It decides; `machine` changes.

use jiff::Timestamp;

use crate::pipeline::kind::Order;
use crate::pipeline::node::NodeId;
use crate::pipeline::sensor::OnTimeout;

use super::effect::Effect;
use super::event::Sensed;
use super::machine::{Run, Work};
use super::state::{Failure, SkipReason, State, Success};

impl Run {
    /// A final answer.
    pub(super) fn sensed(&mut self, node: NodeId, sensed: &Sensed, now: Timestamp) {
        match sensed {
            Sensed::Met(words) => {
                self.set(node, State::Succeeded { at: now, how: Success::Met(words.clone()) });
            }
            Sensed::Failed(words) => self.fail(node, Failure::Sensor(words.clone()), now),
            Sensed::Skipped(words) => self.skip(node, SkipReason::NoSlot(words.clone()), now),
        }
    }

    /// Whether it is a command that says whether the sensor is true.
    pub(super) fn looks_by_command(&self, node: NodeId) -> bool {
        let sensor = self.tree.kind(node).sensor();
        sensor.is_some_and(|sensor| sensor.command().is_some())
    }

    /// Its command has looked, and it is not true.
    pub(super) fn poked(&mut self, node: NodeId, since: Timestamp, failure: Failure, now: Timestamp) {
        match failure {
            Failure::Code(_) | Failure::Signal(_) | Failure::Lost(_) => {
                self.set(node, State::Waiting { since });
            }
            Failure::Timeout => self.time_out(node, now),
            Failure::NotStarted(_)
            | Failure::BadOutput(_)
            | Failure::BadChoice(_)
            | Failure::BadTree(_)
            | Failure::Sensor(_)
            | Failure::When(_)
            | Failure::Child(_)
            | Failure::Marked(_) => self.fail(node, failure, now),
        }
    }

    /// It has waited for as long as its `timeout` says.
    pub(super) fn time_out(&mut self, node: NodeId, now: Timestamp) {
        let on_timeout = self.tree.kind(node).sensor().map(|sensor| sensor.on_timeout);
        match on_timeout.unwrap_or(OnTimeout::Fail) {
            OnTimeout::Fail => self.fail(node, Failure::Timeout, now),
            OnTimeout::Continue => self.skip(node, SkipReason::TimedOut, now),
            OnTimeout::SkipRest => {
                self.skip(node, SkipReason::TimedOut, now);
                if let Some((_, child)) = self.rest_of(node) {
                    self.pass_over_followers(child, now);
                }
            }
        }
    }

    /// Whoever looks follows the state: it begins when the sensor waits, and ends when it does not.
    pub(super) fn mind(&mut self, node: NodeId, old: &State) {
        let new = self.state(node);
        if let State::Waiting { .. } = new {
            self.effects.push(Effect::Sense(node));
        } else if is_sensing(old) && !is_sensing(new) {
            self.effects.push(Effect::Rest(node));
        }
    }

    /// A sensor needs no place, so it is considered also while its siblings wait for theirs.
    pub(super) fn consider_sensor(&mut self, node: NodeId) {
        let Some(up) = self.tree.parent(node) else { return };
        let ahead = self.tree.kind(node).sensor().is_some()
            && self.tree.kind(up).order() != Order::InTurn
            && matches!(self.state(node), State::Pending)
            && self.tree.forerunners(node).all(|before| self.seen(before).status.is_ended());
        if ahead {
            self.todo.push_back(Work::Consider(node));
        }
    }

    /// The same for all children of a container.
    pub(super) fn consider_sensors(&mut self, container: NodeId) {
        let tree = self.tree.clone();
        if tree.kind(container).order() != Order::InTurn {
            tree.children(container).for_each(|child| self.consider_sensor(child));
        }
    }
}

fn is_sensing(state: &State) -> bool {
    match state {
        State::Waiting { .. } | State::Poking { .. } => true,
        State::Pending
        | State::Deciding
        | State::Queued { .. }
        | State::Running { .. }
        | State::Open { .. }
        | State::Retrying { .. }
        | State::Succeeded { .. }
        | State::Failed { .. }
        | State::Skipped { .. }
        | State::UpstreamFailed { .. }
        | State::Cancelled { .. } => false,
    }
}
