//! What call records tell about calls whose end was not observed.

use std::collections::{HashMap, HashSet};

use domain::time::{SECOND_MS, UnixMs};

use super::{
    Calls,
    gap::{CallRecord, ChannelRow, RecordEnd, Resynced},
    id_set::IdSet,
    input::Facts,
    kind::Kind,
    number,
    open::{Caller, OpenCall, Opening},
    talk::Talk,
};
use crate::event::{ANONYMOUS, CallType, Party, Route};

/// A record may end this much before the loss, because it has whole seconds.
const ROUNDING_MS: i64 = SECOND_MS;

impl Calls {
    /// Ends an open call as its record states. Returns whether there was one.
    pub(super) fn fill_open(&mut self, key: &str, records: &HashMap<&str, &CallRecord>) -> bool {
        let linked_id = key.split(':').next().unwrap_or_default();
        let Some(record) = records.get(linked_id) else { return false };
        self.apply(key, record);
        self.finish(key, record.ended_at, None);
        true
    }

    pub(super) fn apply(&mut self, key: &str, record: &CallRecord) {
        let peer = |name: &str| {
            let (kind, endpoint) = self.settings.kind(name);
            (kind == Kind::Extension && !endpoint.is_empty()).then(|| Party::extension(&endpoint))
        };
        let party = match &record.end {
            RecordEnd::Answered { peer: name, number, .. } => {
                peer(name).or_else(|| number.clone().map(|number| Party::Number(number::clean(&number))))
            }
            _ => None,
        };
        let rang: Vec<Party> = record.peers.iter().filter_map(|name| peer(name)).collect();
        let Some(call) = self.book.get_mut(key) else { return };
        match &record.end {
            RecordEnd::Answered { talk_s, .. } => {
                let length_ms = i64::try_from(*talk_s).unwrap_or(0).saturating_mul(SECOND_MS);
                call.talk.record(record.ended_at.plus_ms(-length_ms), *talk_s, party);
            }
            RecordEnd::Voicemail { mailbox, message_s } => {
                let length_ms = i64::try_from(*message_s).unwrap_or(0).saturating_mul(SECOND_MS);
                call.talk = Talk::default();
                call.mailbox = Some(number::clean(mailbox));
                call.last_dial_end = Some(record.ended_at.plus_ms(-length_ms));
            }
            RecordEnd::Unanswered(status, cause) => {
                call.talk = Talk::default();
                call.attempts.record(*status, *cause);
                rang.into_iter().for_each(|party| call.rung.add(party));
            }
        }
    }

    /// Posts the ends of calls that began and ended in the gap. Their start would come too late.
    pub(super) fn fill_unseen(
        &mut self,
        lost_at: UnixMs,
        rows: &[ChannelRow],
        records: &[CallRecord],
        done: &mut Resynced,
    ) {
        let there: HashSet<&str> = rows.iter().map(|row| row.facts.linked_id.as_str()).collect();
        for record in records {
            let is_old = record.ended_at < lost_at.plus_ms(-ROUNDING_MS);
            let suffixes = ["", ":out", ":int"];
            let is_known = suffixes.iter().any(|suffix| self.book.knows(&format!("{}{suffix}", record.linked_id)));
            if is_old || is_known || there.contains(record.linked_id.as_str()) {
                continue;
            }
            if let Some(mut call) = self.recorded(record) {
                call.is_announced = true;
                let key = call.key.clone();
                self.book.insert(call);
                self.apply(&key, record);
                self.finish(&key, record.ended_at, None);
                done.closed += 1;
                done.filled += 1;
            }
        }
    }

    /// The call that a record is about, if it leads in or out.
    pub(super) fn recorded(&self, record: &CallRecord) -> Option<OpenCall> {
        let (kind, endpoint) = self.settings.kind(&record.channel);
        let is_outgoing = record.peers.iter().any(|peer| self.settings.kind(peer).0 == Kind::Outside);
        let context = Some(number::clean(&record.context)).filter(|context| !context.is_empty());
        let dialled = number::clean(&record.dialled);
        let (suffix, kind, caller, extension, route) = match kind {
            Kind::Outside => {
                let route = Route { dialled: Some(dialled.clone()), context, ..Route::default() };
                ("", CallType::Incoming, ANONYMOUS.to_owned(), None, route)
            }
            Kind::Extension if is_outgoing => {
                let presented = number::caller(&record.caller);
                let shown = Some(presented.clone()).filter(|number| number != ANONYMOUS);
                let route = Route { presented: shown, extension: Some(endpoint.clone()), context, ..Route::default() };
                (":out", CallType::Outgoing, presented, Some(endpoint), route)
            }
            _ => return None,
        };
        let key = format!("{}{suffix}", record.linked_id);
        Some(OpenCall::new(Opening {
            id: self.identity.call_id(&key),
            key,
            kind,
            at: record.began_at,
            legs: IdSet::default(),
            origin: IdSet::default(),
            caller: Caller::Known(caller),
            called: dialled,
            extension,
            route,
        }))
    }

    /// Begins the outgoing call of a line that was already being called, or has answered. Returns whether it did.
    pub(super) fn begin_unknown_outgoing(&mut self, began_at: UnixMs, facts: &Facts, group: &str) -> bool {
        let called = number::caller(&facts.number);
        if let Some(channel) = self.channels.get_mut(&facts.id)
            && called != ANONYMOUS
            && channel.dialled.is_none()
        {
            channel.dialled = Some(called.clone());
        }
        let key = format!("{group}:out");
        // The last line of an incoming call that has ended may still be there.
        let is_known = self.book.knows(&key) || self.book.knows(group) || self.call_of_group(group).is_some();
        let first = self.oldest_extension(group);
        if called == ANONYMOUS || is_known || first.is_none() {
            return false;
        }
        let extension = first.as_ref().map(|(_, endpoint)| endpoint.clone());
        let presented = self.presented(None, facts, extension.as_deref(), group);
        let shown = Some(presented.clone()).filter(|number| number != ANONYMOUS);
        let origin = first.as_ref().and_then(|(id, _)| self.channels.get(id));
        let context = origin.map(|channel| channel.context.clone()).filter(|context| !context.is_empty());
        self.open_outgoing(Opening {
            id: self.identity.call_id(&key),
            key,
            kind: CallType::Outgoing,
            at: began_at,
            legs: IdSet::from_iter([facts.id.clone()]),
            origin: first.map(|(id, _)| id).into_iter().collect(),
            caller: Caller::Known(presented),
            called,
            extension: extension.clone(),
            route: Route { presented: shown, extension, context, ..Route::default() },
        });
        true
    }

    /// A restored call has no number until it is known that it may be shown: takes it from the channel, and asks.
    pub(super) fn reclaim_number(&mut self, facts: &Facts) {
        let is_pending = self.book.get(&facts.id).is_some_and(|call| call.caller.is_pending());
        if !is_pending {
            return;
        }
        if let Some(call) = self.book.get_mut(&facts.id) {
            call.caller = Caller::Pending(facts.number.clone());
        }
        self.ask_presentation(&facts.id, &facts.name);
    }
}
