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
//! | `report`, `failure`, `trunks` | what an administrator learns |
//! | `drive` | what [`crate::link`] drives it by |

mod compare;
mod drive;
mod failure;
mod follow;
mod listing;
mod login;
mod report;
mod trunks;
mod watchdog;

use std::collections::HashMap;

use domain::UnixMs;

pub use self::failure::{Failure, Permission};
use self::{compare::Comparison, listing::Listing, trunks::Trunks};
use super::ami::{Decoder, Request};
use crate::{
    call::Settings,
    session::{Endpoints, Journal, Phase, Pulse, Saved},
};

/// The version of the protocol of [`domain::connector::ASTERISK_MIN`], by which an Asterisk is judged that does not tell its own.
pub const AMI_VERSION_MIN: u32 = 5;
/// Bytes in a row that belong to no message, after which what sends them is no Asterisk: reconnecting costs calls, and skipping a
/// long line only the time to read it.
pub const UNREADABLE_MAX_BYTES: usize = 16 * 1_024 * 1_024;

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

/// A session.
#[derive(Debug)]
pub struct Session {
    account: Account,
    settings: Settings,
    journal: Journal,
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
    pulse: Pulse,
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
        Self {
            account,
            journal: Journal::new(settings.clone(), saved),
            settings,
            phase: Phase::Offline,
            decoder: Decoder::default(),
            outgoing: Vec::new(),
            questions: HashMap::new(),
            asked: 0,
            listing: None,
            waiting: None,
            compare_at: UnixMs::default(),
            pulse: Pulse::default(),
            last_event_at: None,
            has_call_events: false,
            lacks_call_events: false,
            version: None,
            endpoints: Endpoints::default(),
            trunks: Trunks::default(),
            failure: None,
        }
    }

    fn send(&mut self, request: &Request) {
        // Only values of ours and channel names are sent, and those were checked.
        if let Ok(bytes) = request.encode() {
            self.outgoing.extend_from_slice(&bytes);
        }
    }
}
