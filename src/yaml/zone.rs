//! Time zones by their IANA names, as the zone data of this machine has them: there it is, or which was meant.
//! Which time it is in one is not its business.

use jiff::tz::TimeZone;

use super::diagnostic::{Diagnostic, Diagnostics, nearest};
use super::document::Document;
use super::reader::Field;

/// A name that is no time zone's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`")]
pub struct UnknownZone {
    /// The name.
    pub name: String,
    /// The nearest that is one.
    pub meant: Option<String>,
}

/// What to write where nothing is near.
pub const EXPECTED: &str = "expected an IANA name, such as `Europe/London` or `UTC`";

/// The zone of a name.
pub fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
    if let Some(zone) = TimeZone::get(name).ok().filter(|_| name.len() < 64) {
        return Ok(zone);
    }
    let known: Vec<String> = jiff::tz::db().available().map(|known| known.to_string()).collect();
    let meant = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    Err(UnknownZone { name: name.to_owned(), meant })
}

/// The name in a file, if it is a zone's.
pub(crate) fn timezone(
    document: &Document<'_>,
    field: Option<&Field<String>>,
    found: &mut Diagnostics,
) -> Option<Box<str>> {
    let field = field?;
    let name = field.value.as_deref()?;
    let Err(unknown) = zone(name) else { return Some(name.into()) };
    let error = Diagnostic::error(document.span(field.id), unknown.to_string());
    found.push(match unknown.meant {
        Some(meant) => error.label(format!("did you mean `{meant}`?")),
        None => error.help(EXPECTED),
    });
    None
}
