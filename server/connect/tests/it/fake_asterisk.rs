//! An Asterisk as its manager interface shows it: it logs in, keeps the channels of the recordings that it plays, lists them,
//! and tells whether numbers may be shown. Bytes in, bytes out; tests of other crates put it behind a socket.

use std::collections::{BTreeMap, HashMap};

/// Its state.
#[derive(Debug, Clone)]
pub(crate) struct FakeAsterisk {
    /// Of its protocol.
    pub version: &'static str,
    /// Its own, if it tells that.
    pub asterisk_version: Option<&'static str>,
    pub secret: String,
    /// When it started.
    pub boot: &'static str,
    /// Whether its user has `write = reporting`.
    pub may_report: bool,
    /// Its time in milliseconds, if it states one.
    pub now_ms: Option<i64>,
    /// Rows of the next list that get lost.
    pub rows_lost: usize,
    /// Questions about presentations so far.
    pub asked: usize,
    /// Its endpoints.
    pub endpoints: Vec<&'static str>,
    channels: BTreeMap<String, Fields>,
    /// IDs of channels by name.
    ids: HashMap<String, String>,
    presentations: HashMap<String, String>,
}

type Fields = BTreeMap<String, String>;

impl FakeAsterisk {
    pub(crate) fn new() -> Self {
        Self {
            version: "11.0.0",
            asterisk_version: Some("22.10.1"),
            secret: "s3cret".to_owned(),
            boot: "2026-11-28 01:00:00",
            may_report: true,
            now_ms: None,
            rows_lost: 0,
            asked: 0,
            endpoints: vec!["7048", "trunk", "trunk2"],
            channels: BTreeMap::new(),
            ids: HashMap::new(),
            presentations: HashMap::new(),
        }
    }

    pub(crate) fn greeting(&self) -> String {
        format!("Asterisk Call Manager/{}\r\n", self.version)
    }

    /// Takes what a client sends; returns the responses. What is no whole request yet stays in `unread`.
    pub(crate) fn receive(&mut self, unread: &mut String, bytes: &[u8]) -> String {
        unread.push_str(std::str::from_utf8(bytes).unwrap());
        let mut responses = String::new();
        while let Some((request, rest)) = unread.split_once("\r\n\r\n") {
            let (request, rest) = (fields(request), rest.to_owned());
            *unread = rest;
            responses += &self.respond(&request);
        }
        responses
    }

    fn respond(&mut self, request: &Fields) -> String {
        let id = &request["ActionID"];
        let error = |text: &str| format!("Response: Error\r\nActionID: {id}\r\nMessage: {text}\r\n\r\n");
        let reports = ["CoreSettings", "CoreStatus", "CoreShowChannels", "GetVar"];
        if !self.may_report && reports.contains(&request["Action"].as_str()) {
            return error("Permission denied");
        }
        let success = format!("Response: Success\r\nActionID: {id}\r\n");
        match request["Action"].as_str() {
            "Login" if request["Secret"] != self.secret => error("Authentication failed"),
            "Login" => format!("{success}Message: Authentication accepted\r\n\r\n"),
            "Ping" => {
                let now = self.now_ms.map(|ms| format!("Timestamp: {}.{:03}000\r\n", ms / 1_000, ms % 1_000));
                format!("{success}Ping: Pong\r\n{}\r\n", now.unwrap_or_default())
            }
            "CoreSettings" => {
                let own = self.asterisk_version.map(|version| format!("AsteriskVersion: {version}\r\n"));
                format!("{success}AMIversion: {}\r\n{}\r\n", self.version, own.unwrap_or_default())
            }
            "CoreStatus" => {
                let (date, time) = self.boot.split_once(' ').unwrap();
                format!("{success}CoreStartupDate: {date}\r\nCoreStartupTime: {time}\r\n\r\n")
            }
            "CoreShowChannels" => format!("{success}EventList: start\r\n\r\n{}", self.list(id)),
            "GetVar" => self.variable(request, &success).unwrap_or_else(|| error("No such channel")),
            other => panic!("{other} is not needed"),
        }
    }

    fn list(&mut self, id: &str) -> String {
        let lost = std::mem::take(&mut self.rows_lost);
        let rows = self.channels.values().skip(lost).map(|channel| {
            let lines: String = channel.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
            format!("Event: CoreShowChannel\r\nActionID: {id}\r\n{lines}Duration: 00:00:01\r\n\r\n")
        });
        let rows: String = rows.collect();
        let count = self.channels.len();
        format!(
            "{rows}Event: CoreShowChannelsComplete\r\nActionID: {id}\r\nEventList: Complete\r\nListItems: {count}\r\n\r\n"
        )
    }

    fn variable(&mut self, request: &Fields, success: &str) -> Option<String> {
        if let Some(device) = request["Variable"].strip_prefix("DEVICE_STATE(") {
            let name = device.strip_suffix(')').and_then(|device| device.strip_prefix("PJSIP/"));
            let is_known = name.is_some_and(|name| self.endpoints.contains(&name));
            let value = if is_known { "NOT_INUSE" } else { "INVALID" };
            return Some(format!("{success}Variable: {}\r\nValue: {value}\r\n\r\n", request["Variable"]));
        }
        assert_eq!(request["Variable"], "CALLERID(num-pres)");
        self.asked += 1;
        let channel = self.channels.get(self.ids.get(&request["Channel"])?)?;
        let value = self.presentations.get(&channel["Uniqueid"]).map_or("allowed_not_screened", String::as_str);
        Some(format!("{success}Variable: CALLERID(num-pres)\r\nValue: {value}\r\n\r\n"))
    }

    /// The number of this recording's channels may be shown or not, as it states anywhere in it.
    pub(crate) fn read_presentations(&mut self, recording: &str) {
        for message in recording.split("\r\n\r\n") {
            for (id, variable) in [("Uniqueid", "ChanVariable"), ("DestUniqueid", "DestChanVariable")] {
                let prefix = format!("{variable}: CALLERID(num-pres)=");
                let value = message.split("\r\n").find_map(|line| line.strip_prefix(&prefix));
                let channel = fields(message).get(id).cloned();
                if let (Some(value), Some(channel)) = (value, channel) {
                    self.presentations.insert(channel, value.to_owned());
                }
            }
        }
    }

    /// An event happens: keeps the channels that are stated in it.
    pub(crate) fn happen(&mut self, message: &str) {
        let event = fields(message);
        let Some(name) = event.get("Event") else { return };
        for prefix in ["Dest", ""] {
            self.keep(&event, prefix);
        }
        let Some(id) = event.get("Uniqueid") else { return };
        let bridge = event.get("BridgeUniqueid").cloned();
        match (name.as_str(), self.channels.get_mut(id)) {
            ("Hangup", _) => drop(self.channels.remove(id)),
            ("BridgeEnter", Some(channel)) => drop(channel.insert("BridgeId".to_owned(), bridge.unwrap())),
            ("BridgeLeave", Some(channel)) => drop(channel.remove("BridgeId")),
            ("Rename", Some(channel)) => {
                channel.insert("Channel".to_owned(), event["Newname"].clone());
                self.ids.insert(event["Newname"].clone(), id.clone());
            }
            _ => {}
        }
    }

    fn keep(&mut self, event: &Fields, prefix: &str) {
        let get = |key: &str| event.get(&format!("{prefix}{key}")).cloned();
        let (Some(id), Some(_)) = (get("Uniqueid"), get("ChannelState")) else { return };
        self.ids.extend(get("Channel").map(|name| (name, id.clone())));
        let channel = self.channels.entry(id).or_default();
        let keys =
            ["Channel", "ChannelState", "CallerIDNum", "ConnectedLineNum", "Context", "Exten", "Uniqueid", "Linkedid"];
        for key in keys {
            channel.insert(key.to_owned(), get(key).unwrap_or_default());
        }
    }

    /// All channels are gone, as after a crash.
    pub(crate) fn restart(&mut self) {
        self.channels.clear();
        self.boot = "2026-11-28 09:00:00";
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels.len()
    }
}

fn fields(message: &str) -> Fields {
    let mut fields = Fields::new();
    for (key, value) in message.split("\r\n").filter_map(|line| line.split_once(": ")) {
        fields.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    }
    fields
}

/// The messages of a recording.
pub(crate) fn messages(recording: &str) -> Vec<String> {
    let whole = recording.split_inclusive("\r\n\r\n").filter(|message| message.ends_with("\r\n\r\n"));
    whole.map(str::to_owned).collect()
}
