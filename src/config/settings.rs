//! stub, replaced on merge
use crate::pipeline::definition::Defaults;
use std::collections::BTreeMap;
/// x
#[derive(Clone, Debug)]
pub struct Config {
    /// x
    pub environment: Box<str>,
    /// x
    pub parallelism: usize,
    /// x
    pub defaults: Defaults,
    /// x
    pub secrets: BTreeMap<String, SecretSource>,
}
/// x
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// x
    Env(Box<str>),
    /// x
    File(Box<str>),
}
impl Default for Config {
    fn default() -> Self {
        Self {
            environment: "development".into(),
            parallelism: 16,
            defaults: Defaults::default(),
            secrets: BTreeMap::new(),
        }
    }
}
/// x
pub fn parse(
    _: &crate::pipeline::report::SourceFile,
) -> (Option<Config>, crate::pipeline::diagnostic::Diagnostics) {
    (Some(Config::default()), crate::pipeline::diagnostic::Diagnostics::default())
}
