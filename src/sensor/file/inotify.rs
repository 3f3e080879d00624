//! What the kernel tells of changes in directories, so that a file that is put into place is seen at once. It
//! is a help and no promise: where directories cannot be watched, or a change on a file server is made by
//! another machine, the sensor's pace is what remains.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use futures_util::{FutureExt as _, StreamExt as _};
use inotify::{EventMask, EventOwned, EventStream, Inotify, WatchDescriptor, WatchMask, Watches};

/// Bytes of events that the kernel hands over at a time.
const BUFFER: usize = 16 << 10;
/// Events that are taken at once, so that a storm of them leaves room for something else.
const AT_ONCE: usize = 1_024;

/// A watched directory.
pub(super) type Place = WatchDescriptor;

/// What is worth a look: a name that has come, a file that has been written. Not each write.
fn worth_a_look() -> WatchMask {
    WatchMask::CREATE
        | WatchMask::MOVED_TO
        | WatchMask::CLOSE_WRITE
        | WatchMask::DELETE_SELF
        | WatchMask::MOVE_SELF
        | WatchMask::ONLYDIR
}

/// Watches directories. It blocks as any look at a file system does.
#[derive(Clone, Debug)]
pub(super) struct Planter(Watches);

impl Planter {
    /// Watches a directory, if it is one. One that is watched already is the same place.
    pub(super) fn plant(&self, directory: &Path) -> io::Result<Place> {
        self.0.clone().add(directory, worth_a_look())
    }
}

/// Hears of changes.
#[derive(Debug)]
pub(super) struct Listener {
    stream: EventStream<Vec<u8>>,
}

/// What there was to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something happened to this name in a directory.
    Name(Place, OsString),
    /// A directory was moved or taken away.
    Gone(Place),
    /// More has happened than the kernel could remember.
    TooMuch,
}

impl Listener {
    /// Refused where this user has too many of them.
    pub(super) fn new() -> io::Result<(Self, Planter)> {
        let inotify = Inotify::init()?;
        let planter = Planter(inotify.watches());
        Ok((Self { stream: inotify.into_event_stream(vec![0; BUFFER])? }, planter))
    }

    /// Waits for something to happen. May be dropped and called again; nothing gets lost.
    pub(super) async fn hear(&mut self) -> io::Result<Vec<Heard>> {
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let mut heard = vec![told(self.stream.next().await.ok_or_else(ended)??)];
        while heard.len() < AT_ONCE {
            match self.stream.next().now_or_never() {
                Some(Some(event)) => heard.push(told(event?)),
                Some(None) | None => break,
            }
        }
        Ok(heard)
    }

    /// Stops watching a directory.
    pub(super) fn uproot(&self, place: Place) {
        // It is gone already where the directory is.
        let _ = self.stream.watches().remove(place);
    }
}

fn told(event: EventOwned) -> Heard {
    match event.name {
        _ if event.mask.contains(EventMask::Q_OVERFLOW) => Heard::TooMuch,
        Some(name) => Heard::Name(event.wd, name),
        None => Heard::Gone(event.wd),
    }
}
