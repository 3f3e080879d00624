//! `sexton run`: one pipeline in the foreground, to its end, with the same law, keeper and store as at night.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use crate::calendar::book::Book;
use crate::cli::args::RunArgs;
use crate::cli::desk;
use crate::cli::failure::Outcome;
use crate::cli::show::board::Board;
use crate::cli::show::ending::Endings;
use crate::cli::show::out;
use crate::cli::show::summary::{Label, summary};
use crate::cli::show::transition::Transitions;
use crate::clock::{Clock, System};
use crate::config::load;
use crate::config::settings::Config;
use crate::control::{Control, Watch};
use crate::engine::facts::{day, kept_params, scope, zone};
use crate::engine::orders::Orders;
use crate::engine::recovery::Recovered;
use crate::engine::runner::{Engine, LOOK_UP, Parts, REPORTS};
use crate::executor::local::{Local, Options};
use crate::executor::output::Places;
use crate::pipeline::definition::Pipeline;
use crate::pipeline::kind::Kind;
use crate::pipeline::sensor::{Condition, Sensor};
use crate::run::live::{Live, RunKind};
use crate::run::machine::Run;
use crate::run::state::{RunId, Status};
use crate::schedule::definition::Timetable;
use crate::sensor::watchman::Watchman;
use crate::store::catalog::Definition;
use crate::store::db::{Error as StoreError, Store};
use crate::store::instant::truncated;
use crate::store::record::NewRun;
use crate::yaml::diagnostic::nearest;
use crate::yaml::report::Report;

use super::log;
use super::surroundings::{block_on, boot_id, evidence, reread, surroundings};

/// Who closes what an earlier `sexton run` left behind.
const LATER: &str = "the next sexton run";
/// What to do about a state directory that is in use.
const LOCKED: &str = "one `sexton run` at a time uses a state directory: wait for it, or name another \
                      --state-dir; if it is a daemon's, trigger the pipeline there";

/// `sexton run`: one pipeline in the foreground, to its end.
pub fn run(args: &RunArgs) -> anyhow::Result<Outcome> {
    let Some(Meant { pipeline, config, calendars, config_dir }) = read(args)? else {
        return Ok(Outcome::Unusable);
    };
    let params = match pipeline.params.bind(&args.params) {
        Ok(params) => params,
        Err(errors) => {
            for error in errors {
                out::note(&format!("error: {error}"));
            }
            return Ok(Outcome::Unusable);
        }
    };
    let state = desk::directory(&args.state)?;
    log::complain();
    block_on(async {
        let desk = Desk { state, config, calendars, config_dir, clock: Arc::new(System) };
        let asked = Asked { pipeline, params: kept_params(&params), date: args.date };
        foreground(&desk, asked, args.json).await
    })
}

/// The pipeline that is meant, and the settings around it.
struct Meant {
    pipeline: Pipeline,
    config: Config,
    calendars: Book,
    config_dir: PathBuf,
}

/// `None` where a file is not valid, which has been said.
fn read(args: &RunArgs) -> anyhow::Result<Option<Meant>> {
    let named = Path::new(&args.pipeline);
    let path = if named.is_file() {
        named.to_owned()
    } else {
        let found = load::find(&args.config.dir(), &args.pipeline);
        found.or_else(|| load::find_named(&args.config.dir(), &args.pipeline)).ok_or_else(|| {
            let dir = args.config.dir().join("pipelines");
            let there = load::yaml_files(&dir).unwrap_or_default();
            let names: Vec<_> = there.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
            let near = nearest(&args.pipeline, names).map(|near| format!("; did you mean `{near}`?"));
            let near = near.unwrap_or_default();
            anyhow!("`{}` is neither a file nor a pipeline in {}{near}", args.pipeline, dir.display())
        })?
    };
    let config_dir = std::path::absolute(args.config.around(&path))?;
    let mut report = Report::default();
    let config = load::config(&config_dir, &mut report)?;
    let calendars = load::calendars(&config_dir, &mut report)?;
    let spoiled = report.has_errors();
    let defaults = config.clone().unwrap_or_default().for_pipelines();
    let pipeline = load::pipeline(&path, &defaults, &calendars, &mut report)?;
    out::findings(&report);
    let (Some(config), Some(pipeline), false) = (config, pipeline, spoiled) else { return Ok(None) };
    Ok(Some(Meant { pipeline, config, calendars, config_dir }))
}

/// When the pipelines of a configuration directory are meant to run, as far as their files are valid: a sensor of this
/// one's may wait for another's run.
fn timetables(config_dir: &Path, config: &Config, calendars: &Book) -> BTreeMap<Box<str>, Timetable> {
    let files = load::yaml_files(&config_dir.join("pipelines")).unwrap_or_default();
    let defaults = config.for_pipelines();
    let read = |path: PathBuf| load::pipeline(&path, &defaults, calendars, &mut Report::default()).ok()?;
    files.into_iter().filter_map(read).map(|pipeline| (pipeline.name, pipeline.timetable)).collect()
}

/// Whether a pipeline may wait for the runs of others: a tree that is still to be written may, too.
fn waits_for_others(pipeline: &Pipeline) -> bool {
    let tree = &pipeline.tree;
    let waits = |sensor: &Sensor| matches!(sensor.condition, Condition::Run(_));
    let mut kinds = tree.ids().map(|node| tree.kind(node));
    kinds.any(|kind| matches!(kind, Kind::Lazy(_)) || kind.sensor().is_some_and(waits))
}

/// Where a foreground run happens.
struct Desk {
    state: PathBuf,
    config: Config,
    calendars: Book,
    config_dir: PathBuf,
    clock: Arc<dyn Clock>,
}

/// What is to be run.
struct Asked {
    pipeline: Pipeline,
    params: crate::store::record::Params,
    date: Option<jiff::civil::Date>,
}

async fn foreground(desk: &Desk, asked: Asked, json: bool) -> anyhow::Result<Outcome> {
    let now = desk.clock.now();
    let boot_id = boot_id()?;
    let opened = Store::open(&desk.state, now, &boot_id).await;
    let mut store = opened.map_err(|error| {
        if let StoreError::Locked { .. } = error { anyhow!("{error}: {LOCKED}") } else { error.into() }
    })?;
    let epoch = store.epoch();
    let places = Places::new(&desk.state);
    places.prepare()?;
    let (reports, inbox) = mpsc::channel(REPORTS);
    let options = Options {
        dir: desk.state.join("keeper"),
        program: std::env::current_exe()?,
        bound: true,
        epoch,
        places: places.clone(),
    };
    // A keeper that cannot start is said now; later there may be something to wait for.
    let (dir, program) = (options.dir.clone(), options.program.clone());
    tokio::task::spawn_blocking(move || crate::keeper::start::ensure(&dir, &program, true)).await??;
    let (executor, client) = Local::start(options, reports);
    let (sights, sightings) = mpsc::channel(1);
    let (lookout, watchman) = Watchman::start(desk.clock.clone(), sights);
    let environment = desk.config.environment.to_string();
    let calendars = desk.calendars.clone();
    let reread = move |definition: &_| reread(definition, &calendars);
    let recovered = Recovered::load(store.reader(), &reread, &environment).await?;
    for (run, error) in &recovered.unreadable {
        out::note(&format!("warning: {error}\nit is closed as cancelled"));
        store.abandon(*run, now).await?;
    }
    let leftover = !recovered.is_empty();
    let next = store.next_ids().await?;
    let (control, commands) = Control::new();
    let endings = Endings::default();
    let terminal = std::io::stderr().is_terminal() && std::io::stdout().is_terminal() && !json;
    let surroundings = surroundings(&desk.config, &desk.config_dir)?;
    let secrets = surroundings.secrets.values();
    let watch: Box<dyn Watch> = if terminal {
        let (places, endings, clock) = (places.clone(), endings.clone(), desk.clock.clone());
        Box::new(Board::start(next.run, places, endings, clock, secrets.clone())?)
    } else {
        Box::new(Transitions { json, run: next.run, endings: endings.clone() })
    };
    let parts = Parts {
        store,
        clock: desk.clock.clone(),
        executor: Box::new(executor),
        reports: inbox,
        lookout: Box::new(lookout),
        sightings,
        commands,
        // Nobody orders a foreground run about.
        orders: Orders::new().1,
        watch,
        places: places.clone(),
        surroundings,
        calendars: desk.calendars.clone(),
        parallelism: desk.config.parallelism.get() as usize,
        lazy_limit: desk.config.lazy_limit,
        look_up: LOOK_UP,
        boot_id,
    };
    let mut engine = Engine::new(parts, next, recovered);
    if leftover {
        out::note("closing what an earlier sexton run left unfinished …");
        engine.cancel_all(LATER).await?;
        engine.run_until_idle().await?;
    }
    if waits_for_others(&asked.pipeline) {
        let mut known = timetables(&desk.config_dir, &desk.config, &desk.calendars);
        known.insert(asked.pipeline.name.clone(), asked.pipeline.timetable.clone());
        engine.know(known);
    }
    let (id, label) = begin(&mut engine, desk, asked, &environment).await?;
    let ended = tokio::select! {
        ended = to_the_end(&mut engine, &control, id, terminal) => ended?,
        // It goes on as long as the engine does. Without it sensors would wait for ever.
        _ = watchman => bail!("whoever looks out for sensors has died; the next sexton run closes run {id}"),
    };
    let Some(interrupted) = ended else { return Ok(Outcome::Interrupted) };
    let halted = engine.halted(id).map(|error| {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        anyhow!("run {id} was halted: {error}{cause}")
    });
    engine.into_store().close().await?;
    let _ = client.await;
    if let Some(halted) = halted {
        return Err(halted);
    }
    let ending = endings.of(id).context("the run has ended, and nobody was told how")?;
    if !json {
        out::print(&summary(&ending, &label, &desk.state, &secrets))?;
    }
    Ok(match ending.status {
        _ if interrupted => Outcome::Interrupted,
        Status::Succeeded | Status::Skipped => Outcome::Good,
        Status::Pending
        | Status::Queued
        | Status::Running
        | Status::Waiting
        | Status::Retrying
        | Status::Failed
        | Status::UpstreamFailed
        | Status::Cancelled => Outcome::Bad,
    })
}

async fn begin(
    engine: &mut Engine,
    desk: &Desk,
    asked: Asked,
    environment: &str,
) -> anyhow::Result<(RunId, Label)> {
    let now = truncated(desk.clock.now());
    let pipeline = asked.pipeline;
    let zone = zone(&pipeline);
    let date = asked.date.unwrap_or_else(|| now.to_zoned(zone.clone()).date());
    let definition = Definition {
        name: pipeline.name.to_string(),
        hash: pipeline.hash.clone(),
        source: pipeline.source.to_string(),
        defaults: crate::config::kept::write(&desk.config.for_pipelines()),
    };
    let version = engine.ensure_version(&definition, now).await?;
    let record = NewRun {
        id: engine.next_run(),
        version,
        kind: RunKind::Manual,
        logical_date: date,
        calendar: pipeline.own_calendar().map(|calendar| calendar.code().into()),
        scheduled_at: None,
        interval: day(date, &zone).with_context(|| format!("{date} has no day in {}", pipeline.timezone))?,
        params: asked.params,
        evidence: evidence(&desk.config_dir, &desk.calendars),
        created_at: now,
    };
    let run = Run::new(record.id, pipeline.tree.clone());
    let scope = scope(&record, &pipeline, environment);
    let label = Label { pipeline: pipeline.name.to_string(), date, began: now };
    let live = Live::manual(run, now, Arc::new(pipeline), scope);
    let id = record.id;
    engine.begin(&record, live).await?;
    Ok((id, label))
}

/// Goes on until nothing is under way; whether it was interrupted. The first interrupt cancels the run. With
/// the second it is `None`: this process is to end at once, the keeper ends the rest, and the next one to
/// use the state directory closes the run.
async fn to_the_end(
    engine: &mut Engine,
    control: &Control,
    run: RunId,
    drawn: bool,
) -> anyhow::Result<Option<bool>> {
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupted = false;
    let idle = engine.run_until_idle();
    tokio::pin!(idle);
    loop {
        tokio::select! {
            ended = &mut idle => return ended.map(|()| Some(interrupted)).map_err(Into::into),
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        if interrupted {
            out::note(&format!(
                "leaving at once; what still runs is being ended, and the next sexton run closes run {run}"
            ));
            return Ok(None);
        }
        interrupted = true;
        if !drawn {
            out::note("cancelling; what still runs is being ended (again to leave at once) …");
        }
        let control = control.clone();
        tokio::spawn(async move { control.cancel(run, "/", "an interrupt").await });
    }
}
