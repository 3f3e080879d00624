//! What a sensor looks for, with every template filled in and every secret put in. Nothing of it that could
//! hold a secret is ever shown unmasked.

use std::fmt;
use std::time::Duration;

use crate::mask::Masker;
use crate::pipeline::sensor::{Http, Object};

/// Names one wait of one sensor. It is never used again, so what comes late of a wait that has been given up
/// is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(pub u64);

/// A question to the world.
#[derive(Clone, PartialEq)]
pub struct Question {
    /// What it asks.
    pub subject: Subject,
    /// Values of secrets in it: they appear in no answer.
    pub mask: Vec<String>,
}

/// What a question asks.
#[derive(Clone, PartialEq)]
pub enum Subject {
    /// Whether files are there and still.
    File(Files),
    /// Whether an address answers as it should.
    Http(Http),
    /// Whether an object is in its bucket.
    Object(Object),
    /// What whoever asks finds out by itself, e.g. with a command: it is only told when it is time to.
    Own,
}

/// Files that are to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// An absolute path; its names may hold `*`, `?` and `[…]`, and `**` is any directories.
    pub pattern: String,
    /// How long all of them must have been still.
    pub stable_for: Duration,
}

impl Question {
    /// A text without the secrets of this question.
    pub fn masked(&self, text: &str) -> String {
        Masker::text(&self.mask, text)
    }
}

impl fmt::Debug for Question {
    /// Says what is asked and leaves out what may hold a secret: headers, options and the mask.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, of) = match &self.subject {
            Subject::File(files) => ("File", files.pattern.as_str()),
            Subject::Http(http) => ("Http", &*http.url),
            Subject::Object(object) => ("Object", &*object.url),
            Subject::Own => ("Own", ""),
        };
        f.debug_tuple(kind).field(&self.masked(of)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::sensor::Method;

    #[test]
    fn a_secret_is_not_shown() {
        let subject = Subject::Http(Http {
            url: "https://vendor.example/ready?key=hunter2".into(),
            method: Method::Get,
            headers: [("x-key".into(), "hunter2".into())].into(),
            status: [200..=299].into(),
            body: Some("hunter2".into()),
        });
        let question = Question { subject, mask: vec!["hunter2".into()] };
        assert_eq!(format!("{question:?}"), r#"Http("https://vendor.example/ready?key=***")"#);
    }
}
