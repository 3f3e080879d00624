//! Sensors of objects: a build has them or says that it has not.

use super::desk::Desk;

#[cfg(not(feature = "object-store"))]
#[test]
fn a_build_without_object_stores_says_so() {
    let desk = Desk::new().pipeline("night", "sensor: {object: s3://feeds/x}\n");
    desk.check(&[])
        .exit(1)
        .stderr_has(
            "this build of sexton cannot look for objects: it was made without the feature `object-store`",
        )
        .stderr_has("the package has it; or `cargo build --features object-store`");
    desk.run("night").exit(2);
}

#[cfg(feature = "object-store")]
#[test]
fn an_object_is_waited_for_and_its_keys_are_shown_nowhere() {
    use crate::suite::sensor::server::{Reply, Server, status};

    let server = Server::start(|number, asked| match (number, asked.path.as_str()) {
        (0, _) => status(404),
        (_, "/feeds/2026-11-20/_SUCCESS") => Reply {
            headers: [
                ("content-length", "3"),
                ("last-modified", "Fri, 20 Nov 2026 21:00:00 GMT"),
                ("etag", "\"9b2cf535f27731c974343645a3985328\""),
            ]
            .map(|(name, value)| (name, value.to_owned()))
            .into(),
            ..status(200)
        },
        _ => status(500),
    });
    let yaml = format!(
        "sensor:\n  object: s3://feeds/{{{{ ds }}}}/_SUCCESS\n  endpoint: {}\n  access_key: '{{{{ secret(\"id\") }}}}'\n  \
         secret_key: '{{{{ secret(\"key\") }}}}'\npoke_interval: 1s\n",
        server.url("")
    );
    let settings = "secrets: {id: {env: ID}, key: {env: KEY}}\n";
    let desk = Desk::new().pipeline("night", &yaml).file("config/sexton.yaml", settings);
    let run = desk.run("night").date("2026-11-20").env("ID", "AKIDEXAMPLE").env("KEY", "hunter2hunter2");
    let done = run.exit(0);
    let done = done
        .stdout_has("waiting          /  no object s3://feeds/2026-11-20/_SUCCESS\n")
        .stdout_has("succeeded  s3://feeds/2026-11-20/_SUCCESS is there, 3 bytes\n");
    let secrets = ["AKIDEXAMPLE", "hunter2hunter2"];
    assert!(!secrets.iter().any(|secret| done.all().contains(secret)), "{}", done.all());
    let found = super::secrets::holding(&desk.path("state"), &secrets);
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
    let authorization = server.asked()[1].header("authorization").unwrap().to_owned();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/s3/aws4_request"), "{authorization}");
}
