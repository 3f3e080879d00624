//! The real daemon, with a real database and a real keeper: it is started, reloaded, killed, told to end, and
//! made to believe that it was away.

mod annals;
mod tower;

mod absence;
mod clock;
mod disk;
mod ending;
mod kills;
mod launches;
mod lazy;
mod log;
mod market;
mod notify;
mod reload;
mod sensors;
mod start;
mod waiting;
