//! What time it is to the engine. The wall clock is gone by as long as it can be trusted; while it is in doubt,
//! time goes on from what it was, and nothing that happens meanwhile is dated by a clock that is wrong.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::schedule::vigil::{Trust, Vigil};
use crate::store::instant::truncated;

/// An absence that is worth a word: longer than any sleep of the engine.
const ABSENCE: Duration = Duration::from_mins(2);

pub(super) struct Clocks {
    clock: Arc<dyn Clock>,
    /// There is none where nothing is scheduled: a foreground run takes the wall clock as it is.
    vigil: Option<Vigil>,
    /// How long the clock must be watched before anything is decided again.
    held: Option<Duration>,
    /// When they were last looked at, by both clocks.
    looked: Option<(Timestamp, Duration)>,
    /// Of the daemon before this one, until it is certain how long ago that was.
    last_sign: Option<Timestamp>,
    absence: Option<(Timestamp, Timestamp)>,
}

impl Clocks {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, vigil: None, held: None, looked: None, last_sign: None, absence: None }
    }

    /// What time it is.
    pub(super) fn now(&self) -> Timestamp {
        let wall = self.clock.now();
        self.vigil.as_ref().map_or(wall, |vigil| vigil.time(wall, self.clock.since_boot()))
    }

    /// Whether they are watched.
    pub(super) fn are_watched(&self) -> bool {
        self.vigil.is_some()
    }

    /// They are watched from now on. `last_sign` is the latest instant at which there was a daemon.
    pub(super) fn watch(&mut self, last_sign: Option<Timestamp>) {
        self.vigil = Some(Vigil::begin(self.clock.now(), self.clock.since_boot(), last_sign));
        self.last_sign = last_sign;
        self.look();
        let now = truncated(self.now());
        self.absence = last_sign.map(|last| (last.min(now), now));
    }

    /// Looks at both clocks. Where the wall clock was set and is believed by now: what time it would be by the
    /// time before that.
    pub(super) fn look(&mut self) -> Option<Timestamp> {
        let (wall, since_boot) = (self.clock.now(), self.clock.since_boot());
        let vigil = self.vigil.as_mut()?;
        let trust = vigil.look(wall, since_boot);
        let now = truncated(vigil.time(wall, since_boot));
        // Measured by the clock that nobody sets: to put the other one forward is no absence.
        if let Some((looked, then)) = self.looked.replace((now, since_boot))
            && since_boot.saturating_sub(then) > ABSENCE
        {
            self.absence = Some((looked, now));
        }
        let was_held = self.held.take().is_some();
        match trust {
            Trust::Steady => {
                if let Some(last) = self.last_sign.take() {
                    self.absence = Some((last.min(now), now));
                }
                None
            }
            Trust::Held(left) => {
                if !was_held {
                    tracing::warn!(
                        %wall,
                        "the clock has jumped; no slot fires until it has held still for {left:?}"
                    );
                }
                self.held = Some(left);
                None
            }
            Trust::Set { was } => {
                self.last_sign = None;
                Some(was)
            }
        }
    }

    /// How long the clock must hold still before it is gone by; `None` where it is.
    pub(super) fn held(&self) -> Option<Duration> {
        self.held
    }

    /// When there was last no daemon, or one that slept: from, to.
    pub(super) fn absence(&self) -> Option<(Timestamp, Timestamp)> {
        self.absence
    }
}
