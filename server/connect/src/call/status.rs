//! How a call ended.

use super::{
    input::Cause,
    open::OpenCall,
    results::{Caused, LegResult},
};
use crate::event::{CallStatus, CallType};

/// The status, and the finer result. The order of the rules matters.
pub(super) fn conclude(call: &OpenCall) -> (CallStatus, CallResult) {
    if call.talk.answered_at.is_some() {
        return (CallStatus::Answered, CallResult::Answered);
    }
    if call.mailbox.is_some() {
        return (CallStatus::Voicemail, CallResult::Voicemail);
    }
    // Asterisk 16 states no cause before the hang-up itself, so both must agree.
    if call.gave_up && matches!(call.cause, None | Some(0 | 16 | 31 | 127)) {
        let waited = call.is_up && call.kind == CallType::Incoming;
        return (CallStatus::Cancelled, if waited { CallResult::Abandoned } else { CallResult::Cancelled });
    }
    let attempt = if call.kind == CallType::Incoming { call.attempts.best() } else { call.attempts.last() };
    attempt.map_or_else(|| without_attempt(call), of_attempt)
}

fn of_attempt((result, cause): Caused) -> (CallStatus, CallResult) {
    match result {
        LegResult::NotAnswered => (CallStatus::NotAnswered, CallResult::NotAnswered),
        LegResult::Busy if cause == Some(21) => (CallStatus::Busy, CallResult::Rejected),
        LegResult::Busy => (CallStatus::Busy, CallResult::Busy),
        LegResult::Failed => (CallStatus::Failed, failure(cause)),
        LegResult::Cancelled => (CallStatus::Cancelled, CallResult::Cancelled),
    }
}

/// No phone rang, and no line was tried: the phone system itself ended the call.
fn without_attempt(call: &OpenCall) -> (CallStatus, CallResult) {
    match call.cause {
        Some(17) => (CallStatus::Busy, CallResult::Busy),
        _ if call.kind == CallType::Incoming && call.is_up => (CallStatus::NotAnswered, CallResult::NotAnswered),
        Some(21) => (CallStatus::Failed, CallResult::Blocked),
        cause => (CallStatus::Failed, failure(cause)),
    }
}

/// A failure by its cause (ITU-T Q.850).
fn failure(cause: Option<Cause>) -> CallResult {
    match cause {
        Some(1 | 2 | 22 | 28) => CallResult::NotFound,
        Some(3 | 20 | 27) => CallResult::Unreachable,
        Some(34 | 38 | 41 | 42 | 44) => CallResult::Congested,
        _ => CallResult::Failed,
    }
}

/// A finer result than [`CallStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallResult {
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

impl CallResult {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Voicemail => "voicemail",
            Self::Cancelled => "cancelled",
            Self::Abandoned => "abandoned",
            Self::NotAnswered => "not_answered",
            Self::Busy => "busy",
            Self::Rejected => "rejected",
            Self::Blocked => "blocked",
            Self::Unreachable => "unreachable",
            Self::NotFound => "not_found",
            Self::Congested => "congested",
            Self::Failed => "failed",
        }
    }
}
