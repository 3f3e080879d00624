//! An event as the journal holds it: one self-explaining JSON object with its instant, and paths for node
//! numbers, so that a later version can replay it.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::pipeline::generated::Generated;
use crate::pipeline::node::{NodeId, Tree};
use crate::run::event::{Event, Holds, Sensed, Yield};
use crate::run::state::AttemptId;

use super::error::{Damage, Error};
use super::fact::{Exit, Mark, node, nodes, path, paths};
use super::instant::{from_ms, ms};

/// One entry of a journal row's array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Unix milliseconds.
    at: i64,
    #[serde(flatten)]
    what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum What {
    Begin,
    Condition {
        node: Box<str>,
        result: Condition,
    },
    Open {
        node: Box<str>,
    },
    Start {
        node: Box<str>,
        attempt: u64,
    },
    Exited {
        node: Box<str>,
        attempt: u64,
        exit: Exit,
        /// Of the child of a branch that chooses: the paths of these siblings.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chose: Option<Vec<Box<str>>>,
        /// Of the `generate` of a lazy node: the hash of the tree that it wrote, which is kept by the attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tree: Option<Box<str>>,
    },
    Sensed {
        node: Box<str>,
        answer: Answer,
    },
    Poke {
        node: Box<str>,
        attempt: u64,
    },
    Wake,
    Cancel {
        node: Box<str>,
        by: Box<str>,
    },
    Mark {
        node: Box<str>,
        mark: Mark,
        by: Box<str>,
    },
    Clear {
        /// Tops of which everything below was cleared too: a million nodes in a few words.
        trees: Vec<Box<str>>,
        /// Nodes of which something below was not.
        nodes: Vec<Box<str>>,
        by: Box<str>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Condition {
    Holds(bool),
    /// It does not hold, and this is why.
    Because(Box<str>),
    Error(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Met(Box<str>),
    Failed(Box<str>),
    Skipped(Box<str>),
}

impl Line {
    pub(super) fn of(at: Timestamp, event: &Event, tree: &Tree) -> Self {
        let what = match event {
            Event::Begin => What::Begin,
            Event::Condition { node, holds } => What::Condition {
                node: path(tree, *node),
                result: match holds {
                    Holds::Yes => Condition::Holds(true),
                    Holds::No(None) => Condition::Holds(false),
                    Holds::No(Some(why)) => Condition::Because(why.clone()),
                    Holds::Error(error) => Condition::Error(error.clone()),
                },
            },
            Event::Open { node } => What::Open { node: path(tree, *node) },
            Event::Start { node, attempt } => What::Start { node: path(tree, *node), attempt: attempt.0 },
            Event::Exited { node, attempt, exit, yields } => What::Exited {
                node: path(tree, *node),
                attempt: attempt.0,
                exit: exit.into(),
                chose: match yields {
                    Yield::Nothing | Yield::Tree(_) => None,
                    Yield::Choice(chosen) => Some(paths(tree, chosen)),
                },
                tree: match yields {
                    Yield::Nothing | Yield::Choice(_) => None,
                    Yield::Tree(generated) => Some(generated.packed.hash.clone()),
                },
            },
            Event::Sensed { node, sensed } => What::Sensed {
                node: path(tree, *node),
                answer: match sensed {
                    Sensed::Met(words) => Answer::Met(words.clone()),
                    Sensed::Failed(words) => Answer::Failed(words.clone()),
                    Sensed::Skipped(words) => Answer::Skipped(words.clone()),
                },
            },
            Event::Poke { node, attempt } => What::Poke { node: path(tree, *node), attempt: attempt.0 },
            Event::Wake => What::Wake,
            Event::Cancel { node, by } => What::Cancel { node: path(tree, *node), by: by.clone() },
            Event::Mark { node, mark, by } => {
                What::Mark { node: path(tree, *node), mark: (*mark).into(), by: by.clone() }
            }
            Event::Clear { nodes, by } => {
                let (trees, nodes) = folded(tree, nodes);
                What::Clear { trees, nodes, by: by.clone() }
            }
        };
        Self { at: ms(at), what }
    }

    /// The event, of a run whose tree is then this one. `generated` finds what an attempt has written.
    pub(super) fn into_law(
        self,
        tree: &Tree,
        generated: impl Fn(AttemptId, NodeId) -> Result<Arc<Generated>, Error>,
    ) -> Result<(Timestamp, Event), Error> {
        let event = match self.what {
            What::Begin => Event::Begin,
            What::Condition { node: at, result } => Event::Condition {
                node: node(tree, &at)?,
                holds: match result {
                    Condition::Holds(true) => Holds::Yes,
                    Condition::Holds(false) => Holds::No(None),
                    Condition::Because(why) => Holds::No(Some(why)),
                    Condition::Error(error) => Holds::Error(error),
                },
            },
            What::Open { node: at } => Event::Open { node: node(tree, &at)? },
            What::Start { node: at, attempt } => {
                Event::Start { node: node(tree, &at)?, attempt: AttemptId(attempt) }
            }
            What::Exited { node: at, attempt, exit, chose, tree: written } => Event::Exited {
                node: node(tree, &at)?,
                attempt: AttemptId(attempt),
                exit: exit.into(),
                yields: match (chose, written) {
                    (Some(chosen), _) => Yield::Choice(nodes(tree, &chosen)?),
                    (None, Some(_)) => Yield::Tree(generated(AttemptId(attempt), node(tree, &at)?)?),
                    (None, None) => Yield::Nothing,
                },
            },
            What::Sensed { node: at, answer } => Event::Sensed {
                node: node(tree, &at)?,
                sensed: match answer {
                    Answer::Met(words) => Sensed::Met(words),
                    Answer::Failed(words) => Sensed::Failed(words),
                    Answer::Skipped(words) => Sensed::Skipped(words),
                },
            },
            What::Poke { node: at, attempt } => {
                Event::Poke { node: node(tree, &at)?, attempt: AttemptId(attempt) }
            }
            What::Wake => Event::Wake,
            What::Cancel { node: at, by } => Event::Cancel { node: node(tree, &at)?, by },
            What::Mark { node: at, mark, by } => {
                Event::Mark { node: node(tree, &at)?, mark: mark.into(), by }
            }
            What::Clear { trees, nodes, by } => Event::Clear { nodes: unfolded(tree, &trees, &nodes)?, by },
        };
        Ok((from_ms(self.at)?, event))
    }
}

/// Whole subtrees by their tops, and the other nodes one by one.
fn folded(tree: &Tree, nodes: &[NodeId]) -> (Vec<Box<str>>, Vec<Box<str>>) {
    let (mut trees, mut singles) = (Vec::new(), Vec::new());
    let mut rest = nodes;
    while let Some(&first) = rest.first() {
        let size = tree.subtree(first).len();
        // In document order a subtree is a stretch of consecutive numbers.
        let whole =
            rest.get(..size).is_some_and(|stretch| stretch.iter().map(|id| id.0).eq(tree.subtree(first)));
        let taken = if whole {
            trees.push(path(tree, first));
            size
        } else {
            singles.push(path(tree, first));
            1
        };
        rest = &rest[taken..];
    }
    (trees, singles)
}

fn unfolded(tree: &Tree, trees: &[Box<str>], singles: &[Box<str>]) -> Result<Vec<NodeId>, Damage> {
    let mut nodes = Vec::new();
    for top in trees {
        nodes.extend(tree.subtree(node(tree, top)?).map(NodeId));
    }
    for single in singles {
        nodes.push(node(tree, single)?);
    }
    nodes.sort_unstable();
    Ok(nodes)
}
