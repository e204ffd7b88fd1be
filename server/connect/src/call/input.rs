//! What a phone system reports, in terms that all feeds share.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An observation. Debug output has no numbers: some may be withheld, and logs are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum PbxEvent {
    /// A channel exists.
    Began(Facts),
    /// Something about a channel changed: its state, name or group.
    Changed(Facts),
    /// A channel has another name.
    Renamed {
        /// Its ID.
        channel_id: String,
        /// The new name.
        name: String,
    },
    /// A channel is being called.
    DialBegan {
        /// The channel that calls; software can also start a call.
        caller: Option<Facts>,
        /// The channel that is called.
        callee: Facts,
        /// What was dialled, such as `01632960002@provider`.
        dial_string: String,
    },
    /// A channel is no longer being called.
    DialEnded {
        /// The channel that called.
        caller: Option<Facts>,
        /// The channel that was called.
        callee: Facts,
        /// How it ended.
        status: DialStatus,
    },
    /// A channel entered a bridge.
    BridgeEntered(Facts, Bridge),
    /// A channel left a bridge.
    BridgeLeft(Facts, Bridge),
    /// A bridge no longer exists.
    BridgeDestroyed {
        /// Its ID.
        bridge_id: String,
    },
    /// The far end of a channel hung up.
    HangupRequested(Facts, Option<Cause>),
    /// A channel no longer exists.
    HungUp(Facts, Option<Cause>),
    /// A caller left a message.
    MessageLeft {
        /// The channel of the caller.
        caller: Facts,
        /// Where.
        mailbox: Mailbox,
        /// Its length in whole seconds, if it is stated; then it has just ended.
        length_s: Option<u64>,
    },
}

impl fmt::Debug for PbxEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, subject) = match self {
            Self::Began(facts) => ("Began", &facts.id),
            Self::Changed(facts) => ("Changed", &facts.id),
            Self::Renamed { channel_id, .. } => ("Renamed", channel_id),
            Self::DialBegan { callee, .. } => ("DialBegan", &callee.id),
            Self::DialEnded { callee, .. } => ("DialEnded", &callee.id),
            Self::BridgeEntered(facts, _) => ("BridgeEntered", &facts.id),
            Self::BridgeLeft(facts, _) => ("BridgeLeft", &facts.id),
            Self::BridgeDestroyed { bridge_id } => ("BridgeDestroyed", bridge_id),
            Self::HangupRequested(facts, _) => ("HangupRequested", &facts.id),
            Self::HungUp(facts, _) => ("HungUp", &facts.id),
            Self::MessageLeft { caller, .. } => ("MessageLeft", &caller.id),
        };
        f.debug_tuple(name).field(subject).finish()
    }
}

/// A cause of a hang-up (ITU-T Q.850).
pub type Cause = u16;
/// A mailbox, such as `7048@default`.
pub type Mailbox = String;

/// What an observation states about a channel.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The ID that never changes.
    pub id: String,
    /// The name, such as `PJSIP/7048-00000019`.
    pub name: String,
    /// The ID of the group: the oldest channel of all that belong together.
    pub linked_id: String,
    /// The state.
    pub state: ChannelState,
    /// The number at its far end. The real one, even if the caller withheld it.
    pub number: String,
    /// The number of whom it is connected with.
    pub connected_number: String,
    /// The dialled number, until the dialplan moves on.
    pub dialled: String,
    /// The dialplan's context.
    pub context: String,
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The state of a channel, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelState {
    /// The far end called us and hears ringing.
    Ring,
    /// The far end rings.
    Ringing,
    /// It is answered.
    Up,
    /// Any other.
    #[default]
    Other,
}

/// A bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bridge {
    /// Its ID.
    pub id: String,
    /// Whether its members hear each other.
    pub kind: BridgeKind,
}

/// Whether the members of a bridge hear each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BridgeKind {
    /// They do.
    Mixing,
    /// Each waits alone: parking.
    Holding,
}

/// How an attempt to call a channel ended, by the phone system's own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DialStatus {
    /// Answered.
    Answered,
    /// Busy.
    Busy,
    /// Not answered, or so it claims: also a wrong number and a rejected call.
    NotAnswered,
    /// The caller, or another phone of the group, was first.
    Cancelled,
    /// Any other.
    Failed,
}

/// Whether a caller lets the callee see the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presentation {
    /// The number may be shown.
    Allowed,
    /// It may not, or no one knows whether it may.
    Withheld,
}

impl Presentation {
    /// Reads Asterisk's `CALLERID(num-pres)`. Everything that does not begin with `allowed` counts as withheld.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        if value.trim_start().starts_with("allowed") { Self::Allowed } else { Self::Withheld }
    }
}

/// What the state machine wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Post this event. The events of a call are posted one after the other, in this order.
    Post(Box<crate::event::CallEvent>),
    /// Ask whether the caller's number may be shown, and pass the response to `Calls::presentation`.
    AskPresentation {
        /// ID of the channel.
        channel_id: String,
        /// Its name, by which AMI knows it.
        channel: String,
    },
}
