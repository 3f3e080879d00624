//! Real processes that are killed: the daemon's part is played by this very binary, started once more.

mod connection;
mod disk;
mod foreground;
mod kills;
mod load;
mod place;

mod victim;
