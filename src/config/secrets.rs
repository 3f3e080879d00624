//! The values of secrets, from where sexton.yaml says they are. They are read each time they are used, so that
//! one may change without a word to anybody; none is kept, and none stands in a word about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::settings::{Config, SecretSource};
use crate::mask::SHORTEST;

/// Bytes; more is no secret but data.
const LARGEST: u64 = 1 << 20;
/// What lets others than the owner and the group read a file.
const BY_OTHERS: u32 = 0o004;

/// Where the values are.
#[derive(Debug)]
pub struct Secrets {
    sources: BTreeMap<Box<str>, SecretSource>,
    /// Of sexton.yaml: files lie beside it, unless they say otherwise.
    directory: PathBuf,
    /// Where systemd has put this service's credentials, if it has.
    credentials: Option<PathBuf>,
    /// Files that anybody may read, which has been said.
    open: Mutex<BTreeSet<PathBuf>>,
    /// Secrets too short to be hidden without harm, which has been said.
    short: Mutex<BTreeSet<String>>,
}

/// Why a secret's value cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the secret `{name}`{why}")]
pub struct Missing {
    /// Which.
    pub name: String,
    /// Why.
    pub why: Why,
}

/// What is the matter with it.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// sexton.yaml does not know it.
    #[error(" is not declared in sexton.yaml")]
    Undeclared,
    /// Its variable is not there.
    #[error(": the variable ${0} is not set")]
    Unset(Box<str>),
    /// Its file cannot be read.
    #[error(": {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// This process was given no credentials at all.
    #[error(
        ": systemd has given this process no credentials ($CREDENTIALS_DIRECTORY is not set); its unit needs \
         `LoadCredential={0}:/path/of/the/file`"
    )]
    NoCredentials(Box<str>),
    /// This one is not among them.
    #[error(
        ": there is no credential `{0}` in $CREDENTIALS_DIRECTORY; the unit needs \
         `LoadCredential={0}:/path/of/the/file`"
    )]
    NoCredential(Box<str>),
    /// There is nothing in it.
    #[error(" is empty")]
    Empty,
}

impl Secrets {
    /// Secrets as sexton.yaml in `directory` declares them, for this process: of systemd's credentials it has those
    /// that `$CREDENTIALS_DIRECTORY` says.
    pub fn of(config: &Config, directory: &Path) -> Self {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        Self::at(config.secrets.clone(), directory, credentials)
    }

    fn at(sources: BTreeMap<Box<str>, SecretSource>, directory: &Path, credentials: Option<PathBuf>) -> Self {
        let (open, short) = (Mutex::default(), Mutex::default());
        Self { sources, directory: directory.to_owned(), credentials, open, short }
    }

    /// The value of a secret, as it is now. A newline at its end does not belong to it.
    pub fn value(&self, name: &str) -> Result<String, Missing> {
        let value = self.read(name).map_err(|why| Missing { name: name.to_owned(), why })?;
        self.measure(name, &value);
        Ok(value)
    }

    /// The names of all that are declared.
    pub fn names(&self) -> Vec<Box<str>> {
        self.sources.keys().cloned().collect()
    }

    /// The names and values of all that can be had now, for hiding the values.
    pub fn named(&self) -> Vec<(String, String)> {
        self.sources.keys().filter_map(|name| Some((name.to_string(), self.value(name).ok()?))).collect()
    }

    /// The values alone.
    pub fn values(&self) -> Vec<String> {
        self.named().into_iter().map(|(_, value)| value).collect()
    }

    fn read(&self, name: &str) -> Result<String, Why> {
        let text = match self.sources.get(name).ok_or(Why::Undeclared)? {
            SecretSource::Env(variable) => {
                std::env::var(&**variable).map_err(|_| Why::Unset(variable.clone()))?
            }
            SecretSource::File(path) => {
                let path = self.directory.join(&**path);
                self.complain(&path);
                file(&path).map_err(|source| Why::Unreadable { path, source })?
            }
            SecretSource::Credential(credential) => {
                let directory = self.credentials.as_ref();
                let path =
                    directory.ok_or_else(|| Why::NoCredentials(credential.clone()))?.join(&**credential);
                file(&path).map_err(|source| {
                    if source.kind() == io::ErrorKind::NotFound {
                        Why::NoCredential(credential.clone())
                    } else {
                        Why::Unreadable { path, source }
                    }
                })?
            }
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        if text.is_empty() { Err(Why::Empty) } else { Ok(text.to_owned()) }
    }

    /// Warns of a value that is too short to be hidden without harm, once.
    fn measure(&self, name: &str, value: &str) {
        if value.chars().count() < SHORTEST
            && self.short.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned())
        {
            tracing::warn!(
                "the secret `{name}` has fewer than {SHORTEST} characters: `***` will stand wherever they do, in \
                 logs, in outputs and in what you are told; give it a longer value"
            );
        }
    }

    /// Warns of a file that anybody may read, once.
    fn complain(&self, path: &Path) {
        let others = |path: &Path| Some(path.metadata().ok()?.permissions().mode() & BY_OTHERS != 0);
        if others(path) == Some(true)
            && self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned())
        {
            let path = path.display();
            tracing::warn!(
                "{path} holds a secret, and everybody on this machine may read it: chmod o-r {path}"
            );
        }
    }
}

fn file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn secrets(dir: &TempDir, credentials: Option<&str>) -> Secrets {
        let source = |(name, source): (&str, SecretSource)| (name.into(), source);
        let sources = [
            ("file", SecretSource::File("word".into())),
            ("gone", SecretSource::File("nowhere".into())),
            ("env", SecretSource::Env("SEXTON_TEST_NO_SUCH_VARIABLE".into())),
            ("home", SecretSource::Env("PATH".into())),
            ("systemd", SecretSource::Credential("db".into())),
            ("other", SecretSource::Credential("other".into())),
        ];
        let credentials = credentials.map(|credentials| dir.path().join(credentials));
        Secrets::at(sources.map(source).into(), dir.path(), credentials)
    }

    #[test]
    fn a_value_is_read_when_it_is_used() {
        let dir = TempDir::new().unwrap();
        let secrets = secrets(&dir, Some("credentials"));
        for (written, value) in
            [("one", "one"), ("two\n", "two"), ("three\r\n", "three"), ("f\nour\n\n", "f\nour\n")]
        {
            std::fs::write(dir.path().join("word"), written).unwrap();
            assert_eq!(secrets.value("file").unwrap(), value);
        }
        std::fs::create_dir(dir.path().join("credentials")).unwrap();
        std::fs::write(dir.path().join("credentials/db"), "hunter2\n").unwrap();
        assert_eq!(secrets.value("systemd").unwrap(), "hunter2");
        assert_eq!(secrets.value("home").unwrap(), std::env::var("PATH").unwrap());
        assert_eq!(secrets.values().len(), 3, "those that can be had");
    }

    #[test]
    fn what_cannot_be_had_says_why() {
        let dir = TempDir::new().unwrap();
        let gone = dir.path().join("nowhere").display().to_string();
        std::fs::write(dir.path().join("word"), "\n").unwrap();
        let with = secrets(&dir, Some("credentials"));
        for (name, why) in [
            ("none", "the secret `none` is not declared in sexton.yaml".to_owned()),
            ("env", "the secret `env`: the variable $SEXTON_TEST_NO_SUCH_VARIABLE is not set".to_owned()),
            ("gone", format!("the secret `gone`: {gone}: No such file or directory (os error 2)")),
            ("file", "the secret `file` is empty".to_owned()),
            (
                "other",
                "the secret `other`: there is no credential `other` in $CREDENTIALS_DIRECTORY; the unit needs \
                 `LoadCredential=other:/path/of/the/file`"
                    .to_owned(),
            ),
        ] {
            assert_eq!(with.value(name).unwrap_err().to_string(), why);
        }
        let without = secrets(&dir, None).value("systemd").unwrap_err().to_string();
        assert_eq!(
            without,
            "the secret `systemd`: systemd has given this process no credentials ($CREDENTIALS_DIRECTORY is not \
             set); its unit needs `LoadCredential=db:/path/of/the/file`"
        );
    }
}
