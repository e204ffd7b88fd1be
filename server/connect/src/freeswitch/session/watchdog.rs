//! What happens when nothing happens.

use domain::UnixMs;

use super::{Failure, Phase, Session};
use crate::session::{DEAD_MS, Interruption, PING_AFTER_MS, SLEPT_MS};

impl Session {
    pub(super) fn watch(&mut self, now: UnixMs) -> Result<(), Failure> {
        let slept = now.since_ms(self.ticked_at) >= SLEPT_MS;
        self.ticked_at = now;
        if slept {
            // What arrived meanwhile has not been read yet.
            self.heard_at = now;
            return Ok(());
        }
        let silent_ms = now.since_ms(self.heard_at);
        match self.phase {
            Phase::Offline => return Ok(()),
            Phase::Greeting if silent_ms >= DEAD_MS => return Err(Failure::NotEventSocket),
            _ if silent_ms >= DEAD_MS => return Err(Interruption::Silent.into()),
            Phase::Greeting | Phase::LoggingIn => return Ok(()),
            Phase::Following => {}
        }
        if silent_ms >= PING_AFTER_MS && now.since_ms(self.pinged_at) >= PING_AFTER_MS {
            self.ping(now);
        }
        if now >= self.compare_at && self.listing.is_none() {
            self.list_channels(now);
        }
        Ok(())
    }
}
