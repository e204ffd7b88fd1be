//! Incoming calls, and what a channel reports about itself.

use domain::time::{SECOND_MS, UnixMs};

use super::{
    Calls,
    id_set::IdSet,
    input::{ChannelState, Facts, Mailbox},
    kind::Kind,
    number,
    open::{Caller, OpenCall, Opening},
};
use crate::event::{CallType, Route};

impl Calls {
    /// A channel exists. If it leads outside and the far end called, an incoming call has begun.
    pub(super) fn began(&mut self, at: UnixMs, facts: &Facts) {
        if !self.refresh(facts) {
            return;
        }
        let is_outside = self.channels.get(&facts.id).is_some_and(|channel| channel.kind == Kind::Outside);
        let is_first = facts.linked_id.is_empty() || facts.id == facts.linked_id;
        if is_outside && is_first && facts.state == ChannelState::Ring && !self.book.knows(&facts.id) {
            self.begin_incoming(at, facts);
        }
    }

    /// Begins an incoming call. The dialled number is read now: a blind transfer overwrites it.
    pub(super) fn begin_incoming(&mut self, at: UnixMs, facts: &Facts) {
        let dialled = number::clean(&facts.dialled);
        let route = Route {
            dialled: Some(dialled.clone()),
            context: Some(number::clean(&facts.context)).filter(|context| !context.is_empty()),
            ..Route::default()
        };
        self.book.insert(OpenCall::new(Opening {
            id: self.identity.call_id(&facts.id),
            key: facts.id.clone(),
            kind: CallType::Incoming,
            at,
            legs: IdSet::from_iter([facts.id.clone()]),
            origin: IdSet::default(),
            caller: Caller::Pending(facts.number.clone()),
            called: dialled,
            extension: None,
            route,
        }));
        self.ask_presentation(&facts.id, &facts.name);
    }

    /// Something about a channel changed.
    pub(super) fn changed(&mut self, facts: &Facts) {
        if !self.refresh(facts) || facts.state != ChannelState::Up {
            return;
        }
        for key in self.book.of_channel(&facts.id).to_vec() {
            self.examined += 1;
            if let Some(call) = self.book.get_mut(&key)
                && call.legs.contains(&facts.id)
            {
                call.is_up = true;
            }
        }
    }

    /// A channel has another name, and perhaps another kind.
    pub(super) fn renamed(&mut self, at: UnixMs, channel_id: &str, name: &str) {
        self.channels.rename(channel_id, name, &self.settings);
        self.check_talk(at, [channel_id.to_owned()]);
    }

    /// A caller left a message. Only a report that names the outside leg is about this call.
    pub(super) fn message_left(&mut self, at: UnixMs, facts: &Facts, mailbox: &Mailbox, length_s: Option<u64>) {
        if !self.refresh(facts) {
            return;
        }
        for key in self.book.of_channel(&facts.id).to_vec() {
            self.examined += 1;
            if let Some(call) = self.book.get_mut(&key)
                && call.kind == CallType::Incoming
                && call.legs.contains(&facts.id)
            {
                call.mailbox = Some(number::clean(mailbox));
                let length_ms = length_s.and_then(|seconds| i64::try_from(seconds).ok()?.checked_mul(SECOND_MS));
                call.last_dial_end = length_ms.map(|ms| at.plus_ms(-ms)).or(call.last_dial_end);
            }
        }
    }
}
