//! The pipeline language: the words of a tree, and how a file becomes one. Pure: text in, values out.

pub mod node;
pub mod policy;
