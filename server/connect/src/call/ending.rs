//! Hang-ups, and when a call has ended.

use domain::time::UnixMs;

use super::{
    Calls,
    input::{Cause, Facts},
    open::OpenCall,
};
use crate::event::CallType;

impl Calls {
    /// The far end of a channel hung up. On the caller's own leg, any other cause is a refusal that comes back, such as
    /// congestion (34), not a caller who gave up.
    pub(super) fn hangup_requested(&mut self, facts: &Facts, cause: Option<Cause>) {
        if !self.refresh(facts) {
            return;
        }
        let gave_up = matches!(cause, None | Some(0 | 16 | 127));
        for key in self.book.of_channel(&facts.id).to_vec() {
            self.examined += 1;
            let Some(call) = self.book.get_mut(&key) else { continue };
            call.attempts.caused(&facts.id, cause);
            let own = if call.kind == CallType::Outgoing { &call.origin } else { &call.legs };
            if gave_up && call.talk.answered_at.is_none() && own.contains(&facts.id) {
                call.gave_up = true;
            }
        }
    }

    /// A channel no longer exists.
    pub(super) fn hung_up(&mut self, at: UnixMs, facts: &Facts, cause: Option<Cause>) {
        self.refresh(facts);
        self.end_channel(at, &facts.id, cause);
    }

    pub(super) fn end_channel(&mut self, at: UnixMs, channel_id: &str, cause: Option<Cause>) {
        let keys = self.book.of_channel(channel_id).to_vec();
        for key in &keys {
            self.examined += 1;
            let Some(call) = self.book.get_mut(key) else { continue };
            call.attempts.caused(channel_id, cause);
            if call.legs.contains(channel_id) {
                call.cause = cause;
            }
        }
        let alone = self.leave_bridge(channel_id);
        self.check_talk(at, alone.into_iter().chain([channel_id.to_owned()]));
        let half = self.channels.get(channel_id).and_then(|channel| self.channels.other_half(channel)).cloned();
        let concerned: Vec<String> = keys.iter().filter(|key| self.holds(key, channel_id)).cloned().collect();
        self.channels.remove(channel_id);
        self.book.release(channel_id);
        // Whoever was reached through the other half of a Local channel is out of reach now.
        self.check_talk(at, half);
        for key in concerned {
            if self.book.get(&key).is_some_and(has_ended) {
                self.finish(&key, at, None);
            }
        }
    }

    fn holds(&self, key: &str, channel_id: &str) -> bool {
        self.book.get(key).is_some_and(|call| call.holds(channel_id))
    }
}

/// Incoming and internal calls end with their leg. An outgoing one may go to another line until its caller is gone.
pub(super) fn has_ended(call: &OpenCall) -> bool {
    let is_over = call.kind != CallType::Outgoing || call.talk.answered_at.is_some() || call.origin.is_empty();
    call.legs.is_empty() && is_over
}
