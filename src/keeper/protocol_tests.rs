//! Frames survive any cut, and the frozen messages keep their shape for ever.

use proptest::prelude::*;

use super::*;

fn messages() -> Vec<ToKeeper> {
    vec![
        ToKeeper::Hello(Hello { protocol: 1, epoch: 7, version: "0.1.0".into() }),
        ToKeeper::Kill(Kill { token: Token(3) }),
        ToKeeper::Ack(Ack { token: Token(u64::MAX) }),
        ToKeeper::Reexec(Reexec { program: "/usr/bin/sexton".into() }),
        ToKeeper::Launch(Box::new(Launch {
            token: Token(4),
            argv: vec!["a".into(), "ü\n".into()],
            env: vec![("A".into(), "b".into())],
            cwd: "/".into(),
            user: None,
            log: "/l".into(),
            timeout_ms: Some(1),
            kill_grace_ms: 2,
            stdout: Some("/o".into()),
            stdout_limit: Some(5),
            mask: vec!["m".into()],
            log_limit: LogLimit::default(),
        })),
    ]
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_messages(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let mut bytes = Vec::new();
        for message in messages() {
            encode(&message, &mut bytes).unwrap();
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut decoder = Decoder::<ToKeeper>::default();
        let mut found = Vec::new();
        for pair in cuts.windows(2) {
            decoder.push(&bytes[pair[0]..pair[1]]);
            while let Some(message) = decoder.next().unwrap() {
                found.push(message);
            }
        }
        prop_assert_eq!(found, messages());
    }
}

#[test]
fn frozen_messages_have_their_shape() {
    for (message, text) in [
        (messages().swap_remove(0), r#"{"hello":{"protocol":1,"epoch":7,"version":"0.1.0"}}"#),
        (messages().swap_remove(3), r#"{"reexec":{"program":"/usr/bin/sexton"}}"#),
    ] {
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
        assert_eq!(serde_json::from_str::<ToKeeper>(text).unwrap(), message);
    }
    // A newer daemon may say more.
    let more = r#"{"hello":{"protocol":9,"epoch":7,"version":"9","more":[1]}}"#;
    assert!(serde_json::from_str::<ToKeeper>(more).is_ok());
}

#[test]
fn what_is_newer_may_be_missing() {
    let mut launch = serde_json::to_value(messages().swap_remove(4)).unwrap();
    let fields = launch["launch"].as_object_mut().unwrap();
    assert!(fields.remove("stdout_limit").is_some());
    let ToKeeper::Launch(launch) = serde_json::from_value(launch).unwrap() else { panic!("another") };
    assert_eq!((launch.stdout, launch.stdout_limit), (Some("/o".into()), None));
    let old = r#"{"token":1,"end":{"code":0},"started_at":1,"ended_at":2,"by":"itself",
        "usage":{"user_ms":0,"system_ms":0,"max_rss":0},"log":{"bytes":0,"dropped":0,"lines":0},
        "leftovers":0,"unkillable":0}"#;
    assert_eq!(serde_json::from_str::<Exited>(old).unwrap().stdout, None);
}

#[test]
fn rubbish_and_giants_are_errors() {
    let mut decoder = Decoder::<ToKeeper>::default();
    decoder.push(b"GET / HTTP/1.1");
    assert!(matches!(decoder.next(), Err(Error::TooLong(_))));
    let mut decoder = Decoder::<ToKeeper>::default();
    decoder.push(&[2, 0, 0, 0, b'{', b'}']);
    assert!(matches!(decoder.next(), Err(Error::Json(_))));
    let mut out = vec![1];
    let giant = ToKeeper::Reexec(Reexec { program: "x".repeat(MAX_FRAME).into() });
    assert!(matches!(encode(&giant, &mut out), Err(Error::TooLong(_))));
    assert_eq!(out, [1]);
}

#[test]
fn a_launch_does_not_print_its_secrets() {
    let text = format!("{:?}", messages().swap_remove(4));
    assert_eq!(text, r#"Launch(Launch { token: Token(4), log: "/l", .. })"#);
}
