//! The keeper's client on its own, against a keeper that is played by hand: which orders count, and what it
//! makes of a keeper that obeys somebody else.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use sexton::executor::job::{Executor as _, Report};
use sexton::executor::local::{Local, Options};
use sexton::executor::output::Places;
use sexton::keeper::address::SOCKET;
use sexton::keeper::protocol::{
    Attempt, AttemptState, By, Decoder, End, Exited, FromKeeper, Hello, LogSummary, PROTOCOL, ToKeeper,
    Token, Usage, Welcome, encode,
};
use sexton::keeper::start;
use sexton::run::state::{AttemptId, Exit};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::suite::keeper::client::{DEADLINE, PROGRAM};

fn connect(dir: PathBuf, epoch: u64) -> (Local, JoinHandle<()>, mpsc::Receiver<Report>) {
    let (reports, inbox) = mpsc::channel(4);
    let places = Places::new(&dir);
    let options = Options { dir, program: PROGRAM.into(), bound: false, epoch, places };
    let (executor, client) = Local::start(options, reports);
    (executor, client, inbox)
}

async fn hear(inbox: &mut mpsc::Receiver<Report>) -> Report {
    tokio::time::timeout(DEADLINE, inbox.recv()).await.expect("a report").expect("a client")
}

#[tokio::test]
async fn an_older_daemon_hears_that_it_is_superseded_and_waits() {
    let dir = tempfile::tempdir().unwrap();
    let mut newer = start::ensure(dir.path(), PROGRAM.as_ref(), false).unwrap();
    let mut hello = Vec::new();
    let version = "newer".to_owned();
    encode(&ToKeeper::Hello(Hello { protocol: PROTOCOL, epoch: 7, version }), &mut hello).unwrap();
    newer.write_all(&hello).unwrap();
    // Its welcome: now the epoch is known.
    assert!(newer.read(&mut [0; 4096]).unwrap() > 0);

    let (executor, client, mut inbox) = connect(dir.path().to_owned(), 3);
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let report = hear(&mut inbox).await;
        let Report::Unavailable { error } = report else { panic!("{report:?}") };
        assert!(error.contains("epoch 7") && error.contains("is 3"), "{error}");
        heard.push(tokio::time::Instant::now());
    }
    assert!(heard[1] - heard[0] > Duration::from_millis(500), "it does not storm the keeper");
    drop((executor, inbox));
    client.await.unwrap();
}

/// The keeper's side of a connection.
struct Played {
    stream: UnixStream,
    decoder: Decoder<ToKeeper>,
}

impl Played {
    /// Takes the next connection, and its hello.
    async fn accept(listener: &UnixListener) -> Self {
        let listener = listener.try_clone().unwrap();
        let accepted = tokio::task::spawn_blocking(move || listener.accept().unwrap().0);
        let stream = accepted.await.unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut played = Self { stream, decoder: Decoder::default() };
        let first = played.next().await;
        assert!(matches!(first, ToKeeper::Hello(Hello { epoch: 3, .. })), "{first:?}");
        played
    }

    async fn next(&mut self) -> ToKeeper {
        loop {
            if let Some(message) = self.decoder.next().unwrap() {
                return message;
            }
            let mut stream = self.stream.try_clone().unwrap();
            let read = tokio::task::spawn_blocking(move || {
                let mut bytes = vec![0; 4096];
                let read = stream.read(&mut bytes).expect("an order");
                bytes.truncate(read);
                bytes
            });
            let bytes = read.await.unwrap();
            assert!(!bytes.is_empty(), "the client has gone away");
            self.decoder.push(&bytes);
        }
    }

    fn welcome(&mut self, attempts: Vec<Attempt>) {
        let welcome = Welcome {
            protocol: PROTOCOL,
            version: "played".into(),
            pid: 1,
            boot_id: "a boot".into(),
            journal_id: "a journal".into(),
            journal_created_at: 0,
            high_water: Token(4),
            attempts,
        };
        let mut bytes = Vec::new();
        encode(&FromKeeper::Welcome(welcome), &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
    }

    async fn is_told_to_kill(&mut self, token: u64) {
        let order = self.next().await;
        assert!(matches!(order, ToKeeper::Kill(kill) if kill.token == Token(token)), "{order:?}");
    }
}

async fn connected(inbox: &mut mpsc::Receiver<Report>) -> u64 {
    let report = hear(inbox).await;
    let Report::Connected(inventory) = report else { panic!("{report:?}") };
    inventory.connection()
}

#[tokio::test]
async fn orders_count_once_the_inventory_is_settled() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join(SOCKET)).unwrap();
    let (mut executor, client, mut inbox) = connect(dir.path().to_owned(), 3);
    let mut keeper = Played::accept(&listener).await;
    // Before the welcome, and after it: the engine has not looked at the inventory yet.
    executor.kill(AttemptId(1));
    keeper.welcome(Vec::new());
    let first = connected(&mut inbox).await;
    executor.kill(AttemptId(2));
    executor.resume(first);
    executor.kill(AttemptId(3));
    keeper.is_told_to_kill(3).await;
    drop(keeper);

    let mut keeper = Played::accept(&listener).await;
    keeper.welcome(Vec::new());
    let second = connected(&mut inbox).await;
    assert_ne!(first, second);
    // An answer to the first inventory says nothing about the second.
    executor.resume(first);
    executor.kill(AttemptId(4));
    executor.resume(second);
    executor.kill(AttemptId(5));
    keeper.is_told_to_kill(5).await;
    drop((executor, inbox));
    client.await.unwrap();
}

#[tokio::test]
async fn what_the_keeper_knows_of_the_past_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join(SOCKET)).unwrap();
    let (executor, client, mut inbox) = connect(dir.path().to_owned(), 3);
    let mut keeper = Played::accept(&listener).await;
    let ended = Exited {
        token: Token(3),
        end: End::Code(5),
        started_at: Some(50),
        ended_at: 60,
        by: By::Itself,
        usage: Usage::default(),
        log: LogSummary::default(),
        leftovers: 0,
        unkillable: 0,
    };
    keeper.welcome(vec![
        Attempt { token: Token(2), state: AttemptState::Running { pid: 77, at: 40 } },
        Attempt { token: Token(3), state: AttemptState::Ended(Box::new(ended)) },
    ]);
    connected(&mut inbox).await;
    let report = hear(&mut inbox).await;
    assert!(matches!(report, Report::Spawned { attempt: AttemptId(2), pid: 77, .. }), "{report:?}");
    let report = hear(&mut inbox).await;
    let Report::Ended(ended) = report else { panic!("{report:?}") };
    assert_eq!((ended.attempt, ended.exit), (AttemptId(3), Exit::Code(5)));
    drop((executor, inbox));
    client.await.unwrap();
}
