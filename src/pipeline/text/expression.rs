//! Looks at an expression before anything evaluates it: names, attributes, functions and their arguments,
//! operators that would not know their sides, and what could grow without bound.

// The syntax tree is minijinja's and wide; what is not named has nothing to look at.
#![allow(clippy::wildcard_enum_match_arm)]

use minijinja::machinery::Span as Mark;
use minijinja::machinery::ast::{
    BinOpKind, Call, CallArg, CallType, CompareOpKind, Expr, Spanned, UnaryOpKind,
};

use crate::pipeline::order::{generated, near_path, not_there_yet};
use crate::yaml::diagnostic::{Span, listed, nearest};

use super::check::{Look, World};
use super::scope::{FILTERS, NAMES};
use super::splice::from_start;
use super::texts::Role;
use super::vocabulary::{FUNCTIONS, Names, Shape, shape};

/// What other languages call a thing, and what that is here.
const ELSEWHERE: [(&str, &str, &str); 9] = [
    ("name", "yes", "true"),
    ("name", "on", "true"),
    ("name", "no", "false"),
    ("name", "off", "false"),
    ("name", "null", "none"),
    ("name", "execution_date", "logical_date"),
    ("attribute", "day_of_week", "weekday"),
    ("attribute", "dayofweek", "weekday"),
    ("attribute", "day_of_month", "day"),
];

impl<'t> Look<'_, 't> {
    /// All of a `when`.
    pub(super) fn condition(&mut self, expr: &Expr<'t>) {
        self.expr(expr);
        if let Some(found) = self.shape(expr).filter(|found| *found != Shape::Truth) {
            let message = format!("`when` must be true or false, and this is {}", found.words());
            self.error(whole(expr), message).help.extend(asked(found));
        }
    }

    /// An expression of which only the truth matters.
    pub(super) fn question(&mut self, expr: &Expr<'t>) {
        self.expr(expr);
        if let Some(found) = self.shape(expr).filter(|found| found.is_ours()) {
            let message = format!("this is {}, and neither true nor false", found.words());
            self.error(whole(expr), message).help.extend(asked(found));
        }
    }

    pub(super) fn expr(&mut self, expr: &Expr<'t>) {
        match expr {
            Expr::Const(_) => {}
            Expr::Var(var) => self.name(var.id, var.span()),
            Expr::Slice(slice) => {
                self.expr(&slice.expr);
                [&slice.start, &slice.stop, &slice.step]
                    .into_iter()
                    .flatten()
                    .for_each(|part| self.expr(part));
            }
            Expr::UnaryOp(op) => match op.op {
                UnaryOpKind::Not => self.question(&op.expr),
                UnaryOpKind::Neg => self.expr(&op.expr),
            },
            Expr::BinOp(op) => match op.op {
                BinOpKind::ScAnd | BinOpKind::ScOr => {
                    self.question(&op.left);
                    self.question(&op.right);
                }
                _ => {
                    self.expr(&op.left);
                    self.expr(&op.right);
                    self.operator(op.op, &op.left, &op.right, op.span());
                }
            },
            Expr::Compare(compare) => {
                self.expr(&compare.expr);
                let mut left = &compare.expr;
                for op in &compare.ops {
                    self.expr(&op.expr);
                    match op.op {
                        CompareOpKind::In | CompareOpKind::NotIn => self.membership(left, &op.expr),
                        _ => self.comparison(left, &op.expr),
                    }
                    left = &op.expr;
                }
            }
            Expr::IfExpr(cond) => {
                self.question(&cond.test_expr);
                self.expr(&cond.true_expr);
                cond.false_expr.iter().for_each(|expr| self.expr(expr));
            }
            Expr::Filter(filter) => {
                filter.expr.iter().for_each(|expr| self.expr(expr));
                self.args(&filter.args);
                if !FILTERS.contains(&filter.name) {
                    self.unknown(filter.span(), "filter", filter.name, FILTERS.into_iter());
                }
            }
            Expr::Test(test) => {
                self.expr(&test.expr);
                self.args(&test.args);
            }
            Expr::GetAttr(get) => {
                self.expr(&get.expr);
                self.attribute(&get.expr, get.name, from_start(&get.expr, get.span()));
            }
            Expr::GetItem(get) => {
                self.expr(&get.expr);
                self.expr(&get.subscript_expr);
                if let Expr::Const(key) = &get.subscript_expr
                    && let Some(key) = key.value.as_str()
                {
                    self.attribute(&get.expr, key, from_start(&get.expr, get.span()));
                }
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => list.items.iter().for_each(|item| self.expr(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.expr(item)),
            Expr::Map(map) => map.keys.iter().chain(&map.values).for_each(|item| self.expr(item)),
        }
    }

    fn args(&mut self, args: &[CallArg<'t>]) {
        for arg in args {
            match arg {
                CallArg::Pos(expr)
                | CallArg::Kwarg(_, expr)
                | CallArg::PosSplat(expr)
                | CallArg::KwargSplat(expr) => self.expr(expr),
            }
        }
    }

    pub(super) fn shape(&self, expr: &Expr<'_>) -> Option<Shape> {
        let params = self.world.map(|world| world.params);
        shape(expr, Names { locals: &self.locals, params })
    }

    fn operator(&mut self, op: BinOpKind, left: &Expr<'t>, right: &Expr<'t>, at: Mark) {
        match op {
            BinOpKind::Mul => {
                // Not by the types of parameters: what is evaluated later is looked at without them.
                let names = Names { locals: &self.locals, params: None };
                let is_number = |side: &Expr<'_>| shape(side, names) == Some(Shape::Number);
                if !(is_number(left) && is_number(right)) {
                    self.error(at, "`*` needs a number on both sides")
                        .help
                        .push("say that a value is one: `(params.n | int) * 2`".to_owned());
                }
            }
            BinOpKind::Add | BinOpKind::Sub => {
                let Some(found) = self.shape(left).filter(|found| found.is_ours()) else { return };
                let sign = if matches!(op, BinOpKind::Add) { '+' } else { '-' };
                let help = match found {
                    Shape::Date => {
                        "`logical_date.plus(3)` and `.minus(3)` are so many days later and earlier, \
                         `.days_until(date)` counts the days between"
                    }
                    Shape::Session => {
                        "`session.shift(1)` is the next one, and `session.shift(-1)` the one before"
                    }
                    _ => "`.timestamp` of an instant is a number, of seconds",
                };
                self.error(at, format!("{} has no `{sign}`", found.words())).help.push(help.to_owned());
            }
            BinOpKind::Eq
            | BinOpKind::Ne
            | BinOpKind::Lt
            | BinOpKind::Lte
            | BinOpKind::Gt
            | BinOpKind::Gte => self.comparison(left, right),
            BinOpKind::In => self.membership(left, right),
            _ => {}
        }
    }

    /// Where sides of different kinds are compared, minijinja would answer all the same.
    fn comparison(&mut self, left: &Expr<'t>, right: &Expr<'t>) {
        let (Some(one), Some(two)) = (self.shape(left), self.shape(right)) else { return };
        if one == two || !(one.is_ours() || two.is_ours()) {
            return;
        }
        let at = Mark { end_offset: right.span().end_offset, ..whole(left) };
        let message = format!("{} is compared with {}", one.words(), two.words());
        let help = match (one, two) {
            (Shape::Instant, Shape::Date) | (Shape::Date, Shape::Instant) => "an instant has a `.date`",
            (Shape::Session, _) | (_, Shape::Session) => "the date of a session is its `.label`",
            (Shape::Date, _) | (_, Shape::Date) => {
                "make a date of a text: `date(\"2026-11-27\")`; `ds` is the logical date as text"
            }
            (Shape::Instant, _) | (_, Shape::Instant) => {
                "an instant has a `.date`, an `.hour`, and `.strftime(\"%H:%M\")` as text"
            }
            (Shape::Run, _) | (_, Shape::Run) => "its number is `run.id`, a text",
            (Shape::Calendar, _) | (_, Shape::Calendar) => "its code is `.code`",
            _ => "",
        };
        self.error(at, message).help.extend((!help.is_empty()).then(|| help.to_owned()));
    }

    fn membership(&mut self, item: &Expr<'t>, list: &Expr<'t>) {
        match list {
            Expr::List(list) => list.items.iter().for_each(|other| self.comparison(item, other)),
            Expr::Tuple(list) => list.items.iter().for_each(|other| self.comparison(item, other)),
            _ => {}
        }
    }

    fn call(&mut self, call: &Spanned<Call<'t>>) {
        self.args(&call.args);
        match call.identify_call() {
            CallType::Function(name) => {
                if name == "secret" && self.role == Some(Role::When) {
                    let message =
                        "a condition cannot read a secret: its value is put in only where a command starts";
                    self.error(call.span(), message);
                }
                if let Some((_, takes)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
                    self.arguments(name, *takes, &call.args, call.span());
                } else {
                    let known = FUNCTIONS.iter().map(|known| known.0);
                    self.unknown(call.span(), "function", name, known);
                }
            }
            CallType::Method(thing, name) => {
                self.expr(thing);
                self.method(thing, name, call);
            }
            CallType::Object(_) => {
                self.error(call.span(), "this cannot be called; only functions and what things do can");
            }
        }
    }

    fn method(&mut self, thing: &Expr<'t>, name: &str, call: &Spanned<Call<'t>>) {
        let at = from_start(thing, call.span());
        let Some(shape) = self.shape(thing) else {
            // Nobody can say what it is before it is there.
            let all = Shape::ALL.into_iter().flat_map(Shape::methods).map(|method| method.name);
            if !all.clone().any(|known| known == name) {
                self.unknown(at, "method", name, all);
            }
            return;
        };
        if let Some(method) = shape.method(name) {
            self.arguments(name, method.takes, &call.args, at);
        } else if shape.attributes().any(|(known, _)| known == name) {
            self.error(at, format!("`{name}` is not called: leave out the brackets"));
        } else if shape.is_ours() {
            self.unknown(at, "method", name, shape.methods().iter().map(|method| method.name));
        } else {
            let message = format!("{} has no methods", shape.words());
            self.error(at, message).help.push(format!("there may be a filter: `… | {name}`"));
        }
    }

    fn name(&mut self, name: &str, at: Mark) {
        if self.world.is_none() || self.locals.contains(&name) {
            return;
        }
        if let Some(missing) = self.world.and_then(|world| world.no_session).filter(|_| name == "session") {
            self.error(at, missing);
        } else if FUNCTIONS.iter().any(|(known, _)| *known == name) {
            self.error(at, format!("`{name}` is a function; call it: `{name}(…)`"));
        } else if name == "env" && self.role == Some(Role::EnvValue) {
            self.error(at, "a variable of `env` cannot read `env`");
        } else if !NAMES.contains(&name) {
            let locals = self.locals.clone();
            self.unknown(at, "name", name, NAMES.into_iter().chain(locals));
        }
    }

    pub(super) fn unknown<'k>(
        &mut self,
        at: Mark,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let found = self.error(at, format!("unknown {what} `{name}`"));
        let elsewhere = ELSEWHERE.iter().find(|(of, word, _)| *of == what && *word == name);
        match elsewhere.map(|(_, _, meant)| *meant).or_else(|| nearest(name, known.clone())) {
            Some(meant) => found.primary.text = format!("did you mean `{meant}`?"),
            None => found.help.push(format!("there are {}", listed(known))),
        }
    }

    /// `params.x`, `outputs["path"]`, `logical_date.year`.
    fn attribute(&mut self, of: &Expr<'t>, name: &str, at: Mark) {
        let Some(world) = self.world else { return };
        let local = |id: &str| self.locals.contains(&id);
        match of {
            Expr::Var(var) if var.id == "params" && !local("params") => {
                if world.params.get(name).is_none() {
                    let found = self.error(at, format!("there is no parameter `{name}`"));
                    match nearest(name, world.params.names()) {
                        Some(meant) => found.primary.text = format!("did you mean `{meant}`?"),
                        None => found.help.push("declare it under `params`".to_owned()),
                    }
                }
            }
            Expr::Var(var) if var.id == "outputs" && !local("outputs") => {
                self.outputs(world, name, at);
            }
            _ => {
                let Some(shape) = self.shape(of) else { return };
                let known = shape.attributes().map(|(known, _)| known);
                if shape.method(name).is_some() {
                    self.error(at, format!("`{name}` is called: `{name}(…)`"));
                } else if shape.is_ours() && !known.clone().any(|known| known == name) {
                    self.unknown(at, "attribute", name, known);
                }
            }
        }
    }
}

impl Look<'_, '_> {
    /// `outputs["path"]`.
    fn outputs(&mut self, world: &World<'_>, path: &str, at: Mark) {
        let of_run = world.own.and_then(|own| Some((own, path.strip_prefix('/')?)));
        let (tree, inner) = of_run.unwrap_or((world.tree, path));
        let awaited = generated(tree, inner).is_some();
        // What another lazy node has written may be there by then.
        if tree.find(inner).is_some() || (awaited && of_run.is_some()) {
            return;
        }
        if awaited {
            let found = not_there_yet(path, Span::default());
            let help = "it can leave data for others in $SEXTON_RUN_DIR";
            self.find(at.start_offset as usize, at.end_offset as usize, found.help(help));
            return;
        }
        let found = self.error(at, format!("there is no node `{path}`"));
        let of_file = world.own.is_some_and(|own| own.find(path).is_some());
        let slash = if of_run.is_some() || of_file { "/" } else { "" };
        match near_path(tree, inner).or_else(|| of_file.then(|| path.to_owned())) {
            Some(meant) => found.primary.text = format!("did you mean `outputs[\"{slash}{meant}\"]`?"),
            None if world.own.is_some() => found.help.push(
                "paths are from the root of the generated tree, and with a `/` before them from the run's"
                    .to_owned(),
            ),
            None => {
                found.help.push("paths are from the root: `outputs[\"ingest/bars\"].rows`".to_owned());
            }
        }
    }
}

/// How a thing that is neither true nor false is asked.
fn asked(found: Shape) -> Option<String> {
    let example = match found {
        Shape::Truth | Shape::Number | Shape::Text | Shape::Texts => return None,
        Shape::Date => "compare it, as in `logical_date == logical_date.last_of_month`",
        Shape::Instant => "compare it, as in `scheduled_at.hour < 12`",
        Shape::Session => "ask it, as in `session.is_session`",
        Shape::Calendar => "ask it, as in `calendar(\"XLON\").is_session(ds)`",
        Shape::Run => "ask it, as in `run.is_latest`",
    };
    Some(example.to_owned())
}

fn whole(expr: &Expr<'_>) -> Mark {
    from_start(expr, expr.span())
}
