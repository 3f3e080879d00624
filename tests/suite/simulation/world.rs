//! The world outside of the daemon: time, which passes only while somebody waits, and a keeper, which is
//! still there when the daemon is not. It counts real starts, knows every true end, and holds the limits
//! against what really runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sexton::clock::{Clock, Sleep};
use sexton::executor::job::{Ended, Executor, Job, Report};
use sexton::executor::local::Kept;
use sexton::executor::trees::Reading;
use sexton::keeper::protocol::{Attempt, AttemptState, PROTOCOL, Token, Welcome};
use sexton::pipeline::node::Tree;
use sexton::run::state::{AttemptId, Exit};
use sexton::sensor::answer::Seen;
use sexton::sensor::lookout::{self, Lookout};
use sexton::sensor::question::{Question, WatchId};
use tokio::sync::mpsc;

use super::fates::Fates;
use super::held::{Held, Phase, said};
use super::sights::Sights;

/// A handle on the world.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<Inner>>);

/// When the clock that nobody can set stood at zero.
const BOOTED: Timestamp = Timestamp::UNIX_EPOCH;

struct Inner {
    now: Timestamp,
    /// What somebody has set the wall clock to, beyond that.
    skew: SignedDuration,
    boots: u32,
    fates: Fates,
    parallelism: usize,
    trees: BTreeMap<String, Arc<Tree>>,
    keeper: Keeper,
    link: Option<Link>,
    sights: Sights,
    connections: u64,
    /// The daemon dies when it has given this many more orders.
    orders_left: Option<usize>,
    /// Acknowledgements that the keeper reads and forgets.
    deaf_to_acks: bool,
    /// Trees that the daemon reads, and when it will have read them.
    readings: Vec<(Timestamp, Reading)>,
}

/// Outlives daemons.
#[derive(Default)]
struct Keeper {
    begun: i64,
    high_water: u64,
    attempts: BTreeMap<u64, Held>,
    starts: BTreeMap<u64, u32>,
    ends: BTreeMap<u64, Exit>,
}

/// The daemon's connection.
struct Link {
    reports: mpsc::Sender<Report>,
    /// When it comes back, while it is down.
    down_until: Option<Timestamp>,
    settled: bool,
}

impl World {
    pub(super) fn new(fates: Fates, parallelism: usize) -> Self {
        let now = Timestamp::from_millisecond(1_526_270_400_000).unwrap();
        let keeper = Keeper { begun: now.as_millisecond() - 1, ..Keeper::default() };
        Self(Arc::new(Mutex::new(Inner {
            now,
            skew: SignedDuration::ZERO,
            boots: 1,
            fates,
            parallelism,
            trees: BTreeMap::new(),
            keeper,
            link: None,
            sights: Sights::default(),
            connections: 0,
            orders_left: None,
            deaf_to_acks: false,
            readings: Vec::new(),
        })))
    }

    /// Who is dying looks out for nothing.
    fn sees(&self, look: impl FnOnce(&mut Sights, Timestamp)) {
        let mut inner = self.inner();
        let (now, dying) = (inner.now, inner.orders_left == Some(0));
        if !dying {
            look(&mut inner.sights, now);
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(super) fn boot_id(&self) -> String {
        self.inner().boot_id()
    }

    pub(super) fn knows(&self, run: &str, tree: Arc<Tree>) {
        self.inner().trees.insert(run.to_owned(), tree);
    }

    /// A daemon is there, and hears of the keeper.
    pub(super) fn connect(&self, reports: mpsc::Sender<Report>, sights: mpsc::Sender<Vec<lookout::Report>>) {
        let mut inner = self.inner();
        inner.sights = Sights::told_to(sights);
        inner.orders_left = None;
        inner.link = Some(Link { reports, down_until: None, settled: false });
        inner.welcome();
    }

    /// The daemon is gone; time goes on.
    pub(super) fn daemon_is_gone(&self, away: Duration) {
        let mut inner = self.inner();
        inner.link = None;
        inner.readings.clear();
        inner.sights = Sights::default();
        let until = inner.now + away;
        while inner.now < until {
            let left = until.duration_since(inner.now).unsigned_abs();
            inner.pass(left);
        }
    }

    /// Time passes while the daemon is busy.
    pub(super) fn wait(&self, duration: Duration) {
        self.inner().pass(duration);
    }

    /// Somebody sets the wall clock, forward or back.
    pub(super) fn set_clock(&self, by: SignedDuration) {
        self.inner().skew += by;
    }

    /// The daemon will die when it has given `orders` more.
    pub(super) fn die_after(&self, orders: usize) {
        self.inner().orders_left = Some(orders);
    }

    pub(super) fn deaf_to_acks(&self, deaf: bool) {
        self.inner().deaf_to_acks = deaf;
    }

    /// The connection breaks; what was underway in it is lost.
    pub(super) fn disconnect(&self, away: Duration) {
        self.inner().disconnect(away);
    }

    /// `kill -9`: what it ran is ended by its successor, and lost.
    pub(super) fn kill_keeper(&self, away: Duration) {
        let mut inner = self.inner();
        inner.lose_all("the keeper was killed");
        inner.disconnect(away);
    }

    /// The machine restarts, and with it the daemon: a new boot, a new journal.
    pub(super) fn reboot(&self) {
        let mut inner = self.inner();
        inner.lose_all("the machine was restarted");
        inner.link = None;
        inner.readings.clear();
        inner.sights = Sights::default();
        inner.boots += 1;
        inner.now += Duration::from_mins(1);
        inner.keeper.begun = inner.now.as_millisecond();
        inner.now += Duration::from_secs(1);
    }

    /// How often an attempt was really started.
    pub(super) fn starts(&self) -> BTreeMap<u64, u32> {
        self.inner().keeper.starts.clone()
    }

    pub(super) fn ends(&self) -> BTreeMap<u64, Exit> {
        self.inner().keeper.ends.clone()
    }

    /// Attempts that run, or whose end is not acknowledged.
    pub(super) fn held(&self) -> Vec<u64> {
        self.inner().keeper.attempts.keys().copied().collect()
    }

    /// How often somebody who looks out was told to look now.
    pub(super) fn hurried(&self) -> u32 {
        self.inner().sights.hurried
    }
}

impl Inner {
    fn boot_id(&self) -> String {
        format!("boot {}", self.boots)
    }

    /// Up to `most` passes, or till something happens.
    fn pass(&mut self, most: Duration) {
        let ends = self.keeper.attempts.values().filter_map(|held| match held.state {
            Phase::Running { until, .. } => Some(until),
            Phase::Ended(_) => None,
        });
        let back = self.link.as_ref().and_then(|link| link.down_until);
        let read = self.readings.iter().map(|(until, _)| *until);
        let next = ends.chain(back).chain(read).chain(self.sights.next());
        let next = next.min().unwrap_or(Timestamp::MAX);
        self.now = self.now.max(next.min(self.now + most));
        self.happen();
    }

    fn happen(&mut self) {
        let now = self.now;
        let due = |held: &Held| matches!(held.state, Phase::Running { until, .. } if until <= now);
        let due: Vec<u64> =
            self.keeper.attempts.iter().filter(|(_, held)| due(held)).map(|(&id, _)| id).collect();
        for token in due {
            self.end(token);
        }
        if self.link.as_ref().is_some_and(|link| link.down_until.is_some_and(|until| until <= now)) {
            self.welcome();
        }
        for (_, reading) in self.readings.extract_if(.., |(until, _)| *until <= now).collect::<Vec<_>>() {
            self.finish(reading);
        }
        self.sights.happen(now);
    }

    /// A file is read whether or not the keeper is there.
    fn finish(&mut self, reading: Reading) {
        let held = self.keeper.attempts.get(&reading.attempt.0);
        let held = held.filter(|held| matches!(held.state, Phase::Ended(_)));
        let text = held.expect("what is read is not acknowledged").writes.clone().unwrap_or_default();
        if let Some(link) = &self.link {
            // Nobody hears when the daemon has just died.
            let _ = link.reports.try_send(Report::Read(Box::new(reading.of(Ok(text)))));
        }
    }

    fn end(&mut self, token: u64) {
        let Some(held) = self.keeper.attempts.get_mut(&token) else { return };
        held.print();
        let Phase::Running { since, exit, outputs, .. } = &held.state else { return };
        let mut ended = Ended::unstarted(AttemptId(token), exit.clone());
        if !matches!(exit, Exit::NotStarted(_)) {
            ended.started_at = Some(*since);
        }
        ended.ended_at = Some(self.now);
        ended.outputs = if *exit == Exit::Code(0) { outputs.clone() } else { BTreeMap::new() };
        held.state = Phase::Ended(ended.clone());
        self.keeper.ends.insert(token, ended.exit.clone());
        self.tell(Report::Ended(Box::new(ended)));
    }

    fn lose_all(&mut self, evidence: &str) {
        let running: Vec<u64> = self.keeper.attempts.keys().copied().collect();
        self.link = self.link.take().map(|link| Link { down_until: Some(Timestamp::MAX), ..link });
        for token in running {
            if let Some(Held { state: Phase::Running { exit, .. }, .. }) =
                self.keeper.attempts.get_mut(&token)
            {
                *exit = Exit::Lost(evidence.into());
                self.end(token);
            }
        }
    }

    fn disconnect(&mut self, away: Duration) {
        let until = self.now + away;
        if let Some(link) = &mut self.link {
            link.down_until = Some(until);
            link.settled = false;
        }
    }

    fn tell(&mut self, report: Report) {
        if let Some(link) = self.link.as_ref().filter(|link| link.down_until.is_none()) {
            // Nobody hears when the daemon has just died.
            let told = link.reports.try_send(report);
            assert!(!matches!(told, Err(mpsc::error::TrySendError::Full(_))), "more reports than may wait");
        }
    }

    fn welcome(&mut self) {
        self.connections += 1;
        let connection = self.connections;
        if let Some(link) = &mut self.link {
            link.down_until = None;
            link.settled = false;
        }
        let known =
            |(&token, _): (&u64, &Held)| Attempt { token: Token(token), state: AttemptState::Spawning };
        let welcome = Welcome {
            protocol: PROTOCOL,
            version: String::new(),
            pid: 1,
            boot_id: self.boot_id(),
            journal_id: "a journal".into(),
            journal_created_at: self.keeper.begun,
            high_water: Token(self.keeper.high_water),
            attempts: self.keeper.attempts.iter().map(known).collect(),
        };
        self.tell(Report::Connected(Box::new(Kept { connection, welcome })));
        let said: Vec<Report> = self.keeper.attempts.iter().map(|(&token, held)| said(token, held)).collect();
        for report in said {
            self.tell(report);
        }
    }

    /// Whether an order arrives.
    fn hears(&mut self) -> bool {
        match &mut self.orders_left {
            Some(0) => return false,
            Some(left) => *left -= 1,
            None => {}
        }
        self.link.as_ref().is_some_and(|link| link.down_until.is_none())
    }

    fn is_settled(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.settled)
    }

    fn launch(&mut self, job: &Job) {
        let token = job.attempt.0;
        if let Some(held) = self.keeper.attempts.get(&token) {
            let said = said(token, held);
            return self.tell(said);
        }
        let high_water = self.keeper.high_water;
        assert!(token > high_water, "attempt {token} was overtaken by {high_water}, and is fenced off");
        self.keeper.high_water = token;
        *self.keeper.starts.entry(token).or_default() += 1;
        let fact = |name: &str| job.env.iter().find(|(key, _)| key == name).unwrap().1.clone();
        let fate = self.fates.of(job);
        let held = Held {
            run: fact("SEXTON_RUN"),
            path: fact("SEXTON_PATH"),
            grace: job.kill_grace,
            looks: self.looks(&fact("SEXTON_RUN"), &fact("SEXTON_PATH")),
            log: job.log.clone(),
            writes: fate.writes,
            state: Phase::Running {
                since: self.now,
                until: self.now + fate.lasts,
                exit: fate.exit,
                outputs: fate.outputs,
                says: fate.says,
                killed: false,
            },
        };
        self.keeper.attempts.insert(token, held);
        self.hold_limits(token);
        self.tell(Report::Spawned { attempt: job.attempt, pid: 1, at: self.now });
    }

    /// Whether that is a sensor.
    fn looks(&self, run: &str, path: &str) -> bool {
        let tree = self.trees.get(run);
        let kind = tree.and_then(|tree| Some(tree.kind(tree.find(path)?)));
        matches!(kind, Some(sexton::pipeline::kind::Kind::Sensor(_)))
    }

    fn hold_limits(&self, token: u64) {
        let all = || self.keeper.attempts.values().filter(|held| matches!(held.state, Phase::Running { .. }));
        let new = &self.keeper.attempts[&token];
        let alike = all().filter(|held| (&held.run, &held.path) == (&new.run, &new.path)).count();
        assert_eq!(alike, 1, "attempt {token} of {} meets its predecessor", new.path);
        // What looks for a sensor takes no task's place.
        let running = || all().filter(|held| held.looks == new.looks);
        let count = running().count();
        assert!(count <= self.parallelism, "{count} attempts run, {} may", self.parallelism);
        // A run of a slot starts before anybody outside has seen it.
        let Some(tree) = self.trees.get(&new.run).filter(|_| !new.looks) else { return };
        let node = |path: &str| tree.find(path).unwrap_or(sexton::pipeline::node::NodeId::ROOT);
        for &limited in tree.limited() {
            let max = tree.options(limited).max_concurrent.unwrap().get() as usize;
            let below =
                running().filter(|held| held.run == new.run && tree.is_within(node(&held.path), limited));
            let below = below.count();
            assert!(below <= max, "{below} attempts run below {}, {max} may", tree.path(limited));
        }
    }

    fn kill(&mut self, token: u64) {
        let now = self.now;
        let Some(held) = self.keeper.attempts.get_mut(&token) else {
            let nothing = Ended::unstarted(AttemptId(token), Exit::Killed);
            return self.tell(Report::Ended(Box::new(nothing)));
        };
        if let Phase::Running { until, exit, killed, .. } = &mut held.state
            && !*killed
        {
            let (breath, by_itself) = self.fates.last_breath(held.grace);
            *killed = true;
            let end = now + breath;
            if end < *until {
                *until = end;
                if !by_itself {
                    *exit = Exit::Killed;
                }
            }
        }
    }
}

/// The daemon's hands, as long as it lives.
impl Executor for World {
    fn resume(&mut self, connection: u64) {
        let mut inner = self.inner();
        if inner.hears()
            && connection == inner.connections
            && let Some(link) = &mut inner.link
        {
            link.settled = true;
        }
    }

    fn launch(&mut self, job: Job) {
        let mut inner = self.inner();
        if inner.hears() && inner.is_settled() {
            inner.launch(&job);
        }
    }

    fn kill(&mut self, attempt: AttemptId) {
        let mut inner = self.inner();
        if inner.hears() && inner.is_settled() {
            inner.kill(attempt.0);
        }
    }

    fn read(&mut self, reading: Reading) {
        let mut inner = self.inner();
        inner.hears();
        // Whoever is dead reads nothing.
        if inner.orders_left != Some(0) {
            let until = inner.now + inner.fates.reading();
            inner.readings.push((until, reading));
        }
    }

    fn acknowledge(&mut self, attempt: AttemptId) {
        let mut inner = self.inner();
        let hears = inner.hears() && inner.is_settled() && !inner.deaf_to_acks;
        if hears && matches!(inner.keeper.attempts.get(&attempt.0), Some(Held { state: Phase::Ended(_), .. }))
        {
            inner.keeper.attempts.remove(&attempt.0);
        }
    }
}

/// The daemon's eyes.
impl Lookout for World {
    fn watch(&mut self, watch: WatchId, question: Question, interval: Duration) {
        self.sees(|sights, now| sights.watch(watch, &question.subject, interval, now));
    }

    fn found(&mut self, watch: WatchId, _seen: Seen) {
        self.sees(|sights, now| sights.found(watch, now));
    }

    fn hurry(&mut self, watch: WatchId) {
        self.sees(|sights, now| sights.hurry(watch, now));
    }

    fn forget(&mut self, watch: WatchId) {
        self.sees(|sights, _| sights.forget(watch));
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let inner = self.inner();
        inner.now + inner.skew
    }

    fn since_boot(&self) -> Duration {
        let inner = self.inner();
        Duration::try_from(inner.now.duration_since(BOOTED)).unwrap()
    }

    /// Time passes when it is waited for.
    fn sleep(&self, duration: Duration) -> Sleep {
        let world = self.clone();
        Box::pin(async move { world.inner().pass(duration) })
    }
}
