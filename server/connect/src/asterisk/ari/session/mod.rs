//! A session with an Asterisk that has opened a WebSocket to us, as a state machine without I/O and clock: messages and
//! times in, messages and call events out.
//!
//! It asks which Asterisk this is and switches off the events that nobody needs. What Asterisk kept for us while the
//! connection was lost arrives meanwhile. Then it lists the channels, compares them with what it knows, and follows the
//! events. It outlives its connection: the next one continues with it.
//!
//! | file | concept |
//! | --- | --- |
//! | `begin` | from the connection to the list of channels |
//! | `compare` | what exists now, and what is known; gaps |
//! | `follow` | events, and whether numbers may be shown |
//! | `report` | what an administrator learns |
//! | `clock` | Asterisk's clock |
//! | `saved` | what is saved and posted |
//! | `systems` | which Asterisk this is |

mod begin;
mod clock;
mod compare;
mod follow;
mod report;
mod saved;
mod systems;

use std::collections::{BTreeSet, HashMap};

use domain::{
    UnixMs,
    connector::{Gap, GapReason},
    time::{MINUTE_MS, SECOND_MS},
};

/// Events that Asterisk is asked not to send: nothing is concluded from them.
pub const UNNEEDED_EVENTS: &[&str] = &begin::UNNEEDED;

pub use self::saved::{Batch, Observed, Saved};
use self::{clock::PbxClock, compare::Listing, follow::Question, systems::Systems};
use super::rest::{Head, RESPONSE, Response};
use crate::{
    call::{Calls, Settings, keep_latest},
    event::CallEvent,
    session::Endpoints,
};

/// How often [`Session::tick`] has to be called, in milliseconds.
pub const TICK_MS: i64 = 250;
/// How often changes without an event are saved at most, in milliseconds.
pub const SAVE_EVERY_MS: i64 = SECOND_MS;
/// How often it is saved that Asterisk is observed, while nothing happens, in milliseconds.
pub const OBSERVED_EVERY_MS: i64 = 5 * SECOND_MS;
/// How often the channels are compared, in milliseconds.
pub const COMPARE_EVERY_MS: i64 = 5 * MINUTE_MS;
/// Messages in a row that cannot be read, after which this is no Asterisk.
pub const MALFORMED_MAX: u32 = 100;

/// Why a connection is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// What arrives is not ARI.
    #[error(
        "What arrives isn't Asterisk's REST interface. Compare websocket_client.conf and ari.conf with the text shown here."
    )]
    NotAri,
    /// Asterisk refuses to list its channels.
    #[error(
        "Asterisk refuses to list its channels (status {0}). Check that the user in local_ari_user exists in ari.conf."
    )]
    Refused(u16),
    /// Asterisk has accepted the connection, and closes it without a message.
    #[error(
        "Asterisk closes the connection at once. Its log says what is wrong in ari.conf: a section that occurs twice, or a local_ari_user that is missing."
    )]
    ClosedAtOnce,
    /// A message is larger than the connection allows.
    #[error(
        "A message of Asterisk was larger than 1 MiB: it has more channels than can be listed this way. Run offhook connect asterisk beside it."
    )]
    TooLarge,
}

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// There is no connection.
    Offline,
    /// Nothing has arrived yet.
    Greeting,
    /// Asterisk has not stated yet which it is.
    Asking,
    /// The channels have been requested.
    Following,
}

/// Since when events are missing.
#[derive(Debug, Clone, Copy)]
struct Loss {
    /// On our clock.
    at: UnixMs,
    reason: GapReason,
}

/// A session.
pub struct Session {
    settings: Settings,
    calls: Calls,
    phase: Phase,
    outgoing: Vec<String>,
    /// Applications whose events have been filtered on this connection.
    filtered: BTreeSet<String>,
    /// Presentations that have been asked for, by channel.
    questions: HashMap<String, Question>,
    listing: Option<Listing>,
    listings: u64,
    /// When the channels are listed next.
    compare_at: UnixMs,
    loss: Option<Loss>,
    systems: Systems,
    has_restarted: bool,
    clock: PbxClock,
    events: Vec<CallEvent>,
    gaps: Vec<Gap>,
    /// Whether calls have changed since they were saved.
    is_changed: bool,
    saved_at: UnixMs,
    /// When the connection began.
    connected_at: UnixMs,
    /// When Asterisk was last asked which it is.
    asked_at: UnixMs,
    heard_at: UnixMs,
    is_connected: bool,
    /// Calls that ended since the connection began, until the first comparison.
    ended: usize,
    last_event_at: Option<UnixMs>,
    has_call_events: bool,
    lacks_call_events: bool,
    lacks_groups: bool,
    malformed: u32,
    version: Option<String>,
    endpoints: Endpoints,
    failure: Option<Failure>,
}

impl std::fmt::Debug for Session {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("phase", &self.phase).field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl Session {
    /// A session that continues from what was saved.
    #[must_use]
    pub fn new(settings: Settings, saved: Saved) -> Self {
        let loss = saved
            .observed
            .as_ref()
            .map(|observed| Loss { at: observed.until, reason: observed.lost.unwrap_or(GapReason::ConnectorRestart) });
        let mut calls = Calls::restore(settings.clone(), saved.calls);
        calls.recall(saved.channels);
        Self {
            calls,
            settings,
            phase: Phase::Offline,
            outgoing: Vec::new(),
            filtered: BTreeSet::new(),
            questions: HashMap::new(),
            listing: None,
            listings: 0,
            compare_at: UnixMs::default(),
            loss,
            systems: saved.systems,
            has_restarted: false,
            clock: PbxClock::default(),
            events: Vec::new(),
            gaps: Vec::new(),
            is_changed: false,
            saved_at: UnixMs::default(),
            connected_at: UnixMs::default(),
            asked_at: UnixMs::default(),
            heard_at: UnixMs::default(),
            is_connected: false,
            ended: 0,
            last_event_at: None,
            has_call_events: false,
            lacks_call_events: false,
            lacks_groups: false,
            malformed: 0,
            version: None,
            endpoints: Endpoints::default(),
            failure: None,
        }
    }

    /// A message arrived.
    ///
    /// # Errors
    /// Why the connection is of no use: close it.
    pub fn received(&mut self, now: UnixMs, message: &[u8]) -> Result<(), Failure> {
        self.heard_at = now;
        if self.phase == Phase::Greeting {
            self.introduce(now);
        }
        let read = match serde_json::from_slice::<Head>(message) {
            Ok(head) if head.kind == RESPONSE => match serde_json::from_slice::<Response>(message) {
                Ok(response) => return self.responded(now, response),
                Err(error) => Err(error),
            },
            Ok(head) => {
                self.filter_events(&head.application);
                self.followed(now, message)
            }
            Err(error) => Err(error),
        };
        self.malformed = if read.is_ok() { 0 } else { self.malformed + 1 };
        if self.malformed >= MALFORMED_MAX { Err(Failure::NotAri) } else { Ok(()) }
    }

    /// Something arrived that is no message, such as the response to a ping.
    pub fn heard(&mut self, now: UnixMs) {
        self.heard_at = now;
    }

    /// The messages to send.
    pub fn take_outgoing(&mut self) -> Vec<String> {
        std::mem::take(&mut self.outgoing)
    }

    /// What has to be saved and posted, if anything. Save it before the next is taken.
    pub fn take_batch(&mut self, now: UnixMs) -> Option<Batch> {
        self.note_changes();
        let unsaved_ms = now.since_ms(self.saved_at);
        let is_due = self.is_changed && unsaved_ms >= SAVE_EVERY_MS
            || self.is_observing() && unsaved_ms >= OBSERVED_EVERY_MS
            || !self.events.is_empty()
            || !self.gaps.is_empty();
        is_due.then(|| self.batch(now))
    }

    /// All that is left, when the connection or the server stops.
    pub fn last_batch(&mut self, now: UnixMs) -> Batch {
        self.note_changes();
        self.batch(now)
    }

    fn batch(&mut self, now: UnixMs) -> Batch {
        let state = self.state(now);
        Batch { events: std::mem::take(&mut self.events), gaps: std::mem::take(&mut self.gaps), state }
    }

    fn state(&mut self, now: UnixMs) -> Saved {
        self.is_changed = false;
        self.saved_at = now;
        let (until, lost) = match self.loss {
            Some(loss) => (Some(loss.at), Some(loss.reason)),
            None => (self.is_connected.then_some(now), None),
        };
        let observed = until.map(|until| Observed { until, lost });
        let (mut calls, channels) = (self.calls.snapshot(), self.calls.known_channels());
        keep_latest(&mut calls.finished);
        Saved { calls, channels, observed, systems: self.systems.clone() }
    }

    /// How many events wait to be saved.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.events.len()
    }

    /// Uses these settings from now on. Open calls keep their IDs.
    pub fn set(&mut self, now: UnixMs, settings: Settings) {
        if settings == self.settings {
            return;
        }
        self.note_changes();
        let channels = self.calls.known_channels();
        self.calls = Calls::restore(settings.clone(), self.calls.snapshot());
        self.calls.recall(channels);
        self.settings = settings;
        self.endpoints.count_again();
        if self.phase == Phase::Following {
            self.list_channels(now);
        }
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_observing(&self) -> bool {
        self.phase == Phase::Following && self.is_connected && self.loss.is_none()
    }

    /// Whether nothing has arrived yet on this connection.
    #[must_use]
    pub fn is_mute(&self) -> bool {
        self.phase == Phase::Greeting
    }

    fn note_changes(&mut self) {
        let changes = self.calls.take_changes();
        self.is_changed |= !(changes.open.is_empty() && changes.ended.is_empty());
        if !self.is_connected {
            self.ended += changes.ended.len();
        }
    }
}
