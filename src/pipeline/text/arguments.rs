//! Looks at what stands in the brackets of a call: how much, by which names, and where it is spelled out,
//! whether it can be meant. It never evaluates anything but a spelled-out date or format.

// The syntax tree is minijinja's and wide; what is not named is not spelled out.
#![allow(clippy::wildcard_enum_match_arm)]

use jiff::civil::Date;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use minijinja::machinery::Span as Mark;
use minijinja::machinery::ast::{CallArg, Expr, UnaryOpKind};

use crate::pipeline::name;

use super::check::Look;
use super::dates;
use super::vocabulary::{Shape, Takes, UNITS};

/// What a format is tried on.
const EXAMPLE: Date = Date::constant(2026, 11, 27);

impl<'t> Look<'_, 't> {
    /// The arguments of the function or method `called`, which stands at `at`.
    pub(super) fn arguments(&mut self, called: &str, takes: Takes, args: &[CallArg<'t>], at: Mark) {
        match takes {
            Takes::Secret => self.secret(args, at),
            Takes::Range => {}
            Takes::Date => {
                if let Some(arg) = self.only(called, args, at, "a date: `ds`, or `\"2026-11-27\"`") {
                    self.date(arg);
                }
            }
            Takes::Days => self.days(called, args),
            Takes::Code => {
                if let Some(arg) = self.only(called, args, at, "a code: `\"XLON\"`") {
                    self.code(arg);
                }
            }
            Takes::Count => {
                if let Some(arg) = self.only(called, args, at, "a number of sessions: `1`, `-2`") {
                    self.whole_number(arg);
                }
            }
            Takes::DateFormat => {
                if let Some(arg) = self.only(called, args, at, "a format: `\"%Y%m%d\"`") {
                    self.format(arg, EXAMPLE);
                }
            }
            Takes::InstantFormat => {
                if let Some(arg) = self.only(called, args, at, "a format: `\"%H:%M\"`")
                    && let Ok(example) = EXAMPLE.to_zoned(TimeZone::UTC)
                {
                    self.format(arg, &example);
                }
            }
        }
    }

    /// The one argument there is to be.
    fn only<'a>(
        &mut self,
        called: &str,
        args: &'a [CallArg<'t>],
        at: Mark,
        what: &str,
    ) -> Option<&'a Expr<'t>> {
        match args {
            [CallArg::Pos(arg)] => Some(arg),
            // How many these are, is seen when they are evaluated.
            [CallArg::PosSplat(_)] => None,
            _ => {
                self.error(at, format!("`{called}` takes {what}"));
                None
            }
        }
    }

    fn secret(&mut self, args: &[CallArg<'_>], at: Mark) {
        let literal = match args {
            [CallArg::Pos(Expr::Const(name))] => name.value.as_str(),
            _ => None,
        };
        match literal.filter(|name| name::is_secret(name)) {
            Some(name) => self.secrets.push((name.into(), at)),
            None => self
                .error(at, "`secret` takes one name in quotes: `secret(\"name\")`")
                .help
                .push("a name is letters, digits, `_`, `-` and `.`".to_owned()),
        }
    }

    fn date(&mut self, arg: &Expr<'_>) {
        match (self.shape(arg), arg) {
            (Some(Shape::Text), Expr::Const(text)) => {
                if let Err(problem) = dates::read(text.value.as_str().unwrap_or_default()) {
                    self.error(text.span(), problem);
                }
            }
            (None | Some(Shape::Text | Shape::Date), _) => {}
            (Some(Shape::Instant), _) => {
                self.error(arg.span(), "an instant is no date: say `.date` behind it");
            }
            (Some(Shape::Session), _) => {
                self.error(arg.span(), "a session is no date: say `.label` behind it");
            }
            (Some(other), _) => {
                self.error(arg.span(), format!("expected a date, found {}", other.words()))
                    .help
                    .push("one is written like `\"2026-11-27\"`, in quotes".to_owned());
            }
        }
    }

    fn days(&mut self, called: &str, args: &[CallArg<'_>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr) => self.whole_number(expr),
                CallArg::Kwarg(unit, expr) => {
                    if !UNITS.contains(unit) {
                        self.unknown(expr.span(), "unit", unit, UNITS.into_iter());
                    }
                    self.whole_number(expr);
                }
                CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {}
            }
        }
        let mut alone = args.iter().filter(|arg| matches!(arg, CallArg::Pos(_)));
        if let Some(CallArg::Pos(second)) = alone.nth(1) {
            self.error(second.span(), format!("`{called}` takes one number, of days"))
                .help
                .push(format!("the rest goes by name: `{called}(weeks=1, days=2)`"));
        }
    }

    fn code(&mut self, arg: &Expr<'_>) {
        let Expr::Const(text) = arg else { return };
        let Some(code) = text.value.as_str() else {
            self.error(arg.span(), "a code is a text, such as `\"XLON\"`");
            return;
        };
        if let Some(Err(unknown)) = self.world.and_then(|world| world.calendars).map(|book| book.get(code)) {
            let found = self.error(text.span(), unknown.to_string());
            match unknown.meant {
                Some(meant) => found.primary.text = format!("did you mean `{meant}`?"),
                None => found.help.push("`sexton calendar list` shows those there are".to_owned()),
            }
        }
    }

    fn whole_number(&mut self, arg: &Expr<'_>) {
        let literal = match arg {
            Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Neg) => &op.expr,
            other => other,
        };
        let fits = match literal {
            Expr::Const(value) => value.value.is_integer(),
            _ => self.shape(arg).is_none_or(|shape| shape == Shape::Number),
        };
        if !fits {
            self.error(arg.span(), "expected a whole number");
        }
    }

    fn format(&mut self, arg: &Expr<'_>, example: impl Into<BrokenDownTime>) {
        let Expr::Const(text) = arg else { return };
        let Some(format) = text.value.as_str() else {
            self.error(arg.span(), "a format is a text, such as `\"%Y%m%d\"`");
            return;
        };
        if let Err(problem) = dates::formatted(format, example) {
            self.error(text.span(), problem);
        }
    }
}
