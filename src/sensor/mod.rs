//! What runs wait for in the world: files, web addresses, objects. The engine hands over questions and hears
//! answers; one watchman goes round all of them. It knows no run's state and no store.

pub mod answer;
mod callers;
mod file;
mod gate;
mod http;
pub mod lookout;
#[cfg(feature = "object-store")]
mod object;
#[cfg(not(feature = "object-store"))]
#[path = "object_left_out.rs"]
mod object;
mod pace;
pub mod question;
mod redirect;
mod roster;
mod unsaid;
pub mod watchman;
