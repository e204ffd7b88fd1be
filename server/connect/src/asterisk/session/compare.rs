//! What exists now is compared with what is known: after a login, and from time to time.

use std::collections::HashSet;

use domain::{UnixMs, time::SECOND_MS};

use super::{
    Session,
    listing::{Completeness, Listing},
    login::CHANNELS,
};
use crate::{
    asterisk::ami::{Message, Request},
    call::{CallRecord, Resync, Since},
    session::COMPARE_EVERY_MS,
};

/// A list with missing rows is requested again after this, in milliseconds.
const LIST_AGAIN_MS: i64 = 5 * SECOND_MS;
/// Before the first event of a call on a connection, lists are compared this often, in milliseconds: a missing permission to
/// read them shows by channels without events.
const UNPROVEN_EVERY_MS: i64 = 5 * SECOND_MS;

/// A complete list that waits for the call records of the gap.
#[derive(Debug)]
pub(super) struct Comparison {
    listing: Listing,
    /// When events were lost, on our clock.
    pub(super) lost_at: UnixMs,
}

impl Session {
    pub(super) fn list_channels(&mut self, now: UnixMs) {
        self.compare_at = now.plus_ms(COMPARE_EVERY_MS);
        self.listing = Some(Listing::new(self.journal.calls.listing_begins(), now));
        self.send(&Request::new("CoreShowChannels").with("ActionID", CHANNELS));
    }

    pub(super) fn listed(&mut self, now: UnixMs, message: &Message) {
        match (message.get("Event"), &mut self.listing) {
            (Some("CoreShowChannel"), Some(listing)) => listing.row(message),
            (Some("CoreShowChannelsComplete"), listing) => {
                let Some(listing) = listing.take() else { return };
                if listing.completeness(message) == Completeness::RowsMissing {
                    self.compare_at = now.plus_ms(LIST_AGAIN_MS);
                    return;
                }
                self.compare(now, listing);
            }
            _ => {}
        }
    }

    fn compare(&mut self, now: UnixMs, listing: Listing) {
        self.check_for_missed_events(now, &listing);
        for row in &listing.rows {
            self.endpoints.see(&row.facts.name, &self.settings);
        }
        if !self.has_call_events {
            self.compare_at = now.plus_ms(UNPROVEN_EVERY_MS);
        }
        match self.journal.loss {
            Some(loss) => self.waiting = Some(Comparison { listing, lost_at: loss.at }),
            None => self.resync(now, listing, Since::Comparison, Vec::new()),
        }
    }

    /// Compares, with call records of the gap; none if there is no file.
    pub(super) fn fill(&mut self, now: UnixMs, records: Vec<CallRecord>) {
        let Some(Comparison { listing, lost_at }) = self.waiting.take() else { return };
        let since = self.journal.since(lost_at);
        self.resync(now, listing, since, records);
    }

    fn resync(&mut self, now: UnixMs, listing: Listing, since: Since, records: Vec<CallRecord>) {
        let Listing { mark, rows: channels, .. } = listing;
        let unchanged = HashSet::new();
        let actions = self.journal.resync(now, Resync { at: now, since, mark, channels, unchanged, records });
        self.act(now, actions);
        self.failure = None;
        self.ask_again(now);
    }

    /// A channel that began on this connection, without any event: Asterisk sends none.
    fn check_for_missed_events(&mut self, now: UnixMs, listing: &Listing) {
        let Some(since) = self.journal.connected_since.filter(|_| !self.has_call_events) else { return };
        let connected_s = now.since_ms(since) / SECOND_MS;
        let is_new = |seconds: u64| i64::try_from(seconds).is_ok_and(|seconds| seconds >= 1 && seconds < connected_s);
        self.lacks_call_events |= listing.rows.iter().any(|row| row.duration_s.is_some_and(is_new));
    }
}
