//! Web addresses: what is asked, what is made of the answers, and who hears no secret.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use sexton::pipeline::sensor::{Http, Method};
use sexton::sensor::answer::Finding;
use sexton::sensor::lookout::Lookout as _;
use sexton::sensor::question::Subject;

use super::post::{Fast, HOUR, on_watch, on_watch_by};
use super::server::{Reply, Server, nobody, status};

const SECOND: Duration = Duration::from_secs(1);
/// Short enough for a test to wait for a few.
const SHORT: Duration = Duration::from_millis(20);

fn get(url: String) -> Http {
    Http { url: url.into(), method: Method::Get, headers: [].into(), status: [200..=299].into(), body: None }
}

#[test]
fn an_address_is_asked_until_it_answers_well() {
    let server = Server::start(|number, _| status(if number < 3 { 404 } else { 204 }));
    on_watch(async |post| {
        let url = server.url("/ready/2026-11-20");
        let watch = post.watch(Subject::Http(get(url.clone())), SHORT);
        let first = post.answer(watch).await;
        assert_eq!((&*first.words, first.pokes), (&*format!("HTTP 404 from {url}"), 1));
        assert_eq!(post.met(watch).await, format!("HTTP 204 from {url}"));
    });
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|asked| asked.method == "GET" && asked.path == "/ready/2026-11-20"));
    assert!(asked[0].header("user-agent").unwrap().starts_with("sexton/"));
}

#[test]
fn the_body_has_to_match_too() {
    let server = Server::start(|number, _| {
        let body = if number == 0 { "{\"complete\": false}" } else { "{\"complete\":  true}" };
        Reply { status: 200, body: body.to_owned(), ..Reply::default() }
    });
    on_watch(async |post| {
        let http = Http { body: Some("\"complete\": *true".into()), ..get(server.url("/")) };
        let watch = post.watch(Subject::Http(http), SHORT);
        let url = server.url("/");
        let words = post.not_yet(watch).await;
        assert_eq!(words, format!(r#"HTTP 200 from {url}; the body does not match /"complete": *true/"#));
        let words = post.met(watch).await;
        assert_eq!(words, format!(r#"HTTP 200 from {url}; the body matches /"complete": *true/"#));
    });
}

#[test]
fn method_status_and_headers_are_as_they_were_written() {
    let server = Server::start(|_, asked| status(if asked.method == "HEAD" { 302 } else { 200 }));
    on_watch(async |post| {
        let headers = [("X-Desk".into(), "core".into())].into();
        let http = Http { method: Method::Head, headers, status: [301..=303].into(), ..get(server.url("/")) };
        let watch = post.watch(Subject::Http(http), HOUR);
        post.met(watch).await;
        let http =
            Http { method: Method::Post, status: [500..=599, 418..=418].into(), ..get(server.url("/")) };
        let watch = post.watch(Subject::Http(http), HOUR);
        assert!(post.not_yet(watch).await.starts_with("HTTP 200"));
    });
    let asked = server.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].header("x-desk")), ("HEAD", Some("core")));
    assert_eq!(asked[1].method, "POST");
}

#[test]
fn who_is_not_there_is_named() {
    on_watch(async |post| {
        let nobody = nobody();
        let watch = post.watch(Subject::Http(get(format!("http://{nobody}/ready"))), HOUR);
        assert_eq!(post.not_yet(watch).await, format!("connection refused by {nobody}"));
        let watch = post.watch(Subject::Http(get("http://vendor.invalid/ready".to_owned())), HOUR);
        assert_eq!(post.not_yet(watch).await, "the name vendor.invalid cannot be resolved");
        let server = Server::start(|_, _| Reply {
            status: 200,
            headers: vec![("content-length", "1000".to_owned()), ("connection", "close".to_owned())],
            body: "short".to_owned(),
        });
        let url = server.url("/");
        let http = Http { body: Some("x".into()), ..get(url.clone()) };
        let watch = post.watch(Subject::Http(http), HOUR);
        assert_eq!(post.not_yet(watch).await, format!("HTTP 200 from {url}, but its body broke off"));
    });
}

#[test]
fn what_is_no_address_can_never_be_true() {
    on_watch(async |post| {
        for (url, words) in [
            ("vendor.example/ready", "`vendor.example/ready` is no address: relative URL without a base"),
            (
                "ftp://vendor/x",
                "`ftp://vendor/x` is no address of the web: it begins with http:// or https://",
            ),
            ("http://***:x", "`http://***:x` is no address: invalid port number"),
        ] {
            let secret = url.replace("***", "hunter2");
            let watch = post.watch_with(Subject::Http(get(secret)), &["hunter2"], HOUR);
            assert_eq!(post.broken(watch).await, words);
        }
        let headers = [("X-Key".into(), "two\nlines".into())].into();
        let http = Http { headers, ..get("http://vendor.example/".to_owned()) };
        let watch = post.watch_with(Subject::Http(http), &["two\nlines"], HOUR);
        assert_eq!(post.broken(watch).await, "the value of the header `X-Key` is not one line of text");
    });
}

#[test]
fn a_server_that_asks_for_more_time_is_given_it() {
    let server = Server::start(|number, _| match number {
        0 => Reply { headers: vec![("Retry-After", "600".to_owned())], ..status(503) },
        1 => status(503),
        _ => status(200),
    });
    on_watch_by(Fast::by(1_000), async |post| {
        let watch = post.watch(Subject::Http(get(server.url("/"))), SECOND * 30);
        let first = post.answer(watch).await;
        let words = format!("HTTP 503 from {}; it asks to come back in 10m", server.url("/"));
        assert_eq!(&*first.words, words);
        assert_eq!(first.finding, Finding::NotYet { next: first.at + SECOND * 600 });
        let second = post.answer(watch).await;
        assert!(second.at >= first.at + SECOND * 600, "{first:?}, {second:?}");
        let Finding::NotYet { next } = second.finding else { panic!("{second:?}") };
        let pause = next.duration_since(second.at).as_secs();
        assert!((45..=49).contains(&pause), "the second pause of its own is half as long again: {pause}");
        post.met(watch).await;
    });
}

#[test]
fn a_slow_server_holds_up_nobody_elses() {
    static OPEN: (Mutex<bool>, Condvar) = (Mutex::new(false), Condvar::new());
    let slow = Server::start(|_, _| {
        drop(OPEN.1.wait_while(OPEN.0.lock().unwrap(), |open| !*open).unwrap());
        status(200)
    });
    let quick = Server::start(|_, _| status(200));
    on_watch(async |post| {
        let slow_ones: Vec<_> =
            (0..100).map(|_| post.watch(Subject::Http(get(slow.url("/"))), HOUR)).collect();
        let one = post.watch(Subject::Http(get(quick.url("/"))), HOUR);
        assert_eq!(post.any_answer().await.watch, one);
        assert!(slow.asked().len() <= 4, "{} of the slow server's at the same time", slow.asked().len());
        *OPEN.0.lock().unwrap() = true;
        OPEN.1.notify_all();
        let mut met = 0;
        while met < slow_ones.len() {
            assert_eq!(post.any_answer().await.finding, Finding::Met);
            met += 1;
        }
    });
}

#[test]
fn secrets_go_to_their_own_server_and_into_no_answer() {
    let other = Server::start(|_, _| status(403));
    let to_other = other.url("/elsewhere?token=abc");
    let own = Server::start(move |number, asked| match (number, asked.path.as_str()) {
        (_, "/ready?key=hunter2") => Reply { headers: vec![("Location", "/here".to_owned())], ..status(307) },
        _ => Reply { headers: vec![("Location", to_other.clone())], ..status(302) },
    });
    on_watch(async |post| {
        let headers = [("X-Key".into(), "hunter2".into())].into();
        let http = Http { headers, ..get(own.url("/ready?key=hunter2")) };
        let watch = post.watch_with(Subject::Http(http), &["hunter2"], HOUR);
        let words = post.not_yet(watch).await;
        assert_eq!(words, format!("HTTP 403 from 127.0.0.1, where {} leads", own.url("/ready?key=***")));
    });
    let asked = own.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.header("x-key") == Some("hunter2")));
    let asked = other.asked();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, "/elsewhere?token=abc"));
    assert_eq!(asked[0].header("x-key"), None);
}

#[test]
fn a_circle_of_redirects_ends() {
    let server = Server::start(|_, _| Reply { headers: vec![("Location", "/".to_owned())], ..status(302) });
    on_watch(async |post| {
        let watch = post.watch(Subject::Http(get(server.url("/"))), HOUR);
        let words = post.not_yet(watch).await;
        assert_eq!(words, format!("{} sends requests round in a circle", server.url("/")));
    });
    assert_eq!(server.asked().len(), 11);
}

#[test]
fn who_waits_no_more_is_not_told() {
    let server = Server::start(|_, _| status(200));
    on_watch(async |post| {
        let given_up = post.watch(Subject::Own, HOUR);
        let forgotten = post.watch(Subject::Http(get(server.url("/"))), HOUR);
        post.hands().forget(forgotten);
        post.hands().forget(given_up);
        let watch = post.watch(Subject::Http(get(server.url("/"))), HOUR);
        assert_eq!(post.any_answer().await.watch, watch);
    });
}
