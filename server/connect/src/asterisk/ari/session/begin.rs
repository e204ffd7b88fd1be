//! From the connection to the list of channels, and back.

use domain::{
    UnixMs,
    connector::{Gap, GapReason},
    time::{SECOND_MS, parse_utc},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, Loss, Phase, Session, follow::QUESTION, systems::System};
use crate::{
    asterisk::ari::rest::{self, Response},
    session::printable,
};

/// The application in the text that administrators paste.
const APPLICATION: &str = "offhook";
/// Most applications whose events are filtered.
const APPLICATIONS_MAX: usize = 4;
/// Longest version and start time, in characters.
const TEXT_MAX_CHARS: usize = 80;
/// Asterisk is asked without having sent anything after this, in milliseconds.
const GREETING_MS: i64 = 2 * SECOND_MS;
/// Asterisk is asked again after this, in milliseconds: until it has started, it refuses everything.
const ASK_AGAIN_MS: i64 = 2 * SECOND_MS;

const INFO: &str = "info";
const FILTER: &str = "filter";
pub(super) const CHANNELS: &str = "channels";
pub(super) const BRIDGES: &str = "bridges";

/// Events from which nothing is concluded. A list of wanted events instead would lose the responses.
pub(super) const UNNEEDED: [&str; 22] = [
    "ApplicationMoveFailed",
    "BridgeCreated",
    "BridgeVideoSourceChanged",
    "ChannelDialplan",
    "ChannelDtmfReceived",
    "ChannelHold",
    "ChannelTalkingFinished",
    "ChannelTalkingStarted",
    "ChannelToneDetected",
    "ChannelUnhold",
    "ChannelUserevent",
    "ContactStatusChange",
    "DeviceStateChanged",
    "EndpointStateChange",
    "PeerStatusChange",
    "PlaybackContinuing",
    "PlaybackFinished",
    "PlaybackStarted",
    "RecordingFailed",
    "RecordingFinished",
    "RecordingStarted",
    "TextMessageReceived",
];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Info {
    system: Build,
    status: Status,
    config: Config,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Build {
    version: String,
    entity_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Config {
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    startup_time: String,
}

impl Session {
    /// There is a connection.
    pub fn connected(&mut self, now: UnixMs) {
        self.phase = Phase::Greeting;
        self.outgoing.clear();
        self.questions.clear();
        self.listing = None;
        self.has_call_events = false;
        (self.lacks_call_events, self.lacks_groups, self.malformed, self.ended) = (false, false, 0, 0);
        (self.connected_at, self.heard_at) = (now, now);
        self.failure = None;
        self.clock.renew();
    }

    /// Asks which Asterisk this is. Not before its first message: what arrives together with our acceptance of the connection
    /// stays in its buffer until more arrives, and everything is answered one message late.
    pub(super) fn introduce(&mut self, now: UnixMs) {
        self.phase = Phase::Asking;
        self.asked_at = now;
        self.outgoing.push(rest::get(INFO, "asterisk/info"));
        self.filtered.clear();
        self.filter_events(APPLICATION);
    }

    /// There is no connection any more.
    pub fn disconnected(&mut self, now: UnixMs, reason: GapReason, why: Option<Failure>) {
        if self.is_observing() {
            let from = self.heard_at.min(now);
            self.loss = Some(Loss { at: from, reason });
            self.gaps.push(Gap { from, to: None, reason, calls_closed: 0, filled: 0, incomplete: 0 });
        }
        self.phase = Phase::Offline;
        self.is_connected = false;
        self.failure = why;
    }

    /// Time passes: call it every [`super::TICK_MS`].
    pub fn tick(&mut self, now: UnixMs) {
        self.expire_questions(now);
        match self.phase {
            Phase::Offline => {}
            Phase::Greeting if now.since_ms(self.connected_at) >= GREETING_MS => self.introduce(now),
            Phase::Asking if now.since_ms(self.asked_at) >= ASK_AGAIN_MS => self.introduce(now),
            Phase::Greeting | Phase::Asking => {}
            Phase::Following => self.compare_when_due(now),
        }
    }

    /// Asks Asterisk not to send to this application what is not needed.
    pub(super) fn filter_events(&mut self, application: &str) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if application.is_empty() || !application.chars().all(is_plain) || self.filtered.contains(application) {
            return;
        }
        if self.filtered.len() < APPLICATIONS_MAX {
            self.filtered.insert(application.to_owned());
            let disallowed: Vec<Value> = UNNEEDED.iter().map(|kind| json!({ "type": kind })).collect();
            let uri = format!("applications/{application}/eventFilter");
            self.outgoing.push(rest::put(FILTER, &uri, &json!({ "disallowed": disallowed })));
        }
    }

    pub(super) fn responded(&mut self, now: UnixMs, response: Response) -> Result<(), Failure> {
        if let Some(stated) = parse_utc(&response.timestamp) {
            self.clock.observe(stated, now);
        }
        let (what, which) = response.request_id.split_once(' ').unwrap_or((&response.request_id, ""));
        match what {
            // It has not started yet.
            INFO if response.status_code >= 500 => self.asked_at = now,
            INFO => {
                self.learn(now, &response.message_body);
                // What Asterisk kept for us came before this response, so the list is newer than all of it.
                if self.phase == Phase::Asking {
                    self.list_channels(now);
                }
            }
            CHANNELS | BRIDGES => return self.listed(now, which, &response),
            QUESTION => self.question_answered(now, which, &response),
            _ => {}
        }
        Ok(())
    }

    fn learn(&mut self, now: UnixMs, body: &str) {
        let Info { system, status, config } = serde_json::from_str(body).unwrap_or_default();
        if let Some(version) = stated(&system.version) {
            self.version = Some(format!("Asterisk {}", version.trim_start_matches("Asterisk ")));
        }
        if let Some(boot) = stated(&status.startup_time) {
            let name = stated(&config.name).or_else(|| stated(&system.entity_id));
            let name = name.unwrap_or_else(|| format!("one that started at {boot}"));
            self.has_restarted |= self.systems.connected(now, System { boot, name });
        }
    }
}

fn stated(text: &str) -> Option<String> {
    Some(printable(text, TEXT_MAX_CHARS - "Asterisk ".len())).filter(|text| !text.is_empty())
}
