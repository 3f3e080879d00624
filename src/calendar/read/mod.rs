//! Reading calendar files: `file` begins, `weeks` and `dates` go on.

mod dates;
pub(super) mod file;
mod weeks;
