//! The watchman: one task for all waits. It knows when each is to be looked at, sends others to look, and tells
//! what they have seen. Ten thousand waits cost no thread, no process and no task each.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::task::JoinHandle;

use crate::clock::Clock;

use super::answer::{Answer, Finding, Seen};
use super::callers::Callers;
use super::file::scouts::{News, Scouts};
use super::lookout::{Lookout, Report};
use super::question::{Question, Subject, WatchId};
use super::roster::Roster;
use super::unsaid::Unsaid;

/// A suspended machine's timers are late, so the clock is looked at this often anyway.
const LOOK_UP: Duration = Duration::from_secs(30);
/// Bytes of an answer; an address may be very long.
const MOST_WORDS: usize = 2_000;
/// Orders that are taken at once.
const AT_ONCE: usize = 1_024;

/// The engine's end: hands orders to the task. It ends when this is dropped.
#[derive(Debug)]
pub struct Watchman {
    /// Unbounded: the engine never waits for a hand, and there are few orders for each wait.
    orders: mpsc::UnboundedSender<Order>,
}

#[derive(Debug)]
enum Order {
    Watch(WatchId, Box<Question>, Duration),
    Found(WatchId, Seen),
    Hurry(WatchId),
    Forget(WatchId),
}

impl Watchman {
    /// Starts the task. What it reports needs room for one bundle: what is not heard at once is put together.
    pub fn start(clock: Arc<dyn Clock>, reports: mpsc::Sender<Vec<Report>>) -> (Self, JoinHandle<()>) {
        let (orders, inbox) = mpsc::unbounded_channel();
        let rounds = Rounds {
            scouts: Scouts::new(clock.clone()),
            callers: Callers::new(clock.clone()),
            clock,
            reports,
            inbox,
            questions: HashMap::new(),
            roster: Roster::default(),
            unsaid: Unsaid::default(),
        };
        (Self { orders }, tokio::spawn(rounds.run()))
    }

    fn order(&self, order: Order) {
        // Nobody takes orders only when the task has ended, and then nobody hears reports either.
        let _ = self.orders.send(order);
    }
}

impl Lookout for Watchman {
    fn watch(&mut self, watch: WatchId, question: Question, interval: Duration) {
        self.order(Order::Watch(watch, Box::new(question), interval));
    }

    fn found(&mut self, watch: WatchId, seen: Seen) {
        self.order(Order::Found(watch, seen));
    }

    fn hurry(&mut self, watch: WatchId) {
        self.order(Order::Hurry(watch));
    }

    fn forget(&mut self, watch: WatchId) {
        self.order(Order::Forget(watch));
    }
}

struct Rounds {
    clock: Arc<dyn Clock>,
    reports: mpsc::Sender<Vec<Report>>,
    inbox: mpsc::UnboundedReceiver<Order>,
    questions: HashMap<WatchId, Question>,
    roster: Roster,
    scouts: Scouts,
    callers: Callers,
    unsaid: Unsaid,
}

enum Input {
    Orders(Vec<Order>),
    News(News),
    Answer(WatchId, Seen),
    /// There is room for what is to be said.
    Room(OwnedPermit<Vec<Report>>),
    Time,
    /// Nobody listens or gives orders any more.
    End,
}

impl Rounds {
    async fn run(mut self) {
        loop {
            let now = self.clock.since_boot();
            self.send_out(now);
            match self.receive(now).await {
                Input::Orders(orders) => orders.into_iter().for_each(|order| self.obey(order)),
                Input::News(news) => self.hear(news),
                Input::Answer(watch, seen) => self.seen(watch, seen),
                Input::Room(room) => drop(room.send(self.unsaid.take())),
                Input::Time => {}
                Input::End => return,
            }
        }
    }

    async fn receive(&mut self, now: Duration) -> Input {
        let says = self.unsaid.at().is_some_and(|at| at <= now);
        let wake = self.wake(says);
        tokio::select! {
            order = self.inbox.recv() => {
                let Some(order) = order else { return Input::End };
                let more = std::iter::from_fn(|| self.inbox.try_recv().ok());
                Input::Orders(std::iter::once(order).chain(more.take(AT_ONCE)).collect())
            }
            news = self.scouts.news() => Input::News(news),
            (watch, seen) = self.callers.answered() => Input::Answer(watch, seen),
            room = self.reports.clone().reserve_owned(), if says => room.map_or(Input::End, Input::Room),
            () = pause(&*self.clock, wake, now) => Input::Time,
        }
    }

    /// When there is something to do by the clock; what is to be said waits for an ear by now.
    fn wake(&self, says: bool) -> Option<Duration> {
        let unsaid = self.unsaid.at().filter(|_| !says);
        [self.roster.next(), self.scouts.next_stuck(), unsaid].into_iter().flatten().min()
    }

    /// Whoever is due is looked at.
    fn send_out(&mut self, now: Duration) {
        while let Some(watch) = self.roster.take_due(now) {
            match self.questions.get(&watch).map(|question| &question.subject) {
                Some(Subject::File(_)) => self.scouts.queue(watch),
                Some(Subject::Http(_) | Subject::Object(_)) => self.callers.queue(watch),
                Some(Subject::Own) => self.unsaid.due(watch, now),
                None => {}
            }
        }
        self.scouts.start();
        self.callers.start();
        while let Some((watches, words, again)) = self.scouts.stuck() {
            for watch in watches {
                if let Some(pokes) = self.roster.pokes(watch) {
                    self.tell(watch, pokes, &words, Told::Again(again));
                }
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Watch(watch, question, interval) => {
                self.forget(watch);
                self.roster.add(watch, interval, self.clock.since_boot());
                let taken_on = match &question.subject {
                    Subject::File(files) => self.scouts.add(watch, files),
                    Subject::Http(http) => self.callers.add_http(watch, http),
                    Subject::Object(object) => self.callers.add_object(watch, object),
                    Subject::Own => Ok(()),
                };
                self.questions.insert(watch, *question);
                if let Err(why) = taken_on {
                    self.seen(watch, Seen::Broken(why));
                }
            }
            Order::Found(watch, seen) => self.seen(watch, seen),
            Order::Hurry(watch) => self.roster.hurry(watch, self.clock.since_boot()),
            Order::Forget(watch) => self.forget(watch),
        }
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Seen(seen) => {
                for (watch, seen) in seen {
                    self.seen(watch, seen);
                }
            }
            News::Stirred(watches) => {
                let now = self.clock.since_boot();
                for watch in watches {
                    self.roster.hurry(watch, now);
                }
            }
        }
    }

    /// A look is over.
    fn seen(&mut self, watch: WatchId, seen: Seen) {
        let now = self.clock.since_boot();
        match seen {
            Seen::NotYet(words, again) => {
                if let Some((pokes, pause)) = self.roster.looked(watch, again, now) {
                    self.tell(watch, pokes, &words, Told::Again(pause));
                }
            }
            Seen::Met(words) => self.last(watch, &words, Finding::Met),
            Seen::Broken(words) => self.last(watch, &words, Finding::Broken),
        }
    }

    /// The last look of a wait is over.
    fn last(&mut self, watch: WatchId, words: &str, finding: Finding) {
        if let Some(pokes) = self.roster.done(watch) {
            self.tell(watch, pokes, words, Told::Last(finding));
            self.let_go(watch);
        }
    }

    fn tell(&mut self, watch: WatchId, pokes: u32, words: &str, told: Told) {
        let Some(question) = self.questions.get(&watch) else { return };
        let at = self.clock.now();
        let finding = match told {
            Told::Last(finding) => finding,
            Told::Again(pause) => Finding::NotYet { next: at.checked_add(pause).unwrap_or(at) },
        };
        let mut words = question.masked(words);
        words.truncate(words.floor_char_boundary(MOST_WORDS));
        let words = words.into();
        self.unsaid.answer(Answer { watch, pokes, at, words, finding }, self.clock.since_boot());
    }

    fn forget(&mut self, watch: WatchId) {
        self.roster.remove(watch);
        self.unsaid.forget(watch);
        self.let_go(watch);
    }

    fn let_go(&mut self, watch: WatchId) {
        match self.questions.remove(&watch).map(|question| question.subject) {
            Some(Subject::File(_)) => self.scouts.forget(watch),
            Some(Subject::Http(_) | Subject::Object(_)) => self.callers.forget(watch),
            Some(Subject::Own) | None => {}
        }
    }
}

#[derive(Clone, Copy)]
enum Told {
    Again(Duration),
    Last(Finding),
}

async fn pause(clock: &dyn Clock, until: Option<Duration>, now: Duration) {
    match until {
        Some(until) => clock.sleep(until.saturating_sub(now).min(LOOK_UP)).await,
        None => std::future::pending().await,
    }
}
