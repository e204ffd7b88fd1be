//! The event for the end of a call, exactly once.

use domain::time::{SECOND_MS, UnixMs};

use super::{Calls, destination, input::Action, open::OpenCall, status};
use crate::event::{CallEvent, CallStatus, CallType, Cost, Details, Incomplete, Payload, Processed};

impl Calls {
    /// Ends a call, and posts it. Its start is posted first, if it is still held: then no number may be shown.
    pub(super) fn finish(&mut self, key: &str, at: UnixMs, incomplete: Option<Incomplete>) {
        if let Some(call) = self.book.get_mut(key) {
            call.caller.withhold();
        }
        self.announce(key);
        if self.is_consultation(key) {
            self.book.finish(key);
            return;
        }
        let Some(mut call) = self.book.finish(key) else { return };
        let at = at.max(call.began_at);
        call.talk.fall_silent(at);
        call.attempts.settle_all();
        self.actions.push(Action::Post(Box::new(ended(&call, at, incomplete))));
    }

    /// Whether an internal call only prepared a transfer: whoever it reached now talks to someone outside.
    fn is_consultation(&self, key: &str) -> bool {
        let Some(call) = self.book.get(key).filter(|call| call.kind == CallType::Internal) else { return false };
        let Some(party) = call.talk.channel_id() else { return false };
        let reached = super::reach::reach(&self.channels, &self.bridges, party);
        let keys = reached.iter().flat_map(|reached| self.book.of_channel(&reached.id));
        keys.filter_map(|key| self.book.get(key)).any(|other| other.kind != CallType::Internal)
    }
}

fn ended(call: &OpenCall, at: UnixMs, incomplete: Option<Incomplete>) -> CallEvent {
    let (status, result) = status::conclude(call);
    let seconds = |ms: i64| u64::try_from(ms / SECOND_MS).unwrap_or(0);
    let call_duration = match status {
        CallStatus::Answered => call.talk.seconds(),
        CallStatus::Voicemail => seconds(at.since_ms(call.last_dial_end.unwrap_or(call.began_at))),
        _ => 0,
    };
    let rang_until = call.talk.answered_at.unwrap_or(at);
    let payload = Payload::CallProcessed(Processed {
        call_id: call.id,
        call_cost: Cost::UNKNOWN,
        call_type: call.kind,
        call_duration,
        call_status: status,
        source: destination::source(call),
        destination: destination::destination(call, status),
    });
    let details = Details {
        call_result: Some(result.as_str().to_owned()),
        incomplete,
        ring_s: Some(seconds(rang_until.since_ms(call.began_at))),
        talk_s: Some(call.talk.seconds()),
        hangup_cause: call.cause.filter(|cause| *cause != 0),
    };
    CallEvent::new(at.unix_seconds(), payload, call.route.clone()).with_details(details)
}
