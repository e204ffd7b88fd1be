//! After a gap or a restart, and from time to time: what exists now is compared with what is known.

use std::collections::{HashMap, HashSet};

use domain::time::{SECOND_MS, UnixMs};

use super::{
    Calls,
    gap::{ChannelRow, ListingMark, Resync, Resynced, Since},
    input::{Bridge, ChannelState},
    kind::Kind,
    open::OpenCall,
};
use crate::event::{CallType, Party};

impl Calls {
    /// Call it when a list of channels is requested.
    #[must_use]
    pub fn listing_begins(&self) -> ListingMark {
        ListingMark(self.events)
    }

    /// Ends the calls that no longer exist, continues those that do, begins new ones, and fills what call records tell.
    pub fn resync(&mut self, mut now: Resync) -> Resynced {
        self.events += 1;
        now.channels.retain(|row| !self.channels.has_ended(&row.facts.id));
        now.unchanged.retain(|id| !self.channels.has_ended(id));
        let mut done = Resynced::default();
        self.close_lost(&now, &mut done);
        self.forget_lost(&now);
        for row in &now.channels {
            self.place(row, now.mark);
        }
        done.begun = now.channels.iter().filter(|row| self.begin_unknown(now.at, row)).count();
        now.channels.iter().for_each(|row| self.rejoin(row));
        let lengths = now.channels.iter().map(|row| (row.facts.id.as_str(), length_ms(row))).collect();
        for key in self.book.keys() {
            self.resume_talk(&now, &key, &lengths);
        }
        if let Since::Gap { lost_at } | Since::PbxRestart { lost_at } = now.since {
            self.fill_unseen(lost_at, &now.channels, &now.records, &mut done);
        }
        done.actions = self.take_actions();
        done
    }

    fn is_alive(&self, id: &str, mark: ListingMark, there: &HashSet<&str>) -> bool {
        there.contains(id) || self.channels.get(id).is_some_and(|channel| channel.seen > mark.0)
    }

    /// Ends the calls whose channels are gone.
    fn close_lost(&mut self, now: &Resync, done: &mut Resynced) {
        let there = now.there();
        let records = now.records.iter().map(|record| (record.linked_id.as_str(), record)).collect();
        for key in self.book.keys() {
            let Some(call) = self.book.get(&key) else { continue };
            if matters(call).any(|id| self.is_alive(id, now.mark, &there)) {
                continue;
            }
            done.closed += 1;
            if self.fill_open(&key, &records) {
                done.filled += 1;
            } else {
                done.incomplete += 1;
                self.finish(&key, now.since.end(now.at), Some(now.since.incomplete()));
            }
        }
    }

    /// Forgets the channels that are gone.
    fn forget_lost(&mut self, now: &Resync) {
        let there = now.there();
        let known = self.channels.ids().chain(self.book.channels());
        let lost: HashSet<String> = known.filter(|id| !self.is_alive(id, now.mark, &there)).cloned().collect();
        for id in lost {
            self.end_channel(now.since.end(now.at), &id, None);
        }
    }

    /// Records a channel, and the bridge it is in, unless newer events have.
    fn place(&mut self, row: &ChannelRow, mark: ListingMark) {
        let id = &row.facts.id;
        let is_newer = self.channels.get(id).is_some_and(|channel| channel.seen > mark.0);
        if is_newer || !self.refresh(&row.facts) {
            return;
        }
        self.restore_dialled(id);
        let before = self.channels.get(id).and_then(|channel| channel.bridge.clone());
        if before.as_ref() == row.bridge.as_ref().map(|bridge| &bridge.id) {
            return;
        }
        self.leave_bridge(id);
        if let Some(bridge) = &row.bridge {
            let kind = if self.is_parked_in(id, &bridge.id) { super::BridgeKind::Holding } else { bridge.kind };
            self.enter_bridge(id, &Bridge { id: bridge.id.clone(), kind });
        }
    }

    /// The phone system does not list the number that was dialled.
    fn restore_dialled(&mut self, channel_id: &str) {
        let mut calls = self.book.of_channel(channel_id).iter().filter_map(|key| self.book.get(key));
        let dialled = calls.find_map(|call| call.attempts.dialled(channel_id)).cloned();
        if let Some(channel) = self.channels.get_mut(channel_id) {
            channel.dialled = channel.dialled.take().or(dialled);
        }
    }

    fn is_parked_in(&self, channel_id: &str, bridge_id: &str) -> bool {
        let mut calls = self.book.of_channel(channel_id).iter().filter_map(|key| self.book.get(key));
        calls.any(|call| call.parked_in.as_deref() == Some(bridge_id))
    }

    /// Begins the call of an outside channel that is in none.
    fn begin_unknown(&mut self, at: UnixMs, row: &ChannelRow) -> bool {
        let facts = &row.facts;
        let Some(channel) = self.channels.get(&facts.id).filter(|channel| channel.kind == Kind::Outside) else {
            return false;
        };
        let group = channel.linked_id.clone();
        let began_at = at.plus_ms(-length_ms(row));
        if group == facts.id {
            let is_ours = !matches!(facts.state, ChannelState::Ring | ChannelState::Up);
            if is_ours || self.book.knows(&facts.id) || matches!(facts.dialled.as_str(), "" | "s") {
                return false;
            }
            self.begin_incoming(began_at, facts);
            if let Some(call) = self.book.get_mut(&facts.id) {
                call.is_up = facts.state == ChannelState::Up;
            }
            return true;
        }
        self.begin_unknown_outgoing(began_at, facts, &group)
    }

    /// Remembers what a channel that is being called contributes to its call: a restart must not forget who rang.
    fn rejoin(&mut self, row: &ChannelRow) {
        let facts = &row.facts;
        self.reclaim_number(facts);
        if matches!(facts.state, ChannelState::Ring | ChannelState::Up) {
            return;
        }
        let Some(channel) = self.channels.get(&facts.id) else { return };
        let (kind, group, endpoint) = (channel.kind, channel.linked_id.clone(), channel.endpoint.clone());
        if kind != Kind::Extension || group == facts.id {
            return;
        }
        let Some(key) = self.call_of_group(&group) else { return };
        if self.book.of_channel(&facts.id).contains(&key) {
            return;
        }
        if let Some(call) = self.book.get_mut(&key) {
            call.rung.add(Party::extension(&endpoint));
        }
        self.attempt(&key, &facts.id);
    }

    /// Continues the talk of a call, or ends it at the moment of loss.
    fn resume_talk(&mut self, now: &Resync, key: &str, lengths: &HashMap<&str, i64>) {
        let at = now.at;
        let Some(call) = self.book.get(key) else { return };
        let parties = self.parties(call);
        let is_new = call.talk.answered_at.is_none();
        let with = call.talk.channel_id().filter(|id| parties.contains_key(*id)).map(str::to_owned);
        let both = call.legs.iter().chain(parties.keys());
        let talk_ms = both.filter_map(|id| lengths.get(id.as_str())).min().copied().unwrap_or(0);
        let entries = self.entries;
        match with {
            // Who joined last has not changed.
            Some(_) => {
                if let Some(call) = self.book.get_mut(key) {
                    call.talk.keep(at, entries);
                }
            }
            None if parties.is_empty() => self.check_talk_of(now.since.end(at), key),
            // A talk that began unobserved lasts as long as the younger of its channels, at most.
            None if is_new => self.check_talk_of(at.plus_ms(-talk_ms), key),
            None => self.check_talk_of(at, key),
        }
    }
}

fn length_ms(row: &ChannelRow) -> i64 {
    row.duration_s.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or(0).saturating_mul(SECOND_MS)
}

/// The channels without which a call has ended.
fn matters(call: &OpenCall) -> impl Iterator<Item = &String> {
    let may_try_again = call.kind == CallType::Outgoing && call.talk.answered_at.is_none();
    call.legs.iter().chain(may_try_again.then_some(&call.origin).into_iter().flatten())
}
