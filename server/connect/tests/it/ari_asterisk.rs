//! An Asterisk that a session of its REST interface follows: it plays messages, and answers what it is asked.

use std::collections::HashMap;

use connect::{
    asterisk::ari::session::{Batch, Saved, Session, UNNEEDED_EVENTS},
    event::CallEvent,
};
use domain::{
    UnixMs,
    connector::{ConnectorProblem, Gap, GapReason},
    time::parse_utc,
};
use serde_json::{Value, json};

use crate::{
    outcome::lines,
    scenario::{Scenario, settings},
};

/// An Asterisk, as the session sees it, and what the session produced.
pub(crate) struct Asterisk {
    pub session: Session,
    pub posted: Vec<CallEvent>,
    pub gaps: Vec<Gap>,
    saved: Option<Saved>,
    pub now: UnixMs,
    /// Channels by ID, with the bridge that each is in.
    pub channels: HashMap<String, (Value, Option<String>)>,
    presentations: HashMap<String, String>,
    pub startup_time: String,
    pub answers_questions: bool,
    pub has_started: bool,
}

impl Asterisk {
    pub(crate) fn new() -> Self {
        Self::following(Session::new(settings(), Saved::default()))
    }

    pub(crate) fn following(session: Session) -> Self {
        Self {
            session,
            posted: Vec::new(),
            gaps: Vec::new(),
            saved: None,
            now: UnixMs(1_795_832_000_000),
            channels: HashMap::new(),
            presentations: HashMap::new(),
            startup_time: "2026-11-28T00:00:00.000+0000".to_owned(),
            answers_questions: true,
            has_started: true,
        }
    }

    /// The state of this scenario's channels is what its messages state last.
    pub(crate) fn playing(scenario: &Scenario) -> (Self, Vec<Value>) {
        let text = String::from_utf8(scenario.bytes("ari.json")).unwrap();
        let messages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut asterisk = Self::new();
        for channel in messages.iter().flat_map(channels_of) {
            if let Some(stated) = channel["channelvars"]["CALLERID(num-pres)"].as_str() {
                asterisk.presentations.insert(channel["id"].as_str().unwrap().to_owned(), stated.to_owned());
            }
        }
        let needed = |message: &Value| !UNNEEDED_EVENTS.contains(&message["type"].as_str().unwrap());
        (asterisk, messages.into_iter().filter(needed).collect())
    }

    /// The same, connected, with everything answered that was asked.
    pub(crate) fn connected(scenario: &Scenario) -> (Self, Vec<Value>) {
        let (mut asterisk, messages) = Self::playing(scenario);
        asterisk.connect();
        asterisk.respond();
        (asterisk, messages)
    }

    pub(crate) fn connect(&mut self) {
        self.session.connected(self.now);
        assert!(self.session.take_outgoing().is_empty(), "Asterisk speaks first");
        self.greet();
    }

    /// What it sends first, or after what it has kept.
    pub(crate) fn greet(&mut self) {
        let greeting = br#"{"type":"ApplicationRegistered","application":"offhook"}"#;
        self.session.received(self.now, greeting).unwrap();
    }

    /// What is asked is answered, until nothing is.
    pub(crate) fn respond(&mut self) {
        loop {
            let requests = self.session.take_outgoing();
            if requests.is_empty() {
                return self.take();
            }
            for request in requests {
                let request: Value = serde_json::from_str(&request).unwrap();
                if let Some(response) = self.response(&request) {
                    self.session.received(self.now, response.to_string().as_bytes()).unwrap();
                }
            }
        }
    }

    fn response(&self, request: &Value) -> Option<Value> {
        let uri = request["uri"].as_str().unwrap();
        let (status, body) = match uri {
            _ if !self.has_started => (503, json!({ "message": "Asterisk not booted" })),
            "asterisk/info" => {
                (200, json!({ "system": { "version": "22.5.0" }, "status": { "startup_time": self.startup_time } }))
            }
            "channels" => (200, self.channels.values().map(|(channel, _)| channel.clone()).collect()),
            "bridges" => (200, self.bridges()),
            uri if uri.ends_with("/eventFilter") => (200, json!({})),
            _ if !self.answers_questions => return None,
            uri => {
                let id = uri.strip_prefix("channels/")?.split('/').next()?;
                assert!(uri.ends_with("/variable?variable=CALLERID(num-pres)"), "{uri}");
                match self.channels.get(id) {
                    Some(_) => {
                        let stated = self.presentations.get(id).map_or("allowed_not_screened", String::as_str);
                        (200, json!({ "value": stated }))
                    }
                    None => (404, json!({ "message": "Channel not found" })),
                }
            }
        };
        Some(json!({ "type": "RESTResponse", "request_id": request["request_id"], "status_code": status, "uri": uri,
            "message_body": body.to_string() }))
    }

    fn bridges(&self) -> Value {
        let mut bridges: HashMap<&String, Vec<&String>> = HashMap::new();
        for (id, (_, bridge)) in &self.channels {
            if let Some(bridge) = bridge {
                bridges.entry(bridge).or_default().push(id);
            }
        }
        bridges.into_iter().map(|(id, members)| json!({ "id": id, "channels": members })).collect()
    }

    /// Something happens that is not reported.
    pub(crate) fn happen(&mut self, message: &Value) {
        self.now = parse_utc(message["timestamp"].as_str().unwrap()).unwrap();
        for channel in channels_of(message) {
            let id = channel["id"].as_str().unwrap().to_owned();
            self.channels.entry(id).or_insert((Value::Null, None)).0 = channel.clone();
        }
        let Some(id) = message["channel"]["id"].as_str() else { return };
        match message["type"].as_str().unwrap() {
            "ChannelEnteredBridge" => {
                let bridge = message["bridge"]["id"].as_str().unwrap().to_owned();
                self.channels.get_mut(id).unwrap().1 = Some(bridge);
            }
            "ChannelLeftBridge" => self.channels.get_mut(id).unwrap().1 = None,
            "ChannelDestroyed" => drop(self.channels.remove(id)),
            _ => {}
        }
    }

    pub(crate) fn tell(&mut self, message: &Value) {
        self.session.received(self.now, message.to_string().as_bytes()).unwrap();
        self.respond();
    }

    pub(crate) fn play(&mut self, messages: &[Value]) {
        for message in messages {
            self.happen(message);
            self.tell(message);
        }
    }

    pub(crate) fn take(&mut self) {
        if let Some(batch) = self.session.take_batch(self.now) {
            self.keep(batch);
        }
    }

    pub(crate) fn keep(&mut self, batch: Batch) {
        self.posted.extend(batch.events);
        self.gaps.extend(batch.gaps);
        self.saved = Some(batch.state);
    }

    pub(crate) fn disconnect(&mut self) {
        self.session.disconnected(self.now, GapReason::ConnectionLost, None);
        let batch = self.session.last_batch(self.now);
        self.keep(batch);
    }

    /// Another process continues with what was saved.
    pub(crate) fn restart(&mut self) {
        let text = serde_json::to_string(&self.saved.take().unwrap_or_default()).unwrap();
        self.session = Session::new(settings(), serde_json::from_str(&text).unwrap());
    }

    pub(crate) fn problem(&self) -> Option<ConnectorProblem> {
        self.session.report().problem
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.posted)
    }
}

fn channels_of(message: &Value) -> impl Iterator<Item = &Value> {
    ["channel", "caller", "peer"].into_iter().map(|part| &message[part]).filter(|channel| channel.is_object())
}
