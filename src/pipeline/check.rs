//! Looks at templates and expressions before anything runs them: form, names, filters, and what could grow
//! without bound. Texts are short and their nesting is limited first, so this may recurse.

// The syntax tree is minijinja's and wide; what is not named has nothing to look at.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use minijinja::machinery::ast::{BinOpKind, CallArg, Expr, Stmt, UnaryOpKind};
use minijinja::machinery::{Span as Mark, Token, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;

use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span, listed, nearest};
use crate::yaml::document::Document;

use super::name;
use super::node::Tree;
use super::order::{generated, near_path, not_there_yet};
use super::params::Params;
use super::scope::{DATE_ATTRIBUTES, FILTERS, INSTANT_ATTRIBUTES, NAMES};
use super::splice;
use super::texts::{Role, TextPlace};

/// Tokens between one pair of braces; more would be nested too deeply for a thread's stack.
const MAX_TOKENS: usize = 200;
/// `{% %}` tags of one text.
const MAX_TAGS: usize = 100;
/// Bytes of a text that is a template.
const MAX_TEMPLATE: usize = 128 << 10;
/// Filters whose result is a number.
const NUMERIC: [&str; 6] = ["int", "float", "length", "count", "abs", "round"];

/// What a pipeline's texts may speak of.
pub(crate) struct World<'a> {
    pub(crate) tree: &'a Tree,
    /// Of a generated tree: that of its pipeline's file, which paths with a `/` before them are of.
    pub(crate) own: Option<&'a Tree>,
    pub(crate) params: &'a Params,
}

/// Checks one text of a file. The secrets that it names join those `used` so far.
pub(crate) fn check(
    document: &Document<'_>,
    place: TextPlace,
    world: &World<'_>,
    used: &mut BTreeMap<Box<str>, Span>,
    found: &mut Diagnostics,
) {
    let Some(text) = document.text(place.id) else { return };
    let mut look = Look { world: Some(world), role: Some(place.role), ..Look::default() };
    look.text(text, place.role == Role::When);
    for (name, mark) in look.secrets {
        let place = || document.place(place.id, mark.start_offset as usize, mark.end_offset as usize);
        used.entry(name).or_insert_with(place);
    }
    for Finding { start, end, mut diagnostic } in look.findings {
        diagnostic.primary.span = document.place(place.id, start, end);
        found.push(diagnostic);
    }
}

/// Whether a text may be handed to minijinja at all; the error says why not.
pub(crate) fn bounded(text: &str, expression: bool) -> Result<(), String> {
    let mut look = Look::default();
    look.text(text, expression);
    look.findings.into_iter().next().map_or(Ok(()), |finding| Err(finding.diagnostic.message))
}

/// The names of the secrets in a template.
pub(crate) fn secrets(text: &str) -> Vec<Box<str>> {
    let mut look = Look::default();
    look.text(text, false);
    look.secrets.into_iter().map(|(name, _)| name).collect()
}

/// minijinja's syntax, but a newline at the end of a text stays: it is there in a text without templates too.
pub(crate) fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default()
}

struct Finding {
    start: usize,
    end: usize,
    diagnostic: Diagnostic,
}

#[derive(Default)]
struct Look<'w, 't> {
    world: Option<&'w World<'w>>,
    role: Option<Role>,
    locals: Vec<&'t str>,
    secrets: Vec<(Box<str>, Mark)>,
    findings: Vec<Finding>,
}

impl<'t> Look<'_, 't> {
    fn error(&mut self, at: Mark, message: impl Into<String>) -> &mut Diagnostic {
        self.find(
            at.start_offset as usize,
            at.end_offset as usize,
            Diagnostic::error(Span::default(), message),
        )
    }

    fn find(&mut self, start: usize, end: usize, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.findings.push(Finding { start, end, diagnostic });
        let last = self.findings.len() - 1;
        &mut self.findings[last].diagnostic
    }

    fn text(&mut self, text: &'t str, expression: bool) {
        if text.len() > MAX_TEMPLATE {
            let message = format!("a template must be shorter than {} KiB", MAX_TEMPLATE >> 10);
            self.find(0, 0, Diagnostic::error(Span::default(), message));
            return;
        }
        let what = if expression { "expression" } else { "template" };
        if !self.short_enough(text, expression, what) {
            return;
        }
        let parsed = if expression {
            parse_expr(text).map(|expr| self.expr(&expr))
        } else {
            parse(text, "", syntax()).map(|stmt| self.stmt(&stmt))
        };
        if let Err(error) = parsed {
            let range = error.range().unwrap_or(0..text.len());
            let message = format!("not a valid {what}: {}", error.detail().unwrap_or("syntax error"));
            let found = self.find(range.start, range.end, Diagnostic::error(Span::default(), message));
            if expression && text.contains("{{") {
                found.help.push("`when` is a bare expression: leave out the braces".to_owned());
            }
            if !expression && text.contains("{#") {
                found.help.push(
                    "`{#` begins a comment of a template; for the shell's write `{{ '{#' }}`".to_owned(),
                );
            }
        }
    }

    fn short_enough(&mut self, text: &'t str, expression: bool, what: &str) -> bool {
        let (mut tokens, mut tags) = (0, 0);
        for token in tokenize(text, expression, syntax()) {
            // A broken token is the parser's to report.
            let Ok((token, mark)) = token else { return true };
            match token {
                Token::VariableStart => tokens = 0,
                Token::BlockStart => (tokens, tags) = (0, tags + 1),
                _ => tokens += 1,
            }
            if tokens > MAX_TOKENS || tags > MAX_TAGS {
                self.error(mark, format!("the {what} is too long"))
                    .help
                    .push("move it into a script: facts are in `SEXTON_*` variables too".to_owned());
                return false;
            }
        }
        true
    }

    fn stmts(&mut self, stmts: &[Stmt<'t>]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt<'t>) {
        match stmt {
            Stmt::Template(template) => self.stmts(&template.children),
            Stmt::EmitRaw(_) => {}
            Stmt::EmitExpr(emit) => {
                self.expr(&emit.expr);
                if let (Some(world), Some(Role::ShellLine)) = (self.world, self.role) {
                    splice::warn(&emit.expr, world.params, &mut |at, warning| {
                        self.find(at.start_offset as usize, at.end_offset as usize, warning);
                    });
                }
            }
            Stmt::IfCond(cond) => {
                self.expr(&cond.expr);
                self.stmts(&cond.true_body);
                self.stmts(&cond.false_body);
            }
            Stmt::ForLoop(each) => {
                self.expr(&each.iter);
                let outside = self.locals.len();
                self.locals.push("loop");
                self.bind(&each.target);
                each.filter_expr.iter().for_each(|expr| self.expr(expr));
                self.stmts(&each.body);
                self.locals.truncate(outside);
                self.stmts(&each.else_body);
            }
            Stmt::WithBlock(with) => self.no_tag(with.span()),
            Stmt::Set(set) => self.no_tag(set.span()),
            Stmt::SetBlock(set) => self.no_tag(set.span()),
            Stmt::AutoEscape(block) => self.no_tag(block.span()),
            Stmt::FilterBlock(block) => self.no_tag(block.span()),
            Stmt::Do(call) => self.no_tag(call.span()),
        }
    }

    /// With variables of its own a short text could double itself to any size.
    fn no_tag(&mut self, at: Mark) {
        self.error(at, "this tag is not part of Sexton's templates")
            .help
            .push("there are `if` and `for`".to_owned());
    }

    fn bind(&mut self, target: &Expr<'t>) {
        match target {
            Expr::Var(var) => self.locals.push(var.id),
            Expr::List(list) => list.items.iter().for_each(|item| self.bind(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.bind(item)),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr<'t>) {
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
            Expr::UnaryOp(op) => self.expr(&op.expr),
            Expr::BinOp(op) => {
                self.expr(&op.left);
                self.expr(&op.right);
                if matches!(op.op, BinOpKind::Mul) && !(is_number(&op.left) && is_number(&op.right)) {
                    self.error(op.span(), "`*` needs a number on both sides")
                        .help
                        .push("say that a value is one: `(params.n | int) * 2`".to_owned());
                }
            }
            Expr::Compare(compare) => {
                self.expr(&compare.expr);
                compare.ops.iter().for_each(|op| self.expr(&op.expr));
            }
            Expr::IfExpr(cond) => {
                self.expr(&cond.test_expr);
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
                self.attribute(&get.expr, get.name, splice::from_start(&get.expr, get.span()));
            }
            Expr::GetItem(get) => {
                self.expr(&get.expr);
                self.expr(&get.subscript_expr);
                if let Expr::Const(key) = &get.subscript_expr
                    && let Some(key) = key.value.as_str()
                {
                    self.attribute(&get.expr, key, splice::from_start(&get.expr, get.span()));
                }
            }
            Expr::Call(call) => {
                self.args(&call.args);
                if is_secret(&call.expr) && self.role == Some(Role::When) {
                    self.error(
                        call.span(),
                        "a condition cannot read a secret: its value is put in only where a command starts",
                    );
                }
                match &call.expr {
                    Expr::Var(var) if matches!(var.id, "range" | "secret") => {
                        self.secret_name(var.id, &call.args, call.span());
                    }
                    Expr::Var(var) => {
                        self.unknown(call.span(), "function", var.id, ["range", "secret"].into_iter());
                    }
                    _ => {
                        self.error(call.span(), "only the functions `range` and `secret` can be called");
                    }
                }
            }
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

    fn secret_name(&mut self, function: &str, args: &[CallArg<'t>], at: Mark) {
        let literal = match args {
            [CallArg::Pos(Expr::Const(name))] => name.value.as_str(),
            _ => None,
        };
        match literal.filter(|name| name::is_secret(name)) {
            _ if function != "secret" => {}
            Some(name) => self.secrets.push((name.into(), at)),
            None => self
                .error(at, "`secret` takes one name in quotes: `secret(\"name\")`")
                .help
                .push("a name is letters, digits, `_`, `-` and `.`".to_owned()),
        }
    }

    fn name(&mut self, name: &str, at: Mark) {
        if self.world.is_none() || self.locals.contains(&name) {
            return;
        }
        if matches!(name, "range" | "secret") {
            self.error(at, format!("`{name}` is a function; call it: `{name}(…)`"));
        } else if name == "env" && self.role == Some(Role::EnvValue) {
            self.error(at, "a variable of `env` cannot read `env`");
        } else if !NAMES.contains(&name) {
            let locals = self.locals.clone();
            self.unknown(at, "name", name, NAMES.into_iter().chain(locals));
        }
    }

    fn unknown<'k>(
        &mut self,
        at: Mark,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'k str> + Clone,
    ) {
        let found = self.error(at, format!("unknown {what} `{name}`"));
        match nearest(name, known.clone()) {
            Some(meant) => found.primary.text = format!("did you mean `{meant}`?"),
            None => found.help.push(format!("there are {}", listed(known))),
        }
    }

    /// `params.x`, `outputs["path"]`, `logical_date.year`.
    fn attribute(&mut self, of: &Expr<'t>, name: &str, at: Mark) {
        let (Some(world), Expr::Var(var)) = (self.world, of) else { return };
        if self.locals.contains(&var.id) {
            return;
        }
        match var.id {
            "params" if world.params.get(name).is_none() => {
                let found = self.error(at, format!("there is no parameter `{name}`"));
                match nearest(name, world.params.names()) {
                    Some(meant) => found.primary.text = format!("did you mean `{meant}`?"),
                    None => found.help.push("declare it under `params`".to_owned()),
                }
            }
            "outputs" => self.outputs(world, name, at),
            "logical_date" if !DATE_ATTRIBUTES.contains(&name) => {
                self.unknown(at, "attribute", name, DATE_ATTRIBUTES.into_iter());
            }
            "data_interval_start" | "data_interval_end" | "scheduled_at"
                if !INSTANT_ATTRIBUTES.contains(&name) =>
            {
                self.unknown(at, "attribute", name, INSTANT_ATTRIBUTES.into_iter());
            }
            _ => {}
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

fn is_secret(function: &Expr<'_>) -> bool {
    matches!(function, Expr::Var(var) if var.id == "secret")
}

/// Whether the form of an expression says that it is a number. Strings and lists could be multiplied to any
/// size, by minijinja's compiler even before anything runs.
fn is_number(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::Const(value) => value.value.is_number(),
        Expr::UnaryOp(op) => matches!(op.op, UnaryOpKind::Neg) && is_number(&op.expr),
        Expr::BinOp(op) => match op.op {
            BinOpKind::Sub | BinOpKind::Div | BinOpKind::FloorDiv | BinOpKind::Rem | BinOpKind::Pow => true,
            BinOpKind::Add | BinOpKind::Mul => is_number(&op.left) && is_number(&op.right),
            _ => false,
        },
        Expr::Filter(filter) => NUMERIC.contains(&filter.name),
        Expr::GetAttr(get) => match &get.expr {
            Expr::Var(var) if var.id == "loop" => matches!(get.name, "index" | "index0" | "length"),
            Expr::Var(var) => {
                matches!(
                    var.id,
                    "logical_date" | "scheduled_at" | "data_interval_start" | "data_interval_end"
                ) && get.name != "date"
            }
            _ => false,
        },
        _ => false,
    }
}
