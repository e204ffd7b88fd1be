//! What comes out of every connector, whichever phone system and protocol it speaks: a [`CallEvent`], as `POST /api/v1/events`
//! takes it. Payloads serialise in the key order of the published contract (`domain::payload`).
//!
//! All IDs are name-based, so that a connector that restarts, a second one for the same phone system, and a file of call
//! records imported later produce the same events, which Offhook then stores once.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The number of a caller who withheld it.
pub const ANONYMOUS: &str = "anonymous";

/// An event of a call, and what Offhook needs to find its account. Debug output has no numbers: logs are kept.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    /// `<call_id>-in`, `-out` or `-done`: the same whenever the same event is produced again.
    pub id: String,
    /// When it happened, as a Unix time in seconds.
    #[serde(rename = "timestamp")]
    pub timestamp_s: i64,
    /// What endpoints receive.
    pub payload: Payload,
    /// What only endpoints that ask for details receive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// What it is routed by.
    #[serde(default)]
    pub route: Route,
}

impl fmt::Debug for CallEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallEvent").field("id", &self.id).finish_non_exhaustive()
    }
}

impl CallEvent {
    /// An event without details. Its ID follows from the call and the kind of event.
    #[must_use]
    pub fn new(timestamp_s: i64, payload: Payload, route: Route) -> Self {
        Self { id: payload.event_id(), timestamp_s, payload, details: None, route }
    }

    /// Adds details, unless they are empty.
    #[must_use]
    pub fn with_details(mut self, details: Details) -> Self {
        self.details = (details != Details::default()).then_some(details);
        self
    }
}

/// One of the three payloads of the contract.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Payload {
    /// A call from outside has been received.
    IncomingCall(Started),
    /// A call to the outside has been initiated.
    OutgoingCall(Started),
    /// A call has ended.
    CallProcessed(Processed),
}

impl Payload {
    /// The call that this is about.
    #[must_use]
    pub fn call_id(&self) -> Uuid {
        match self {
            Self::IncomingCall(started) | Self::OutgoingCall(started) => started.call_id,
            Self::CallProcessed(processed) => processed.call_id,
        }
    }

    /// The ID of the event with this payload: a call has at most one of each kind.
    #[must_use]
    pub fn event_id(&self) -> String {
        let kind = match self {
            Self::IncomingCall(_) => "in",
            Self::OutgoingCall(_) => "out",
            Self::CallProcessed(_) => "done",
        };
        format!("{}-{kind}", self.call_id())
    }
}

/// The beginning of a call.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The call's UUID.
    pub call_id: Uuid,
    /// The number called.
    pub callee_number: String,
    /// The number of the caller, or [`ANONYMOUS`].
    pub caller_number: String,
}

/// The end of a call.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Processed {
    /// The call's UUID.
    pub call_id: Uuid,
    /// What it cost, as far as the phone system knows.
    pub call_cost: Cost,
    /// In which direction it went.
    pub call_type: CallType,
    /// Whole seconds of talk; of a message, for [`CallStatus::Voicemail`].
    pub call_duration: u64,
    /// How it ended.
    pub call_status: CallStatus,
    /// Who called.
    pub source: Party,
    /// Who talked last, or who was called.
    pub destination: Party,
}

/// A cost, as a number or as a decimal string: it is sent as it came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cost {
    /// A JSON number.
    Number(f64),
    /// A string such as `0.01`.
    Decimal(String),
}

impl Cost {
    /// What most phone systems report, because they do not know it.
    pub const UNKNOWN: Self = Self::Number(0.0);
}

/// In which direction a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallType {
    /// From outside.
    Incoming,
    /// To the outside.
    Outgoing,
    /// Between two extensions.
    Internal,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// A person talked.
    Answered,
    /// It rang, and nobody took it.
    NotAnswered,
    /// Busy, or rejected.
    Busy,
    /// It could not be connected.
    Failed,
    /// The caller hung up first.
    Cancelled,
    /// The caller left a message.
    Voicemail,
}

/// A party of a call: stored in the phone system, or a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Party {
    /// `{"type": "extension", "id": 7048}`
    Stored {
        /// Such as `extension` or `voicemail_box`.
        #[serde(rename = "type")]
        kind: String,
        /// Its number in the phone system.
        id: PartyId,
    },
    /// A plain number.
    Number(String),
}

impl Party {
    /// A telephone of the phone system, by its name.
    #[must_use]
    pub fn extension(name: &str) -> Self {
        Self::Stored { kind: "extension".to_owned(), id: PartyId::of(name) }
    }

    /// A mailbox, by its number.
    #[must_use]
    pub fn voicemail_box(name: &str) -> Self {
        Self::Stored { kind: "voicemail_box".to_owned(), id: PartyId::of(name) }
    }
}

/// The ID of a stored party: a number where the phone system's name is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PartyId {
    /// `7048`
    Number(u64),
    /// `reception`, and `0048`, whose zeros a number would lose.
    Text(String),
}

impl PartyId {
    /// The ID for a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        name.parse()
            .ok()
            .filter(|number: &u64| number.to_string() == name)
            .map_or_else(|| Self::Text(name.to_owned()), Self::Number)
    }
}

/// What a phone system knows beyond the contract. Serialises without what is unknown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// A finer status, such as `rejected`, `blocked` or `abandoned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_result: Option<String>,
    /// Why the end of the call is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<Incomplete>,
    /// Seconds of ringing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_s: Option<u64>,
    /// Seconds of talk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk_s: Option<u64>,
    /// Cause of the hang-up (ITU-T Q.850).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hangup_cause: Option<u16>,
}

/// Why the end of a call is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomplete {
    /// The connector was not connected when the call ended.
    Gap,
    /// The phone system was restarted during the call.
    PbxRestart,
}

/// What routing to an account needs: the dialled number of an incoming call; of an outgoing one the number it presents, then
/// the extension, then the dialplan's context.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The number that the caller dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialled: Option<String>,
    /// The number that an outgoing call presents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented: Option<String>,
    /// The extension that made an outgoing call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// Its context in the dialplan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// The namespace of the calls of one phone system (RFC 9562, version 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(Uuid);

impl Identity {
    /// The namespace for a name, such as a connector's ID.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("offhook:connector:{name}").as_bytes()))
    }

    /// An Asterisk, by its system name and its trunks in any order: whatever reads from it with the same settings produces
    /// the same IDs.
    #[must_use]
    pub fn asterisk<'a>(system_name: &str, trunks: impl IntoIterator<Item = &'a str>) -> Self {
        let mut trunks: Vec<_> = trunks.into_iter().collect();
        trunks.sort_unstable();
        trunks.dedup();
        // Lengths separate the names: no list of trunks reads like another.
        let trunks: String = trunks.iter().map(|trunk| format!(" {}:{trunk}", trunk.len())).collect();
        Self::new(&format!("asterisk:{}:{system_name}{trunks}", system_name.len()))
    }

    /// The call with this name in the phone system. For Asterisk: the Uniqueid of an incoming call's first channel, and the
    /// Linkedid and `:out` for an outgoing call ([`Self::outgoing_key`]).
    #[must_use]
    pub fn call_id(&self, key: &str) -> Uuid {
        Uuid::new_v5(&self.0, key.as_bytes())
    }

    /// The name of an outgoing call of an Asterisk.
    #[must_use]
    pub fn outgoing_key(linked_id: &str) -> String {
        format!("{linked_id}:out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> Uuid {
        Identity::new("con_1").call_id("1795832865.0")
    }

    #[test]
    fn payloads_serialise_in_the_order_of_the_contract() {
        let started =
            Started { call_id: id(), callee_number: "01632960100".to_owned(), caller_number: ANONYMOUS.to_owned() };
        let json = serde_json::to_string(&Payload::IncomingCall(started)).unwrap();
        let expected = format!(
            r#"{{"event":"IncomingCall","call_id":"{}","callee_number":"01632960100","caller_number":"anonymous"}}"#,
            id()
        );
        assert_eq!(json, expected);
        assert!(domain::payload::Payload::parse(&json).is_ok());
    }

    fn processed() -> CallEvent {
        let payload = Payload::CallProcessed(Processed {
            call_id: id(),
            call_cost: Cost::UNKNOWN,
            call_type: CallType::Incoming,
            call_duration: 3,
            call_status: CallStatus::NotAnswered,
            source: Party::Number("01632960001".to_owned()),
            destination: Party::extension("7048"),
        });
        CallEvent::new(1_795_832_865, payload, Route::default())
    }

    #[test]
    fn the_end_of_a_call_is_as_the_contract_has_it() {
        let json = serde_json::to_string(&processed().payload).unwrap();
        let expected = format!(
            concat!(
                r#"{{"event":"CallProcessed","call_id":"{}","call_cost":0.0,"call_type":"incoming","call_duration":3,"#,
                r#""call_status":"not_answered","source":"01632960001","destination":{{"type":"extension","id":7048}}}}"#
            ),
            id()
        );
        assert_eq!(json, expected);
        assert_eq!(domain::payload::Payload::parse(&json).unwrap().text, json);
    }

    #[test]
    fn an_event_survives_storage() {
        let details = Details { incomplete: Some(Incomplete::PbxRestart), ..Details::default() };
        let event = processed().with_details(details);
        let json = serde_json::to_string(&event).unwrap();
        assert!(json.contains(r#""details":{"incomplete":"pbx_restart"}"#), "{json}");
        assert_eq!(serde_json::from_str::<CallEvent>(&json).unwrap(), event);
        assert_eq!(processed().with_details(Details::default()).details, None);
    }

    #[test]
    fn an_extension_keeps_its_leading_zeros() {
        assert_eq!(PartyId::of("7048"), PartyId::Number(7048));
        assert_eq!(PartyId::of("0048"), PartyId::Text("0048".to_owned()));
        assert_eq!(PartyId::of("+48"), PartyId::Text("+48".to_owned()));
        assert_eq!(PartyId::of("reception"), PartyId::Text("reception".to_owned()));
    }

    #[test]
    fn two_connectors_of_one_phone_system_agree_on_ids() {
        let one = Identity::asterisk("pbx-1", ["b", "a"]);
        assert_eq!(one.call_id("1.0"), Identity::asterisk("pbx-1", ["a", "b", "a"]).call_id("1.0"));
        assert_ne!(one.call_id("1.0"), Identity::asterisk("pbx-2", ["a", "b"]).call_id("1.0"));
        assert_ne!(one.call_id("1.0"), one.call_id(&Identity::outgoing_key("1.0")));
        assert_eq!(processed().id, format!("{}-done", id()));
    }
}
