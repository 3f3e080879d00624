//! What a node is, and what that means for the order of its children. It never knows names or places.

use super::command::Command;
use super::sensor::Sensor;

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Runs a command.
    Exec(Command),
    /// Children one after another.
    Serial(Children),
    /// Children at the same time.
    Parallel(Children),
    /// The first child whose `when` holds.
    Branch(Children),
    /// Its first child is a command; of the others, those that this names in its output.
    Choice(Children),
    /// Waits until something is true.
    Sensor(Box<Sensor>),
    /// Two children: a command, and the tree that it writes.
    Lazy(Children),
    /// The second child of a lazy node, while its tree is not there yet.
    Awaited,
}

/// The name of the child of a branch that chooses among the others.
pub const CHOOSE: &str = "choose";
/// The name of the child of a lazy node that writes its tree.
pub const GENERATE: &str = "generate";
/// The name of the child of a lazy node that is that tree.
pub const EXECUTE: &str = "execute";

/// The keys that make a node of each kind in a pipeline file.
pub(crate) const KINDS: [&str; 6] = ["exec", "serial", "parallel", "branch", "sensor", "lazy"];
/// Those of them that hold children.
pub(crate) const CONTAINERS: [&str; 4] = ["serial", "parallel", "branch", "lazy"];

impl Kind {
    /// The key that makes this kind in a pipeline file; of what no key makes, what it is in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Exec(_) => "exec",
            Self::Serial(_) => "serial",
            Self::Parallel(_) => "parallel",
            Self::Branch(_) | Self::Choice(_) => "branch",
            Self::Sensor(_) => "sensor",
            Self::Lazy(_) => "lazy",
            Self::Awaited => "awaited",
        }
    }

    /// What a sensor waits for; `None` for other nodes.
    pub fn sensor(&self) -> Option<&Sensor> {
        match self {
            Self::Sensor(sensor) => Some(sensor),
            Self::Exec(_)
            | Self::Serial(_)
            | Self::Parallel(_)
            | Self::Branch(_)
            | Self::Choice(_)
            | Self::Lazy(_)
            | Self::Awaited => None,
        }
    }

    /// What an attempt of it runs; `None` where there are none.
    pub fn command(&self) -> Option<&Command> {
        match self {
            Self::Exec(command) => Some(command),
            Self::Sensor(sensor) => sensor.command(),
            Self::Serial(_)
            | Self::Parallel(_)
            | Self::Branch(_)
            | Self::Choice(_)
            | Self::Lazy(_)
            | Self::Awaited => None,
        }
    }

    /// The children of a container; `None` for a leaf.
    pub fn children(&self) -> Option<Children> {
        match self {
            Self::Exec(_) | Self::Sensor(_) | Self::Awaited => None,
            Self::Serial(children)
            | Self::Parallel(children)
            | Self::Branch(children)
            | Self::Choice(children)
            | Self::Lazy(children) => Some(*children),
        }
    }

    pub(super) fn children_mut(&mut self) -> Option<&mut Children> {
        match self {
            Self::Exec(_) | Self::Sensor(_) | Self::Awaited => None,
            Self::Serial(children)
            | Self::Parallel(children)
            | Self::Branch(children)
            | Self::Choice(children)
            | Self::Lazy(children) => Some(children),
        }
    }

    /// What the children of a container wait for in it; those of a leaf, which it has not, for nothing.
    pub fn order(&self) -> Order {
        match self {
            Self::Serial(_) | Self::Branch(_) | Self::Lazy(_) => Order::InTurn,
            Self::Choice(_) => Order::Led,
            Self::Parallel(_) | Self::Exec(_) | Self::Sensor(_) | Self::Awaited => Order::AtOnce,
        }
    }
}

/// How much a container holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Children {
    /// Direct children; at least one in a finished tree.
    pub count: u32,
    /// Leaves anywhere below.
    pub leaves: u32,
}

/// Which of its siblings a child waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// For all before it.
    InTurn,
    /// For none.
    AtOnce,
    /// For the first; that waits for none.
    Led,
}
