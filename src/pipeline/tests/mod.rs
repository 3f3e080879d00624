//! Tests of the room through its door: text in, a pipeline or findings out.

mod clock_changes;
mod expressions;
pub(super) mod findings;
mod generated;
mod graft;
mod guide;
mod hostile;
mod kinds;
mod language;
mod nodes;
mod order;
mod schedule_findings;
mod schedules;
mod schema;
mod session_findings;
mod session_schedules;
mod slips;
mod syntax;
mod values;
