//! Looks at templates and expressions before anything runs them: form, names, filters, and what could grow
//! without bound. Texts are short and their nesting is limited first, so this may recurse.

// The syntax tree is minijinja's and wide; what is not named has nothing to look at.
#![allow(clippy::wildcard_enum_match_arm)]

use std::collections::BTreeMap;

use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::machinery::{Span as Mark, Token, parse, parse_expr, tokenize};
use minijinja::syntax::SyntaxConfig;

use crate::calendar::book::Book;
use crate::pipeline::node::Tree;
use crate::pipeline::params::Params;
use crate::schedule::definition::Schedule;
use crate::yaml::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::yaml::document::Document;

use super::splice;
use super::texts::{Role, TextPlace};

/// Tokens between one pair of braces; more would be nested too deeply for a thread's stack.
const MAX_TOKENS: usize = 200;
/// `{% %}` tags of one text.
const MAX_TAGS: usize = 100;
/// Bytes of a text that is a template.
const MAX_TEMPLATE: usize = 128 << 10;

/// What a pipeline's texts may speak of.
pub(crate) struct World<'a> {
    pub(crate) tree: &'a Tree,
    /// Of a generated tree: that of its pipeline's file, which paths with a `/` before them are of.
    pub(crate) own: Option<&'a Tree>,
    pub(crate) params: &'a Params,
    /// The zone of its times.
    pub(crate) timezone: &'a str,
    /// The schedules that make its runs.
    pub(crate) schedules: &'a [Schedule],
    /// The calendars there are, where they are known.
    pub(crate) calendars: Option<&'a Book>,
    /// Why there is no `session`, if there is none.
    pub(crate) no_session: Option<&'a str>,
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

/// minijinja's syntax, but a newline at the end of a text stays: it is there in a text without templates too.
pub(crate) fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default()
}

struct Finding {
    start: usize,
    end: usize,
    diagnostic: Diagnostic,
}

/// A look at one text, and what it found.
#[derive(Default)]
pub(super) struct Look<'w, 't> {
    /// Nothing where a text is only to be safe to evaluate.
    pub(super) world: Option<&'w World<'w>>,
    pub(super) role: Option<Role>,
    /// Variables of the loops around.
    pub(super) locals: Vec<&'t str>,
    pub(super) secrets: Vec<(Box<str>, Mark)>,
    findings: Vec<Finding>,
}

/// The word for a sign of other languages at this place of an expression.
fn other_sign(text: &str, at: usize) -> Option<String> {
    let (before, rest) = text.split_at_checked(at)?;
    Some(match rest.as_bytes() {
        [b'=', ..] => "two sides are compared with `==`".to_owned(),
        [b'&', ..] => "write `and`".to_owned(),
        [b'|', ..] if before.ends_with('|') || rest.starts_with("||") => "write `or`".to_owned(),
        [b'!', ..] => "write `not`".to_owned(),
        _ => return None,
    })
}

impl<'t> Look<'_, 't> {
    pub(super) fn error(&mut self, at: Mark, message: impl Into<String>) -> &mut Diagnostic {
        self.find(
            at.start_offset as usize,
            at.end_offset as usize,
            Diagnostic::error(Span::default(), message),
        )
    }

    pub(super) fn find(&mut self, start: usize, end: usize, diagnostic: Diagnostic) -> &mut Diagnostic {
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
            parse_expr(text).map(|expr| self.condition(&expr))
        } else {
            parse(text, "", syntax()).map(|stmt| self.stmt(&stmt))
        };
        if let Err(error) = parsed {
            let range = error.range().unwrap_or(0..text.len());
            let message = format!("not a valid {what}: {}", error.detail().unwrap_or("syntax error"));
            let found = self.find(range.start, range.end, Diagnostic::error(Span::default(), message));
            if expression && text.contains("{{") {
                found.help.push("`when` is a bare expression: leave out the braces".to_owned());
            } else if expression {
                found.help.extend(other_sign(text, range.start));
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
                self.question(&cond.expr);
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
}
