//! Where an answer sends a request on to, and what it says about time. Pure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::Url;

/// A server cannot put anybody off for longer.
const LONGEST: Duration = Duration::from_hours(24);

/// Whether two addresses are the same server's, who may hear the same secrets.
pub(super) fn is_same_server(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

/// Where `location` leads to from `url`, if the web leads there at all.
pub(super) fn target(url: &Url, location: &str) -> Option<Url> {
    url.join(location).ok().filter(|to| ["http", "https"].contains(&to.scheme()) && to.has_host())
}

/// How long `Retry-After` asks to wait: seconds, or a date.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let asked = text.parse().map(Duration::from_secs).ok().or_else(|| {
        let date = DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(date.duration_since(now)).ok()
    });
    asked.map(|asked| asked.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_somewhere_on_the_web() {
        let url = Url::parse("https://vendor.example/ready/1").unwrap();
        for (location, to) in [
            ("2", Some("https://vendor.example/ready/2")),
            ("/2", Some("https://vendor.example/2")),
            ("//other.example/2", Some("https://other.example/2")),
            ("http://vendor.example:8080/", Some("http://vendor.example:8080/")),
            ("file:///etc/passwd", None),
            ("mailto:x@y", None),
            ("https://", None),
        ] {
            assert_eq!(target(&url, location).as_ref().map(Url::as_str), to, "of {location}");
        }
    }

    #[test]
    fn secrets_are_for_one_server() {
        let is_same = |a, b| is_same_server(&Url::parse(a).unwrap(), &Url::parse(b).unwrap());
        assert!(is_same("https://a.example/1", "https://a.example:443/2"));
        for other in ["https://b.example/", "http://a.example/", "https://a.example:8443/"] {
            assert!(!is_same("https://a.example/", other), "{other}");
        }
    }

    #[test]
    fn a_server_says_when_to_come_back() {
        let now = "1994-11-06T08:49:37Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:59:37 GMT", Some(600)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", None),
            ("99999999999", Some(86_400)),
            ("-5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "of {text:?}");
        }
    }
}
