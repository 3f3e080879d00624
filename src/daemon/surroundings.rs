//! What this process finds around it: the machine's boot, the environment that commands see, secrets, and
//! the versions of what runs go by. And the other entries that need no engine.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::calendar::book::Book;
use crate::cli::args::KeeperArgs;
use crate::cli::failure::Outcome;
use crate::config::kept;
use crate::config::secrets::Secrets;
use crate::config::settings::Config;
use crate::engine::surroundings::{self, Surroundings};
use crate::pipeline::definition::Pipeline;
use crate::store::catalog::Definition;
use crate::store::record::Evidence;

/// Runs a command that reads the database. What is still being read when it ends is not waited for: it may
/// be a file on a server that is down.
pub fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}

/// `sexton keeper`: the process that owns attempts.
pub fn keeper(args: KeeperArgs) -> anyhow::Result<Outcome> {
    let options = crate::keeper::serve::Options { dir: args.dir, bound: args.bound, resume: args.resume };
    crate::keeper::serve::serve(&options)?;
    Ok(Outcome::Good)
}

/// What is the same for every command, by these settings.
pub(super) fn surroundings(config: &Config, config_dir: &Path) -> anyhow::Result<Surroundings> {
    let directory = config_dir.parent().context("the configuration directory has no parent")?.to_owned();
    let secrets = Arc::new(Secrets::of(config, config_dir));
    // What is the matter with them is said now, and not when the first of them is used.
    drop(secrets.named());
    Ok(Surroundings { directory, base: base_environment(), secrets })
}

/// What is in force beside a definition.
pub(super) fn evidence(config_dir: &Path, calendars: &Book) -> Evidence {
    Evidence {
        sexton: env!("CARGO_PKG_VERSION").to_owned(),
        configuration: crate::config::revision::of(config_dir),
        calendars: Some(calendars.version()),
        time_zones: time_zones(),
    }
}

/// A kept definition, read again.
pub(super) fn reread(definition: &Definition, calendars: &Book) -> Result<Pipeline, String> {
    kept::read(&definition.name, &definition.source, &definition.defaults, calendars)
}

/// `PATH HOME USER SHELL LANG`, with a sane value for what is not set; nothing else of this process's
/// environment reaches a command.
fn base_environment() -> Vec<(String, String)> {
    let own = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten();
    let home = own.as_ref().map(|own| own.dir.display().to_string());
    let user = own.map(|own| own.name);
    let fallbacks = [
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("HOME", home.as_deref().unwrap_or("/")),
        ("USER", user.as_deref().unwrap_or("nobody")),
        ("SHELL", "/bin/sh"),
        ("LANG", "C.UTF-8"),
    ];
    let value = |name: &str, fallback: &str| std::env::var(name).unwrap_or_else(|_| fallback.to_owned());
    fallbacks.map(|(name, fallback)| (name.to_owned(), value(name, fallback))).into()
}

pub(super) fn boot_id() -> anyhow::Result<String> {
    let path = "/proc/sys/kernel/random/boot_id";
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    Ok(text.trim().to_owned())
}

/// The version of the time-zone data that dates are resolved with.
fn time_zones() -> Option<String> {
    let text = std::fs::read_to_string("/usr/share/zoneinfo/tzdata.zi").ok()?;
    text.lines().next()?.strip_prefix("# version ").map(str::to_owned)
}

impl surroundings::Secrets for Secrets {
    fn value(&self, name: &str) -> Result<String, String> {
        self.value(name).map_err(|missing| missing.to_string())
    }

    fn names(&self) -> Vec<Box<str>> {
        self.names()
    }

    fn named(&self) -> Vec<(String, String)> {
        self.named()
    }
}
