//! What exists now is compared with what is known: after a login, and from time to time. `show channels` lists all channels,
//! `show calls` who is bridged with whom, and `uuid_dump` describes a channel as an event would.

use std::collections::{HashMap, HashSet};

use domain::UnixMs;
use serde::Deserialize;

use super::{Asked, Failure, Session};
use crate::{
    call::{Action, ChannelRow, ListingMark, Resync, Since},
    freeswitch::Event,
    session::{COMPARE_EVERY_MS, printable},
};

/// Longest ID of a channel that is asked about, in characters. They are UUIDs, unless `origination_uuid` chose another.
const ID_MAX_CHARS: usize = 128;
/// Longest refusal that is shown, in characters.
const REFUSAL_MAX_CHARS: usize = 80;

/// A list that was requested.
#[derive(Debug)]
pub(super) struct Listing {
    mark: ListingMark,
    pub requested_at: UnixMs,
    /// How many responses are missing.
    missing: usize,
    rows: Vec<ChannelRow>,
    unchanged: HashSet<String>,
    /// By channel, the one it is bridged with.
    bridged: HashMap<String, String>,
}

/// The response to `show … as json`. Without rows, there is no list.
#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    uuid: String,
    #[serde(default)]
    b_uuid: Option<String>,
}

impl Session {
    pub(super) fn list_channels(&mut self, now: UnixMs) {
        self.compare_at = now.plus_ms(COMPARE_EVERY_MS);
        let mark = self.journal.calls.listing_begins();
        let (rows, unchanged, bridged) = (Vec::new(), HashSet::new(), HashMap::new());
        self.listing = Some(Listing { mark, requested_at: now, missing: 2, rows, unchanged, bridged });
        self.send(Asked::Bridges, "api show calls as json");
        self.send(Asked::Channels, "api show channels as json");
    }

    pub(super) fn listed_bridges(&mut self, text: Option<&str>) {
        let Some(listing) = &mut self.listing else { return };
        listing.missing -= 1;
        let shown: Option<Shown> = text.and_then(|text| serde_json::from_str(text).ok());
        for Row { uuid, b_uuid } in shown.into_iter().flat_map(|shown| shown.rows) {
            if let Some(other) = b_uuid.filter(|other| !other.is_empty()) {
                listing.bridged.insert(other.clone(), uuid.clone());
                listing.bridged.insert(uuid, other);
            }
        }
    }

    pub(super) fn listed(&mut self, now: UnixMs, text: Option<&str>) -> Result<(), Failure> {
        let Some(mut listing) = self.listing.take() else { return Ok(()) };
        listing.missing -= 1;
        // A list that can't be read must not end calls.
        let text = text.ok_or(Failure::TooManyChannels)?;
        let shown: Shown =
            serde_json::from_str(text).map_err(|_| Failure::Denied(printable(text.trim(), REFUSAL_MAX_CHARS)))?;
        for Row { uuid, .. } in shown.rows {
            // After a gap, what is known of a channel may be old.
            let is_known = self.journal.loss.is_none() && self.journal.calls.has_channel(&uuid);
            if is_known || !is_plain(&uuid) {
                listing.unchanged.insert(uuid);
                continue;
            }
            listing.missing += 1;
            self.send(Asked::Channel(uuid.clone()), &format!("api uuid_dump {uuid} json"));
        }
        listing.requested_at = now;
        self.listing = Some(listing);
        Ok(())
    }

    /// What `uuid_dump` tells. A channel that has gone meanwhile has an event of its own for that.
    pub(super) fn described(&mut self, id: String, text: Option<&str>) {
        let Some(listing) = &mut self.listing else { return };
        listing.missing -= 1;
        let dump = text.and_then(|text| Event::parse(text.as_bytes()));
        let Some(dump) = dump.filter(|dump| dump.get("Unique-ID") == Some(id.as_str())) else {
            listing.unchanged.insert(id);
            return;
        };
        let other = listing.bridged.get(&id).map(String::as_str);
        let Some(row) = self.translator.describe(&dump, other, &self.settings) else { return };
        self.endpoints.see(&row.facts.name, &self.settings);
        let now = self.journal.clock.theirs(listing.requested_at);
        let began_at = dump.micros("Caller-Channel-Created-Time");
        let age_ms = began_at.and_then(|began_at| u64::try_from(now.since_ms(began_at)).ok());
        listing.rows.push(ChannelRow { duration_s: age_ms.map(|ms| ms / 1_000), ..row });
    }

    pub(super) fn compare_if_complete(&mut self, now: UnixMs) {
        let Some(listing) = self.listing.take_if(|listing| listing.missing == 0) else { return };
        let Listing { mark, rows, unchanged, .. } = listing;
        let since = self.journal.loss.map_or(Since::Comparison, |loss| self.journal.since(loss.at));
        let listing = Resync { at: now, since, mark, channels: rows, unchanged, records: Vec::new() };
        let actions = self.journal.resync(now, listing);
        self.act(actions);
        let calls = &self.journal.calls;
        self.translator.retain(|id| calls.has_channel(id));
        for (channel_id, channel) in self.journal.calls.awaiting_presentation() {
            self.act(vec![Action::AskPresentation { channel_id, channel }]);
        }
        self.failure = None;
    }
}

/// Whether an ID or a name can be a part of a command.
pub(super) fn is_plain(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !id.is_empty() && id.len() <= ID_MAX_CHARS && id.chars().all(fits)
}
