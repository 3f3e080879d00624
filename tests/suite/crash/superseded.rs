//! A keeper that obeys a newer daemon: the older one says so, and does not storm it.

use std::time::Duration;

use sexton::executor::job::Report;
use sexton::executor::local::{Local, Options};
use sexton::executor::output::Places;
use sexton::keeper::protocol::{Hello, PROTOCOL, ToKeeper, encode};
use sexton::keeper::start;
use tokio::sync::mpsc;

use crate::suite::keeper::client::{DEADLINE, PROGRAM};

#[tokio::test]
async fn an_older_daemon_hears_that_it_is_superseded_and_waits() {
    let dir = tempfile::tempdir().unwrap();
    let keeper = dir.path().join("keeper");
    let mut newer = start::ensure(&keeper, PROGRAM.as_ref(), false).unwrap();
    let mut hello = Vec::new();
    let version = "newer".to_owned();
    encode(&ToKeeper::Hello(Hello { protocol: PROTOCOL, epoch: 7, version }), &mut hello).unwrap();
    std::io::Write::write_all(&mut newer, &hello).unwrap();
    // Its welcome: now the epoch is known.
    assert!(std::io::Read::read(&mut newer, &mut [0; 4096]).unwrap() > 0);

    let (reports, mut inbox) = mpsc::channel(4);
    let places = Places::new(dir.path());
    let options = Options { dir: keeper, program: PROGRAM.into(), bound: false, epoch: 3, places };
    let (executor, client) = Local::start(options, reports);
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let report = tokio::time::timeout(DEADLINE, inbox.recv()).await.unwrap().unwrap();
        let Report::Unavailable { error } = report else { panic!("{report:?}") };
        assert!(error.contains("epoch 7") && error.contains("is 3"), "{error}");
        heard.push(tokio::time::Instant::now());
    }
    assert!(heard[1] - heard[0] > Duration::from_millis(500), "it does not storm the keeper");
    drop((executor, inbox));
    client.await.unwrap();
}
