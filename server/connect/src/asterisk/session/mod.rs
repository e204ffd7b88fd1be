//! A session with Asterisk's manager interface, as a state machine without I/O and clock: bytes and times in, bytes and call
//! events out. [`super::link`] connects it to a socket.
//!
//! It logs in, asks whether Asterisk has restarted, lists the channels and compares them with what it knows, then follows the
//! events. It pings a silent Asterisk, and compares again from time to time.
//!
//! | file | concept |
//! | --- | --- |
//! | `login` | from the greeting to the list of channels |
//! | `follow` | events, and whether numbers may be shown |
//! | `compare`, `listing` | what exists now, and what is known; gaps |
//! | `watchdog` | what happens when nothing happens |
//! | `report`, `failure`, `endpoints`, `trunks` | what an administrator learns |
//! | `pbx_clock` | Asterisk's clock |
//! | `batch` | what is to be saved |

mod batch;
mod compare;
mod endpoints;
mod failure;
mod follow;
mod listing;
mod login;
mod pbx_clock;
mod report;
mod trunks;
mod watchdog;

use std::collections::HashMap;

use domain::{
    UnixMs,
    connector::Gap,
    time::{MINUTE_MS, SECOND_MS},
};

pub use self::{
    batch::{Batch, Observed},
    failure::{Failure, Permission},
};
use self::{compare::Comparison, endpoints::Endpoints, listing::Listing, pbx_clock::PbxClock, trunks::Trunks};
use super::ami::{Decoder, Frame, Request};
use crate::{
    call::{Calls, Settings, Snapshot},
    event::CallEvent,
};

/// The first version of the protocol whose events tell enough (Asterisk 12).
pub const AMI_VERSION_MIN: u32 = 2;
/// A ping follows this much silence, in milliseconds.
pub const PING_AFTER_MS: i64 = 2 * SECOND_MS;
/// After this much silence the connection is dead, in milliseconds.
pub const DEAD_MS: i64 = 6 * SECOND_MS;
/// How often the channels are compared, in milliseconds.
pub const COMPARE_EVERY_MS: i64 = 5 * MINUTE_MS;
/// How often [`Session::tick`] has to be called, in milliseconds.
pub const TICK_MS: i64 = 250;
/// How often it is saved that the phone system is observed, while nothing happens, in milliseconds.
pub const OBSERVED_EVERY_MS: i64 = 5 * SECOND_MS;

/// A restart of the connector that took less is no gap if it cost no call, in milliseconds.
const NEGLIGIBLE_MS: i64 = 5 * SECOND_MS;

/// Who logs in.
#[derive(Clone)]
pub struct Account {
    /// The user's name in `manager.conf`.
    pub user: String,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("user", &self.user).finish_non_exhaustive()
    }
}

/// What was saved by an earlier session.
#[derive(Debug, Default)]
pub struct Saved {
    /// Open calls.
    pub calls: Snapshot,
    /// How far it had observed the phone system; `None` if there was no earlier session.
    pub observed: Option<Observed>,
}

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no connection.
    Offline,
    /// Asterisk has not greeted yet.
    Greeting,
    /// It has not accepted the login yet.
    LoggingIn,
    /// It sends events.
    Following,
}

/// Since when events are missing.
#[derive(Debug, Clone, Copy)]
struct Loss {
    /// On our clock.
    at: UnixMs,
    reason: domain::connector::GapReason,
}

impl Loss {
    /// A restart of the connector this short, as after a change of its settings, is no gap unless it cost a call.
    fn is_negligible(self, now: UnixMs) -> bool {
        self.reason == domain::connector::GapReason::ConnectorRestart && now.since_ms(self.at) < NEGLIGIBLE_MS
    }
}

/// A session.
#[derive(Debug)]
pub struct Session {
    account: Account,
    settings: Settings,
    calls: Calls,
    phase: Phase,
    decoder: Decoder,
    outgoing: Vec<u8>,
    /// Questions about presentations that are not answered: by number, the channel and when it was asked.
    questions: HashMap<u64, (String, UnixMs)>,
    asked: u64,
    listing: Option<Listing>,
    /// A comparison that waits for call records.
    waiting: Option<Comparison>,
    /// When the channels are compared next.
    compare_at: UnixMs,
    loss: Option<Loss>,
    boot: Option<String>,
    has_restarted: bool,
    clock: PbxClock,
    events: Vec<CallEvent>,
    gaps: Vec<Gap>,
    saved_at: UnixMs,
    heard_at: UnixMs,
    pinged_at: UnixMs,
    ticked_at: UnixMs,
    connected_since: Option<UnixMs>,
    last_event_at: Option<UnixMs>,
    /// Whether any event of a call arrived on this connection.
    has_call_events: bool,
    lacks_call_events: bool,
    version: Option<String>,
    endpoints: Endpoints,
    trunks: Trunks,
    failure: Option<Failure>,
}

impl Session {
    /// A session that continues from what was saved.
    #[must_use]
    pub fn new(account: Account, settings: Settings, saved: Saved) -> Self {
        let reason = domain::connector::GapReason::ConnectorRestart;
        Self {
            account,
            calls: Calls::restore(settings.clone(), saved.calls),
            settings,
            phase: Phase::Offline,
            decoder: Decoder::default(),
            outgoing: Vec::new(),
            questions: HashMap::new(),
            asked: 0,
            listing: None,
            waiting: None,
            compare_at: UnixMs::default(),
            loss: saved.observed.as_ref().map(|observed| Loss { at: observed.until, reason }),
            boot: saved.observed.and_then(|observed| observed.boot),
            has_restarted: false,
            clock: PbxClock::default(),
            events: Vec::new(),
            gaps: Vec::new(),
            saved_at: UnixMs::default(),
            heard_at: UnixMs::default(),
            pinged_at: UnixMs::default(),
            ticked_at: UnixMs::default(),
            connected_since: None,
            last_event_at: None,
            has_call_events: false,
            lacks_call_events: false,
            version: None,
            endpoints: Endpoints::default(),
            trunks: Trunks::default(),
            failure: None,
        }
    }

    /// Bytes arrived.
    ///
    /// # Errors
    /// Why the connection is of no use: close it.
    pub fn received(&mut self, now: UnixMs, bytes: &[u8]) -> Result<(), Failure> {
        self.heard_at = now;
        for frame in self.decoder.push(bytes) {
            match frame {
                Frame::Banner(version) if self.phase == Phase::Greeting => self.greeted(&version)?,
                Frame::Banner(_) => {}
                Frame::Message(_) if self.phase == Phase::Greeting => return Err(Failure::NotAmi),
                Frame::Message(message) => match message.get("ActionID") {
                    Some(id) => self.responded(now, id, &message)?,
                    None => self.followed(now, &message),
                },
            }
        }
        let is_other = self.phase == Phase::Greeting && self.decoder.malformed() > 0;
        if is_other { Err(Failure::NotAmi) } else { Ok(()) }
    }

    /// The bytes to send.
    pub fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// What has to be saved, if anything. Save it before the next is taken.
    pub fn take_batch(&mut self, now: UnixMs) -> Option<Batch> {
        let changes = self.calls.take_changes();
        let is_due = self.is_observing() && now.since_ms(self.saved_at) >= OBSERVED_EVERY_MS;
        let is_empty =
            self.events.is_empty() && self.gaps.is_empty() && changes.open.is_empty() && changes.ended.is_empty();
        if is_empty && !is_due {
            return None;
        }
        self.saved_at = now;
        let (events, gaps) = (std::mem::take(&mut self.events), std::mem::take(&mut self.gaps));
        Some(Batch { events, changes, gaps, observed: self.observed(now) })
    }

    /// How many events wait to be saved.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.events.len()
    }

    /// What has to be saved at the end, when a session is stopped.
    pub fn last_batch(&mut self, now: UnixMs) -> Option<Batch> {
        self.saved_at = UnixMs::default();
        self.take_batch(now)
    }

    /// How far the phone system has been observed.
    #[must_use]
    pub fn observed(&self, now: UnixMs) -> Observed {
        let until = self.loss.map_or(now, |loss| loss.at);
        Observed { until, boot: self.boot.clone() }
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_observing(&self) -> bool {
        self.phase == Phase::Following && self.loss.is_none() && self.connected_since.is_some()
    }

    fn send(&mut self, request: &Request) {
        // Only values of ours and channel names are sent, and those were checked.
        if let Ok(bytes) = request.encode() {
            self.outgoing.extend_from_slice(&bytes);
        }
    }
}
