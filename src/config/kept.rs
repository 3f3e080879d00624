//! A definition as it is kept with its runs: the file's text and the defaults it was read with, which give
//! the same pipeline for ever.

use serde::{Deserialize, Serialize};

use crate::calendar::book::Book;
use crate::pipeline::definition::{Defaults, Pipeline, parse};
use crate::pipeline::policy::Settings;
use crate::yaml::report::{Report, SourceFile};

#[derive(Serialize, Deserialize)]
struct Kept {
    settings: Settings,
    timezone: Box<str>,
}

/// The defaults as text.
pub fn write(defaults: &Defaults) -> String {
    let kept = Kept { settings: defaults.settings.clone(), timezone: defaults.timezone.clone() };
    serde_json::to_string(&kept).unwrap_or_default()
}

/// The pipeline again, by the calendars of the book, of which some may be gone; the error is the report of what is wrong with it by now.
pub fn read(name: &str, source: &str, defaults: &str, book: &Book) -> Result<Pipeline, String> {
    let kept: Kept = serde_json::from_str(defaults).map_err(|error| error.to_string())?;
    let defaults = Defaults { settings: kept.settings, timezone: kept.timezone };
    let file = SourceFile::new(format!("{name}.yaml"), source);
    let (pipeline, found) = parse(&file, &defaults, &book.forgiving());
    pipeline.ok_or_else(|| {
        let mut report = Report::default();
        report.add(&file, found);
        report.render(false)
    })
}
