//! The kinds of events that an endpoint can subscribe to.

use serde::{Deserialize, Serialize};

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// An incoming call has been received.
    IncomingCall,
    /// An outbound call has been initiated.
    OutgoingCall,
    /// A call has been completed and processed.
    CallProcessed,
}

impl EventKind {
    /// All kinds, in display order.
    pub const ALL: [Self; 3] = [Self::IncomingCall, Self::OutgoingCall, Self::CallProcessed];

    /// The name in payloads and REST.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncomingCall => "IncomingCall",
            Self::OutgoingCall => "OutgoingCall",
            Self::CallProcessed => "CallProcessed",
        }
    }

    /// The kind with exactly that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether it announces a call that begins. Sent late, it announces a call that has ended.
    #[must_use]
    pub const fn is_ring(self) -> bool {
        matches!(self, Self::IncomingCall | Self::OutgoingCall)
    }

    /// When the event is sent, as one line for display.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::IncomingCall => "An incoming call has been received",
            Self::OutgoingCall => "An outbound call has been initiated",
            Self::CallProcessed => "A call has been completed and processed",
        }
    }

    /// Example details of such an event. When a call begins, a phone system knows nothing beyond the payload.
    #[must_use]
    pub const fn example_details(self) -> Option<&'static str> {
        match self {
            Self::IncomingCall | Self::OutgoingCall => None,
            Self::CallProcessed => Some(r#"{"call_result":"answered","ring_s":4,"talk_s":6}"#),
        }
    }

    /// A published example payload, for documentation and tests.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::IncomingCall => {
                r#"{"event":"IncomingCall","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","callee_number":"01202912204","caller_number":"01202901222"}"#
            }
            Self::OutgoingCall => {
                r#"{"event":"OutgoingCall","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","callee_number":"441202901222","caller_number":"01202912204"}"#
            }
            Self::CallProcessed => {
                r#"{"event":"CallProcessed","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","call_cost":0.0,"call_type":"incoming","call_duration":6,"call_status":"answered","source":{"type":"address_contact","id":8203},"destination":{"type":"extension","id":7048}}"#
            }
        }
    }
}

impl std::fmt::Display for EventKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
