//! The keeper's client on its own, against a keeper that is played by hand: which orders count, and what it
//! makes of a keeper that obeys somebody else.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sexton::executor::job::{Executor as _, Report};
use sexton::executor::local::{Local, Options};
use sexton::executor::output::Places;
use sexton::executor::trees::Cut;
use sexton::keeper::address::SOCKET;
use sexton::keeper::protocol::{
    Attempt, AttemptState, By, Decoder, End, Exited, FromKeeper, Hello, LogSummary, PROTOCOL, Refusal,
    StdoutSummary, ToKeeper, Token, Unwritten, Usage, Welcome, encode,
};
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
        self.say(&FromKeeper::Welcome(welcome));
    }

    fn say(&mut self, message: &FromKeeper) {
        let mut bytes = Vec::new();
        encode(message, &mut bytes).unwrap();
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
    // Its launch has come to nothing: somebody waits for its end.
    keeper.say(&FromKeeper::Refused { token: Token(5), why: Refusal::Unknown });
    let report = hear(&mut inbox).await;
    let Report::Ended(ended) = report else { panic!("{report:?}") };
    assert_eq!((ended.attempt, ended.exit, ended.started_at), (AttemptId(5), Exit::Killed, None));
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
        stdout: None,
        leftovers: 0,
        unkillable: 0,
    };
    let unwritten = || Some(Unwritten { bytes: 3, why: "full".into() });
    let over = StdoutSummary { bytes: 10, over: 7, unwritten: unwritten() };
    let refused = StdoutSummary { bytes: 10, over: 0, unwritten: unwritten() };
    let whole = StdoutSummary { bytes: 10, over: 0, unwritten: None };
    let printed = [over, refused, whole].into_iter().zip(4..).map(|(stdout, token)| {
        let ended = Exited { token: Token(token), stdout: Some(stdout), ..ended.clone() };
        Attempt { token: Token(token), state: AttemptState::Ended(Box::new(ended)) }
    });
    let printed: Vec<Attempt> = printed.collect();
    let mut attempts = vec![
        Attempt { token: Token(2), state: AttemptState::Running { pid: 77, at: 40 } },
        Attempt { token: Token(3), state: AttemptState::Ended(Box::new(ended)) },
    ];
    attempts.extend(printed);
    keeper.welcome(attempts);
    connected(&mut inbox).await;
    let report = hear(&mut inbox).await;
    assert!(matches!(report, Report::Spawned { attempt: AttemptId(2), pid: 77, .. }), "{report:?}");
    let report = hear(&mut inbox).await;
    let Report::Ended(ended) = report else { panic!("{report:?}") };
    assert_eq!((ended.attempt, ended.exit, ended.cut), (AttemptId(3), Exit::Code(5), None));
    let cuts = [
        Some(Cut::TooMuch { bytes: 20, limit: 13 }),
        Some(Cut::Unwritten { bytes: 3, why: "full".into() }),
        None,
    ];
    for (cut, token) in cuts.into_iter().zip(4..) {
        let report = hear(&mut inbox).await;
        let Report::Ended(ended) = report else { panic!("{report:?}") };
        assert_eq!((ended.attempt, ended.exit, ended.cut), (AttemptId(token), Exit::Code(5), cut));
    }
    drop((executor, inbox));
    client.await.unwrap();
}

#[tokio::test]
async fn a_keeper_that_obeys_somebody_else_is_not_stormed() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join(SOCKET)).unwrap();
    let (executor, client, mut inbox) = connect(dir.path().to_owned(), 3);
    let mut last = None;
    for _ in 0..3 {
        let mut keeper = Played::accept(&listener).await;
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            assert!(now - last > Duration::from_millis(500), "it asks again at once");
        }
        keeper.say(&FromKeeper::Superseded { epoch: 7 });
    }
    let report = hear(&mut inbox).await;
    let Report::Unavailable { error } = report else { panic!("{report:?}") };
    assert!(error.contains("epoch 7") && error.contains("is 3"), "{error}");
    // When the other one is gone it is obeyed again.
    Played::accept(&listener).await.welcome(Vec::new());
    connected(&mut inbox).await;
    drop((executor, inbox));
    client.await.unwrap();
}
