//! A session with FreeSWITCH's event socket, as a state machine without I/O and clock: bytes and times in, bytes and call
//! events out. [`crate::link`] connects it to a socket.
//!
//! It authenticates, subscribes to the events of channels, asks whether FreeSWITCH has restarted (`core_uuid`), lists the
//! channels and compares them with what it knows, then follows the events. It pings a silent FreeSWITCH, and compares again
//! from time to time. Commands are answered in order, so a queue says what a response is about.
//!
//! | file | concept |
//! | --- | --- |
//! | `drive` | what [`crate::link`] drives it by |
//! | `login` | from the first frame to the list of channels |
//! | `follow` | events |
//! | `listing` | what exists now, and what is known; gaps |
//! | `watchdog` | what happens when nothing happens |
//! | `report`, `failure`, `trunks` | what an administrator learns |

mod drive;
mod failure;
mod follow;
mod listing;
mod login;
mod report;
mod trunks;
mod watchdog;

use std::collections::{BTreeMap, VecDeque};

use domain::UnixMs;

pub use self::failure::Failure;
use self::listing::Listing;
use super::{Decoder, translate::Translator};
use crate::{
    call::Settings,
    session::{Endpoints, Journal, Phase, Pulse, Saved},
};

/// What a response is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Login,
    Subscription,
    Version,
    Core,
    /// A ping, and FreeSWITCH's clock.
    Time,
    Channels,
    Bridges,
    Channel(String),
    Trunk(String),
}

/// The password of the event socket.
#[derive(Clone)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A session.
#[derive(Debug)]
pub struct Session {
    password: Password,
    settings: Settings,
    journal: Journal,
    phase: Phase,
    decoder: Decoder,
    translator: Translator,
    outgoing: Vec<u8>,
    asked: VecDeque<Asked>,
    listing: Option<Listing>,
    /// When the channels are compared next.
    compare_at: UnixMs,
    pulse: Pulse,
    last_event_at: Option<UnixMs>,
    version: Option<String>,
    endpoints: Endpoints,
    /// By trunk, how often FreeSWITCH did not know it.
    refusals: BTreeMap<String, usize>,
    failure: Option<Failure>,
}

impl Session {
    /// A session that continues from what was saved.
    #[must_use]
    pub fn new(password: Password, settings: Settings, saved: Saved) -> Self {
        Self {
            password,
            journal: Journal::new(settings.clone(), saved),
            settings,
            phase: Phase::Offline,
            decoder: Decoder::default(),
            translator: Translator::default(),
            outgoing: Vec::new(),
            asked: VecDeque::new(),
            listing: None,
            compare_at: UnixMs::default(),
            pulse: Pulse::default(),
            last_event_at: None,
            version: None,
            endpoints: Endpoints::default(),
            refusals: BTreeMap::new(),
            failure: None,
        }
    }

    /// How many channels are remembered, for tests of bounded memory.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.translator.len()
    }

    /// Sends a command. It has no control characters: only commands of ours and IDs are sent, and those are checked.
    fn send(&mut self, asked: Asked, command: &str) {
        self.asked.push_back(asked);
        self.outgoing.extend_from_slice(command.as_bytes());
        self.outgoing.extend_from_slice(b"\n\n");
    }
}
