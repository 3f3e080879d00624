//! The vocabulary of templates: what an expression gives, as far as its form says, and what such a thing knows
//! and does. The tables here are what `check` holds templates to; they never evaluate one.

// The syntax tree is minijinja's and wide; of what is not named, the form says nothing.
#![allow(clippy::wildcard_enum_match_arm)]

use minijinja::machinery::ast::{BinOpKind, CallType, Const, Expr, UnaryOpKind};
use minijinja::value::ValueKind;

use crate::pipeline::params::{ParamType, Params};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// True or false.
    Truth,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A date.
    Date,
    /// A moment, in a time zone.
    Instant,
    /// What a date is on an exchange.
    Session,
    /// An exchange.
    Calendar,
    /// The run itself.
    Run,
    /// A list of texts.
    Texts,
}

/// Something that can be asked of a thing in brackets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    pub(crate) gives: Shape,
}

/// What stands in the brackets of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Names between quotes, where a secret is meant.
    Secret,
    /// Up to three whole numbers.
    Range,
    /// A date, or a text that is one.
    Date,
    /// Days, and by name weeks, months and years.
    Days,
    /// The code of a calendar.
    Code,
    /// A number of sessions.
    Count,
    /// A format of strftime for a date.
    DateFormat,
    /// The same for an instant.
    InstantFormat,
}

/// The functions there are.
pub(crate) const FUNCTIONS: [(&str, Takes); 4] =
    [("calendar", Takes::Code), ("date", Takes::Date), ("range", Takes::Range), ("secret", Takes::Secret)];

/// What a date knows about itself; `weekday` is 1 on Monday and 7 on Sunday.
const DATE: [(&str, Shape); 11] = [
    ("year", Shape::Number),
    ("month", Shape::Number),
    ("day", Shape::Number),
    ("weekday", Shape::Number),
    ("weekday_name", Shape::Text),
    ("is_weekend", Shape::Truth),
    ("first_of_month", Shape::Date),
    ("last_of_month", Shape::Date),
    ("quarter", Shape::Number),
    ("iso_week", Shape::Number),
    ("day_of_year", Shape::Number),
];
/// What an instant knows beyond what its date does; `timestamp` is in seconds.
const INSTANT: [(&str, Shape); 5] = [
    ("hour", Shape::Number),
    ("minute", Shape::Number),
    ("second", Shape::Number),
    ("date", Shape::Date),
    ("timestamp", Shape::Number),
];

const DATE_METHODS: [Method; 4] = [
    Method { name: "plus", takes: Takes::Days, gives: Shape::Date },
    Method { name: "minus", takes: Takes::Days, gives: Shape::Date },
    Method { name: "days_until", takes: Takes::Date, gives: Shape::Number },
    Method { name: "strftime", takes: Takes::DateFormat, gives: Shape::Text },
];
const INSTANT_METHODS: [Method; 1] =
    [Method { name: "strftime", takes: Takes::InstantFormat, gives: Shape::Text }];

/// What a date is on an exchange.
const SESSION: [(&str, Shape); 28] = [
    ("is_session", Shape::Truth),
    ("is_closed", Shape::Truth),
    ("is_holiday", Shape::Truth),
    ("is_regular_holiday", Shape::Truth),
    ("is_early_close", Shape::Truth),
    ("is_late_open", Shape::Truth),
    ("is_projected", Shape::Truth),
    ("is_first_of_week", Shape::Truth),
    ("is_first_of_month", Shape::Truth),
    ("is_first_of_quarter", Shape::Truth),
    ("is_first_of_year", Shape::Truth),
    ("is_last_of_week", Shape::Truth),
    ("is_last_of_month", Shape::Truth),
    ("is_last_of_quarter", Shape::Truth),
    ("is_last_of_year", Shape::Truth),
    ("holiday_name", Shape::Text),
    ("names", Shape::Texts),
    ("nth_of_month", Shape::Number),
    ("nth_last_of_month", Shape::Number),
    ("open", Shape::Instant),
    ("close", Shape::Instant),
    ("break_start", Shape::Instant),
    ("break_end", Shape::Instant),
    ("label", Shape::Date),
    ("previous", Shape::Session),
    ("next", Shape::Session),
    ("date", Shape::Date),
    ("calendar", Shape::Text),
];
const RUN: [(&str, Shape); 3] = [("id", Shape::Text), ("kind", Shape::Text), ("is_latest", Shape::Truth)];

const SESSION_METHODS: [Method; 1] = [Method { name: "shift", takes: Takes::Count, gives: Shape::Session }];
const CALENDAR_METHODS: [Method; 2] = [
    Method { name: "is_session", takes: Takes::Date, gives: Shape::Truth },
    Method { name: "session", takes: Takes::Date, gives: Shape::Session },
];

/// By what arguments of `plus` and `minus` a date is moved.
pub(crate) const UNITS: [&str; 4] = ["days", "weeks", "months", "years"];

impl Shape {
    /// Every shape.
    pub(crate) const ALL: [Self; 9] = [
        Self::Truth,
        Self::Number,
        Self::Text,
        Self::Date,
        Self::Instant,
        Self::Session,
        Self::Calendar,
        Self::Run,
        Self::Texts,
    ];

    /// In a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Truth => "true or false",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Date => "a date",
            Self::Instant => "an instant",
            Self::Session => "a session",
            Self::Calendar => "a calendar",
            Self::Run => "the run",
            Self::Texts => "a list",
        }
    }

    /// Whether it is none of minijinja's own kinds: an operator does not know it.
    pub(crate) fn is_ours(self) -> bool {
        match self {
            Self::Truth | Self::Number | Self::Text | Self::Texts => false,
            Self::Date | Self::Instant | Self::Session | Self::Calendar | Self::Run => true,
        }
    }

    /// What it knows, and what that is.
    pub(crate) fn attributes(self) -> impl Iterator<Item = (&'static str, Self)> + Clone {
        let (first, second): (&[_], &[_]) = match self {
            Self::Truth | Self::Number | Self::Text | Self::Texts => (&[], &[]),
            Self::Date => (&DATE, &[]),
            Self::Instant => (&DATE, &INSTANT),
            Self::Session => (&SESSION, &[]),
            Self::Calendar => (&[("code", Self::Text)], &[]),
            Self::Run => (&RUN, &[]),
        };
        first.iter().chain(second).copied()
    }

    /// What it does.
    pub(crate) fn methods(self) -> &'static [Method] {
        match self {
            Self::Truth | Self::Number | Self::Text | Self::Texts | Self::Run => &[],
            Self::Date => &DATE_METHODS,
            Self::Instant => &INSTANT_METHODS,
            Self::Session => &SESSION_METHODS,
            Self::Calendar => &CALENDAR_METHODS,
        }
    }

    /// What it does under this name.
    pub(crate) fn method(self, name: &str) -> Option<Method> {
        self.methods().iter().copied().find(|method| method.name == name)
    }

    fn attribute(self, name: &str) -> Option<Self> {
        self.attributes().find(|(known, _)| *known == name).map(|(_, shape)| shape)
    }
}

/// What the names of a text stand for where they are not the usual ones.
#[derive(Clone, Copy)]
pub(crate) struct Names<'a> {
    /// Variables of the loops around.
    pub(crate) locals: &'a [&'a str],
    /// Parameters of the pipeline, where it is known.
    pub(crate) params: Option<&'a Params>,
}

/// What an expression gives; `None` where its form does not say.
pub(crate) fn shape(expr: &Expr<'_>, names: Names<'_>) -> Option<Shape> {
    let of = |expr: &Expr<'_>| shape(expr, names);
    match expr {
        Expr::Const(value) => constant(value),
        Expr::Var(var) if names.locals.contains(&var.id) => None,
        Expr::Var(var) => match var.id {
            "ds" | "ds_nodash" | "ts" | "pipeline" | "environment" => Some(Shape::Text),
            "run" => Some(Shape::Run),
            "session" => Some(Shape::Session),
            "logical_date" => Some(Shape::Date),
            "data_interval_start" | "data_interval_end" | "scheduled_at" => Some(Shape::Instant),
            _ => None,
        },
        Expr::Slice(slice) => of(&slice.expr).filter(|shape| *shape == Shape::Text),
        Expr::UnaryOp(op) => match op.op {
            UnaryOpKind::Not => Some(Shape::Truth),
            UnaryOpKind::Neg => of(&op.expr).filter(|shape| *shape == Shape::Number),
        },
        Expr::BinOp(op) => {
            let both = || of(&op.left).filter(|left| of(&op.right) == Some(*left));
            match op.op {
                BinOpKind::Sub | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem | BinOpKind::Pow => {
                    Some(Shape::Number)
                }
                BinOpKind::Add | BinOpKind::Mul => both().filter(|shape| *shape == Shape::Number),
                BinOpKind::Concat => Some(Shape::Text),
                BinOpKind::ScAnd | BinOpKind::ScOr => both(),
                _ => Some(Shape::Truth),
            }
        }
        Expr::Compare(_) | Expr::Test(_) => Some(Shape::Truth),
        Expr::IfExpr(cond) => {
            of(&cond.true_expr).filter(|shape| cond.false_expr.as_ref().and_then(of) == Some(*shape))
        }
        Expr::Filter(filter) => filtered(filter.name),
        Expr::GetAttr(get) => attribute(&get.expr, get.name, names),
        Expr::GetItem(get) => match &get.subscript_expr {
            Expr::Const(key) => attribute(&get.expr, key.value.as_str()?, names),
            _ => None,
        },
        Expr::Call(call) => match call.identify_call() {
            CallType::Function("date") => Some(Shape::Date),
            CallType::Function("calendar") => Some(Shape::Calendar),
            CallType::Function("secret") => Some(Shape::Text),
            CallType::Function(_) | CallType::Object(_) => None,
            CallType::Method(thing, name) => of(thing)?.method(name).map(|method| method.gives),
        },
        Expr::List(_) | Expr::Tuple(_) | Expr::Map(_) => None,
    }
}

fn attribute(thing: &Expr<'_>, name: &str, names: Names<'_>) -> Option<Shape> {
    if let Expr::Var(var) = thing {
        match var.id {
            "loop" if matches!(name, "index" | "index0" | "length") => return Some(Shape::Number),
            "params" if !names.locals.contains(&var.id) => {
                return Some(parameter(names.params?.get(name)?.kind));
            }
            "env" if !names.locals.contains(&var.id) => return Some(Shape::Text),
            _ => {}
        }
    }
    shape(thing, names)?.attribute(name)
}

fn parameter(kind: ParamType) -> Shape {
    match kind {
        ParamType::String => Shape::Text,
        ParamType::Integer | ParamType::Number => Shape::Number,
        ParamType::Boolean => Shape::Truth,
        ParamType::Date => Shape::Date,
    }
}

fn constant(value: &Const) -> Option<Shape> {
    match value.value.kind() {
        ValueKind::Bool => Some(Shape::Truth),
        ValueKind::Number => Some(Shape::Number),
        ValueKind::String => Some(Shape::Text),
        _ => None,
    }
}

/// What a filter makes, whatever it is given.
fn filtered(name: &str) -> Option<Shape> {
    match name {
        "int" | "float" | "length" | "count" | "abs" | "round" => Some(Shape::Number),
        "bool" => Some(Shape::Truth),
        "capitalize" | "join" | "lower" | "replace" | "shquote" | "string" | "title" | "tojson" | "trim"
        | "upper" => Some(Shape::Text),
        _ => None,
    }
}
