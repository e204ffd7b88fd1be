//! Whether a caller's number may be shown. It fails closed: the event of a call waits until this is known, and what is not
//! known to be allowed is withheld. The first report of a channel always says "allowed", so it is not believed.

use super::{
    Calls,
    input::{Action, Presentation},
};
use crate::event::{CallEvent, CallType, Payload, Started};

impl Calls {
    pub(super) fn ask_presentation(&mut self, channel_id: &str, channel: &str) {
        let (channel_id, channel) = (channel_id.to_owned(), channel.to_owned());
        self.actions.push(Action::AskPresentation { channel_id, channel });
    }

    /// The response to [`Action::AskPresentation`]; `None` if there is none, because the channel or the connection is gone.
    pub fn presentation(&mut self, channel_id: &str, response: Option<Presentation>) -> Vec<Action> {
        if let Some(call) = self.book.get_mut(channel_id) {
            match response {
                Some(Presentation::Allowed) => call.caller.allow(),
                Some(Presentation::Withheld) | None => call.caller.withhold(),
            }
            self.announce(channel_id);
        }
        self.take_actions()
    }

    /// IDs and names of the channels whose presentation has not been answered: ask again after a reconnection.
    #[must_use]
    pub fn awaiting_presentation(&self) -> Vec<(String, String)> {
        let waiting = self.book.calls().filter(|call| call.caller.is_pending()).map(|call| &call.key);
        let channels = waiting.filter_map(|id| self.channels.get(id).map(|channel| (id, channel)));
        channels.map(|(id, channel)| (id.clone(), channel.name.clone())).collect()
    }

    /// Posts the event for the start of a call, once.
    pub(super) fn announce(&mut self, key: &str) {
        let Some(call) = self.book.get_mut(key).filter(|call| !call.is_announced) else { return };
        call.is_announced = true;
        let started = Started {
            call_id: call.id,
            callee_number: call.called.clone(),
            caller_number: call.caller.shown().to_owned(),
        };
        let payload = match call.kind {
            CallType::Incoming => Payload::IncomingCall(started),
            CallType::Outgoing => Payload::OutgoingCall(started),
            CallType::Internal => return,
        };
        let event = CallEvent::new(call.began_s, payload, call.route.clone());
        self.actions.push(Action::Post(Box::new(event)));
    }
}
