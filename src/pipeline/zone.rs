//! The names of time zones. Which time it is in one is not its business.

use super::diagnostic::{Diagnostic, Diagnostics, nearest};
use super::document::Document;
use super::reader::Field;

/// The zone's name, if it is one.
pub(crate) fn timezone(
    document: &Document<'_>,
    field: Option<&Field<String>>,
    found: &mut Diagnostics,
) -> Option<Box<str>> {
    let field = field?;
    let name = field.value.as_deref()?;
    if jiff::tz::TimeZone::get(name).is_ok() && name.len() < 64 {
        return Some(name.into());
    }
    let error = Diagnostic::error(document.span(field.id), format!("there is no time zone `{name}`"));
    let known: Vec<String> = jiff::tz::db().available().map(|known| known.to_string()).collect();
    found.push(match nearest(name, known.iter().map(String::as_str)) {
        Some(meant) => error.label(format!("did you mean `{meant}`?")),
        None => error.help("expected an IANA name, such as `Europe/London` or `UTC`"),
    });
    None
}
