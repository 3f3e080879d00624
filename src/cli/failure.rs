//! How a command ends: an exit code that means something.

use std::process::ExitCode;

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should: 0.
    Good,
    /// The run failed, or mistakes were found: 1.
    Bad,
    /// Wrong use, or a file that is not valid: 2.
    Unusable,
    /// Somebody interrupted it: 130.
    Interrupted,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Good => Self::SUCCESS,
            Outcome::Bad => Self::FAILURE,
            Outcome::Unusable => Self::from(2),
            Outcome::Interrupted => Self::from(130),
        }
    }
}
