//! What happens when nothing happens.

use domain::{UnixMs, time::SECOND_MS};

use super::{Failure, Phase, Session};
use crate::session::{DEAD_MS, Interruption, PING_AFTER_MS, SLEPT_MS};

/// A question about a presentation that is not answered by then means that no number may be shown, in milliseconds.
const ANSWER_MS: i64 = 5 * SECOND_MS;

impl Session {
    pub(super) fn watch(&mut self, now: UnixMs) -> Result<(), Failure> {
        let slept = now.since_ms(self.ticked_at) >= SLEPT_MS;
        self.ticked_at = now;
        if slept {
            // What arrived meanwhile has not been read yet.
            self.heard_at = now;
            return Ok(());
        }
        self.expire_questions(now);
        let silent_ms = now.since_ms(self.heard_at);
        match self.phase {
            Phase::Offline => return Ok(()),
            Phase::Greeting if silent_ms >= DEAD_MS => return Err(Failure::NotAmi),
            _ if silent_ms >= DEAD_MS => return Err(Interruption::Silent.into()),
            Phase::Greeting | Phase::LoggingIn => return Ok(()),
            Phase::Following => {}
        }
        if silent_ms >= PING_AFTER_MS && now.since_ms(self.pinged_at) >= PING_AFTER_MS {
            self.ping(now);
        }
        let is_overdue = self.listing.as_ref().is_none_or(|listing| now.since_ms(listing.requested_at) >= DEAD_MS);
        if now >= self.compare_at && is_overdue && self.waiting.is_none() {
            self.list_channels(now);
        }
        Ok(())
    }

    fn expire_questions(&mut self, now: UnixMs) {
        let is_late = |asked_at: UnixMs| now.since_ms(asked_at) >= ANSWER_MS;
        let late: Vec<u64> = self.questions.iter().filter(|(_, (_, at))| is_late(*at)).map(|(id, _)| *id).collect();
        for id in late {
            if let Some((channel_id, _)) = self.questions.remove(&id) {
                self.answer(now, &channel_id, None);
            }
        }
    }
}
