//! The law as tables. `check(tree, script, picture)`: a tree in a few indented lines, what happens to it,
//! and what it must then look like.

mod branches;
mod cancel;
mod clear;
mod flow;
mod lazy;
mod limits;
mod properties;
mod reasons;
mod retries;
mod sensors;
mod world;
