//! What has been decided about a node before its turn: by a branch that took another way, or by a sensor that
//! has skipped the rest of its serial. It decides; `machine` changes.

use jiff::Timestamp;

use crate::pipeline::kind::Kind;
use crate::pipeline::node::NodeId;
use crate::pipeline::sensor::OnTimeout;

use super::event::Yield;
use super::machine::Run;
use super::state::{Exit, SkipReason, State, Success};

impl Run {
    /// Why a node is not even considered, if that has been decided.
    pub(super) fn passed_over(&self, node: NodeId) -> Option<SkipReason> {
        let up = self.tree.parent(node)?;
        match self.tree.kind(up) {
            Kind::Branch(_) => {
                let chosen = self.progress(up)?.chosen.filter(|chosen| *chosen < node)?;
                Some(SkipReason::NotChosen(chosen))
            }
            Kind::Choice(_) => {
                let chooser = self.tree.chooser(up).filter(|chooser| *chooser != node)?;
                let State::Succeeded { how: Success::Chose(chosen), .. } = self.state(chooser) else {
                    // Marked by hand, it has chosen nothing: what is left may run.
                    return None;
                };
                let named = chosen.binary_search(&node).is_ok();
                (!named).then_some(SkipReason::NotChosen(chooser))
            }
            Kind::Serial(_) => {
                let skips = |sensor: &NodeId| self.rest_of(*sensor).is_some_and(|(serial, _)| serial == up);
                let before = self.timed_out.range(up..node).copied();
                before.rev().find(skips).map(SkipReason::Sensor)
            }
            Kind::Lazy(_) => self.treeless(node),
            Kind::Parallel(_) | Kind::Exec(_) | Kind::Sensor(_) | Kind::Awaited => None,
        }
    }

    /// The serial of which a sensor that has waited for long enough skips the rest, and its child that holds
    /// the sensor; `None` where there is no such serial, or where the sensor does no such thing.
    pub(super) fn rest_of(&self, sensor: NodeId) -> Option<(NodeId, NodeId)> {
        let definition = self.tree.kind(sensor).sensor()?;
        if definition.on_timeout != OnTimeout::SkipRest {
            return None;
        }
        let within = std::iter::once(sensor).chain(self.tree.ancestors(sensor));
        let mut places = self.tree.ancestors(sensor).zip(within);
        places.find(|(up, _)| matches!(self.tree.kind(*up), Kind::Serial(_)))
    }

    /// Skips what waited for this node and has now been decided not to run.
    pub(super) fn pass_over_followers(&mut self, node: NodeId, now: Timestamp) {
        let tree = self.tree.clone();
        for follower in tree.followers(node) {
            let untouched =
                matches!(self.state(follower), State::Pending) && !self.seen(follower).status.is_ended();
            if let Some(reason) = self.passed_over(follower).filter(|_| untouched) {
                self.skip(follower, reason, now);
            }
        }
    }

    /// Whether what an attempt's end yields is what its node is there for.
    pub(super) fn is_asked_of(&self, node: NodeId, exit: &Exit, yields: &Yield) -> bool {
        let chooses = *exit == Exit::Code(0) && self.tree.is_chooser(node);
        let execute = self.awaits_tree(node, exit);
        match yields {
            Yield::Nothing => !chooses && execute.is_none(),
            Yield::Tree(generated) => {
                execute.is_some_and(|at| self.tree.misfit(at, &generated.tree).is_none())
            }
            Yield::Choice(chosen) => {
                let others = |child: &NodeId| self.tree.is_behind(*child, node);
                chooses && chosen.iter().all(others)
            }
        }
    }
}
