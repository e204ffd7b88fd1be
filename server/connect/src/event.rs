//! What every connector produces: an event of a call, with what Offhook needs to find its account.

use serde::{Deserialize, Serialize};

/// Replaces the number of a caller who withheld it.
pub const ANONYMOUS: &str = "anonymous";

/// An event of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallEvent {
    /// `<call_id>-in`, `-out` or `-done`: the same if it is posted again after a restart.
    pub id: String,
    /// When it happened, in seconds since the Unix epoch. For the start of a call, the second in the phone system's ID.
    pub timestamp_s: i64,
    /// The fields of the contract.
    pub payload: Payload,
    /// What is known beyond the contract; only for `CallProcessed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// What decides the account.
    pub route: Route,
}

/// The payload, with its keys in the order of the contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
pub enum Payload {
    /// A call from outside has reached the phone system.
    IncomingCall(Started),
    /// A call to the outside has begun.
    OutgoingCall(Started),
    /// A call has ended.
    CallProcessed(Ended),
}

impl Payload {
    /// The call's UUID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        match self {
            Self::IncomingCall(started) | Self::OutgoingCall(started) => &started.call_id,
            Self::CallProcessed(ended) => &ended.call_id,
        }
    }
}

/// The fields of a call that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// UUID of the call.
    pub call_id: String,
    /// The dialled number.
    pub callee_number: String,
    /// The presented number, or `anonymous`.
    pub caller_number: String,
}

/// The fields of a call that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// UUID of the call.
    pub call_id: String,
    /// What it cost. A phone system does not know it and says `0.0`.
    pub call_cost: Cost,
    /// Direction.
    pub call_type: CallType,
    /// Whole seconds of talk, or of the message for voicemail.
    pub call_duration: u64,
    /// How it ended.
    pub call_status: Status,
    /// The caller.
    pub source: Party,
    /// Whoever had the call last, or was called.
    pub destination: Party,
}

/// A cost: as a number, or as a decimal string that keeps its digits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cost {
    /// A number.
    Amount(f64),
    /// A decimal string such as `"0.01"`.
    Decimal(String),
}

/// Direction of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallType {
    /// From outside.
    Incoming,
    /// To the outside.
    Outgoing,
    /// Between extensions.
    Internal,
}

/// How a call ended, in the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Someone talked.
    Answered,
    /// It rang, and no one took it.
    NotAnswered,
    /// The callee was busy, or rejected the call.
    Busy,
    /// It could not be connected.
    Failed,
    /// The caller hung up first.
    Cancelled,
    /// The caller left a message.
    Voicemail,
}

/// One end of a call: a number, or what the phone system stores under an ID.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Party {
    /// A phone number, or `anonymous`.
    Number(String),
    /// An extension or a voicemail box.
    Stored {
        /// What it is.
        #[serde(rename = "type")]
        kind: PartyKind,
        /// Its ID.
        id: PartyId,
    },
}

impl Party {
    /// An extension by its name.
    #[must_use]
    pub fn extension(name: &str) -> Self {
        Self::Stored { kind: PartyKind::Extension, id: PartyId::from(name) }
    }

    /// A voicemail box by its name.
    #[must_use]
    pub fn voicemail_box(name: &str) -> Self {
        Self::Stored { kind: PartyKind::VoicemailBox, id: PartyId::from(name) }
    }
}

/// What a stored party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyKind {
    /// A phone of the phone system.
    Extension,
    /// A mailbox for messages.
    VoicemailBox,
}

/// The ID of a stored party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PartyId {
    /// A whole number, such as `7048`.
    Number(u64),
    /// Anything else, such as `reception` or `007`.
    Name(String),
}

impl From<&str> for PartyId {
    /// A number only if it is written back the same: `007` is another extension than `7`.
    fn from(name: &str) -> Self {
        match name.parse::<u64>() {
            Ok(number) if number.to_string() == name => Self::Number(number),
            _ => Self::Name(name.to_owned()),
        }
    }
}

/// What routing needs to find the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The dialled number of an incoming call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialled: Option<String>,
    /// The number that an outgoing call presents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented: Option<String>,
    /// The extension that made the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// The dialplan context of the channel that began the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// What is known beyond the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// A finer result than the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_result: Option<CallResult>,
    /// Why the end was not observed; then the result and the durations are what was known at that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<Incomplete>,
    /// Whole seconds from the start until someone talked, or until the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_s: Option<u64>,
    /// Whole seconds of talk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk_s: Option<u64>,
    /// Cause of the outside leg's hang-up (ITU-T Q.850).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hangup_cause: Option<u16>,
}

/// A finer result than [`Status`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResult {
    /// Someone talked.
    Answered,
    /// The caller left a message.
    Voicemail,
    /// The caller hung up while a phone rang.
    Cancelled,
    /// The caller hung up in a queue, a menu or an announcement.
    Abandoned,
    /// It rang, and no one took it.
    NotAnswered,
    /// The callee was busy.
    Busy,
    /// Someone rejected the call.
    Rejected,
    /// The phone system refused the caller.
    Blocked,
    /// The phone is not registered, or out of order.
    Unreachable,
    /// No one has this number.
    NotFound,
    /// No line was free.
    Congested,
    /// Any other failure.
    Failed,
}

/// Why the end of a call was not observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Incomplete {
    /// It ended while the connection to the phone system was lost.
    Gap,
    /// The phone system restarted.
    PbxRestart,
}
