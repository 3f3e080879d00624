//! What a calendar file says, checked and not yet worked out: its head, its weeks, and what it says of single
//! dates. It never knows other files, nor which instants follow.

use std::sync::Arc;

use jiff::civil::Date;

use crate::yaml::diagnostic::Span;

use super::hours::{Hours, Wall};
use super::rule::Rule;
use super::week::Weeks;

/// A file.
#[derive(Clone, Debug)]
pub(super) enum Authored {
    /// It defines a calendar.
    Own(Own),
    /// It changes one.
    Override {
        /// Which.
        code: Named,
        /// How.
        layer: Layer,
    },
}

/// A calendar that a file defines.
#[derive(Clone, Debug)]
pub(super) struct Own {
    pub(super) code: Named,
    /// Its code, where it has no name.
    pub(super) name: Option<Arc<str>>,
    pub(super) aliases: Box<[Named]>,
    /// A known one, where there is one.
    pub(super) timezone: Option<Arc<str>>,
    pub(super) from: Option<Bound>,
    pub(super) origin: Option<Arc<str>>,
    pub(super) base: Base,
    pub(super) layer: Layer,
}

/// A word with its place.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) text: Arc<str>,
    pub(super) span: Span,
}

/// A date with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    pub(super) date: Date,
    pub(super) span: Span,
}

/// What a calendar is made of.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// Weeks of its own; and where they stand.
    Weeks(Weeks, Span),
    /// Another calendar.
    Extends(Named),
    /// A session where all of these have one.
    AllOf(Box<[Named]>),
    /// A session where any of these has one.
    AnyOf(Box<[Named]>),
}

impl Base {
    /// The other calendars.
    pub(super) fn parts(&self) -> &[Named] {
        match self {
            Self::Weeks(..) => &[],
            Self::Extends(code) => std::slice::from_ref(code),
            Self::AllOf(codes) | Self::AnyOf(codes) => codes,
        }
    }
}

/// What a file says of dates.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    /// The last date that is known.
    pub(super) to: Option<Bound>,
    pub(super) announced_to: Option<Bound>,
    /// In the order in which they take effect.
    pub(super) sayings: Box<[Saying]>,
}

/// Something said of a date, or of the dates of a rule.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    pub(super) what: What,
    pub(super) name: Option<Arc<str>>,
    pub(super) dates: Dates,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Dates {
    One(Date),
    Rule(Rule),
}

/// What is said of a date, in the order in which it takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Reopened,
    Closed { ad_hoc: bool },
    Extra,
    Session(Hours),
    LateOpen(Wall),
    EarlyClose(Wall),
}

impl What {
    /// The key that it stands under, and its place in the order.
    pub(super) fn key(self) -> (u8, &'static str) {
        match self {
            Self::Reopened => (0, "reopened"),
            Self::Closed { ad_hoc: false } => (1, "closed"),
            Self::Closed { ad_hoc: true } => (1, "closed_ad_hoc"),
            Self::Extra => (2, "extra"),
            Self::Session(_) => (3, "session"),
            Self::LateOpen(_) => (4, "late_open"),
            Self::EarlyClose(_) => (5, "early_close"),
        }
    }
}
