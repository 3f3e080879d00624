//! Why a condition does not hold, in words: the parts of it that decided, and what they asked of sessions and of
//! the run. Of parts that nobody needs explained it says nothing.

// The syntax tree is minijinja's and wide; what is not named asks nothing.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use minijinja::Value;
use minijinja::machinery::ast::{BinOpKind, CallArg, CallType, Expr, UnaryOpKind};
use minijinja::machinery::parse_expr;

use super::check::bounded;
use super::scope::{Scope, context};
use super::session::{OnExchange, on_exchange};
use super::template::part;
use super::vocabulary::{Names, Shape, shape};

/// What made an expression false, as far as that needs telling; `None` where it does not. `env` is what `env.NAME`
/// reads.
pub fn because(expression: &str, scope: &Scope, env: &BTreeMap<Box<str>, Box<str>>) -> Option<String> {
    bounded(expression, true).ok()?;
    let expr = parse_expr(expression).ok()?;
    let facts = context(scope, env);
    let mut told = Told { facts, late: !scope.is_latest, is_late: false, asked: Vec::new() };
    told.decided(&expr, false);
    let late = told.is_late.then(|| "a later slot of its schedule is due".to_owned());
    let answers = told.asked.iter().filter_map(|(session, names)| session.answers(names));
    let words: Vec<String> = late.into_iter().chain(answers).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

struct Told<'t> {
    facts: Value,
    /// Whether a later slot is due, and whether that has decided.
    late: bool,
    is_late: bool,
    /// The sessions that were asked, and what.
    asked: Vec<(OnExchange, Vec<&'t str>)>,
}

impl<'t> Told<'t> {
    /// Takes note of what has made this part true, or false.
    fn decided(&mut self, expr: &Expr<'t>, truth: bool) {
        match expr {
            Expr::UnaryOp(op) if matches!(op.op, UnaryOpKind::Not) => self.decided(&op.expr, !truth),
            Expr::BinOp(op) if matches!(op.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
                for side in [&op.left, &op.right] {
                    // A side that cannot be asked is behind one that kept it from being asked.
                    if self.value(side).is_some_and(|value| value.is_true() == truth) {
                        self.decided(side, truth);
                    }
                }
            }
            Expr::IfExpr(cond) => {
                let Some(test) = self.value(&cond.test_expr).map(|value| value.is_true()) else { return };
                match if test { Some(&cond.true_expr) } else { cond.false_expr.as_ref() } {
                    Some(Expr::Const(_)) | None => self.decided(&cond.test_expr, test),
                    Some(taken) => self.decided(taken, truth),
                }
            }
            _ => self.asks(expr),
        }
    }

    /// Takes note of what this part asks.
    fn asks(&mut self, expr: &Expr<'t>) {
        match expr {
            Expr::GetAttr(get) => {
                match shape(&get.expr, Names { locals: &[], params: None }) {
                    Some(Shape::Run) => self.is_late |= self.late && get.name == "is_latest",
                    Some(Shape::Session) => {
                        let session = self.value(&get.expr);
                        self.ask(session.and_then(|value| value.downcast_object_ref().cloned()), get.name);
                    }
                    _ => {}
                }
                self.asks(&get.expr);
            }
            Expr::Call(call) => {
                if let CallType::Method(calendar, name @ "is_session") = call.identify_call()
                    && let [CallArg::Pos(date)] = &call.args[..]
                    && let (Some(calendar), Some(date)) = (self.value(calendar), self.value(date))
                {
                    self.ask(on_exchange(&calendar, &date), name);
                }
                self.asks(&call.expr);
                for arg in &call.args {
                    match arg {
                        CallArg::Pos(expr)
                        | CallArg::Kwarg(_, expr)
                        | CallArg::PosSplat(expr)
                        | CallArg::KwargSplat(expr) => self.asks(expr),
                    }
                }
            }
            Expr::UnaryOp(op) => self.asks(&op.expr),
            Expr::BinOp(op) => [&op.left, &op.right].into_iter().for_each(|side| self.asks(side)),
            Expr::Compare(compare) => {
                self.asks(&compare.expr);
                compare.ops.iter().for_each(|op| self.asks(&op.expr));
            }
            Expr::Filter(filter) => filter.expr.iter().for_each(|expr| self.asks(expr)),
            Expr::Test(test) => self.asks(&test.expr),
            Expr::List(list) => list.items.iter().for_each(|item| self.asks(item)),
            _ => {}
        }
    }

    fn ask(&mut self, session: Option<OnExchange>, name: &'t str) {
        let Some(session) = session else { return };
        let same = |other: &OnExchange| {
            (other.date, other.calendar.code()) == (session.date, session.calendar.code())
        };
        match self.asked.iter_mut().find(|(other, _)| same(other)) {
            Some((_, names)) if names.contains(&name) => {}
            Some((_, names)) => names.push(name),
            None => self.asked.push((session, vec![name])),
        }
    }

    fn value(&self, expr: &Expr<'t>) -> Option<Value> {
        part(expr, self.facts.clone())
    }
}
