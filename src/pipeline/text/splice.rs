//! Warns where somebody else's text becomes part of a shell line. It never forbids: the author may know.

// The syntax tree is minijinja's and wide; what is not named is no text of somebody else's.
#![allow(clippy::wildcard_enum_match_arm)]

use minijinja::machinery::Span as Mark;
use minijinja::machinery::ast::{CallArg, CallType, Expr};

use crate::pipeline::environment::param_variable;
use crate::pipeline::params::{ParamType, Params};
use crate::yaml::diagnostic::{Diagnostic, Span};

/// Filters whose result no shell can misread.
const SAFE: [&str; 6] = ["shquote", "int", "float", "length", "count", "bool"];

/// Looks at an expression whose value stands in a shell line.
pub(crate) fn warn(expr: &Expr<'_>, params: &Params, found: &mut impl FnMut(Mark, Diagnostic)) {
    match expr {
        Expr::Filter(filter) if SAFE.contains(&filter.name) => {}
        Expr::Filter(filter) => {
            if let Some(inner) = &filter.expr {
                warn(inner, params, found);
            }
        }
        Expr::Slice(slice) => warn(&slice.expr, params, found),
        Expr::IfExpr(cond) => {
            warn(&cond.true_expr, params, found);
            if let Some(otherwise) = &cond.false_expr {
                warn(otherwise, params, found);
            }
        }
        Expr::BinOp(op) => {
            warn(&op.left, params, found);
            warn(&op.right, params, found);
        }
        Expr::GetAttr(get) if is_var(&get.expr, "params") => {
            if let Some(warning) = parameter(get.name, params) {
                found(from_start(&get.expr, get.span()), warning);
            }
        }
        Expr::GetItem(get) if is_var(&get.expr, "params") => {
            if let Expr::Const(name) = &get.subscript_expr {
                let name = name.value.as_str().unwrap_or_default();
                if let Some(warning) = parameter(name, params) {
                    found(from_start(&get.expr, get.span()), warning);
                }
            }
        }
        Expr::GetAttr(get) if matches!(get.name, "holiday_name" | "names") => {
            let warning = warning("a holiday's name becomes part of a shell line as it is");
            let help = "it may hold an apostrophe: add `| shquote`";
            found(from_start(&get.expr, get.span()), warning.help(help));
        }
        Expr::GetAttr(get) if is_output(&get.expr) => found(from_start(&get.expr, get.span()), output()),
        Expr::GetItem(get) if is_output(&get.expr) => found(from_start(&get.expr, get.span()), output()),
        Expr::Call(call) => match call.identify_call() {
            CallType::Function("secret") => {
                let warning = warning("a secret becomes part of a shell line");
                found(
                    call.span(),
                    warning.help("give it to the command in `env`, where other users cannot see it"),
                );
            }
            // What is no place in a format stays as it is.
            CallType::Method(_, "strftime") => {
                for arg in &call.args {
                    if let CallArg::Pos(format) = arg {
                        warn(format, params, found);
                    }
                }
            }
            CallType::Function(_) | CallType::Method(..) | CallType::Object(_) => {}
        },
        _ => {}
    }
}

fn parameter(name: &str, params: &Params) -> Option<Diagnostic> {
    let param = params.get(name).filter(|param| param.kind == ParamType::String)?;
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:/@+,=".contains(c));
    if !param.choices.is_empty() && param.choices.iter().all(|choice| plain(&choice.to_string())) {
        return None;
    }
    let variable = param_variable(name);
    let warning = warning(format!("the parameter `{name}` becomes part of a shell line as it is"));
    Some(warning.help(format!("write \"${variable}\", or {{{{ params.{name} | shquote }}}}")))
}

fn output() -> Diagnostic {
    warning("an output becomes part of a shell line as it is").help("add `| shquote`")
}

fn warning(message: impl Into<String>) -> Diagnostic {
    Diagnostic::warning(Span::default(), message)
}

fn is_var(expr: &Expr<'_>, name: &str) -> bool {
    matches!(expr, Expr::Var(var) if var.id == name)
}

/// `outputs["path"]`.
fn is_output(expr: &Expr<'_>) -> bool {
    match expr {
        Expr::GetItem(get) => is_var(&get.expr, "outputs"),
        Expr::GetAttr(get) => is_var(&get.expr, "outputs"),
        _ => false,
    }
}

/// minijinja's place of `a["b"].c` begins at the first bracket; people mean all of it.
pub(super) fn from_start(mut of: &Expr<'_>, at: Mark) -> Mark {
    loop {
        of = match of {
            Expr::GetAttr(get) => &get.expr,
            Expr::GetItem(get) => &get.expr,
            Expr::Call(call) => &call.expr,
            other => return Mark { start_offset: at.start_offset.min(other.span().start_offset), ..at },
        }
    }
}
