//! The house's invariants are absences: what a file may not name, and where. These tests read the sources
//! as text, so that a rule holds for code that is not compiled here, and say file, line and rule.

mod fakes;
mod floors;
mod house;
mod hygiene;
mod rules;
mod scan;
