//! Whole parts of sexton against the real things they are about.

mod keeper;
mod store;
