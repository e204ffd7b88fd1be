//! A FreeSWITCH as its event socket shows it: it asks for the password, keeps its channels, tells what happens to them, lists
//! and describes them. The headers are those of a published trace of both legs of a call through a gateway
//! (`github.com/hnimminh/libresbc`), and of the documentation ("Event List", "Event Headers").

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What happens. Channels have the names that a scenario gives them.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A channel is created; with `CHANNEL_ORIGINATE`, if FreeSWITCH calls it.
    Create(New),
    Answer(String),
    Bridge(String, String),
    Unbridge(String, String),
    /// A channel ends, with more variables.
    Hangup(String, &'static str, Vec<(&'static str, String)>),
    /// A channel enters a conference.
    Join(String, &'static str),
    /// A header changes, without an event.
    Set(String, &'static str, String),
    Wait(i64),
}

/// A new channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct New {
    pub id: String,
    pub name: String,
    pub is_outbound: bool,
    /// The channel that originated it.
    pub originator: Option<String>,
    pub from: String,
    pub to: String,
    pub context: &'static str,
    /// More headers.
    pub headers: Vec<(&'static str, String)>,
}

pub(crate) type Headers = BTreeMap<String, String>;

/// Its state.
#[derive(Debug, Clone)]
pub(crate) struct Fake {
    pub password: String,
    pub core: &'static str,
    /// Its gateways and Sofia profiles.
    pub known: Vec<&'static str>,
    /// Whether `show` is refused.
    pub denies: bool,
    pub now_ms: i64,
    pub channels: BTreeMap<String, Headers>,
    bridges: Vec<(String, String)>,
    unread: String,
}

impl Fake {
    pub(crate) fn new(now_ms: i64) -> Self {
        Self {
            password: "ClueCon".to_owned(),
            core: "11f751fa-47a7-11e2-9f24-bf76d9fc9ea3",
            known: vec!["provider", "provider2", "external"],
            denies: false,
            now_ms,
            channels: BTreeMap::new(),
            bridges: Vec::new(),
            unread: String::new(),
        }
    }

    pub(crate) fn greeting(&mut self) -> String {
        self.unread.clear();
        "Content-Type: auth/request\n\n".to_owned()
    }

    /// Takes what a client sends; returns the responses.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> String {
        self.unread.push_str(std::str::from_utf8(bytes).unwrap());
        let mut responses = String::new();
        while let Some((command, rest)) = self.unread.split_once("\n\n") {
            let (command, rest) = (command.to_owned(), rest.to_owned());
            self.unread = rest;
            responses += &self.respond(&command);
        }
        responses
    }

    fn respond(&self, command: &str) -> String {
        let reply = |text: &str| format!("Content-Type: command/reply\nReply-Text: {text}\n\n");
        let response = |text: &str| format!("Content-Type: api/response\nContent-Length: {}\n\n{text}", text.len());
        match command.split_once(' ').unwrap() {
            ("auth", password) if password == self.password => reply("+OK accepted"),
            ("auth", _) => reply("-ERR invalid"),
            ("event", events) => {
                assert!(events.starts_with("json CHANNEL_CREATE "), "{events}");
                reply("+OK event listener enabled json")
            }
            ("api", "version") => response("FreeSWITCH Version 1.10.12-release~64bit (-release 64bit)\n"),
            ("api", "global_getvar core_uuid") => response(self.core),
            ("api", "strepoch") => response(&(self.now_ms / 1_000).to_string()),
            ("api", _) if self.denies => response("-ERR show Command not found!\n"),
            ("api", "show channels as json") => response(&list(self.channels.keys().map(|id| json!({"uuid": id})))),
            ("api", "show calls as json") => {
                let rows = self.bridges.iter().map(|(a, b)| json!({"uuid": a, "b_uuid": b}));
                response(&list(rows))
            }
            ("api", api) if api.starts_with("sofia status ") => {
                let (kind, name) = api["sofia status ".len()..].split_once(' ').unwrap();
                // External is a profile, the others are gateways.
                let is_there = self.known.contains(&name) && (name == "external") == (kind == "profile");
                let unknown = if kind == "profile" { "Invalid Profile!\n" } else { "Invalid Gateway!\n" };
                response(if is_there { "Name    \texternal\n" } else { unknown })
            }
            ("api", api) => {
                let id = api.strip_prefix("uuid_dump ").and_then(|api| api.strip_suffix(" json")).unwrap();
                let channel = self.channels.get(id).map(|channel| self.event("CHANNEL_DATA", channel));
                response(&channel.unwrap_or_else(|| "-ERR No such channel!\n".to_owned()))
            }
            _ => panic!("{command} is not needed"),
        }
    }

    fn event(&self, name: &str, headers: &Headers) -> String {
        let mut event = Map::new();
        event.insert("Event-Name".to_owned(), name.into());
        event.insert("Core-UUID".to_owned(), self.core.into());
        event.insert("Event-Date-Timestamp".to_owned(), format!("{}000", self.now_ms).into());
        event.extend(headers.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))));
        Value::Object(event).to_string()
    }

    fn tell(&self, name: &str, id: &str, more: &[(&str, &str)]) -> String {
        let mut headers = self.channels[id].clone();
        headers.extend(more.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        framed(&self.event(name, &headers))
    }

    /// Something happens; returns what it says about it.
    pub(crate) fn happen(&mut self, step: &Step) -> String {
        match step {
            Step::Wait(ms) => self.now_ms += ms,
            Step::Set(id, key, value) => {
                self.channels.get_mut(id).unwrap().insert((*key).to_owned(), value.clone());
            }
            Step::Create(new) => return self.create(new),
            Step::Answer(id) => {
                self.set(id, "Answer-State", "answered");
                return self.tell("CHANNEL_ANSWER", id, &[]);
            }
            Step::Bridge(a, b) => {
                // Not after a transfer: then the one that was called last is still named.
                if self.channels[b].get("Other-Leg-Unique-ID") == Some(a) {
                    self.set(a, "Other-Type", "originatee");
                    self.set(a, "Other-Leg-Unique-ID", b);
                }
                self.bridges.push((a.clone(), b.clone()));
                return self.tell("CHANNEL_BRIDGE", a, &[("Bridge-A-Unique-ID", a), ("Bridge-B-Unique-ID", b)]);
            }
            Step::Unbridge(a, b) => {
                self.bridges.retain(|bridge| *bridge != (a.clone(), b.clone()));
                return self.tell("CHANNEL_UNBRIDGE", a, &[]);
            }
            Step::Join(id, room) => {
                // Rooms of the same name in two calls are two, so that calls can be shuffled.
                let room = &format!("{room} of {}", id.split('-').next().unwrap());
                self.set(id, "variable_current_application", "conference");
                self.set(id, "variable_conference_name", room);
                let more = [
                    ("Event-Subclass", "conference::maintenance"),
                    ("Action", "add-member"),
                    ("Conference-Name", room),
                ];
                return self.tell("CUSTOM", id, &more);
            }
            Step::Hangup(id, cause, variables) => return self.hang_up(id, cause, variables),
        }
        String::new()
    }

    fn set(&mut self, id: &str, key: &str, value: &str) {
        self.channels.get_mut(id).unwrap().insert(key.to_owned(), value.to_owned());
    }

    fn create(&mut self, new: &New) -> String {
        let created = format!("{}000", self.now_ms);
        let direction = if new.is_outbound { "outbound" } else { "inbound" };
        let call = new.originator.as_deref().unwrap_or(&new.id);
        let mut headers: Headers = [
            ("Unique-ID", new.id.as_str()),
            ("Channel-Name", &new.name),
            ("Call-Direction", direction),
            ("Channel-Call-UUID", call),
            ("Answer-State", "ringing"),
            ("Caller-Caller-ID-Number", &new.from),
            ("Caller-Destination-Number", &new.to),
            ("Caller-Context", new.context),
            ("Caller-Channel-Created-Time", &created),
            ("Caller-Privacy-Hide-Number", "false"),
            ("variable_uuid", &new.id),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        if let Some(originator) = &new.originator {
            headers.insert("Other-Type".to_owned(), "originator".to_owned());
            headers.insert("Other-Leg-Unique-ID".to_owned(), originator.clone());
            let dialled = self.channels.get(originator).map(|channel| channel["Caller-Destination-Number"].clone());
            headers.insert("Other-Leg-Destination-Number".to_owned(), dialled.unwrap_or_default());
        }
        headers.extend(new.headers.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
        self.channels.insert(new.id.clone(), headers);
        let originated = if new.is_outbound { self.tell("CHANNEL_ORIGINATE", &new.id, &[]) } else { String::new() };
        self.tell("CHANNEL_CREATE", &new.id, &[]) + &originated
    }

    fn hang_up(&mut self, id: &str, cause: &str, variables: &[(&'static str, String)]) -> String {
        let q850 = match cause {
            "USER_BUSY" => "17",
            "NO_ANSWER" => "19",
            "CALL_REJECTED" => "21",
            "NORMAL_TEMPORARY_FAILURE" => "41",
            "UNALLOCATED_NUMBER" => "1",
            "LOSE_RACE" => "26",
            _ => "16",
        };
        // The event comes after the modules that write call records are done.
        let (at, late) = (format!("{}000", self.now_ms), format!("{}000", self.now_ms + 2_000));
        let mut more = vec![("Answer-State", "hangup"), ("Hangup-Cause", cause)];
        more.extend([("Caller-Channel-Hangup-Time", at.as_str()), ("Event-Date-Timestamp", &late)]);
        more.extend([("variable_hangup_cause", cause), ("variable_hangup_cause_q850", q850)]);
        more.extend(variables.iter().map(|(key, value)| (*key, value.as_str())));
        let said = self.tell("CHANNEL_HANGUP_COMPLETE", id, &more);
        self.channels.remove(id);
        self.bridges.retain(|(a, b)| a != id && b != id);
        said
    }

    /// All channels are gone, as after a crash.
    pub(crate) fn restart(&mut self) {
        self.channels.clear();
        self.bridges.clear();
        self.core = "dfdcfeb2-5c24-4b48-a0ac-a778456d3339";
    }
}

fn list(rows: impl Iterator<Item = Value>) -> String {
    let rows: Vec<Value> = rows.collect();
    // Without rows, FreeSWITCH leaves the list out.
    if rows.is_empty() {
        r#"{"row_count":0}"#.to_owned()
    } else {
        json!({"row_count": rows.len(), "rows": rows}).to_string()
    }
}

/// An event on the wire.
pub(crate) fn framed(event: &str) -> String {
    format!("Content-Length: {}\nContent-Type: text/event-json\n\n{event}", event.len())
}
