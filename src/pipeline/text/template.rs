//! Templates and expressions: minijinja, strict and bounded in steps and in size. It renders from the facts
//! of a `Scope`; it never reads a clock, a file or an environment.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::machinery::ast::Expr;
use minijinja::machinery::{CodeGenerator, eval, make_string_output};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, UndefinedBehavior, Value, filters, functions};

use super::check;
use super::dates;
use super::scope::{Scope, context};
use super::secret;
use super::texts::is_template;

/// Bytes of a result, and of all that a template's `replace` and `join` make on the way.
pub const MAX_RESULT: usize = 1 << 20;
/// Instructions of one evaluation.
const FUEL: u64 = 100_000;
/// Items of a `range`.
const MAX_RANGE: isize = 1_000;

/// Why a template or an expression has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is not one that `check` lets pass.
    #[error("{0}")]
    Refused(String),
    /// The evaluation failed, e.g. for a name that is not set.
    #[error("{0}")]
    Failed(String),
    /// A `when` that is neither true nor false.
    #[error("`when` must be true or false, and `{expression}` is {found}")]
    NotBoolean {
        /// The expression.
        expression: String,
        /// Its value, with its kind.
        found: String,
    },
    /// The result is longer than [`MAX_RESULT`].
    #[error("the result is longer than {} KiB", MAX_RESULT >> 10)]
    TooLong,
}

/// The text with its templates filled in; a text without any costs a copy. `env` is what `env.NAME` reads.
pub fn render(
    text: &str,
    scope: &Scope,
    env: &BTreeMap<Box<str>, Box<str>>,
) -> Result<String, TemplateError> {
    if !is_template(text) {
        return Ok(text.to_owned());
    }
    // The parser of minijinja folds constants, so what could grow is refused before it sees the text.
    check::bounded(text, false).map_err(TemplateError::Refused)?;
    let template = ENVIRONMENT.template_from_str(text).map_err(|error| failed(&error))?;
    let mut out = Bounded { bytes: Vec::new(), overflow: false };
    let rendered = template.render_captured_to(context(scope, env), &mut out).map(|_| ());
    match rendered {
        _ if out.overflow => Err(TemplateError::TooLong),
        Ok(()) => Ok(String::from_utf8_lossy(&out.bytes).into_owned()),
        Err(error) => Err(failed(&error)),
    }
}

/// Whether the condition of a `when` holds.
pub fn evaluate(
    expression: &str,
    scope: &Scope,
    env: &BTreeMap<Box<str>, Box<str>>,
) -> Result<bool, TemplateError> {
    check::bounded(expression, true).map_err(TemplateError::Refused)?;
    let compiled = ENVIRONMENT.compile_expression_owned(expression).map_err(|error| failed(&error))?;
    let value = compiled.eval(context(scope, env)).map_err(|error| failed(&error))?;
    if let Ok(truth) = bool::try_from(value.clone()) {
        return Ok(truth);
    }
    let shown: String = value.to_string().chars().take(80).collect();
    Err(TemplateError::NotBoolean {
        expression: expression.trim().to_owned(),
        found: format!("the {} `{shown}`", value.kind()),
    })
}

/// What a part of an expression that has been evaluated comes to; `None` where nobody may ask it.
pub(crate) fn part(expr: &Expr<'_>, facts: Value) -> Option<Value> {
    let mut code = CodeGenerator::new("<part>", "");
    code.compile_expr(expr);
    let (instructions, blocks) = code.finish();
    let (mut nothing, plain) = (String::new(), minijinja::AutoEscape::None);
    let mut out = make_string_output(&mut nothing);
    let (value, _) = eval(&ENVIRONMENT, &instructions, facts, &blocks, &mut out, plain).ok()?;
    value
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    // What is not on the list could make much of little: `indent`, `format`, `batch`.
    let unlisted: Vec<&str> = [
        "safe", "escape", "e", "attr", "batch", "slice", "sum", "indent", "groupby", "chain", "zip",
        "pprint", "format",
    ]
    .into();
    for name in unlisted {
        environment.remove_filter(name);
    }
    for name in ["dict", "debug", "namespace"] {
        environment.remove_global(name);
    }
    environment.add_filter("shquote", |value: &Value| secret::shell_quote(&value.to_string()));
    environment.add_filter("replace", replace);
    environment.add_filter("join", join);
    environment.add_filter("tojson", |value: &Value| {
        filters::tojson(value, None, std::iter::empty::<(&str, Value)>().collect::<Kwargs>())
    });
    environment.add_function("date", |value: &Value| {
        dates::date_of(value).map(|date| Value::from_object(dates::Civil(date)))
    });
    environment.add_function("range", range);
    environment.add_function("secret", |name: &str| secret::placeholder(name));
    environment.set_syntax(check::syntax());
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
});

/// What `replace` and `join` have made so far in one evaluation.
#[derive(Debug, Default)]
struct Made(usize);

fn make(state: &mut State<'_, '_>, bytes: Option<usize>) -> Result<(), Error> {
    let made = state.get_or_insert_extension(Made::default());
    match bytes.and_then(|bytes| made.0.checked_add(bytes)) {
        Some(total) if total <= MAX_RESULT => {
            made.0 = total;
            Ok(())
        }
        Some(_) | None => Err(Error::new(ErrorKind::InvalidOperation, "the result is too long")),
    }
}

fn replace(state: &mut State<'_, '_>, value: &str, from: &str, to: &str) -> Result<String, Error> {
    let hits = value.matches(from).count();
    make(state, hits.checked_mul(to.len()).and_then(|grown| grown.checked_add(value.len())))?;
    Ok(value.replace(from, to))
}

fn join(state: &mut State<'_, '_>, value: &Value, separator: Option<&str>) -> Result<String, Error> {
    let separator = separator.unwrap_or_default();
    let mut out = String::new();
    for (index, item) in value.try_iter()?.enumerate() {
        let item = item.to_string();
        make(state, item.len().checked_add(separator.len()))?;
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(&item);
    }
    Ok(out)
}

fn range(from: isize, to: Option<isize>, step: Option<isize>) -> Result<Value, Error> {
    let (low, high) = to.map_or((0, from), |to| (from, to));
    let span = high.checked_sub(low).map(isize::unsigned_abs);
    if span.is_none_or(|span| span / step.unwrap_or(1).unsigned_abs().max(1) > MAX_RANGE.unsigned_abs()) {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("a range may have {MAX_RANGE} items")));
    }
    functions::range(from, to, step)
}

fn failed(error: &Error) -> TemplateError {
    TemplateError::Failed(match (error.kind(), error.detail()) {
        // What is wrong with what was asked is a sentence of its own.
        (ErrorKind::InvalidOperation, Some(detail)) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    })
}

/// A writer that stops at [`MAX_RESULT`].
struct Bounded {
    bytes: Vec<u8>,
    overflow: bool,
}

impl std::io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + piece.len() > MAX_RESULT {
            self.overflow = true;
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
