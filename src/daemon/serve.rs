//! `sexton serve`: the daemon. It takes up what the last one left, goes by the files, fires what is due, and
//! leaves running tasks to the keeper when it ends.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::calendar::book::Book;
use crate::cli::args::ServeArgs;
use crate::cli::desk;
use crate::cli::failure::Outcome;
use crate::cli::show::table::lasted;
use crate::clock::{Clock as _, System};
use crate::config::load::{self, Everything};
use crate::config::{kept, settings};
use crate::control::Control;
use crate::engine::orders::{Enacted, Files, Orders};
use crate::engine::recovery::Recovered;
use crate::engine::runner::{Engine, LOOK_UP, Parts, REPORTS};
use crate::executor::local::{Local, Options};
use crate::executor::output::Places;
use crate::sensor::watchman::Watchman;
use crate::store::db::{Error as StoreError, FILE, Store};
use crate::store::in_force::{Beside, InForce};
use crate::yaml::report::{Report, SourceFile};

use super::chronicle::Chronicle;
use super::log;
use super::surroundings::{block_on, boot_id, evidence, reread, surroundings};

/// What `systemctl status` says of files that could not be gone by.
const STALE: &str = "the files cannot be gone by; those before them are in force";
/// How long the engine may take to end when it is to end at once. A disk that takes nothing, or a keeper that
/// does not answer, holds nobody up: what was not written down was not done either.
const PATIENCE: Duration = Duration::from_millis(500);
/// While tasks are waited for, the supervisor is asked for more patience: so much, and how often.
const MORE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// `sexton serve`: until it is told to end.
pub fn serve(args: &ServeArgs) -> anyhow::Result<Outcome> {
    log::listen(args.log)?;
    let config_dir = std::path::absolute(args.config.dir())?;
    let state = desk::daemon_directory(args.state.as_deref())?;
    block_on(daemon(&config_dir, &state, args.drain))
}

async fn daemon(config_dir: &Path, state: &Path, drain: bool) -> anyhow::Result<Outcome> {
    let now = System.now();
    // The signals of a supervisor in a hurry are not to meet the default, which is death.
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut ends = Ends::listen()?;
    let found = match load::everything(config_dir) {
        // A word too many on the command line makes no state directory.
        Err(error) if !state.join(FILE).exists() => return Err(error.into()),
        found => found,
    };
    let boot_id = boot_id()?;
    let mut store = open(state, now, &boot_id).await?;
    let stale = found.as_ref().map_or(true, |found| found.report.has_errors());
    let Some(found) = valid(found, &store).await? else { return Ok(Outcome::Unusable) };
    let places = Places::new(state);
    places.prepare()?;
    let (reports, inbox) = mpsc::channel(REPORTS);
    let options = Options {
        dir: state.join("keeper"),
        program: std::env::current_exe()?,
        bound: false,
        epoch: store.epoch(),
        places: places.clone(),
    };
    // A keeper that cannot start is said now; later there may be something to wait for.
    let (dir, program) = (options.dir.clone(), options.program.clone());
    tokio::task::spawn_blocking(move || crate::keeper::start::ensure(&dir, &program, false)).await??;
    let (executor, client) = Local::start(options, reports);
    let (sights, sightings) = mpsc::channel(1);
    let (lookout, watchman) = Watchman::start(Arc::new(System), sights);
    let environment = found.config.environment.to_string();
    let calendars = found.calendars.clone();
    let reread = move |definition: &_| reread(definition, &calendars);
    let recovered = Recovered::load(store.reader(), &reread, &environment).await?;
    for (run, error) in &recovered.unreadable {
        tracing::error!(%run, "{error}; it is closed as cancelled");
        store.abandon(*run, now).await?;
    }
    let next = store.next_ids().await?;
    let files = files(&found, config_dir)?;
    let (orders, ordered) = Orders::new();
    let (_control, commands) = Control::new();
    let watchdog = sd_notify::watchdog_enabled();
    let parts = Parts {
        store,
        clock: Arc::new(System),
        executor: Box::new(executor),
        reports: inbox,
        lookout: Box::new(lookout),
        sightings,
        commands,
        orders: ordered,
        watch: Box::new(Chronicle { watched: watchdog.is_some(), there: desk::option(state) }),
        places,
        surroundings: files.surroundings.clone(),
        calendars: files.calendars.clone(),
        parallelism: files.parallelism,
        lazy_limit: files.lazy_limit,
        look_up: watchdog.map_or(LOOK_UP, |patience| (patience / 2).min(LOOK_UP)),
        boot_id,
    };
    let taken_up = recovered.words();
    let mut engine = Engine::new(parts, next, recovered);
    let starting = async {
        let enacted = orders.enact(files).await.context("the engine has ended")??;
        let away = enacted.absence.map(|(last, now)| now.as_millisecond() - last.as_millisecond());
        let away = away.map_or_else(|| "first start".to_owned(), |away| format!("down for {}", lasted(away)));
        let (pipelines, schedules, in_force) = (enacted.pipelines, enacted.schedules, in_force(&enacted));
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(
            pipelines,
            schedules,
            "sexton {version} is ready: {in_force}; {away}; {taken_up}; state in {}",
            state.display()
        );
        ready(if stale { STALE } else { &in_force });
        anyhow::Ok(())
    };
    let reload = || -> Work<'_> { Box::pin(reload(&orders, config_dir)) };
    let supervising = async {
        supervise((&mut hang_up, &mut ends), Box::pin(starting), reload).await?;
        end(&mut ends, &orders, drain).await;
        anyhow::Ok(())
    };
    tokio::select! {
        ended = engine.run_until_stopped() => ended?,
        gone = supervising => gone?,
        // It goes on as long as the engine does. Without it sensors would wait for ever.
        died = watchman => died.context("whoever looks out for sensors has died")?,
    }
    let left = engine.under_way();
    let ending = async {
        let closed = engine.into_store().close().await;
        let _ = client.await;
        closed
    };
    if let Ok(closed) = timeout(PATIENCE, ending).await {
        closed?;
    } else {
        tracing::warn!("the database or the keeper does not answer; the next start sees to both");
    }
    tracing::info!("sexton has ended; {left}");
    Ok(Outcome::Good)
}

async fn open(state: &Path, now: Timestamp, boot_id: &str) -> anyhow::Result<Store> {
    Store::open(state, now, boot_id).await.map_err(|error| {
        if let StoreError::Locked { .. } = error {
            anyhow!("{error}: one daemon at a time uses a state directory; name another --state-dir, or end that one")
        } else {
            error.into()
        }
    })
}

/// What to go by: the files, if they are there and valid, all of them; else what was last in force. `None`
/// where nothing ever was, which has been said.
async fn valid(found: Result<Everything, load::Error>, store: &Store) -> anyhow::Result<Option<Everything>> {
    let why = match found {
        Ok(found) if !found.report.has_errors() => return Ok(Some(found)),
        Ok(found) => format!("are not valid:\n{}", found.report.render(false)),
        Err(error) => format!("cannot be read: {error}"),
    };
    let Some(last) = store.reader().in_force().await? else {
        tracing::error!("nothing was ever in force here; mend the files, see `sexton check`: they {why}");
        return Ok(None);
    };
    tracing::error!("going by the last files that were valid; those that are there now {why}");
    read_again(last).map(Some).context("what was last in force")
}

fn read_again(last: InForce) -> anyhow::Result<Everything> {
    let mut report = Report::default();
    let Beside { settings, calendars } = last.beside;
    let file = SourceFile::new("sexton.yaml", settings.clone());
    let (config, diagnostics) = settings::parse(&file);
    report.add(&file, diagnostics);
    let config = config.ok_or_else(|| anyhow!("{}", report.render(false)))?;
    let files: Vec<_> = calendars.into_iter().map(|(path, text)| SourceFile::new(path, text)).collect();
    let calendars = Book::with(&files).0;
    let read = last.pipelines.iter().map(|definition| {
        kept::read(&definition.name, &definition.source, &definition.defaults, &calendars)
            .map_err(|report| anyhow!("{}: {report}", definition.name))
    });
    let pipelines = read.collect::<anyhow::Result<_>>()?;
    Ok(Everything { config, settings, calendars, pipelines, report: Report::default() })
}

fn files(found: &Everything, config_dir: &Path) -> anyhow::Result<Files> {
    let calendars = found.calendars.sources().iter().map(|file| (file.path.clone(), file.text.to_string()));
    Ok(Files {
        pipelines: found.pipelines.iter().cloned().map(Arc::new).collect(),
        defaults: kept::write(&found.config.for_pipelines()),
        beside: Beside { settings: found.settings.clone(), calendars: calendars.collect() },
        environment: found.config.environment.to_string(),
        surroundings: surroundings(&found.config, config_dir)?,
        calendars: found.calendars.clone(),
        parallelism: found.config.parallelism.get() as usize,
        lazy_limit: found.config.lazy_limit,
        evidence: evidence(config_dir, &found.calendars),
    })
}

/// The signals that end the daemon.
struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Something that takes a while: the start, or a reload.
type Work<'w> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'w>>;

/// Starts, and reloads on SIGHUP, till it is to end: also in the middle of either.
async fn supervise<'w>(
    (hang_up, ends): (&mut Signal, &mut Ends),
    starting: Work<'w>,
    reload: impl Fn() -> Work<'w>,
) -> anyhow::Result<()> {
    let mut work = starting;
    loop {
        tokio::select! {
            done = work => done?,
            () = ends.next() => return Ok(()),
        }
        tokio::select! {
            _ = hang_up.recv() => work = reload(),
            () = ends.next() => return Ok(()),
        }
    }
}

/// Ends the engine, and returns where that takes too long: when tasks have been waited for, if they are to
/// be, or with the second signal.
async fn end(ends: &mut Ends, orders: &Orders, drain: bool) {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    if drain {
        tracing::info!("ending; waiting for running tasks");
        let draining = async {
            orders.stop(true).await;
            loop {
                let more = MORE.0.as_micros().try_into().unwrap_or(u32::MAX);
                let _ = sd_notify::notify(&[NotifyState::ExtendTimeoutUsec(more)]);
                tokio::time::sleep(MORE.1).await;
            }
        };
        tokio::select! {
            () = draining => {}
            () = ends.next() => {}
        }
    }
    tracing::info!("ending; running tasks go on, the next start takes them up");
    let stopping = async {
        orders.stop(false).await;
        std::future::pending::<()>().await;
    };
    if timeout(PATIENCE, stopping).await.is_err() {
        tracing::warn!("what could not be written down was not done; the next start decides it");
    }
}

/// Goes by the files as they are now, if they are valid, all of them.
async fn reload(orders: &Orders, config_dir: &Path) -> anyhow::Result<()> {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        let _ = sd_notify::notify(&[NotifyState::Reloading, now]);
    }
    jiff::tz::db().reset();
    let dir: PathBuf = config_dir.to_owned();
    let status = match tokio::task::spawn_blocking(move || load::everything(&dir)).await? {
        Err(error) => {
            tracing::error!("not reloaded, the files that were in force still are: {error}");
            STALE.to_owned()
        }
        Ok(found) if found.report.has_errors() => {
            let report = found.report.render(false);
            tracing::error!("not reloaded, the files that were in force still are:\n{report}");
            STALE.to_owned()
        }
        Ok(found) => match orders.enact(files(&found, config_dir)?).await.context("the engine has ended")? {
            Err(error) => {
                tracing::error!("not reloaded, the files that were in force still are: {error}");
                STALE.to_owned()
            }
            Ok(enacted) => told(&enacted),
        },
    };
    ready(&status);
    Ok(())
}

fn in_force(enacted: &Enacted) -> String {
    format!("{} pipelines, {} schedules", enacted.pipelines, enacted.schedules)
}

/// Says what has come into force; in a few words too.
fn told(enacted: &Enacted) -> String {
    let begun = enacted.begun.iter().map(|(pipeline, schedule)| format!("{pipeline}/{schedule}"));
    let begun = match begun.collect::<Vec<_>>() {
        begun if begun.is_empty() => "no schedule is new".to_owned(),
        begun => format!("beginning now: {}", begun.join(", ")),
    };
    let in_force = in_force(enacted);
    tracing::info!("reloaded: {in_force}; {begun}");
    in_force
}

/// Tells the supervisor, and whoever asks `systemctl status`.
fn ready(status: &str) {
    let _ = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}
