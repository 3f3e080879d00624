//! Objects, in a store that speaks as S3 does.

use std::time::Duration;

use sexton::pipeline::sensor::{Object, ObjectStore};
use sexton::sensor::question::Subject;

use super::post::{HOUR, on_watch};
use super::server::{Reply, Server, status};

const SHORT: Duration = Duration::from_millis(20);

fn s3(url: &str, endpoint: &str, secret: &str) -> Subject {
    let keys = Some(("AKIDEXAMPLE".into(), secret.into()));
    let store = ObjectStore::S3 { region: Some("eu-west-2".into()), keys };
    Subject::Object(Object { store, url: url.into(), endpoint: Some(endpoint.into()) })
}

fn found() -> Reply {
    let headers = [
        ("content-length", "1234"),
        ("last-modified", "Fri, 20 Nov 2026 21:00:00 GMT"),
        ("etag", "\"9b2cf535f27731c974343645a3985328\""),
    ];
    Reply { headers: headers.map(|(name, value)| (name, value.to_owned())).into(), ..status(200) }
}

#[test]
fn an_object_is_asked_for_until_it_is_there() {
    let server = Server::start(|number, _| if number < 2 { status(404) } else { found() });
    on_watch(async |post| {
        let subject = s3("s3://feeds/2026-11-20/_SUCCESS", &server.url(""), "hunter2");
        let watch = post.watch_with(subject, &["hunter2"], SHORT);
        assert_eq!(post.not_yet(watch).await, "no object s3://feeds/2026-11-20/_SUCCESS");
        assert_eq!(post.met(watch).await, "s3://feeds/2026-11-20/_SUCCESS is there, 1234 bytes");
    });
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    for asked in asked {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("HEAD", "/feeds/2026-11-20/_SUCCESS"));
        let authorization = asked.header("authorization").unwrap();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
        assert!(authorization.contains("/eu-west-2/s3/aws4_request"), "{authorization}");
        assert!(!authorization.contains("hunter2"));
    }
}

#[test]
fn what_stands_in_the_way_is_said_and_no_secret() {
    let server = Server::start(|_, asked| status(if asked.path.contains("closed") { 403 } else { 500 }));
    on_watch(async |post| {
        let watch = post.watch_with(s3("s3://closed/a", &server.url(""), "hunter2"), &["hunter2"], HOUR);
        let words = post.not_yet(watch).await;
        assert!(words.starts_with("access to s3://closed/a is denied"), "{words}");
        let watch = post.watch_with(s3("s3://sick/hunter2", &server.url(""), "hunter2"), &["hunter2"], HOUR);
        let words = post.not_yet(watch).await;
        assert!(words.starts_with("no answer about s3://sick/***: "), "{words}");
        let gone = super::server::nobody();
        let watch = post.watch(s3("s3://gone/a", &format!("http://{gone}"), "x"), HOUR);
        let words = post.not_yet(watch).await;
        assert!(words.starts_with("no answer about s3://gone/a: "), "{words}");
        assert!(words.contains("refused"), "{words}");
    });
}

#[test]
fn what_is_no_object_can_never_be_there() {
    on_watch(async |post| {
        for url in ["s3://feeds", "s3://feeds/", "s3:///a"] {
            let watch = post.watch(s3(url, "http://127.0.0.1:1", "x"), HOUR);
            let words = post.broken(watch).await;
            assert!(words.starts_with(&format!("`{url}`")), "{words}");
        }
        let store = ObjectStore::Gcs { service_account: Some("not JSON: hunter2".into()) };
        let object = Object { store, url: "gs://feeds/a".into(), endpoint: None };
        let watch = post.watch_with(Subject::Object(object), &["not JSON: hunter2"], HOUR);
        let words = post.broken(watch).await;
        assert!(words.starts_with("gs://feeds cannot be reached: "), "{words}");
        assert!(!words.contains("hunter2"), "{words}");
    });
}
