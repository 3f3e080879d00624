//! From the words of a launch to what a child can be started with, and from a failure back to words.
//! It never starts anything.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use nix::unistd::{User, getgrouplist};
use rustix::process::{Resource, geteuid, getrlimit, setrlimit};

use super::protocol::Launch;
use super::spawn::{Failure, Identity, Image, Stage};

/// Marks every process of an attempt, together with [`KEEPER`].
pub(super) const ATTEMPT: &str = "SEXTON_ATTEMPT";
/// Tells attempts of this keeper from those of others: tokens are unique within one journal only.
pub(super) const KEEPER: &str = "SEXTON_KEEPER";

const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The keeper's own limit of open files as it was, and raised as far as it may.
pub(super) fn raise_open_files() -> (u64, u64) {
    let before = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit { current: before.maximum, ..before };
    // If refused, fewer attempts fit; each says so.
    let _ = setrlimit(Resource::Nofile, raised);
    (before.current.unwrap_or(u64::MAX), before.maximum.unwrap_or(u64::MAX))
}

/// Why a launch makes no sense, in words.
pub(super) fn malformed(launch: &Launch) -> Option<String> {
    let texts = launch.argv.iter().chain(launch.env.iter().flat_map(|(name, value)| [name, value]));
    if launch.argv.first().is_none_or(String::is_empty) {
        Some("there is no program".into())
    } else if texts.into_iter().any(|text| text.contains('\0')) {
        Some("an argument or a variable holds a NUL byte".into())
    } else if launch.env.iter().any(|(name, _)| name.is_empty() || name.contains('=')) {
        Some("a variable's name is empty or holds `=`".into())
    } else if !launch.cwd.is_absolute() || launch.cwd.as_os_str().as_bytes().contains(&0) {
        Some(format!("the directory `{}` is no absolute path", launch.cwd.display()))
    } else if !launch.log.is_absolute() || launch.log.as_os_str().as_bytes().contains(&0) {
        Some(format!("the log `{}` is no absolute path", launch.log.display()))
    } else {
        None
    }
}

/// What to execute. The error is for the attempt's record.
pub(super) fn image(launch: &Launch, keeper_id: &str, open_files: (u64, u64)) -> Result<Image, String> {
    let c = |text: &str| CString::new(text).map_err(|_| "a NUL byte".to_owned());
    let program = &launch.argv[0];
    let programs = if program.contains('/') {
        vec![c(program)?]
    } else {
        let path =
            launch.env.iter().find(|(name, _)| name == "PATH").map_or(DEFAULT_PATH, |(_, value)| value);
        path.split(':')
            .map(|dir| c(&format!("{}/{program}", if dir.is_empty() { "." } else { dir })))
            .collect::<Result<_, _>>()?
    };
    let marks = [(ATTEMPT, launch.token.0.to_string()), (KEEPER, keeper_id.to_owned())];
    let env = launch
        .env
        .iter()
        .filter(|(name, _)| name != ATTEMPT && name != KEEPER)
        .map(|(name, value)| (name.as_str(), value))
        .chain(marks.iter().map(|(name, value)| (*name, value)))
        .map(|(name, value)| c(&format!("{name}={value}")))
        .collect::<Result<_, _>>()?;
    Ok(Image {
        programs,
        argv: launch.argv.iter().map(|argument| c(argument)).collect::<Result<_, _>>()?,
        env,
        cwd: CString::new(launch.cwd.as_os_str().as_bytes()).map_err(|_| "a NUL byte".to_owned())?,
        identity: launch.user.as_deref().map(identity).transpose()?.flatten(),
        open_files,
    })
}

/// `None` if the keeper is this user already.
fn identity(name: &str) -> Result<Option<Identity>, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("cannot run as the user `{name}`: {why}");
    let user = User::from_name(name)
        .map_err(|error| cannot(&error))?
        .ok_or_else(|| cannot(&"there is no such user"))?;
    let own = geteuid();
    if !own.is_root() {
        if user.uid.as_raw() == own.as_raw() {
            return Ok(None);
        }
        let why = format!("only root may change users, and the keeper runs as uid {}", own.as_raw());
        return Err(cannot(&why));
    }
    let c_name = CString::new(name).map_err(|error| cannot(&error))?;
    let groups = getgrouplist(&c_name, user.gid).map_err(|error| cannot(&error))?;
    let groups = groups.into_iter().map(nix::unistd::Gid::as_raw).collect();
    Ok(Some(Identity { uid: user.uid.as_raw(), gid: user.gid.as_raw(), groups }))
}

/// Why there is no process, in words that name what to mend.
pub(super) fn failure(launch: &Launch, failure: &Failure) -> String {
    let Failure { stage, error } = failure;
    let user = launch.user.as_deref().unwrap_or_default();
    match stage {
        None => format!("cannot make a process: {error}"),
        Some(Stage::Session) => format!("cannot make a session: {error}"),
        Some(Stage::Descriptors) => format!("cannot connect its output: {error}"),
        Some(Stage::Limits) => format!("cannot set its limit of open files: {error}"),
        Some(Stage::Groups | Stage::Gid | Stage::Uid) => format!("cannot run as the user `{user}`: {error}"),
        Some(Stage::Directory) => format!("cannot enter the directory `{}`: {error}", launch.cwd.display()),
        Some(Stage::Exec) => {
            let program = &launch.argv[0];
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let hint = if missing && !program.contains('/') {
                " in any directory of PATH"
            } else if missing && launch.cwd.join(program).exists() {
                " (the file is there, the interpreter it names is not)"
            } else {
                ""
            };
            format!("cannot run `{program}`: {error}{hint}")
        }
    }
}
