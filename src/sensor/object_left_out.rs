//! What stands for `object` in a build without the feature `object-store`: every question about one is refused
//! with a word about that.

use crate::pipeline::sensor::Object;

use super::answer::Seen;

/// There is none.
#[derive(Debug, Default)]
pub(super) struct Stores;

/// Never made.
#[derive(Debug)]
pub(super) enum Request {}

impl Request {
    pub(super) fn new(object: &Object) -> Result<Self, String> {
        Err(format!(
            "{}: this build of sexton cannot look for objects; build it with the feature `object-store`",
            object.url
        ))
    }

    pub(super) fn server(&self) -> &str {
        match *self {}
    }

    pub(super) fn ask(&self, _stores: &Stores) -> std::future::Ready<Seen> {
        match *self {}
    }
}
