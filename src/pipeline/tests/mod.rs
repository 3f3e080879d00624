//! Tests of the room through its door: text in, a pipeline or findings out.

mod expressions;
mod findings;
mod guide;
mod hostile;
mod language;
mod nodes;
mod order;
mod syntax;
mod templates;
mod values;
