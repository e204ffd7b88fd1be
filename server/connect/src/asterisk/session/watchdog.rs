//! What happens when nothing happens.

use domain::{UnixMs, time::SECOND_MS};

use super::{Failure, Session};
use crate::session::{DEAD_MS, Interruption, Tick};

/// A question about a presentation that is not answered by then means that no number may be shown, in milliseconds.
const ANSWER_MS: i64 = 5 * SECOND_MS;

impl Session {
    pub(super) fn watch(&mut self, now: UnixMs) -> Result<(), Failure> {
        match self.pulse.tick(self.phase, now) {
            Tick::Wait => return Ok(()),
            Tick::NoGreeting => return Err(Failure::NotAmi),
            Tick::Silent => return Err(Interruption::Silent.into()),
            Tick::Follow { is_ping_due: true } => self.ping(now),
            Tick::Follow { is_ping_due: false } => {}
        }
        self.expire_questions(now);
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
