//! What is a call, who talked, and how it ended: a state machine without I/O, clock or randomness.
//!
//! A feed passes each report of the phone system to [`Calls::feed`] and does what the returned [`Action`]s say. After a lost
//! connection or a restart it passes what exists now to [`Calls::resync`]. Nothing searches all calls or all channels for an
//! event: with 10,000 open calls an event costs what it costs with ten.
//!
//! | file | concept |
//! | --- | --- |
//! | `input` | reports and actions |
//! | `channels`, `bridges`, `reach` | what exists, who is together, who hears whom |
//! | `kind`, `settings`, `ids`, `number` | what names, IDs and numbers mean |
//! | `open`, `book` | an open call; all of them |
//! | `incoming`, `dialling`, `bridging`, `ending` | what reports do |
//! | `talk`, `results`, `status`, `destination` | what is concluded from them |
//! | `privacy` | whether a number may be shown |
//! | `finish` | the event for the end |
//! | `gap`, `resync`, `fill`, `snapshot`, `recall` | gaps and restarts |

mod book;
mod bridges;
mod bridging;
mod channels;
mod destination;
mod dialling;
mod ending;
mod fill;
mod finish;
mod gap;
mod id_set;
mod ids;
mod import;
mod incoming;
mod input;
mod kind;
pub mod number;
mod open;
mod privacy;
mod reach;
mod recall;
mod recent;
mod results;
mod resync;
mod settings;
mod snapshot;
mod status;
mod talk;

use domain::time::UnixMs;

use self::{book::Book, bridges::Bridges, channels::Channels};
pub use self::{
    book::FINISHED_MAX,
    gap::{CallRecord, ChannelRow, ListingMark, RecordEnd, Resync, Resynced, Since},
    input::{Action, Bridge, BridgeKind, Cause, ChannelState, DialStatus, Facts, Mailbox, PbxEvent, Presentation},
    kind::endpoint,
    open::OpenCall,
    recall::KnownChannel,
    settings::{InternalCalls, PhoneSystem, Settings},
    snapshot::{Changes, Snapshot, keep_latest},
};
pub(crate) use self::{ids::began_s, kind::Kind};
use crate::event::Identity;

/// All calls of one phone system.
pub struct Calls {
    settings: Settings,
    identity: Identity,
    channels: Channels,
    bridges: Bridges,
    book: Book,
    /// Counts events, so that a list of channels can be compared with events that came while it was made.
    events: u64,
    /// Counts entries into bridges.
    entries: u64,
    /// Counts the channels and calls that were examined.
    examined: u64,
    actions: Vec<Action>,
}

impl std::fmt::Debug for Calls {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Calls").field("open", &self.open()).finish_non_exhaustive()
    }
}

impl Calls {
    /// No calls yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            identity: settings.identity(),
            settings,
            channels: Channels::default(),
            bridges: Bridges::default(),
            book: Book::default(),
            events: 0,
            entries: 0,
            examined: 0,
            actions: Vec::new(),
        }
    }

    /// Takes one report. `at` is the phone system's time, if it states it, else the time of arrival; not a mix of both.
    pub fn feed(&mut self, at: UnixMs, event: &PbxEvent) -> Vec<Action> {
        self.events += 1;
        match event {
            PbxEvent::Began(facts) => self.began(at, facts),
            PbxEvent::Changed(facts) => self.changed(facts),
            PbxEvent::Renamed { channel_id, name } => self.renamed(at, channel_id, name),
            PbxEvent::DialBegan { caller, callee, dial_string } => {
                self.dial_began(at, caller.as_ref(), callee, dial_string);
            }
            PbxEvent::DialEnded { caller, callee, status } => self.dial_ended(at, caller.as_ref(), callee, *status),
            PbxEvent::BridgeEntered(facts, bridge) => self.bridge_entered(at, facts, bridge),
            PbxEvent::BridgeLeft(facts, bridge) => self.bridge_left(at, facts, bridge),
            PbxEvent::BridgeDestroyed { bridge_id } => self.bridge_destroyed(at, bridge_id),
            PbxEvent::HangupRequested(facts, cause) => self.hangup_requested(facts, *cause),
            PbxEvent::HungUp(facts, cause) => self.hung_up(at, facts, *cause),
            PbxEvent::MessageLeft { caller, mailbox, length_s } => self.message_left(at, caller, mailbox, *length_s),
        }
        self.book.bound();
        self.take_actions()
    }

    /// Whether this channel exists.
    #[must_use]
    pub fn has_channel(&self, id: &str) -> bool {
        self.channels.get(id).is_some()
    }

    /// How many calls are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.book.len()
    }

    /// How many channels and calls have been examined: what all events so far have cost.
    #[must_use]
    pub fn examined(&self) -> u64 {
        self.examined
    }

    /// How many entries are held in memory, of any kind.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.channels.entries() + self.bridges.len() + self.book.entries()
    }

    fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    fn refresh(&mut self, facts: &Facts) -> bool {
        self.channels.refresh(facts, &self.settings, self.events)
    }

    /// The open call that a group belongs to: an incoming one first, since forwards and transfers are part of its story.
    fn call_of_group(&mut self, linked_id: &str) -> Option<String> {
        let mut found: Option<&str> = None;
        for (id, _) in self.channels.group(linked_id) {
            self.examined += 1;
            for key in self.book.of_channel(id) {
                self.examined += 1;
                let Some(call) = self.book.get(key).filter(|call| call.holds(id)) else { continue };
                if call.kind == crate::event::CallType::Incoming {
                    return Some(key.clone());
                }
                found = found.or(Some(key));
            }
        }
        found.map(str::to_owned)
    }
}
