//! What exists now is compared with what is known: at the beginning of a connection, and from time to time.

use std::collections::HashSet;

use domain::{
    UnixMs,
    connector::{Gap, GapReason},
    time::SECOND_MS,
};

use super::{COMPARE_EVERY_MS, Failure, Phase, Session, begin};
use crate::{
    asterisk::ari::{self, rest},
    call::{ChannelRow, ListingMark, Resync, Since},
};

/// A list that has not arrived is requested again after this, in milliseconds.
const LIST_AGAIN_MS: i64 = 10 * SECOND_MS;
/// Before the first event of a call on a connection, lists are compared this often, in milliseconds: that Asterisk sends no
/// events shows by channels without any.
const UNPROVEN_EVERY_MS: i64 = 5 * SECOND_MS;

/// A list that was requested.
pub(super) struct Listing {
    number: String,
    mark: ListingMark,
    channels: Option<String>,
}

impl Session {
    pub(super) fn list_channels(&mut self, now: UnixMs) {
        self.phase = Phase::Following;
        self.compare_at = now.plus_ms(LIST_AGAIN_MS);
        self.listings += 1;
        let number = self.listings.to_string();
        self.outgoing.push(rest::get(&format!("{} {number}", begin::CHANNELS), "channels"));
        self.outgoing.push(rest::get(&format!("{} {number}", begin::BRIDGES), "bridges"));
        self.listing = Some(Listing { number, mark: self.calls.listing_begins(), channels: None });
    }

    pub(super) fn compare_when_due(&mut self, now: UnixMs) {
        if now >= self.compare_at {
            self.list_channels(now);
        }
    }

    /// One of the two lists arrived. One that cannot be used is requested again.
    pub(super) fn listed(&mut self, now: UnixMs, number: &str, response: &rest::Response) -> Result<(), Failure> {
        let Some(listing) = self.listing.as_mut().filter(|listing| listing.number == number) else { return Ok(()) };
        match response.status_code {
            200 => {}
            401 | 403 => return Err(Failure::Refused(response.status_code)),
            _ => return Ok(()),
        }
        if response.request_id.starts_with(begin::CHANNELS) {
            listing.channels = Some(response.message_body.clone());
            return Ok(());
        }
        let Some(Listing { mark, channels: Some(channels), .. }) = self.listing.take() else { return Ok(()) };
        let at = self.clock.theirs(now);
        if let Ok(rows) = ari::channel_rows(channels.as_bytes(), response.message_body.as_bytes(), at) {
            self.compare(now, mark, rows);
        }
        Ok(())
    }

    fn compare(&mut self, now: UnixMs, mark: ListingMark, rows: Vec<ChannelRow>) {
        self.check_for_missed_events(now, &rows);
        rows.iter().for_each(|row| self.endpoints.see(&row.facts.name, &self.settings));
        self.clock.renew();
        let every_ms = if self.has_call_events { COMPARE_EVERY_MS } else { UNPROVEN_EVERY_MS };
        self.compare_at = now.plus_ms(every_ms);
        self.note_changes();
        let since = match self.loss {
            Some(loss) if self.has_restarted => Since::PbxRestart { lost_at: self.clock.theirs(loss.at) },
            Some(loss) => Since::Gap { lost_at: self.clock.theirs(loss.at) },
            None => Since::Comparison,
        };
        let at = self.clock.theirs(now);
        let done = self.calls.resync(Resync {
            at,
            since,
            mark,
            channels: rows,
            unchanged: HashSet::new(),
            records: Vec::new(),
        });
        self.close_gap(now, done.closed, done.incomplete);
        self.act(now, done.actions);
        self.is_connected = true;
        self.has_restarted = false;
        self.ask_again(now);
    }

    /// What Asterisk kept for us filled the gap, except for the calls that were gone without a word.
    fn close_gap(&mut self, now: UnixMs, closed: usize, incomplete: usize) {
        let Some(loss) = self.loss.take() else { return };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.gaps.push(Gap {
            from: loss.at,
            to: Some(now.max(loss.at)),
            reason: if self.has_restarted { GapReason::PbxRestart } else { loss.reason },
            calls_closed: count(self.ended + closed),
            filled: count(self.ended + closed - incomplete),
            incomplete: count(incomplete),
        });
        self.is_changed = true;
    }

    /// A channel that began on this connection, without any event: Asterisk sends none.
    fn check_for_missed_events(&mut self, now: UnixMs, rows: &[ChannelRow]) {
        if self.has_call_events || !self.is_connected {
            return;
        }
        let connected_s = now.since_ms(self.connected_at) / SECOND_MS;
        let is_new = |seconds: u64| i64::try_from(seconds).is_ok_and(|seconds| seconds >= 1 && seconds < connected_s);
        self.lacks_call_events |= rows.iter().any(|row| row.duration_s.is_some_and(is_new));
    }
}
