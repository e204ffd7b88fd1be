//! Channels that are being called: phones that ring, and calls to the outside.

use domain::time::UnixMs;

use super::{
    Calls, channels,
    id_set::IdSet,
    input::{DialStatus, Facts},
    kind::Kind,
    number,
    open::{Caller, OpenCall, Opening},
    settings::{InternalCalls, OUTGOING},
};
use crate::event::{ANONYMOUS, CallType, Party, Route};

impl Calls {
    pub(super) fn dial_began(&mut self, at: UnixMs, caller: Option<&Facts>, callee: &Facts, dial_string: &str) {
        if let Some(caller) = caller {
            self.refresh(caller);
        }
        if !self.refresh(callee) {
            return;
        }
        let Some(channel) = self.channels.get_mut(&callee.id) else { return };
        let group = channel.linked_id.clone();
        match channel.kind {
            Kind::Outside => {
                channel.dialled = Some(number::dialled(dial_string));
                self.dial_outside(at, caller, callee, &group);
            }
            Kind::Extension => {
                let endpoint = channel.endpoint.clone();
                self.ring_extension(at, caller, callee, &endpoint, &group);
            }
            Kind::Plumbing => {}
        }
    }

    /// A call to the outside: part of an incoming call, another attempt of an outgoing one, or a new one.
    fn dial_outside(&mut self, at: UnixMs, caller: Option<&Facts>, callee: &Facts, group: &str) {
        let number = self.channels.get(&callee.id).and_then(|channel| channel.dialled.clone()).unwrap_or_default();
        let key = self.call_of_group(group);
        let kind = key.as_ref().and_then(|key| self.book.get(key)).map(|call| call.kind);
        let key = match (key, kind) {
            (Some(key), Some(CallType::Incoming)) => {
                if let Some(call) = self.book.get_mut(&key) {
                    call.rung.add(Party::Number(number));
                }
                key
            }
            (Some(key), Some(CallType::Outgoing)) => {
                if let Some(call) = self.book.get_mut(&key) {
                    call.legs.insert(&callee.id);
                }
                key
            }
            (key, _) => {
                if let Some(key) = key {
                    // It was taken for an internal call.
                    self.book.remove(&key);
                }
                let Some(key) = self.begin_outgoing(at, caller, callee, number) else { return };
                key
            }
        };
        self.attempt(&key, &callee.id);
    }

    pub(super) fn attempt(&mut self, key: &str, channel_id: &str) {
        let dialled = self.channels.get(channel_id).and_then(|channel| channel.dialled.clone());
        if let Some(call) = self.book.get_mut(key) {
            call.attempts.begin(channel_id, dialled);
            self.book.involve(key, channel_id);
        }
    }

    /// Begins an outgoing call, unless it has ended before. Returns its key.
    fn begin_outgoing(&mut self, at: UnixMs, caller: Option<&Facts>, callee: &Facts, called: String) -> Option<String> {
        let linked = |facts: &Facts| self.channels.get(&facts.id).map(|channel| channel.linked_id.clone());
        let group = caller.and_then(linked).or_else(|| linked(callee))?;
        let is_own = caller.is_none_or(|caller| self.settings.kind(&caller.name).0 == Kind::Extension);
        if self.book.knows(&group) && !is_own {
            // A forward of an incoming call whose caller has just hung up.
            return None;
        }
        let first = self.oldest_extension(&group);
        let extension = first.as_ref().map(|(_, endpoint)| endpoint.clone());
        let key = self.outgoing_key(&group, &callee.id)?;
        let presented = self.presented(caller, callee, extension.as_deref(), &group);
        let context = caller.map(|caller| number::clean(&caller.context)).filter(|context| !context.is_empty());
        let route = Route {
            presented: Some(presented.clone()).filter(|number| number != ANONYMOUS),
            extension: extension.clone(),
            context,
            ..Route::default()
        };
        let origin = caller.map(|caller| caller.id.clone()).into_iter().chain(first.map(|(id, _)| id)).collect();
        self.open_outgoing(Opening {
            id: self.identity.call_id(self.settings.name_of(&key)),
            key: key.clone(),
            kind: CallType::Outgoing,
            at,
            legs: IdSet::from_iter([callee.id.clone()]),
            origin,
            caller: Caller::Known(presented),
            called,
            extension,
            route,
        });
        Some(key)
    }

    pub(super) fn open_outgoing(&mut self, opening: Opening) {
        let key = opening.key.clone();
        self.book.insert(OpenCall::new(opening));
        self.announce(&key);
    }

    /// The group's key; with the channel's ID if an earlier call of the same group had it.
    pub(super) fn outgoing_key(&self, group: &str, channel_id: &str) -> Option<String> {
        let first = format!("{group}{OUTGOING}");
        let later = format!("{group}{OUTGOING}:{channel_id}");
        [first, later].into_iter().find(|key| !self.book.knows(key))
    }

    /// The oldest extension of a group made the call. Its name counts, not its number: the dialplan may set the company's.
    pub(super) fn oldest_extension(&mut self, group: &str) -> Option<(String, String)> {
        let extensions = self.channels.group(group).inspect(|_| self.examined += 1);
        let extensions = extensions.filter(|(_, channel)| channel.kind == Kind::Extension);
        // The group has the ID of its oldest channel; other phone systems' IDs tell no age.
        let age = |id: &String| (id != group, channels::age(id).0, channels::age(id).1.to_owned());
        let oldest = extensions.min_by_key(|(id, _)| age(id));
        oldest.map(|(id, channel)| (id.clone(), channel.endpoint.clone()))
    }

    /// The number that a call presents. If someone from outside is in its group, it may be theirs, and withheld.
    pub(super) fn presented(
        &self,
        caller: Option<&Facts>,
        callee: &Facts,
        extension: Option<&str>,
        group: &str,
    ) -> String {
        let mut others = self.channels.group(group).filter(|(id, _)| **id != callee.id);
        if others.any(|(_, channel)| channel.kind == Kind::Outside && channel.is_inbound) {
            return ANONYMOUS.to_owned();
        }
        let stated = caller.map(|caller| number::caller(&caller.number)).filter(|number| number != ANONYMOUS);
        let stated = stated.or_else(|| Some(number::caller(&callee.connected_number)).filter(|n| n != ANONYMOUS));
        stated.or_else(|| extension.map(number::caller)).unwrap_or_else(|| ANONYMOUS.to_owned())
    }

    fn ring_extension(&mut self, at: UnixMs, caller: Option<&Facts>, callee: &Facts, endpoint: &str, group: &str) {
        let key = self.call_of_group(group).or_else(|| self.begin_internal(at, caller));
        let Some(key) = key else { return };
        if let Some(call) = self.book.get_mut(&key) {
            call.rung.add(Party::extension(endpoint));
        }
        self.attempt(&key, &callee.id);
    }

    /// Begins an internal call, if they are reported.
    fn begin_internal(&mut self, at: UnixMs, caller: Option<&Facts>) -> Option<String> {
        let caller = caller.filter(|_| self.settings.internal == InternalCalls::Report)?;
        let channel = self.channels.get(&caller.id).filter(|channel| channel.kind == Kind::Extension)?;
        let key = format!("{}:int", channel.linked_id);
        if self.book.knows(&key) {
            return None;
        }
        let extension = Some(channel.endpoint.clone());
        let context = Some(number::clean(&caller.context)).filter(|context| !context.is_empty());
        self.book.insert(OpenCall::new(Opening {
            id: self.identity.call_id(&key),
            key: key.clone(),
            kind: CallType::Internal,
            at,
            legs: IdSet::from_iter([caller.id.clone()]),
            origin: IdSet::default(),
            caller: Caller::Known(channel.endpoint.clone()),
            called: number::clean(&caller.dialled),
            extension: extension.clone(),
            route: Route { extension, context, ..Route::default() },
        }));
        Some(key)
    }

    /// A channel is no longer being called.
    pub(super) fn dial_ended(&mut self, at: UnixMs, caller: Option<&Facts>, callee: &Facts, status: DialStatus) {
        if let Some(caller) = caller {
            self.refresh(caller);
        }
        let exists = self.refresh(callee);
        if self.settings.kind(&callee.name).0 == Kind::Plumbing {
            return;
        }
        let keys = self.book.of_channel(&callee.id).to_vec();
        let mut keys: Vec<String> = keys.into_iter().filter(|key| self.is_attempt(key, &callee.id)).collect();
        if keys.is_empty() {
            keys.extend(self.call_of_group(&callee.linked_id));
        }
        for key in keys {
            self.examined += 1;
            let Some(call) = self.book.get_mut(&key) else { continue };
            call.last_dial_end = Some(at);
            if exists {
                call.attempts.end(&callee.id, status);
            } else {
                call.attempts.end_late(&callee.id, status);
            }
        }
    }

    fn is_attempt(&self, key: &str, channel_id: &str) -> bool {
        self.book.get(key).is_some_and(|call| call.attempts.is_pending(channel_id))
    }
}
