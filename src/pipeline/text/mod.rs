//! Templates and expressions: what they may say, looked at before anything runs; what they see; and their values.

mod arguments;
pub mod because;
pub(crate) mod check;
mod dates;
mod expression;
pub mod scope;
pub mod secret;
mod session;
mod splice;
pub mod template;
pub(super) mod texts;
mod vocabulary;

#[cfg(test)]
mod tests;
