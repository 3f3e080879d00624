//! Web addresses: whether one answers as it should.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use regex_lite::Regex;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Error, Method, Response, Url, redirect};

use crate::duration;
use crate::pipeline::sensor::{self, Http, body_pattern};

use super::answer::{Again, Seen};
use super::redirect::{is_same_server, retry_after, target};

/// A server must take the connection within this, and have answered within that.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);
/// As often a request is sent on.
const MOST_REDIRECTS: usize = 10;
/// Of a body, this much is read.
const MOST_BODY: usize = 1 << 20;

/// A request that can be made any number of times.
pub(super) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    status: Box<[RangeInclusive<u16>]>,
    body: Option<Arc<Regex>>,
    /// The address as it was given.
    shown: String,
    server: String,
}

/// What asks web servers: connections are kept for the next time. It follows nothing by itself.
pub(super) fn client() -> Result<Client, Error> {
    Client::builder()
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(ANSWER)
        .user_agent(concat!("sexton/", env!("CARGO_PKG_VERSION")))
        .build()
}

impl Request {
    /// The error says why this can never be asked.
    pub(super) fn new(http: &Http) -> Result<Self, String> {
        let shown = http.url.to_string();
        let url = Url::parse(&http.url).map_err(|error| format!("`{shown}` is no address: {error}"))?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(format!("`{shown}` is no address of the web: it begins with http:// or https://"));
        }
        let method = match http.method {
            sensor::Method::Get => Method::GET,
            sensor::Method::Head => Method::HEAD,
            sensor::Method::Post => Method::POST,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &http.headers {
            let key = HeaderName::from_bytes(name.as_bytes());
            let key = key.map_err(|_| format!("`{name}` cannot be the name of a header"))?;
            let value = HeaderValue::from_str(value);
            let mut value =
                value.map_err(|_| format!("the value of the header `{name}` is not one line of text"))?;
            value.set_sensitive(true);
            headers.append(key, value);
        }
        let body = http.body.as_deref().map(body_pattern).transpose();
        let body = body.map_err(|error| format!("`body` is no regular expression: {error}"))?.map(Arc::new);
        let server = format!(
            "{}:{}",
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or_default()
        );
        Ok(Self { method, url, headers, status: http.status.clone(), body, shown, server })
    }

    /// Whom it asks.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Asks once. `now` is for dates in the answer.
    pub(super) async fn ask(&self, client: &Client, now: Timestamp) -> Seen {
        let within = duration::show(ANSWER);
        match tokio::time::timeout(ANSWER, self.follow(client, now)).await {
            Ok(seen) => seen,
            Err(_) => Seen::not_yet(format!("no answer from {} within {within}", self.shown)),
        }
    }

    async fn follow(&self, client: &Client, now: Timestamp) -> Seen {
        let mut url = self.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = client.request(self.method.clone(), url.clone());
            if is_same_server(&url, &self.url) {
                request = request.headers(self.headers.clone());
            }
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) => return Seen::not_yet(trouble(&error, &url)),
            };
            if self.status.iter().any(|range| range.contains(&response.status().as_u16())) {
                return self.read(response).await;
            }
            match self.sent_on(&response, &url) {
                Some(next) => url = next,
                None => return self.refused(&response, &url, now),
            }
        }
        Seen::not_yet(format!("{} sends requests round in a circle", self.shown))
    }

    /// Where the answer sends this request on to. One that may change something is not repeated elsewhere.
    fn sent_on(&self, response: &Response, url: &Url) -> Option<Url> {
        let harmless = self.method == Method::GET || self.method == Method::HEAD;
        let location =
            response.headers().get(LOCATION).filter(|_| harmless && response.status().is_redirection());
        target(url, location?.to_str().ok()?)
    }

    fn refused(&self, response: &Response, url: &Url, now: Timestamp) -> Seen {
        let status = response.status();
        let from = if is_same_server(url, &self.url) {
            self.shown.clone()
        } else {
            // Its address may be made of secrets of that server.
            format!("{}, where {} leads", url.host_str().unwrap_or_default(), self.shown)
        };
        let words = format!("HTTP {} from {from}", status.as_u16());
        let asked =
            response.headers().get(RETRY_AFTER).and_then(|asked| retry_after(asked.to_str().ok()?, now));
        match asked {
            Some(asked) if !asked.is_zero() => {
                let words = format!("{words}; it asks to come back in {}", duration::show(asked));
                Seen::NotYet(words, Again::NoSooner(asked))
            }
            Some(_) | None => Seen::not_yet(words),
        }
    }

    async fn read(&self, mut response: Response) -> Seen {
        let words = format!("HTTP {} from {}", response.status().as_u16(), self.shown);
        let Some(body) = self.body.clone() else { return Seen::Met(words) };
        let mut bytes = Vec::new();
        let whole = loop {
            match response.chunk().await {
                Ok(None) => break true,
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Err(_) => return Seen::not_yet(format!("{words}, but its body broke off")),
            }
            if bytes.len() > MOST_BODY {
                bytes.truncate(MOST_BODY);
                break false;
            }
        };
        let pattern = body.as_str().to_owned();
        // A large body takes a while.
        let found =
            tokio::task::spawn_blocking(move || body.is_match(&String::from_utf8_lossy(&bytes))).await;
        match found {
            Ok(true) => Seen::Met(format!("{words}; the body matches /{pattern}/")),
            Ok(false) if whole => Seen::not_yet(format!("{words}; the body does not match /{pattern}/")),
            Ok(false) => {
                Seen::not_yet(format!("{words}; the first MiB of the body does not match /{pattern}/"))
            }
            Err(_) => Seen::not_yet(format!("{words}; the body could not be matched with /{pattern}/")),
        }
    }
}

impl fmt::Debug for Request {
    /// Leaves out what may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// Why there was no answer, in words. The error's own would show the address with its secrets in another
/// spelling.
fn trouble(error: &Error, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    if error.is_connect() && error.is_timeout() {
        return format!("{host} cannot be reached within {}", duration::show(CONNECT));
    }
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    let kind = causes().find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => format!("connection refused by {}", at(url)),
        Some(io::ErrorKind::ConnectionReset) => format!("connection reset by {}", at(url)),
        _ if error.is_dns() => format!("the name {host} cannot be resolved"),
        Some(_) | None => {
            let cause = causes().last().map(ToString::to_string);
            format!(
                "no answer from {}: {}",
                at(url),
                cause.unwrap_or_else(|| "the request failed".to_owned())
            )
        }
    }
}

fn at(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}
