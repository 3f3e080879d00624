//! Parse, dispatch, print the error chain, exit.
fn main() {}
