//! A run on a terminal: its tree, redrawn in place while it moves, with durations, attempts and the last
//! line each running task has printed. The engine's watch writes the board; a thread of its own draws it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use crate::clock::Clock;
use crate::control::Watch;
use crate::executor::log;
use crate::executor::output::Places;
use crate::mask::Masker;
use crate::pipeline::graft::Graft;
use crate::pipeline::node::NodeId;
use crate::run::live::Live;
use crate::run::poke::LastPoke;
use crate::run::state::{RunId, Status};
use crate::run::why;

use super::ending::Endings;
use super::table::lasted;

/// Between two drawings.
const BEAT: Duration = Duration::from_millis(100);
/// A tree of at most so many nodes is shown whole; of a larger one, what moves.
const WHOLE: usize = 40;

/// One line of the board.
#[derive(Clone, Debug)]
struct Row {
    depth: usize,
    name: String,
    status: Status,
    reason: String,
    since: Option<Timestamp>,
    took: Option<i64>,
    /// Of a running task.
    log: Option<PathBuf>,
    /// What a sensor that waits was last answered.
    answer: Option<Box<str>>,
}

/// The watch of a run on a terminal.
#[derive(Debug)]
pub struct Board {
    run: RunId,
    rows: Arc<Mutex<BTreeMap<NodeId, Row>>>,
    places: Places,
    endings: Endings,
    stop: Option<Sender<()>>,
    drawer: Option<JoinHandle<()>>,
}

impl Board {
    /// A board of this run, and the thread that draws it on standard error; these secrets are on no board.
    pub fn start(
        run: RunId,
        places: Places,
        endings: Endings,
        clock: Arc<dyn Clock>,
        secrets: Vec<String>,
    ) -> std::io::Result<Self> {
        let rows = Arc::new(Mutex::new(BTreeMap::new()));
        let (stop, stopped) = channel();
        let shared = rows.clone();
        let drawer = std::thread::Builder::new()
            .name("board".to_owned())
            .spawn(move || draw(&shared, &stopped, &*clock, &secrets))?;
        Ok(Self { run, rows, places, endings, stop: Some(stop), drawer: Some(drawer) })
    }

    fn row(&self, live: &Live, node: NodeId, now: Timestamp, before: Option<&Row>) -> Row {
        let (run, tree) = (&live.run, live.run.tree());
        let status = run.seen(node).status;
        let at = run.state(node).at();
        let started = before.and_then(|row| row.since).or(at);
        let active = |status| matches!(status, Status::Running | Status::Waiting);
        let since = if active(status) { at } else { started };
        let path = tree.path(node);
        let number = run.entry(node).attempts;
        let log = self.places.log(&live.pipeline.name, run.id(), &path, number);
        let running = run.state(node).attempt().is_some();
        let ran = before.is_some_and(|row| active(row.status));
        let took = since.filter(|_| status.is_ended() && ran);
        Row {
            depth: tree.depth(node),
            name: tree.name(node).to_owned(),
            status,
            reason: why::reason(run, node),
            since,
            took: took.map(|since| now.as_millisecond() - since.as_millisecond()),
            log: running.then(|| self.places.absolute(&log)),
            answer: before.filter(|_| status == Status::Waiting).and_then(|row| row.answer.clone()),
        }
    }
}

impl Watch for Board {
    fn changed(&mut self, live: &Live, nodes: &[NodeId], now: Timestamp) {
        if live.run.id() != self.run {
            return;
        }
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if live.run.tree().len() <= WHOLE {
            for node in live.run.tree().ids() {
                let row = self.row(live, node, now, rows.get(&node));
                if nodes.contains(&node) || !rows.contains_key(&node) || rows[&node].status != row.status {
                    rows.insert(node, row);
                }
            }
            return;
        }
        for &node in nodes {
            let row = self.row(live, node, now, rows.get(&node));
            let tells = !row.status.is_ended() || row.status == Status::Failed || node == NodeId::ROOT;
            if tells {
                rows.insert(node, row);
            } else {
                rows.remove(&node);
            }
        }
    }

    fn grafted(&mut self, live: &Live, graft: &Graft) {
        if live.run.id() == self.run {
            let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            let moved = std::mem::take(&mut *rows).into_iter();
            *rows = moved.filter_map(|(node, row)| Some((graft.moved(node)?, row))).collect();
        }
    }

    fn poked(&mut self, live: &Live, node: NodeId, poke: &LastPoke) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row =
            rows.get_mut(&node).filter(|row| live.run.id() == self.run && row.status == Status::Waiting);
        if let Some(row) = row {
            row.answer = Some(poke.words.clone());
        }
    }

    fn finished(&mut self, live: &Live, now: Timestamp) {
        self.endings.tell(live, now);
        if live.run.id() != self.run {
            return;
        }
        // Dropping the sender stops the drawer, which takes the board off the screen.
        self.stop = None;
        if let Some(drawer) = self.drawer.take() {
            let _ = drawer.join();
        }
    }
}

fn draw(rows: &Mutex<BTreeMap<NodeId, Row>>, stopped: &Receiver<()>, clock: &dyn Clock, secrets: &[String]) {
    let screen = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        screen.set_style(style);
    }
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(BEAT) {
        let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = board(rows.into_values().collect(), clock.now(), size());
        screen.set_message(Masker::text(secrets, &text));
        screen.tick();
    }
    screen.finish_and_clear();
}

/// Columns and lines of the terminal.
fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    let size = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    size.map_or((80, 24), |size| (usize::from(size.ws_col), usize::from(size.ws_row)))
}

/// The rows as text that fits on the screen: where there are too many, those that move come first.
fn board(mut rows: Vec<Row>, now: Timestamp, (columns, lines): (usize, usize)) -> String {
    let most = lines.saturating_sub(2).max(1);
    if rows.len() > most {
        let moves = |row: &Row| {
            matches!(row.status, Status::Running | Status::Waiting | Status::Retrying | Status::Failed)
        };
        let moving = rows.iter().filter(|row| moves(row)).count();
        let mut others = most.saturating_sub(moving);
        rows.retain(|row| {
            moves(row) || {
                let stays = others > 0;
                others = others.saturating_sub(1);
                stays
            }
        });
        rows.truncate(most);
    }
    let label = |row: &Row| format!("{:1$}{2}", "", row.depth * 2, row.name);
    let width = rows.iter().map(|row| label(row).chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &rows {
        let millis = match (row.status, row.since) {
            (Status::Running | Status::Waiting, Some(since)) => {
                Some(now.as_millisecond() - since.as_millisecond())
            }
            _ => row.took,
        };
        let time = millis.map(|millis| lasted(millis.max(0))).unwrap_or_default();
        let last = row.log.as_deref().and_then(|log| log::tail(log, 1, false).ok()?.pop());
        let last = row.answer.as_deref().map(str::to_owned).or(last);
        let said = last.map(|last| format!("  │ {}", log::tame(last.trim()))).unwrap_or_default();
        let mark = mark(row.status);
        let line = format!(
            "{mark} {:width$}  {:15}  {time:>6}  {}{said}",
            label(row),
            row.status.word(),
            // What it waits for is in the answer.
            if row.answer.is_some() { "" } else { &row.reason }
        );
        text.extend(line.trim_end().chars().take(columns.saturating_sub(1)));
        text.push('\n');
    }
    text.pop();
    text
}

fn mark(status: Status) -> char {
    match status {
        Status::Pending => '·',
        Status::Queued => '…',
        Status::Running => '▶',
        Status::Waiting => '◷',
        Status::Retrying => '↻',
        Status::Succeeded => '✓',
        Status::Failed => '✗',
        Status::Skipped => '○',
        Status::UpstreamFailed => '⊘',
        Status::Cancelled => '■',
    }
}
