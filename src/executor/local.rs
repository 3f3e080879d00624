//! Attempts on this machine: the keeper's client. One task owns the connection; it starts a keeper where
//! none serves, and again when one has died. It decides nothing: what is unclear after a reconnection is
//! the engine's to settle, with the inventory that comes with it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::keeper::protocol::{
    self, Ack, Attempt, AttemptState, By, Decoder, End, Exited, FromKeeper, Hello, Kill, Launch, LogLimit,
    PROTOCOL, Refusal, StdoutSummary, ToKeeper, Token, Unwritten, Welcome,
};
use crate::keeper::verdict::{self, Row};
use crate::keeper::{error, start};
use crate::run::state::{AttemptId, Exit};

use super::job::{Ended, Executor, Expected, Inventory, Job, Report, Verdict};
use super::output::Places;
use super::trees::{Cut, Read, Reading};

/// How to reach the keeper.
#[derive(Clone, Debug)]
pub struct Options {
    /// The keeper's directory.
    pub dir: PathBuf,
    /// The program that a keeper is started from: this one.
    pub program: PathBuf,
    /// Whether attempts end when this process does.
    pub bound: bool,
    /// Grows with every start of the daemon.
    pub epoch: u64,
    /// Where outputs are found.
    pub places: Places,
}

/// The engine's end: hands orders to the task that owns the connection.
#[derive(Debug)]
pub struct Local {
    /// Unbounded: the engine never waits for a hand, and an order is a few hundred bytes for an attempt
    /// that already has its place.
    orders: mpsc::UnboundedSender<Order>,
    reports: mpsc::Sender<Report>,
    places: Places,
    /// One tree may take a gibibyte while it is read.
    readers: Arc<Semaphore>,
}

/// Trees that are read at the same time.
const READERS: usize = 2;

#[derive(Debug)]
enum Order {
    /// What came before this does not count, unless it is of another connection.
    Resume(u64),
    Launch(Box<Job>),
    Kill(AttemptId),
    Acknowledge(AttemptId),
}

impl Local {
    /// Starts the task. It ends when this handle is dropped or nobody hears its reports.
    pub fn start(options: Options, reports: mpsc::Sender<Report>) -> (Self, JoinHandle<()>) {
        let (orders, inbox) = mpsc::unbounded_channel();
        let places = options.places.clone();
        let readers = Arc::new(Semaphore::new(READERS));
        let own = Self { orders, reports: reports.clone(), places, readers };
        let client = Client { options, reports, inbox, connection: 0, welcomed: false, settled: false };
        (own, tokio::spawn(client.run()))
    }

    fn order(&self, order: Order) {
        // Nobody takes orders only when the task has ended, and then nobody hears reports either.
        let _ = self.orders.send(order);
    }
}

impl Executor for Local {
    fn resume(&mut self, connection: u64) {
        self.order(Order::Resume(connection));
    }

    fn launch(&mut self, job: Job) {
        self.order(Order::Launch(Box::new(job)));
    }

    fn kill(&mut self, attempt: AttemptId) {
        self.order(Order::Kill(attempt));
    }

    /// Needs no keeper: what was written lies in a file.
    fn read(&mut self, reading: Reading) {
        let (reports, places, readers) = (self.reports.clone(), self.places.clone(), self.readers.clone());
        tokio::spawn(async move {
            let _turn = readers.acquire().await;
            let attempt = reading.attempt;
            let log_bytes = reading.log.1;
            let read = tokio::task::spawn_blocking(move || reading.from(&places)).await;
            let read =
                read.unwrap_or_else(|error| Read { attempt, tree: Some(Err(error.to_string())), log_bytes });
            // Nobody hears it only when the engine has ended: the next one reads it again.
            let _ = reports.send(Report::Read(Box::new(read))).await;
        });
    }

    fn acknowledge(&mut self, attempt: AttemptId) {
        self.order(Order::Acknowledge(attempt));
    }
}

struct Client {
    options: Options,
    reports: mpsc::Sender<Report>,
    inbox: mpsc::UnboundedReceiver<Order>,
    /// Counts connections, so that what is said of one is not taken for another.
    connection: u64,
    welcomed: bool,
    /// Whether orders count: the engine has settled this connection's inventory.
    settled: bool,
}

/// Why a connection came to its end.
enum Gone {
    /// The engine has let go: so does the client.
    Engine,
    /// The keeper has: the client connects again.
    Keeper(String),
    /// The keeper obeys somebody else.
    Superseded(u64),
}

/// Between two tries to reach a keeper that cannot be had.
const PAUSE: Duration = Duration::from_secs(1);
/// A keeper that was idle may take a connection and go: the next try starts another. More than this in a
/// row is something else.
const AT_ONCE: u32 = 3;

impl Client {
    async fn run(mut self) {
        let (mut dropped, mut told) = (0, String::new());
        loop {
            let error = match self.connect().await {
                Ok(stream) => match self.serve(stream).await {
                    Gone::Engine => return,
                    Gone::Keeper(error) => {
                        dropped = if self.welcomed { 0 } else { dropped + 1 };
                        tracing::info!(%error, "the keeper is gone; connecting again");
                        if dropped <= AT_ONCE {
                            continue;
                        }
                        error
                    }
                    Gone::Superseded(epoch) => format!(
                        "it obeys another daemon, of epoch {epoch}; this one's is {}",
                        self.options.epoch
                    ),
                },
                Err(error) => error,
            };
            if std::mem::take(&mut self.welcomed) {
                told.clear();
            }
            // Once, and not with every try.
            if error != told && self.reports.send(Report::Unavailable { error: error.clone() }).await.is_err()
            {
                return;
            }
            told = error;
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.reports.closed() => return,
            }
        }
    }

    async fn connect(&self) -> Result<UnixStream, String> {
        let Options { dir, program, bound, .. } = self.options.clone();
        let started = tokio::task::spawn_blocking(move || start::ensure(&dir, &program, bound)).await;
        let stream = started.map_err(|error| error.to_string())?;
        let stream = stream.map_err(|error: error::Error| error.to_string())?;
        let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
        stream.map_err(|error| error.to_string())
    }

    async fn serve(&mut self, stream: UnixStream) -> Gone {
        (self.welcomed, self.settled) = (false, false);
        self.connection += 1;
        let (mut reading, mut writing) = stream.into_split();
        let mut decoder = Decoder::<FromKeeper>::default();
        let mut bytes = vec![0; 64 << 10];
        let mut out = Vec::new();
        let hello = Hello {
            protocol: PROTOCOL,
            epoch: self.options.epoch,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        if let Err(error) = protocol::encode(&ToKeeper::Hello(hello), &mut out) {
            return Gone::Keeper(error.to_string());
        }
        loop {
            if !out.is_empty() {
                if let Err(error) = writing.write_all(&out).await {
                    return Gone::Keeper(error.to_string());
                }
                out.clear();
            }
            tokio::select! {
                read = reading.read(&mut bytes) => match self.hear(read, &bytes, &mut decoder).await {
                    Ok(()) => {}
                    Err(gone) => return gone,
                },
                order = self.inbox.recv() => {
                    let Some(order) = order else { return Gone::Engine };
                    let mut unsaid: Vec<Report> = self.say(order, &mut out).into_iter().collect();
                    while let Ok(order) = self.inbox.try_recv() {
                        unsaid.extend(self.say(order, &mut out));
                    }
                    for report in unsaid {
                        if self.reports.send(report).await.is_err() {
                            return Gone::Engine;
                        }
                    }
                }
            }
        }
    }

    async fn hear(
        &mut self,
        read: io::Result<usize>,
        bytes: &[u8],
        decoder: &mut Decoder<FromKeeper>,
    ) -> Result<(), Gone> {
        let read = read.map_err(|error| Gone::Keeper(error.to_string()))?;
        if read == 0 {
            return Err(Gone::Keeper("it closed the connection".to_owned()));
        }
        decoder.push(&bytes[..read]);
        while let Some(message) = decoder.next().map_err(|error| Gone::Keeper(error.to_string()))? {
            for report in self.report(message)? {
                self.reports.send(report).await.map_err(|_| Gone::Engine)?;
            }
        }
        Ok(())
    }

    fn report(&mut self, message: FromKeeper) -> Result<Vec<Report>, Gone> {
        Ok(match message {
            FromKeeper::Welcome(welcome) => {
                self.welcomed = true;
                let known: Vec<Report> =
                    welcome.attempts.iter().filter_map(|attempt| self.known(attempt)).collect();
                let kept = Kept { connection: self.connection, welcome };
                std::iter::once(Report::Connected(Box::new(kept))).chain(known).collect()
            }
            FromKeeper::Superseded { epoch } => return Err(Gone::Superseded(epoch)),
            FromKeeper::Spawned(spawned) => vec![born(spawned.token, spawned.pid, spawned.at)],
            FromKeeper::Exited(exited) => vec![Report::Ended(Box::new(self.ended(*exited)))],
            FromKeeper::Refused { token, why } => refused(token, &why).into_iter().collect(),
            FromKeeper::ReexecFailed { error } => {
                tracing::error!(%error, "the keeper could not be upgraded and goes on as it was");
                Vec::new()
            }
        })
    }

    /// What happened to an attempt while nobody listened.
    fn known(&self, attempt: &Attempt) -> Option<Report> {
        match &attempt.state {
            AttemptState::Running { pid, at } => Some(born(attempt.token, *pid, *at)),
            AttemptState::Ended(exited) => Some(Report::Ended(Box::new(self.ended((**exited).clone())))),
            AttemptState::Spawning | AttemptState::Clearing => None,
        }
    }

    fn ended(&self, exited: Exited) -> Ended {
        let attempt = AttemptId(exited.token.0);
        let mut exit = match (exited.by, exited.end) {
            (_, End::NotStarted(what)) => Exit::NotStarted(what.into()),
            (_, End::Lost(evidence)) => Exit::Lost(evidence.into()),
            (By::Kill | By::Shutdown, End::Code(_) | End::Signal(_)) => Exit::Killed,
            (By::Timeout, End::Code(_) | End::Signal(_)) => Exit::TimedOut,
            (By::Itself, End::Code(code)) => Exit::Code(code),
            (By::Itself, End::Signal(signal)) => Exit::Signal(signal),
        };
        let outputs = self.options.places.read_outputs(attempt).unwrap_or_else(|what| {
            if exit == Exit::Code(0) {
                exit = Exit::BadOutput(what.into());
            }
            std::collections::BTreeMap::new()
        });
        let millis = Duration::from_millis;
        Ended {
            attempt,
            exit,
            started_at: exited.started_at.map(instant),
            ended_at: Some(instant(exited.ended_at)),
            cpu: (millis(exited.usage.user_ms), millis(exited.usage.system_ms)),
            max_rss: exited.usage.max_rss,
            log_bytes: (exited.log.bytes, exited.log.dropped),
            cut: exited.stdout.and_then(cut),
            outputs,
        }
    }

    /// Appends the order to what is sent; the report is of one that cannot be.
    fn say(&mut self, order: Order, out: &mut Vec<u8>) -> Option<Report> {
        let (attempt, message) = match order {
            Order::Resume(connection) => {
                self.settled |= connection == self.connection;
                return None;
            }
            // Given before the engine had seen what this keeper has: its settlement has made it good.
            Order::Launch(_) | Order::Kill(_) | Order::Acknowledge(_) if !self.settled => return None,
            Order::Launch(job) => (job.attempt, ToKeeper::Launch(Box::new(launch(*job)))),
            Order::Kill(attempt) => (attempt, ToKeeper::Kill(Kill { token: Token(attempt.0) })),
            Order::Acknowledge(attempt) => {
                self.options.places.forget_outputs(attempt);
                (attempt, ToKeeper::Ack(Ack { token: Token(attempt.0) }))
            }
        };
        let error = protocol::encode(&message, out).err()?;
        let exit = Exit::NotStarted(format!("its command and environment are too long: {error}").into());
        Some(Report::Ended(Box::new(Ended::unstarted(attempt, exit))))
    }
}

/// Why what was printed is not whole, if it is not.
fn cut(stdout: StdoutSummary) -> Option<Cut> {
    let StdoutSummary { bytes, over, unwritten } = stdout;
    if over > 0 {
        let limit = bytes + unwritten.map_or(0, |unwritten| unwritten.bytes);
        return Some(Cut::TooMuch { bytes: limit + over, limit });
    }
    unwritten.map(|Unwritten { bytes, why }| Cut::Unwritten { bytes, why })
}

fn refused(token: Token, why: &Refusal) -> Option<Report> {
    let exit = match why {
        // It is on its way out and closes; the next connection's inventory settles the launch.
        Refusal::Ending => return None,
        // It was to be killed, and its launch, which was sent before, has come to nothing.
        Refusal::Unknown => Exit::Killed,
        Refusal::Superseded { high_water } => {
            let evidence = format!("the keeper is at attempt {} and knows it no more", high_water.0);
            Exit::Lost(evidence.into())
        }
        Refusal::Malformed(what) => Exit::NotStarted(what.as_str().into()),
        Refusal::Unjournaled(what) => {
            Exit::NotStarted(format!("the keeper's journal cannot be written: {what}").into())
        }
    };
    Some(Report::Ended(Box::new(Ended::unstarted(AttemptId(token.0), exit))))
}

fn launch(job: Job) -> Launch {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (stdout, stdout_limit) = job.stdout.unzip();
    Launch {
        token: Token(job.attempt.0),
        argv: job.argv,
        env: job.env,
        cwd: job.working_dir,
        user: job.user,
        log: job.log,
        stdout,
        stdout_limit,
        timeout_ms: job.timeout.map(millis),
        kill_grace_ms: millis(job.kill_grace),
        mask: job.mask,
        log_limit: LogLimit::default(),
    }
}

fn born(token: Token, pid: u32, at: i64) -> Report {
    Report::Spawned { attempt: AttemptId(token.0), pid, at: instant(at) }
}

fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

/// The keeper's welcome as an inventory.
#[derive(Debug)]
pub struct Kept {
    /// Of which connection.
    pub connection: u64,
    /// What the keeper said.
    pub welcome: Welcome,
}

impl Inventory for Kept {
    fn connection(&self) -> u64 {
        self.connection
    }

    fn verdict(&self, expected: Expected<'_>) -> Verdict {
        let row = Row {
            token: Token(expected.attempt.0),
            created_at: expected.created_at.as_millisecond(),
            boot_id: expected.boot_id,
        };
        match verdict::verdict(&self.welcome, row) {
            verdict::Verdict::Live(_) | verdict::Verdict::Ended(_) => Verdict::Known,
            verdict::Verdict::NeverStarted => Verdict::NeverStarted,
            verdict::Verdict::Lost(evidence) => Verdict::Lost(evidence),
        }
    }

    fn attempts(&self) -> Vec<AttemptId> {
        self.welcome.attempts.iter().map(|attempt| AttemptId(attempt.token.0)).collect()
    }
}
