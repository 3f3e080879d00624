//! What the engine finds around it and does not make: what is the same for every command, and secrets.

use std::path::PathBuf;
use std::sync::Arc;

/// What is the same for every command.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where commands start that do not say where: the configuration's parent directory.
    pub directory: PathBuf,
    /// `PATH HOME USER SHELL LANG`, as every command sees them.
    pub base: Vec<(String, String)>,
    /// Values of secrets, by name.
    pub secrets: Arc<dyn Secrets>,
}

/// Where the values of secrets come from.
pub trait Secrets: std::fmt::Debug + Send + Sync {
    /// The value of a secret, or why it cannot be had, in words.
    fn value(&self, name: &str) -> Result<String, String>;
    /// The names of all that are declared.
    fn names(&self) -> Vec<Box<str>>;
    /// The names and values of all that can be had, for hiding the values.
    fn named(&self) -> Vec<(String, String)>;
    /// The values alone.
    fn values(&self) -> Vec<String> {
        self.named().into_iter().map(|(_, value)| value).collect()
    }
}
