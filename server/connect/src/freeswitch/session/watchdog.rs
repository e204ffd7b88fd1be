//! What happens when nothing happens.

use domain::UnixMs;

use super::{Failure, Session};
use crate::session::{Interruption, Tick};

impl Session {
    pub(super) fn watch(&mut self, now: UnixMs) -> Result<(), Failure> {
        match self.pulse.tick(self.phase, now) {
            Tick::Wait => return Ok(()),
            Tick::NoGreeting => return Err(Failure::NotEventSocket),
            Tick::Silent => return Err(Interruption::Silent.into()),
            Tick::Follow { is_ping_due: true } => self.ping(now),
            Tick::Follow { is_ping_due: false } => {}
        }
        if now >= self.compare_at && self.listing.is_none() {
            self.list_channels(now);
        }
        Ok(())
    }
}
